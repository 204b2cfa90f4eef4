"""After a send: what reached the person becomes a message, what did not is tried again or given up loudly."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from bot.channels import Channel
from bot.parcels import Parcel, Verdict, verdict
from bot.reminding import Reminding
from bot.replies import GREETING, Replies
from escalation.alarm import Alarm
from escalation.routing import is_waiting_note
from records import events
from records.cases import Case
from records.contacts import Contacts
from records.conversations import Conversations, NewMessage
from records.ledger import Ledger
from records.outbox_rows import Lane, OutboxRows, Pending
from triage.risk import Level

log = structlog.get_logger()
KNOCK = "knock"  # marks the line that may go out after the window
MOST_ATTEMPTS = 12
BACK_OFF_CAP_S = 300
_UNREACHABLE = {"blocked": "blocked", "left": "left"}  # reason -> what the contact is from now on


@dataclass(frozen=True)
class Outcome:
    """How a send ended. `counted`: how many bubbles the platform counts against its allowance."""

    what: str  # sent | again | dead
    reason: str = ""
    progress: int = 0
    counted: int = 0
    retry_after_s: float | None = None


def back_off_s(attempts: int, spread: float) -> float:
    """Seconds until the next try; `spread` in [0, 1) keeps many rows from coming back together."""
    return float(min(2**attempts, BACK_OFF_CAP_S)) * (0.5 + spread / 2)


@dataclass
class Marking:
    """Writes down how sends ended, inside the caller's transaction."""

    rows: OutboxRows
    conversations: Conversations
    contacts: Contacts
    ledger: Ledger
    alarm: Alarm
    replies: Replies
    reminding: Reminding
    channels: Mapping[str, Channel]
    spread: Callable[[], float]

    def mark(self, connection: sa.Connection, pairs: list[tuple[Parcel, Outcome]], now: datetime) -> None:
        """Every parcel of a round."""
        for parcel, outcome in pairs:
            head = parcel.items[0]
            for _ in range(outcome.counted):
                self.ledger.spend(connection, head.conversation_id)
            if outcome.what == "sent":
                for item in parcel.items:
                    self._mark_sent(connection, item, now)
            elif outcome.what == "dead" or head.attempts + 1 >= MOST_ATTEMPTS:
                self._dead(connection, parcel, outcome, now)
            else:
                self._again(connection, parcel, outcome, now)

    def _again(self, connection: sa.Connection, parcel: Parcel, outcome: Outcome, now: datetime) -> None:
        head = parcel.items[0]
        log.warning("send.again", row=head.id, channel=head.channel, reason=outcome.reason)
        wait_s = back_off_s(head.attempts, self.spread())
        attempts = head.attempts + 1
        if outcome.retry_after_s is not None:  # the platform's own word: neither sooner nor counted as a failure
            wait_s, attempts = outcome.retry_after_s, head.attempts
            self.ledger.pause(connection, head.channel, now + timedelta(seconds=wait_s), now)
        due_at = now + timedelta(seconds=wait_s)
        state = {"lease_until": None, "due_at": due_at}
        self.rows.set_state(connection, [head.id], "pending", attempts=attempts, progress=outcome.progress, **state)
        self.rows.set_state(connection, [item.id for item in parcel.items[1:]], "pending", **state)

    def _dead(self, connection: sa.Connection, parcel: Parcel, outcome: Outcome, now: datetime) -> None:
        head = parcel.items[0]
        reason = outcome.reason if outcome.what == "dead" else "tries"
        log.error("send.given_up", row=head.id, channel=head.channel, reason=reason)
        if reason in ("used_up", "closed"):
            self.ledger.empty(connection, head.conversation_id)
        if reason in _UNREACHABLE:
            self.contacts.change(connection, head.contact_id, unreachable=_UNREACHABLE[reason])
        for item in parcel.items:
            self.give_up(connection, item, reason, now)

    def _mark_sent(self, connection: sa.Connection, item: Pending, now: datetime) -> None:
        conversation = self.conversations.get(connection, item.conversation_id, lock=True)
        if conversation is None:
            return self.give_up(connection, item, "refused", now)
        if self.conversations.find_external(connection, item.channel, item.id):
            return self.rows.set_state(connection, [item.id], "sent", finished_at=now, lease_until=None)
        fresh = replace(item, owner_epoch=conversation.epoch, owner_id=conversation.owner_id)
        if self.channels[item.channel].delivers_by_store and verdict(fresh) is Verdict.DROP:
            return self.drop(connection, [item], "fence", now)
        seq = conversation.last_seq + 1
        new = NewMessage(
            conversation.id, item.origin, "text", item.channel, item.id, self.replies.text_of(item), now,
            author_id=item.origin_id, extra={**item.extra, "key": item.key},
        )  # fmt: skip
        message_id = self.conversations.add(connection, new, seq)
        self.conversations.change(connection, conversation.id, last_seq=seq)
        self.rows.set_state(connection, [item.id], "sent", finished_at=now, lease_until=None)
        case = self.alarm.cases.open_case_of(connection, conversation.id)
        if case is not None and item.origin == "counsellor" and item.origin_id:
            self.alarm.reached(connection, case, item.origin_id, now)
        tell_of_message(connection, self.rows.district, conversation.id, case, message_id, seq, now)
        if not is_waiting_note(item.key):
            self.reminding.expect(connection, conversation.id, seq, now)
        return None

    def drop(self, connection: sa.Connection, items: Sequence[Pending], reason: str, now: datetime) -> None:
        """Quietly: nobody needs these words any more. A greeting that told nobody of the machine is made up for."""
        ids = [item.id for item in items]
        self.rows.set_state(connection, ids, "dropped", reason=reason, finished_at=now, lease_until=None)
        for item in items:
            if item.key == GREETING:
                self.conversations.change(connection, item.conversation_id, disclosed_at=None)

    def give_up(self, connection: sa.Connection, item: Pending, reason: str, now: datetime) -> None:
        """Loudly: the console shows that words did not reach the person; in a crisis the ladder is climbed."""
        if is_waiting_note(item.key) or KNOCK in item.extra:  # it rings already, and says as much
            return self.drop(connection, [item], reason, now)
        self.rows.set_state(connection, [item.id], "dead", reason=reason, finished_at=now, lease_until=None)
        self.conversations.get(connection, item.conversation_id, lock=True)  # its case neither opens nor closes now
        case = self.alarm.cases.open_case_of(connection, item.conversation_id)
        events.append(
            connection, self.rows.district, "desk", "undelivered", now, conversation_id=item.conversation_id,
            case_id=case.id if case else None, row=item.id, reason=reason,
        )  # fmt: skip
        if item.lane is Lane.CRISIS and case is not None and case.level >= Level.MEDIUM:
            self.alarm.cannot_reach(connection, case, now)
        self._knock(connection, item, reason, now)
        return None

    def _knock(self, connection: sa.Connection, item: Pending, reason: str, now: datetime) -> None:
        """Where the platform allows it, ask the person once a day, in neutral words, to come and read."""
        channel = self.channels.get(item.channel)
        if channel is None or not channel.rules.knocks or reason not in ("closed", "used_up"):
            return
        row_id = hashlib.sha256(f"{KNOCK}\0{item.conversation_id}\0{now.date()}".encode()).hexdigest()[:32]
        if not self.rows.exists(connection, row_id):
            line = replace(item, id=row_id, key="talk.knock", text="", params={}, origin="system", extra={KNOCK: True})
            self.rows.add(connection, line, now)


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
