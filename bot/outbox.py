"""Delivery: lease what is due, check the fence, send outside any transaction, mark.

At least once on the wire, once in effect: the message a delivery leaves behind carries the outbox row's id, which is
unique. The fence: whatever the bot made before the conversation changed hands is dropped, at the lease and once more
when it is marked, so that a channel that delivers by our own store (web chat) never shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

import sqlalchemy as sa
import structlog

from bot.channels import Channel, ChannelRefused, ChannelUnavailable
from bot.messages import Outbound
from bot.replies import Replies
from records import events
from records.cases import Case, Cases
from records.conversations import Conversations, NewMessage
from records.outbox_rows import PLAIN, OutboxRows, Pending
from records.writer import Writer

log = structlog.get_logger()
_MOST_ATTEMPTS = 12
_BACK_OFF_CAP_S = 300


class Verdict(Enum):
    """What to do with a row that is due."""

    SEND = "send"
    DROP = "drop"


def verdict(item: Pending) -> Verdict:
    """The fence. The bot speaks only while nobody owns the conversation and its words are of this ownership."""
    if item.origin != "bot":
        return Verdict.SEND
    is_current = item.epoch == item.owner_epoch and item.owner_id is None
    return Verdict.SEND if is_current else Verdict.DROP


def back_off_s(attempts: int, spread: float) -> float:
    """Seconds until the next try; `spread` in [0, 1) keeps many rows from coming back together."""
    return float(min(2**attempts, _BACK_OFF_CAP_S)) * (0.5 + spread / 2)


@dataclass
class Outbox:
    """The delivering shell."""

    engine: sa.Engine
    writer: Writer
    rows: OutboxRows
    conversations: Conversations
    cases: Cases
    replies: Replies
    channels: Mapping[str, Channel]
    now: Callable[[], datetime]
    spread: Callable[[], float]
    lease: timedelta

    def __post_init__(self) -> None:
        self.bell = asyncio.Event()

    async def run(self, idle_s: float) -> None:
        """Deliver for ever; the bell wakes it after a commit, the idle time repairs what the bell missed."""
        while True:
            self.bell.clear()
            try:
                while await self.deliver_due():
                    pass
            except Exception as error:  # one of the three broad excepts: rows stay due, the next round tries again
                log.error("deliver.failed", error=type(error).__name__)
                await asyncio.sleep(min(idle_s, 0.5))
            try:
                await asyncio.wait_for(self.bell.wait(), idle_s)
            except TimeoutError:
                continue

    async def deliver_due(self) -> int:
        """One round; returns how many rows were taken."""
        now = self.now()
        items = await self.writer.write(lambda connection: self._take(connection, now), rings=False)
        if items:
            outcomes = await asyncio.gather(*(self._send(item) for item in items), return_exceptions=True)
            done = self.now()
            pairs = list(zip(items, outcomes, strict=True))
            await self.writer.write(lambda connection: self._mark_all(connection, pairs, done))
        return len(items)

    def _take(self, connection: sa.Connection, now: datetime) -> list[Pending]:
        going: list[Pending] = []
        dropped: list[str] | None = None
        while not going and dropped != []:  # behind what is dropped a person's words may wait
            due = self.rows.due(connection, now)
            going = [item for item in due if verdict(item) is Verdict.SEND]
            dropped = [item.id for item in due if verdict(item) is Verdict.DROP]
            self.rows.set_state(connection, dropped, "dropped", finished_at=now, lease_until=None)
        self.rows.set_state(connection, [item.id for item in going], "sending", lease_until=now + self.lease)
        return going

    def text_of(self, item: Pending) -> str:
        """The words of a row, with the numbers of this moment's settings."""
        return item.text if item.key == PLAIN else self.replies.render(item.key, item.params)

    async def _send(self, item: Pending) -> str:
        try:
            outbound = Outbound(
                item.conversation_id, item.channel, self.text_of(item), item.origin, item.origin_id, item.extra
            )
            await asyncio.wait_for(self.channels[item.channel].send(outbound), self.lease.total_seconds() / 2)
        except (ChannelUnavailable, TimeoutError) as error:
            log.warning("send.again", row=item.id, channel=item.channel, error=type(error).__name__)
            return "again"
        except (ChannelRefused, KeyError) as error:  # KeyError: a text or channel this version does not have
            log.error("send.refused", row=item.id, channel=item.channel, error=type(error).__name__)
            return "dead"
        return "sent"

    def _mark_all(
        self, connection: sa.Connection, pairs: list[tuple[Pending, str | BaseException]], now: datetime
    ) -> None:
        for item, outcome in pairs:
            if isinstance(outcome, BaseException):  # a channel broke: its rows try again, the others are marked
                log.error("send.broken", row=item.id, channel=item.channel, error=type(outcome).__name__)
            if outcome == "sent":
                self._mark_sent(connection, item, now)
            elif outcome == "dead" or item.attempts + 1 >= _MOST_ATTEMPTS:
                self._give_up(connection, item, now)
            else:
                wait = timedelta(seconds=back_off_s(item.attempts, self.spread()))
                self.rows.set_state(connection, [item.id], "pending", lease_until=None, due_at=now + wait,
                                    attempts=item.attempts + 1)  # fmt: skip

    def _mark_sent(self, connection: sa.Connection, item: Pending, now: datetime) -> None:
        conversation = self.conversations.get(connection, item.conversation_id, lock=True)
        if conversation is None:
            return self._give_up(connection, item, now)
        if self.conversations.find_external(connection, item.channel, item.id):
            return self.rows.set_state(connection, [item.id], "sent", finished_at=now, lease_until=None)
        fresh = replace(item, owner_epoch=conversation.epoch, owner_id=conversation.owner_id)
        if self.channels[item.channel].delivers_by_store and verdict(fresh) is Verdict.DROP:
            return self.rows.set_state(connection, [item.id], "dropped", finished_at=now, lease_until=None)
        seq = conversation.last_seq + 1
        new = NewMessage(
            conversation.id, item.origin, "text", item.channel, item.id, self.text_of(item), now,
            author_id=item.origin_id, extra={**item.extra, "key": item.key},
        )  # fmt: skip
        message_id = self.conversations.add(connection, new, seq)
        self.conversations.change(connection, conversation.id, last_seq=seq)
        self.rows.set_state(connection, [item.id], "sent", finished_at=now, lease_until=None)
        case = self.cases.open_case_of(connection, conversation.id)
        tell_of_message(connection, self.rows.district, conversation.id, case, message_id, seq, now)
        return None

    def _give_up(self, connection: sa.Connection, item: Pending, now: datetime) -> None:
        """Loudly: the console shows that words did not reach the person."""
        self.rows.set_state(connection, [item.id], "dead", finished_at=now, lease_until=None)
        events.append(connection, self.rows.district, "desk", "undelivered", now,
                      conversation_id=item.conversation_id, row=item.id)  # fmt: skip


def tell_of_message(
    connection: sa.Connection, district: str, conversation_id: str, case: Case | None, message_id: str, seq: int,
    now: datetime,
) -> None:  # fmt: skip
    """The visitor's page hears of every message, the desk of those in an open case."""
    events.append(
        connection, district, "chat", "message", now, conversation_id=conversation_id, message=message_id, seq=seq
    )
    if case is not None:
        events.append(
            connection, district, "desk", "message", now, conversation_id=conversation_id, case_id=case.id,
            message=message_id, seq=seq,
        )  # fmt: skip
