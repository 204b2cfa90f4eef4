"""Delivery: lease what is due, check fence and allowance, send outside any transaction, mark.

At least once on the wire, once in effect: the message a delivery leaves behind carries the outbox row's id, which is
unique. The fence: whatever the bot made before the conversation changed hands is dropped, at the lease and once more
when it is marked, so that a channel that delivers by our own store (web chat) never shows it.

Each platform has loops of its own, and its crisis lane another one: a platform that is slow or away holds up nobody
else, and a reply that takes its time holds up no crisis.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog

from bot.allowance import Leave, leave, parts
from bot.channels import Channel, ChannelBusy, ChannelRefused, ChannelUnavailable, OutOfReach, SendRules
from bot.marking import KNOCK, Marking, Outcome
from bot.messages import Outbound
from bot.parcels import Parcel, Verdict, pack, verdict
from bot.replies import Replies
from records.contacts import Contacts
from records.ledger import Ledger
from records.outbox_rows import Lane, OutboxRows, Pending
from records.writer import Writer

log = structlog.get_logger()
_CRISIS, _REST = (int(Lane.CRISIS),), tuple(int(lane) for lane in Lane if lane is not Lane.CRISIS)
_ALL = _CRISIS + _REST
_BURST = 3.0  # bubbles to one person at once
_PARTING_S = 3.0
_MOST_UNDER_WAY = 200  # sends of one loop
_OFF_FOR = timedelta(minutes=1)  # while processes are exchanged, the other one may have the channel


@dataclass
class Outbox:
    """The delivering shell."""

    writer: Writer
    rows: OutboxRows
    contacts: Contacts
    ledger: Ledger
    marking: Marking
    replies: Replies
    channels: Mapping[str, Channel]
    now: Callable[[], datetime]
    lease: timedelta

    def __post_init__(self) -> None:
        self._bells: list[asyncio.Event] = []

    def ring(self) -> None:
        """Something was committed: look at once."""
        for bell in self._bells:
            bell.set()

    async def run(self, idle_s: float) -> None:
        """Deliver for ever, every platform by itself."""
        async with asyncio.TaskGroup() as group:  # waits for all of them also when we are stopped
            for name, channel in self.channels.items():
                for lanes in (_ALL,) if channel.delivers_by_store else (_CRISIS, _REST):
                    self._bells.append(asyncio.Event())
                    group.create_task(self._run(name, lanes, self._bells[-1], idle_s))

    async def _run(self, channel: str, lanes: Sequence[int], bell: asyncio.Event, idle_s: float) -> None:
        """The bell wakes it after a commit, the idle time repairs what the bell missed."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                bell.clear()
                await self._start_due(channel, lanes, under_way, idle_s)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(idle_s):  # wait_for of Python 3.11 may swallow that we are stopped
                        await bell.wait()
        finally:  # what is half out is marked, or it would go out twice
            if under_way:
                await asyncio.wait(under_way, timeout=_PARTING_S)

    async def _start_due(
        self, channel: str, lanes: Sequence[int], under_way: set[asyncio.Task[None]], idle_s: float
    ) -> None:
        try:
            while started := await self.deliver_due(channel, lanes):
                for task in started:
                    under_way.add(task)
                    task.add_done_callback(partial(_finished, under_way))
                if len(under_way) >= _MOST_UNDER_WAY:
                    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        except Exception as error:  # one of the three broad excepts: rows stay due, the next round tries again
            log.error("deliver.failed", error=type(error).__name__, channel=channel)
            await asyncio.sleep(min(idle_s, 0.5))

    async def deliver_due(self, channel: str | None, lanes: Sequence[int] = _ALL) -> list[asyncio.Task[None]]:
        """One round: lease what is due and start to send it; None is for channels that were switched off."""
        now = self.now()
        parcels = await self.writer.write(lambda connection: self._take(connection, now, channel, lanes), rings=False)
        by_store = channel is not None and self.channels[channel].delivers_by_store
        batches = [parcels] if by_store else [[parcel] for parcel in parcels]
        return [asyncio.create_task(self._deliver(batch)) for batch in batches if batch]

    async def _deliver(self, parcels: list[Parcel]) -> None:
        """Send and mark; one that waits for a slow platform holds up no other."""
        outcomes = await asyncio.gather(*(self._send(parcel) for parcel in parcels), return_exceptions=True)
        done = self.now()
        pairs = [(parcel, self._ended(parcel, outcome)) for parcel, outcome in zip(parcels, outcomes, strict=True)]
        await self.writer.write(lambda connection: self.marking.mark(connection, pairs, done))

    def _take(
        self, connection: sa.Connection, now: datetime, channel: str | None, lanes: Sequence[int] = _ALL
    ) -> list[Parcel]:
        going: list[Pending] = []
        stopped = True
        due_by = now if channel is not None else now - _OFF_FOR
        while not going and stopped:  # behind what is dropped a person's words may wait
            due = self.rows.due(connection, due_by, channel=channel, besides=tuple(self.channels), lanes=lanes)
            going = [item for item in due if verdict(item) is Verdict.SEND]
            dropped = [item for item in due if verdict(item) is Verdict.DROP]
            self.marking.drop(connection, dropped, "fence", now)
            allowed = self._allowed(connection, going, now)
            stopped = bool(dropped) or len(allowed) < len(going)
            going = allowed
        going = self._in_time(connection, going, now)
        parcels = [self._parcel(connection, item, now) for item in going]
        ids = [item.id for parcel in parcels for item in parcel.items]
        self.rows.set_state(connection, ids, "sending", lease_until=now + self.lease)
        return parcels

    def _allowed(self, connection: sa.Connection, items: list[Pending], now: datetime) -> list[Pending]:
        """Those whose platform still takes a message for this person; a person's words that it does not end loudly."""
        limited = [item.conversation_id for item in items if self.rules_of(item.channel).messages is not None]
        found = self.ledger.allowances(connection, limited) if limited else {}
        going = []
        for item in items:
            answer = leave(
                self.rules_of(item.channel), found.get(item.conversation_id), is_bot=item.origin == "bot", now=now
            )
            if answer is Leave.SEND or KNOCK in item.extra:
                going.append(item)
            elif item.origin == "bot":
                self.marking.drop(connection, [item], answer.value, now)
            else:
                self.marking.give_up(connection, item, answer.value, now)
        return going

    def _in_time(self, connection: sa.Connection, items: list[Pending], now: datetime) -> list[Pending]:
        """Those that the channels' rates let out now; the others stay due, crisis first."""
        going = []
        for name in dict.fromkeys(item.channel for item in items):
            mine = [item for item in items if item.channel == name]
            channel = self.channels.get(name)
            if channel is not None and not channel.delivers_by_store:
                if (rate := channel.rules.per_contact) is not None:
                    mine = [item for item in mine if self._may_hear(connection, item, rate, now)]
                mine = mine[: self.ledger.take(connection, name, len(mine), channel.rules.per_second, now)]
            going += mine
        return going

    def _may_hear(self, connection: sa.Connection, item: Pending, rate: float, now: datetime) -> bool:
        """Whether this person may get one more bubble now; the ledger of one person is kept by the conversation."""
        return self.ledger.take(connection, item.conversation_id, 1, rate, now, _BURST) == 1

    def _parcel(self, connection: sa.Connection, head: Pending, now: datetime) -> Parcel:
        contact = self.contacts.get(connection, head.contact_id)
        rules = self.rules_of(head.channel)
        may_merge = rules.merges and head.origin == "bot" and head.progress == 0
        behind = self.rows.behind(connection, head, now) if may_merge else []
        items = pack(head, behind, self.replies.text_of, rules.longest_bytes)
        return Parcel(items, contact.address if contact else "", "\n\n".join(map(self.replies.text_of, items)))

    def rules_of(self, channel: str) -> SendRules:
        """What a channel's platform allows."""
        found = self.channels.get(channel)
        return found.rules if found is not None else SendRules()

    async def _send(self, parcel: Parcel) -> Outcome:
        head = parcel.items[0]
        channel = self.channels.get(head.channel)
        if channel is None or not parcel.text:  # a channel or a text that this version does not have
            return Outcome("dead", "refused", head.progress)
        pieces = parts(parcel.text, channel.rules.longest_bytes)
        sent, counted = head.progress, 0
        deadline = self.lease.total_seconds() / 2
        try:
            async with asyncio.timeout(deadline):
                for number, text in list(enumerate(pieces))[sent:]:
                    is_last = number == len(pieces) - 1
                    counted += await channel.send(
                        Outbound(
                            head.conversation_id, head.channel, text, head.origin, head.origin_id,
                            parcel.extra if is_last else {}, parcel.address, f"{head.id}-{number}",
                        )
                    )  # fmt: skip
                    sent += 1
        except OutOfReach as error:
            return Outcome("dead", error.reason, sent, counted)
        except ChannelRefused:
            return Outcome("dead", "refused", sent, counted)
        except ChannelBusy as error:
            return Outcome("again", "busy", sent, counted, retry_after_s=error.retry_after_s)
        except (ChannelUnavailable, TimeoutError):
            return Outcome("again", "unavailable", sent, counted)
        return Outcome("sent", "", sent, counted)

    def _ended(self, parcel: Parcel, outcome: Outcome | BaseException) -> Outcome:
        """A channel that broke: its rows try again, the others are marked."""
        if isinstance(outcome, Outcome):
            return outcome
        head = parcel.items[0]
        log.error("send.broken", row=head.id, channel=head.channel, error=type(outcome).__name__)
        return Outcome("again", "broken", head.progress)


def _finished(under_way: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    """A delivery that could not be marked: its lease runs out, and it is tried again."""
    under_way.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("deliver.failed", error=type(error).__name__)
