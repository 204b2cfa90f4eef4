"""Channels: each turns its platform's payload into Arrivals, and sends an Outbound. One file a platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, runtime_checkable

from fastapi import APIRouter

from bot.messages import Outbound


class ChannelUnavailable(Exception):
    """The platform cannot be reached now; try again later."""


class ChannelBusy(ChannelUnavailable):
    """The platform asks us to wait: nothing goes out on this channel for so many seconds."""

    def __init__(self, retry_after_s: float):
        super().__init__(self.__doc__)
        self.retry_after_s = retry_after_s


class ChannelRefused(Exception):
    """The platform refuses this message for good."""


class OutOfReach(ChannelRefused):
    """The platform lets us write to this person no more. `reason`: blocked, left, closed or used_up."""

    def __init__(self, reason: str):
        super().__init__(self.__doc__)
        self.reason = reason


class MediaGone(Exception):
    """The platform no longer has this file, or refuses to give it."""


class TooLarge(MediaGone):
    """The file is larger than we keep."""


@dataclass(frozen=True)
class SendRules:
    """What a platform allows. The ledgers in the database keep count, for all processes together."""

    longest_bytes: int = 4096  # of one bubble
    per_second: float | None = None  # bubbles of the whole channel
    per_contact: float | None = None  # bubbles a second to one person, after a burst of three
    window: timedelta | None = None  # how long after the person's last message we may write
    messages: int | None = None  # how many inside it
    kept_for_people: int = 0  # of these, when the person writes; the bot does not use them up
    merges: bool = False  # the bot's waiting bubbles go out as one
    knocks: bool = False  # after the window one neutral line a day may ask the person to come and read


class Channel(Protocol):
    """What the outbox needs of a channel. `delivers_by_store`: people read it from our own messages."""

    name: str
    delivers_by_store: bool
    rules: SendRules

    async def send(self, outbound: Outbound) -> bool:
        """Send one bubble; True when it counts against what the platform allows.

        Raise ChannelUnavailable, ChannelBusy, ChannelRefused or OutOfReach.
        """
        ...


@runtime_checkable
class MediaChannel(Protocol):
    """A channel whose people send files."""

    async def fetch(self, reference: str) -> tuple[bytes, str]:
        """The bytes and the media type of a file; raise ChannelUnavailable or MediaGone."""
        ...


class Door(Protocol):
    """Where a platform's messages come in: routes it calls, and what runs beside them (asking for updates)."""

    def router(self) -> APIRouter:
        """The routes that the platform calls."""
        ...

    async def run(self) -> None:
        """Work beside the routes, until cancelled; returns at once where there is none."""
        ...
