"""What the contract test needs of a platform: it stands beside our service, speaks the real protocol, and can fail."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from enum import Enum
from typing import Protocol

import server
from bot.messages import Outbound
from tests.browsing import Site, serving
from tests.building import compiled_screener
from wiring import Service


class Trouble(Enum):
    """What goes wrong at the platform until it is set to NONE again."""

    NONE = "none"
    DOWN = "down"  # connections are refused or answered with a server error
    SLOW = "slow"  # every call takes longer than our lease
    THROTTLED = "throttled"  # the platform asks us to wait some seconds, for the next call only
    QUOTA = "quota"  # this person's allowance is used up
    BLOCKED = "blocked"  # the person has blocked or left us
    TOKEN_EXPIRED = "token_expired"  # the access token in use is refused, for the next call only


async def until(is_so: Callable[[], bool], within_s: float = 20.0) -> None:
    """Wait for something that our service or the platform does by itself."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + within_s
    while not is_so():
        assert loop.time() < ends, "it did not happen in time"
        await asyncio.sleep(0.02)


class Rig(Protocol):
    """One platform. `kinds` are the message types that it can send, one recorded payload each."""

    site: Site
    name: str
    has_wire: bool  # False: people read from our own store, nothing of a platform's can fail
    carries_time: bool  # messages say when they were written
    refuses_old: bool  # an old message cannot arrive: its signature carries the time
    kinds: tuple[str, ...]
    has_quota: bool
    has_token: bool

    async def post(self, person: str, number: int, text: str, *, sent_at: datetime | None = None) -> int:
        """The platform brings our service message `number` of a person; returns our HTTP status."""
        ...

    async def post_kind(self, person: str, number: int, kind: str) -> int:
        """The platform brings the recorded payload of another kind of message."""
        ...

    async def forge(self, person: str, number: int, text: str) -> int:
        """Somebody who does not know the secret sends what looks like a message."""
        ...

    async def post_broken(self, body: bytes) -> int:
        """Bytes that are no message, with the best signature their sender can make."""
        ...

    def trouble(self, what: Trouble) -> None:
        """From now on this goes wrong (see Trouble)."""
        ...

    def address(self, person: str) -> str:
        """The contact's address in our database."""
        ...

    def seen(self, person: str) -> list[str]:
        """The texts that the person sees on their phone, oldest first, as the platform took them from us."""
        ...

    def tokens_fetched(self) -> int:
        """How often the platform was asked for an access token; asked only where there are such."""
        ...


@contextlib.asynccontextmanager
async def another_process(rig: Rig) -> AsyncIterator[Service]:
    """A second service on the same database, beside the same platform."""
    app = server.build_app(rig.site.service.settings, screener=compiled_screener())
    async with serving(app):
        yield app.state.service


async def send_by(rig: Rig, process: Service, person: str) -> None:
    """One process sends one bubble by its own connections."""
    delivery_id = f"{uuid.uuid4().hex}-0"
    bubble = Outbound("any", rig.name, f"{person}，我在", "system", None, {}, rig.address(person), delivery_id)
    await process.outbox.channels[rig.name].send(bubble)
