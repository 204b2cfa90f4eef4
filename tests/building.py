"""What tests build with: a clock that is moved by hand, visitors, messages, counsellors, and a look at the rows."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa

from bot.channels import Channel, MediaGone, SendRules
from bot.messages import Arrival, Inbound, Receipt
from escalation.account_office import NewAccount
from escalation.accounts import one_time_password
from escalation.alarm import Danger
from outside import Ways
from records import tables as t
from records.conversations import Message
from records.crypto import Vault
from records.staff import Counsellor
from records.store import Store
from records.writer import Writer
from triage.release import open_screener
from triage.risk import Level
from triage.screen import Screener
from wiring import Service

T = TypeVar("T")
NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)  # ten in the morning in Shanghai
PASSED = "argon2 is slow: accounts that never sign in keep no real hash"
SMALL_TALK = "今天天气不错"
LOW = "最近压力很大，很难过"
CRISIS = "我想死"
PLAN = "我已经写好遗书，今晚就跳楼"
EMERGENCY = "我刚刚吞了一瓶安眠药"
NO_WAYS = Ways(carriers={}, own={}, push_key=None)  # nobody is called outside the screens
WAIT_S = 20.0  # how long a test waits for a thread before it fails


@dataclass
class Clock:
    """Time that stands still until a test moves it."""

    time: datetime = NOW

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **parts: float) -> datetime:
        """Move on by timedelta's parts, such as seconds=5."""
        self.time += timedelta(**parts)
        return self.time


@dataclass
class FakeChannel:
    """A platform outside: keeps what it was given; `answers` are raised in turn, None lets a message through."""

    name: str = "fake"
    delivers_by_store: bool = False
    answers: list[Exception | None] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None
    rules: SendRules = field(default_factory=SendRules)
    addresses: list[str] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=dict)  # reference -> bytes, or an exception to raise
    fetched: list[str] = field(default_factory=list)
    before_fetch: Callable[[str], Awaitable[None]] | None = None

    async def send(self, outbound: Any) -> bool:
        """Take one bubble."""
        self.before_answer()
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.heard.append(outbound.text)
        self.addresses.append(outbound.address)
        return self.rules.messages is not None

    async def fetch(self, reference: str) -> tuple[bytes, str]:
        """Give a file, under a media type that is a lie."""
        self.fetched.append(reference)
        if self.before_fetch is not None:
            await self.before_fetch(reference)
        found = self.files.get(reference, MediaGone())
        if isinstance(found, Exception):
            raise found
        return found, 'text/html"><script>alert(1)</script>'


@functools.cache
def compiled_screener() -> Screener:
    """The shipped screening, compiled once for all tests: it holds no state, and takes seconds and memory."""
    return open_screener(clock=time.perf_counter)


def small_vault() -> Vault:
    """Keys for tests that need no key file."""
    return Vault({1: b"k" * 32}, 1, b"i" * 32)


def do(writer: Writer, work: Callable[[sa.Connection], T]) -> T:
    """One unit of work by the real writer; the answer comes after the commit."""
    return writer.submit(work).result(WAIT_S)


def rows(engine: sa.Engine, table: sa.Table, **where: Any) -> list[Any]:
    """Every row of a table as another connection sees it, or those with these values."""
    query = sa.select(table).where(*(table.c[name] == value for name, value in where.items()))
    with engine.connect() as connection:
        return list(connection.execute(query))


def visitor(store: Store, writer: Writer, name: str = "visitor", *, channel: str = "web", now: datetime = NOW) -> str:
    """A conversation of a new contact; returns its id."""
    return do(writer, lambda c: store.conversations.open(c, channel=channel, external_id=name, now=now))


def open_case(service: Service, level: Level, name: str = "visitor") -> str:
    """A case of a new visitor at this level; returns its id."""
    chat = visitor(service.store, service.writer, name, now=service.now())

    def work(connection: sa.Connection) -> str:
        conversation = service.store.conversations.get(connection, chat)
        assert conversation is not None
        danger = Danger(level, "risk", "m1", ("rule",))
        return service.alarm.raise_case(connection, conversation, danger, service.now()).id

    return do(service.writer, work)


