"""Sends what is due: lease, send outside any transaction, mark. At least once, known by its id.

Each carrier has loops of its own, and its calls of the ladder another one than the rest: a carrier that is slow or
away delays no other, and a visitor's browser delays no alarm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog

from notify.carriers import Carrier, Gone, Later, Letter, Refused
from notify.words import Text
from records import events
from records.addresses import Addresses
from records.ledger import Ledger
from records.notices import CALL, REPLY, TRIAL, Notice, Notices
from records.writer import Writer

log = structlog.get_logger()
_LANES = ((CALL,), (TRIAL, REPLY))
_AT_ONCE = 50
_LEASE = timedelta(seconds=30)
_DEADLINE_S = 10.0
_PARTING_S = 3.0
_OLD = timedelta(hours=24)
_BURST_S = 60.0  # a carrier with a rate takes a minute's worth at once
MOST_ATTEMPTS = 12
LOUD_AFTER = 3  # tries in vain, and the screens say so
_LONG_WAIT_S = 30.0  # a carrier that asks for more is as good as away
_BACK_OFF_CAP_S = 30


def back_off_s(attempts: int, spread: float) -> float:
    """Seconds until the next try; an alarm cannot wait for long. `spread` in [0, 1)."""
    return float(min(2**attempts, _BACK_OFF_CAP_S)) * (0.5 + spread / 2)


@dataclass
class Sending:
    """The sending shell. `own`: addresses that stand in the settings, by name."""

    engine: sa.Engine
    writer: Writer
    notices: Notices
    addresses: Addresses
    ledger: Ledger
    carriers: Mapping[str, Carrier]
    own: Mapping[str, str]
    words: Mapping[str, Text]
    link: Callable[[str], str]  # token -> the address that says: I have seen it
    now: Callable[[], datetime]
    spread: Callable[[], float]

    async def run(self, idle_s: float) -> None:
        """Send for ever, every carrier by itself."""
        async with asyncio.TaskGroup() as group:  # it waits for all of them also when we are stopped
            for name in self.carriers:
                for kinds in _LANES:
                    group.create_task(self._run(name, kinds, idle_s))

    async def _run(self, carrier: str, kinds: Sequence[str], idle_s: float) -> None:
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                await self.begin(carrier, kinds, under_way)
                await asyncio.sleep(idle_s)
        finally:  # what is half out is marked, or it would go out twice
            if under_way:
                await asyncio.wait(under_way, timeout=_PARTING_S)

    async def begin(self, carrier: str, kinds: Sequence[str], under_way: set[asyncio.Task[None]]) -> None:
        """Lease what is due and start sending it; what is half out stands in `under_way`."""
        try:
            for notice in await self._lease(carrier, kinds):
                task = asyncio.create_task(self._bring(notice))
                under_way.add(task)
                task.add_done_callback(partial(_ended, under_way))
        except Exception as error:  # like a delivery: rows stay due, the next look tries again
            log.error("notice.look_failed", error=type(error).__name__, carrier=carrier)

    def shown(self, notice: Notice) -> tuple[str, str]:
        """Title and text for the browser that was knocked at; it needs no link."""
        text = self.words[notice.key]
        return text.title, text.fill(notice.params, "")

    async def _lease(self, carrier: str, kinds: Sequence[str]) -> list[Notice]:
        now = self.now()
        if not await asyncio.to_thread(self._has_due, carrier, kinds, now):
            return []
        return await self.writer.write(lambda connection: self._take(connection, carrier, kinds, now), rings=False)

    def _has_due(self, carrier: str, kinds: Sequence[str], now: datetime) -> bool:
        with self.engine.connect() as connection:
            return self.notices.has_due(connection, carrier, kinds, now)

    def _take(self, connection: sa.Connection, carrier: str, kinds: Sequence[str], now: datetime) -> list[Notice]:
        self.notices.drop_old(connection, now - _OLD)
        due = self.notices.take(connection, carrier, kinds, now, _AT_ONCE)
        if (rate := self.carriers[carrier].per_second) is not None:
            due = due[: self.ledger.take(connection, f"notice.{carrier}", len(due), rate, now, _BURST_S)]
        self.notices.lease(connection, [notice.id for notice in due], now + _LEASE)
        return due

    async def _bring(self, notice: Notice) -> None:
        outcome = await self._try(notice)
        now = self.now()
        if isinstance(outcome, str):
            await self.writer.write(lambda connection: self._sent(connection, notice, outcome, now))
        else:
            await self.writer.write(lambda connection: self._failed(connection, notice, outcome, now))

    async def _try(self, notice: Notice) -> str | Exception:
        """The receipt, or why there is none."""
        (outcome,) = await asyncio.gather(self._send(notice), return_exceptions=True)
        if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _send(self, notice: Notice) -> str:
        address = await asyncio.to_thread(self._address, notice.address_id)
        text = self.words.get(notice.key)
        if address is None or text is None:  # removed meanwhile, or a text that this version does not have
            raise Refused(Refused.__doc__)
        link = self.link(self.notices.token(notice.id))
        letter = Letter(notice.id, text.title, text.fill(notice.params, link), notice.kind == CALL)
        async with asyncio.timeout(_DEADLINE_S):
            return await self.carriers[notice.carrier].send(address, letter)

    def _address(self, address_id: str) -> str | None:
        if address_id in self.own:
            return self.own[address_id]
        with self.engine.connect() as connection:
            found = self.addresses.get(connection, address_id)
        return found.text if found is not None else None

    def _sent(self, connection: sa.Connection, notice: Notice, receipt: str, now: datetime) -> None:
        log.info("notice.sent", notice=notice.id, carrier=notice.carrier)
        self.notices.sent(connection, notice.id, receipt, now)
        self._tell(connection, notice, "call_sent", now)

    def _failed(self, connection: sa.Connection, notice: Notice, why: Exception, now: datetime) -> None:
        attempts = notice.attempts + 1
        asked_s = why.retry_after_s if isinstance(why, Later) else None
        wait_s = back_off_s(attempts, self.spread()) if asked_s is None else asked_s
        state = "failing" if attempts >= LOUD_AFTER or wait_s > _LONG_WAIT_S else "pending"
        if isinstance(why, Refused) or attempts >= MOST_ATTEMPTS:
            state = "dead"
        reason = type(why).__name__
        say = log.warning if state == "pending" else log.error
        say("notice.failed", notice=notice.id, carrier=notice.carrier, kind=notice.kind, state=state, reason=reason)
        if (
            self.notices.failed(connection, notice, state, reason, now + timedelta(seconds=wait_s))
            and state != "pending"
        ):
            self._tell(connection, notice, "call_failed", now)
        if isinstance(why, Gone):
            self.addresses.remove(connection, [notice.address_id])

    def _tell(self, connection: sa.Connection, notice: Notice, what: str, now: datetime) -> None:
        """The queue shows who was called and who could not be."""
        if notice.case_id is not None:
            events.append(
                connection, self.notices.district, "desk", what, now, case_id=notice.case_id, notice=notice.id,
                step=notice.step,
            )  # fmt: skip


def _ended(under_way: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    """A notice that could not be marked: its lease runs out, and it is tried again."""
    under_way.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("notice.mark_failed", error=type(error).__name__)
