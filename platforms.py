"""Which channels this deployment has: each is opened when its settings are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import httpx

from bot.channels import Channel, Door, telegram, tencent, wechat_api, wecom
from bot.channels.partner import PartnerChannel, PartnerDoor
from bot.channels.partner_file import BadPartners, load_partners
from bot.channels.telegram_updates import NAME as TELEGRAM
from bot.channels.webchat import NAME as WEB
from bot.channels.webchat import WebChannel
from bot.channels.wechat import WeChatDoor
from bot.channels.wechat_api import WeChatChannel
from bot.channels.wecom_door import WecomDoor
from bot.channels.wecom_messages import NAME as WECOM
from bot.intake import Intake
from bot.replies import load_replies
from records.channel_state import ChannelState
from records.writer import Writer
from settings import PREFIX, BadSettings, Settings


@dataclass(frozen=True)
class Outside:
    """What a channel needs to call its platform."""

    http: httpx.AsyncClient
    state: ChannelState
    writer: Writer
    now: Callable[[], datetime]


def open_channels(settings: Settings, outside: Outside) -> dict[str, Channel]:
    """The sending side of every channel that has its secrets; raise BadSettings for half of one."""
    channels: dict[str, Channel] = {WEB: WebChannel()}
    if _has_telegram(settings):
        bot = telegram.make_bot(settings.telegram_token, settings.telegram_api_url, settings.outbox_lease_s / 2)
        channels[TELEGRAM] = telegram.TelegramChannel(bot, outside.http, outside.state, settings.media_longest_bytes)
    if _has(settings, "wechat", ("app_id", "token"), ("app_secret", "aes_key")):
        channels[wechat_api.NAME] = _open_wechat(settings, outside)
    if _has(settings, "wecom", ("corp_id", "secret", "token", "aes_key")):
        channels[WECOM] = _open_wecom(settings, outside)
    channels |= _open_partners(settings, outside)
    return channels


def open_doors(settings: Settings, channels: Mapping[str, Channel], intake: Intake) -> tuple[Door, ...]:
    """The receiving side of the same channels."""
    doors: list[Door] = []
    if isinstance(sender := channels.get(TELEGRAM), telegram.TelegramChannel):
        words = load_replies(settings.numbers(), settings.hotline_name).render(telegram.GROUP_TEXT)
        address = settings.public_url.rstrip("/") + telegram.PATH
        doors.append(telegram.TelegramDoor(sender, intake, words, settings.telegram_secret, address))
    if isinstance(wechat := channels.get(wechat_api.NAME), WeChatChannel):
        envelope = tencent.Envelope(settings.wechat_token, settings.wechat_aes_key, settings.wechat_app_id)
        doors.append(WeChatDoor(wechat, intake, envelope))
    if isinstance(service := channels.get(WECOM), wecom.WecomChannel):
        envelope = tencent.Envelope(settings.wecom_token, settings.wecom_aes_key, settings.wecom_corp_id)
        doors.append(WecomDoor(service.api, envelope, intake))
    if partners := [channel.partner for channel in channels.values() if isinstance(channel, PartnerChannel)]:
        doors.append(PartnerDoor({partner.name: partner for partner in partners}, intake))
    return tuple(doors)


def _has(settings: Settings, channel: str, needed: tuple[str, ...], more: tuple[str, ...] = ()) -> bool:
    """Whether a channel has all it needs; raise BadSettings when it has only a part."""
    given = {name for name in (*needed, *more) if getattr(settings, f"{channel}_{name}")}
    missing = [f"{PREFIX}{channel}_{name}".upper() for name in needed if name not in given]
    if missing and given:
        raise BadSettings(f"{channel}: set {' and '.join(missing)} too, or remove its other settings")
    key = str(getattr(settings, f"{channel}_aes_key"))
    if key and not tencent.is_aes_key(key):
        raise BadSettings(f"{PREFIX}{channel.upper()}_AES_KEY must be the 43 characters shown as EncodingAESKey")
    return not missing


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


def _open_wechat(settings: Settings, outside: Outside) -> WeChatChannel:
    """Without its secret an account has no API: only the answers within WeChat's own calls are left."""
    api = None
    if settings.wechat_app_secret:
        api = tencent.Api(
            wechat_api.NAME, outside.http, settings.wechat_api_url.rstrip("/"),
            partial(wechat_api.fetch_token, settings.wechat_app_id, settings.wechat_app_secret),
            wechat_api.REFUSALS, outside.state, outside.writer, outside.now,
        )  # fmt: skip
    template = wechat_api.Template(settings.wechat_template_id, settings.wechat_template_field)
    return WeChatChannel(api, settings.media_longest_bytes, template if template.id else None)


def _open_wecom(settings: Settings, outside: Outside) -> wecom.WecomChannel:
    api = tencent.Api(
        WECOM, outside.http, settings.wecom_api_url.rstrip("/"),
        wecom.token_source(settings.wecom_corp_id, settings.wecom_secret), wecom.REFUSALS,
        outside.state, outside.writer, outside.now,
    )  # fmt: skip
    return wecom.WecomChannel(api, settings.media_longest_bytes)


def _open_partners(settings: Settings, outside: Outside) -> dict[str, Channel]:
    if settings.http_channels_file is None:
        return {}
    try:
        partners = load_partners(settings.http_channels_file)
    except BadPartners as error:
        raise BadSettings(f"HOTLINE_HTTP_CHANNELS_FILE: {error}") from error
    opened = (PartnerChannel(partner, outside.http, outside.now, settings.media_longest_bytes) for partner in partners)
    return {channel.name: channel for channel in opened}
