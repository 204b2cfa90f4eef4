"""Channels: each turns its platform's payload into an Inbound, and sends an Outbound. One file a platform."""

from __future__ import annotations

from typing import Protocol

from bot.messages import Outbound


class ChannelUnavailable(Exception):
    """The platform cannot be reached now; try again later."""


class ChannelRefused(Exception):
    """The platform refuses this message for good."""


class Channel(Protocol):
    """What the outbox needs of a channel. `delivers_by_store`: people read it from our own messages."""

    name: str
    delivers_by_store: bool

    async def send(self, outbound: Outbound) -> None:
        """Send one bubble; raise ChannelUnavailable or ChannelRefused."""
        ...
