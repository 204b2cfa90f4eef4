"""Raising the alarm: one open case a conversation, one ringing alert a case, and the ladder while nobody claims.

These run inside the transaction that stores the message, so that a message in danger is never stored without its
case and alert.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from escalation import routing
from escalation.calls import Calls
from escalation.cases import LEFT, State, after
from escalation.routing import Clocks
from records import events
from records.alerts import Alert, Alerts
from records.cases import Case, Cases
from records.conversations import Conversation, Conversations
from records.outbox_rows import Lane, OutboxRows, Pending
from records.reopenings import Reopenings
from triage.memory import SILENCE, Memory, after_silence
from triage.risk import Level

_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Danger:
    """Why a case is opened or raised."""

    level: Level
    wish: str  # risk | asked_for_person
    message_id: str
    rules: tuple[str, ...]


class Alarm:
    """Opens and raises cases, and climbs the ladder."""

    def __init__(
        self, cases: Cases, alerts: Alerts, conversations: Conversations, outbox: OutboxRows, clocks: Clocks,
        calls: Calls,
    ):  # fmt: skip
        self.cases = cases
        self.alerts = alerts
        self.conversations = conversations
        self.outbox = outbox
        self.clocks = clocks
        self.calls = calls
        self.reopenings = Reopenings(cases.district, cases.vault)
        self._district = cases.district

    def raise_case(self, connection: sa.Connection, conversation: Conversation, danger: Danger, now: datetime) -> Case:
        """Open the conversation's case, raise it, or open it again; ring when nobody owns it."""
        case = self.cases.newest_of(connection, conversation.id)
        if case is None or self._is_over(case, now):
            return self._open(connection, conversation, danger, now, case.id if case else None)
        if case.state in (State.FOLLOW_UP, State.CLOSED):
            return self.reopen(connection, case, danger, now)
        if danger.level > case.machine_level or danger.level > case.level:
            case = self._raise(connection, case, danger, now)
        elif case.state == State.CLOSING or (case.state == State.WAITING_USER and danger.wish == "asked_for_person"):
            case = self.recall(connection, case, danger.level, now)
        return case

    def _is_over(self, case: Case, now: datetime) -> bool:
        """Whether new danger is a new case: this one goes on in another, or ended too long ago."""
        return case.state == State.MERGED or (
            case.closed_at is not None and now - case.closed_at >= self.clocks.reopen_within
        )

    def ring(self, connection: sa.Connection, case: Case, level: Level, now: datetime) -> None:
        """Ring for a case, or ring louder; a practice rings for nobody."""
        if case.practised_by is not None:
            return
        ringing = self.alerts.ringing(connection, case.id)
        if ringing is None:
            self.alerts.add(
                connection, case_id=case.id, conversation_id=case.conversation_id, level=int(level), raised_at=now,
                next_at=self.clocks.next_rung_at(level, 0, now), next_note_at=self.clocks.next_note_at(level, 0, now),
            )  # fmt: skip
        elif level > ringing.level:
            self.alerts.change(
                connection, ringing.id, level=int(level), raised_at=now, step=0, waiting_notes=0,
                next_at=self.clocks.next_rung_at(level, 0, now), next_note_at=self.clocks.next_note_at(level, 0, now),
            )  # fmt: skip
        self.tell(connection, case, "alert", now, level=int(level), step=0)
        if ringing is None or level > ringing.level:
            loud = self.alerts.ringing(connection, case.id)
            if loud is not None:
                self.calls.call(connection, case, loud, now)

    def recall(self, connection: sa.Connection, case: Case, level: Level, now: datetime) -> Case:
        """Call a person again for a case that the bot was given back, or that waits for a signature."""
        state = after(State(case.state), "recall")
        self.cases.change(connection, case, state=state.value, owner_id=None)
        fresh = self.cases.get(connection, case.id) or case
        self.ring(connection, fresh, max(level, case.level), now)
        return fresh

    def reopen(self, connection: sa.Connection, case: Case, danger: Danger, now: datetime) -> Case:
        """Call people again for a case that was closed or only followed up; how it had ended is kept."""
        level = max(case.level, danger.level)  # what people judged before still counts: only people lower
        self.reopenings.add(connection, case, danger.wish, danger.message_id or None, now)
        self.cases.change(
            connection, case, state=after(State(case.state), "reopen").value, owner_id=None, level=int(level),
            machine_level=int(level), wish=danger.wish, closed_at=None, disposition=None, summary="",
        )  # fmt: skip
        if level > case.level:
            self._history(connection, case, case.level, danger, now)
        fresh = self.cases.get(connection, case.id) or case
        self.tell(connection, fresh, "reopened", now, level=int(level))
        self.ring(connection, fresh, level, now)
        return fresh

    def flag_unread(self, connection: sa.Connection, case: Case, level: Level, message_id: str, now: datetime) -> None:
        """With an open case came what no machine reads: a person has to look, and is called where there is none."""
        self.tell(connection, case, "unread_media", now, message=message_id)
        if case.state in LEFT:
            self.recall(connection, case, level, now)
        elif case.state == State.FOLLOW_UP:
            self.reopen(connection, case, Danger(level, "risk", message_id, ()), now)
        elif case.state == State.NEW:
            self.ring(connection, case, max(level, case.level), now)

    def cannot_reach(self, connection: sa.Connection, case: Case, now: datetime) -> None:
        """Words in danger did not reach the person: it rings, owned or not, and the next rung hears at once."""
        if case.state == State.FOLLOW_UP:  # its record is written; the follow-up itself shows what did not arrive
            return
        self.ring(connection, case, case.level, now)
        ringing = self.alerts.ringing(connection, case.id)
        if ringing is not None and ringing.next_at is not None:  # at the top everybody has been called
            self.alerts.change(connection, ringing.id, next_at=now)

    def reached(self, connection: sa.Connection, case: Case, by_id: str, now: datetime) -> None:
        """Words got through after all: what rang for an owned case is answered, unless it rings for another owner."""
        if self.alerts.is_called(connection, case.id):
            return
        if case.owner_id is not None and self.answer(connection, case, by_id, now):
            self.tell(connection, case, "reached", now)

    def answer(self, connection: sa.Connection, case: Case, by_id: str | None, now: datetime) -> bool:
        """Somebody has taken it up: it rings no more; False when nothing rang."""
        ringing = self.alerts.ringing(connection, case.id)
        if ringing is not None:
            self.alerts.change(
                connection, ringing.id, state="answered", answered_at=now, answered_by=by_id, next_at=None,
                next_note_at=None,
            )  # fmt: skip
            self.calls.withdraw(connection, ringing.id)
        return ringing is not None

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Climb the ladder and speak to those who wait; returns how many alerts were due."""
        due = self.alerts.due(connection, now)
        for alert in due:
            case = self.cases.get(connection, alert.case_id)
            if case is None:
                continue
            if alert.next_at is not None and alert.next_at <= now:
                self.climb(connection, alert, case, now)
            if alert.next_note_at is not None and alert.next_note_at <= now:
                self._waiting_note(connection, alert, now)
        return len(due)

    def climb(self, connection: sa.Connection, alert: Alert, case: Case, now: datetime) -> None:
        """The next rung is called; the one after it keeps its time."""
        step = alert.step + 1
        next_at = self.clocks.next_rung_at(alert.level, step, alert.raised_at)
        self.alerts.change(connection, alert.id, step=step, next_at=next_at)
        self.tell(connection, case, "alert", now, level=int(alert.level), step=step, rung=routing.rung(step))
        self.calls.call(connection, case, replace(alert, step=step, next_at=next_at), now)

    def heed_silence(self, connection: sa.Connection, now: datetime) -> int:
        """Raise those who spoke of danger and then answered nothing for long; returns how many.

        A transaction of its own: it locks the conversation before case and alert, as every arriving message does.
        """
        patience = timedelta(seconds=self.clocks.silence_s)
        raised = 0
        for conversation_id in self.alerts.silent(connection, Level.MEDIUM, now - patience):
            conversation = self.conversations.get(connection, conversation_id, lock=True)
            if conversation is None or conversation.last_message_at is None or conversation.owner_id is not None:
                continue
            before = Memory.from_dict(conversation.memory)
            memory = after_silence(before, conversation.last_message_at, now, patience)
            if memory.level > before.level:
                self.conversations.remember(connection, conversation.id, memory.to_dict(), memory.level)
                self.raise_case(connection, conversation, Danger(memory.level, "risk", "", (SILENCE,)), now)
                raised += 1
        return raised

    def _open(
        self, connection: sa.Connection, conversation: Conversation, danger: Danger, now: datetime,
        previous_id: str | None,
    ) -> Case:  # fmt: skip
        case_id = self.cases.add(
            connection, now.astimezone(_ZONE).strftime("%Y%m%d"), conversation_id=conversation.id,
            contact_id=conversation.contact_id, state=State.NEW.value, machine_level=int(danger.level),
            level=int(danger.level), version=1, wish=danger.wish, opened_at=now, is_drill=conversation.is_drill,
            previous_id=previous_id,
        )  # fmt: skip
        case = self.cases.get(connection, case_id)
        if case is None:
            raise LookupError(f"case {case_id} vanished inside its own transaction")
        self._history(connection, case, Level.NONE, danger, now)
        self.tell(connection, case, "case_opened", now, level=int(danger.level))
        self.ring(connection, case, danger.level, now)
        return case

    def _raise(self, connection: sa.Connection, case: Case, danger: Danger, now: datetime) -> Case:
        level = max(case.level, danger.level)
        self.cases.change(connection, case, machine_level=int(max(case.machine_level, danger.level)), level=int(level))
        if danger.level > case.level:
            self._history(connection, case, case.level, danger, now)
        self.tell(connection, case, "level_raised", now, level=int(level))
        fresh = self.cases.get(connection, case.id) or case
        if fresh.state in LEFT:
            return self.recall(connection, fresh, level, now)
        if fresh.state == State.NEW:
            self.ring(connection, fresh, level, now)
        return fresh

    def _history(self, connection: sa.Connection, case: Case, before: Level, danger: Danger, now: datetime) -> None:
        self.cases.add_level_change(
            connection, case.id, evidence=tuple(filter(None, (danger.message_id, *danger.rules))),
            from_level=int(before), to_level=int(danger.level), source="machine", state="in_force", at=now,
        )  # fmt: skip

    def _waiting_note(self, connection: sa.Connection, alert: Alert, now: datetime) -> None:
        conversation = self.conversations.get(connection, alert.conversation_id)
        sent = alert.waiting_notes + 1
        self.alerts.change(
            connection,
            alert.id,
            waiting_notes=sent,
            next_note_at=self.clocks.next_note_at(alert.level, sent, now),
        )
        if conversation is None or conversation.owner_id is not None or conversation.unreachable:
            return
        key = routing.waiting_key(alert.level, alert.waiting_notes)
        lane = Lane.CRISIS if alert.level >= Level.MEDIUM else Lane.REPLY
        self.outbox.add(
            connection,
            Pending(conversation.id, conversation.channel, lane, "bot", conversation.epoch, key),
            now,
        )

    def tell(self, connection: sa.Connection, case: Case, kind: str, now: datetime, **data: int | str) -> None:
        """The desk's screens hear of it."""
        events.append(
            connection, self._district, "desk", kind, now, conversation_id=case.conversation_id,
            case_id=case.id, **data,
        )  # fmt: skip


def overdue_s(alert: Alert, clocks: Clocks, now: datetime) -> float:
    """Seconds past the promised claim; negative while there is time."""
    return (now - clocks.claim_by(alert.level, alert.raised_at)) / timedelta(seconds=1)
