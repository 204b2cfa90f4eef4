"""Which channels this deployment has: each is opened when its settings are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from bot.channels import Channel, Door
from bot.channels.webchat import NAME as WEB
from bot.channels.webchat import WebChannel
from bot.intake import Intake
from records.channel_state import ChannelState
from records.writer import Writer
from settings import Settings


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
    return channels


def open_doors(settings: Settings, channels: Mapping[str, Channel], intake: Intake) -> tuple[Door, ...]:
    """The receiving side of the same channels."""
    return ()