def greeted(service: Service, name: str = "visitor", *, channel: str = "web") -> str:
    """A conversation that was told a moment ago that a machine speaks."""
    now = service.now()
    conversation_id = visitor(service.store, service.writer, name, channel=channel, now=now)
    do(service.writer, lambda c: service.store.conversations.change(c, conversation_id, disclosed_at=now))
    return conversation_id


def inbound(conversation_id: str, text: str, id: str = "", *, kind: str = "text", channel: str = "web") -> Inbound:
    """A message as a channel parsed it; without an id it gets one from its text."""
    return Inbound(channel, conversation_id, f"{conversation_id}:{id or hash((kind, text))}", kind, text)


async def say(service: Service, conversation_id: str, text: str, id: str = "", **options: str) -> Receipt:
    """The person says something, and the bot has thought about it."""
    receipt = await service.pipeline.receive(inbound(conversation_id, text, id, **options))
    await service.pipeline.drain()
    return receipt


def connect(service: Service, channel: Channel) -> None:
    """Let a service send to one more platform."""
    for place in (service.outbox, service.outbox.marking, service.intake, service.media):
        place.channels = {**place.channels, channel.name: channel}


async def send_file(
    service: Service, channel: FakeChannel, kind: str, body: Any, number: int = 1, *, person: str = "p1", **more: Any
) -> tuple[str, str]:
    """A person sends a file over this platform; (conversation, message). It is not fetched yet."""
    reference = f"{person}-{number}"
    channel.files[reference] = body
    more.setdefault("files", (reference,))
    (arrived,) = await service.intake.arrive(Arrival(channel.name, person, f"{person}:{number}", kind, **more))
    assert arrived.receipt is not None
    return arrived.conversation_id, arrived.receipt.message_id


async def fetch_media(service: Service) -> None:
    """Fetch and hear what is due."""
    for _ in range(2):  # what was fetched is heard in the next round
        await service.media.run_due()
        await service.media.drain()
    await service.pipeline.drain()


async def deliver_once(service: Service) -> int:
    """One round on every channel; returns how many deliveries it made."""
    started = [task for name in (*service.outbox.channels, None) for task in await service.outbox.deliver_due(name)]
    await asyncio.gather(*started)
    return len(started)


async def deliver(service: Service) -> None:
    """Send whatever is due."""
    while await deliver_once(service):
        pass


def heard(service: Service, conversation_id: str, *authors: str) -> list[Message]:
    """What the person sees of others: bot, counsellor and system, or only these authors."""
    with service.store.engine.connect() as connection:
        found = service.store.conversations.messages(connection, conversation_id, limit=10_000)
    return [message for message in found if message.author in (authors or ("bot", "counsellor", "system"))]


def keys_said(service: Service, conversation_id: str) -> list[str]:
    """Everything that was put on its way to the person, in order, by key."""
    said = rows(service.store.engine, t.outbox, conversation_id=conversation_id)
    return [row.key for row in sorted(said, key=lambda row: row.seq)]


def new_account(service: Service, login: str = "lin", name: str = "林老师", *roles: str) -> str:
    """An account that signs in by itself; returns its one-time password."""
    once, new = one_time_password(), NewAccount(login, name, roles or ("counsellor",))
    do(service.writer, lambda c: service.desks.accounts.add(c, new, once, service.now()))
    return once.text


def counsellor(store: Store, writer: Writer, login: str = "lin", *roles: str) -> Counsellor:
    """An account that may answer; it has no password."""

    def work(connection: sa.Connection) -> Counsellor:
        staff_id = store.staff.add(connection, login, login, roles or ("counsellor",), PASSED, NOW)
        store.staff.change(connection, staff_id, must_change=False)
        found = store.staff.get(connection, staff_id)
        assert found is not None
        return found

    return do(writer, work)
