"""Which channels this deployment has: each is opened when its settings are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from bot.channels import Channel, Door, telegram
from bot.channels.telegram_updates import NAME as TELEGRAM
from bot.channels.webchat import NAME as WEB
from bot.channels.webchat import WebChannel
from bot.intake import Intake
from bot.replies import load_replies
from records.channel_state import ChannelState
from records.writer import Writer
from settings import BadSettings, Settings


@dataclass(frozen=True)
class Outside:
    """What a channel needs to call its platform."""

    http: httpx.AsyncClient
    state: ChannelState
    writer: Writer
    now: Callable[[], datetime]


def open_channels(settings: Settings, outside: Outside) -> dict[str, Channel]:
    """The sending side of every channel that has its secrets."""
    channels: dict[str, Channel] = {WEB: WebChannel()}
    if _has_telegram(settings):
        bot = telegram.make_bot(settings.telegram_token, settings.telegram_api_url, settings.outbox_lease_s / 2)
        channels[TELEGRAM] = telegram.TelegramChannel(bot, outside.http, outside.state, settings.media_longest_bytes)
    return channels


def open_doors(settings: Settings, channels: Mapping[str, Channel], intake: Intake) -> tuple[Door, ...]:
    """The receiving side of the same channels."""
    doors: list[Door] = []
    if isinstance(sender := channels.get(TELEGRAM), telegram.TelegramChannel):
        words = load_replies(settings.numbers(), settings.hotline_name).render(telegram.GROUP_TEXT)
        address = settings.public_url.rstrip("/") + telegram.PATH
        doors.append(telegram.TelegramDoor(sender, intake, words, settings.telegram_secret, address))
    return tuple(doors)


def _has_telegram(settings: Settings) -> bool:
    token, secret = settings.telegram_token, settings.telegram_secret
    if secret and not token:
        raise BadSettings("HOTLINE_TELEGRAM_SECRET is set: set HOTLINE_TELEGRAM_TOKEN too, as @BotFather shows it")
    if token and not re.fullmatch(r"\d+:[\w-]+", token, re.ASCII):
        raise BadSettings("HOTLINE_TELEGRAM_TOKEN must look like 123456789:AA..., as @BotFather shows it")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise BadSettings("HOTLINE_TELEGRAM_SECRET may hold only letters, digits, _ and -, at most 256 of them")
    if secret and not settings.is_https:
        raise BadSettings(
            "Telegram calls https addresses only: set HOTLINE_PUBLIC_URL to yours, "
            "or leave HOTLINE_TELEGRAM_SECRET out and we ask Telegram for updates"
        )
    return bool(token)
