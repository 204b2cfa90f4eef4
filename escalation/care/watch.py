"""What falls due in follow-ups, looked for every second: answers, words that did not arrive, calls nobody made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.alarm import Alarm
from escalation.care import plan
from escalation.care.plan import CareRules
from escalation.cases import State
from escalation.routing import rung
from records.follow_up_talks import FollowUpTalks
from records.follow_ups import FollowUps
from records.outbox_rows import Lane, Pending
from triage.risk import Level


@dataclass(frozen=True)
class FollowUpWatch:
    """The sweep over rows: a restart forgets nothing."""

    alarm: Alarm
    tasks: FollowUps
    talks: FollowUpTalks
    rules: CareRules

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Mark what was answered or did not arrive, and let overdue calls climb; returns how many."""
        answered = self.talks.answered(connection, now)
        for attempt, at in answered:
            self.talks.change_attempt(connection, attempt.id, result="reached", answered_at=at)
            self._tell(connection, attempt.case_id, "follow_up_answered", now, task=attempt.follow_up_id)
            self._thank(connection, attempt.case_id, now)
        lost = self.talks.undelivered(connection)
        for attempt in lost:
            self.talks.change_attempt(connection, attempt.id, result="undelivered")
            self._tell(connection, attempt.case_id, "follow_up_undelivered", now, task=attempt.follow_up_id)
        late = self.tasks.due(connection, now)
        for task in late:
            step = task.step + 1
            self.tasks.change(
                connection, task.id, step=step, next_at=plan.next_rung(task.window_end, step, self.rules)
            )  # fmt: skip
            self._tell(
                connection, task.case_id, "follow_up_overdue", now, task=task.id, step=step, rung=rung(step - 1)
            )  # fmt: skip
        return len(answered) + len(lost) + len(late)

    def _thank(self, connection: sa.Connection, case_id: str, now: datetime) -> None:
        """Whoever answered hears that it was heard; not where danger called people meanwhile."""
        case = self.alarm.cases.get(connection, case_id)
        talk = self.alarm.conversations.get(connection, case.conversation_id) if case else None
        if case is not None and talk is not None and case.state == State.FOLLOW_UP and talk.level <= Level.LOW:
            heard = Pending(talk.id, talk.channel, Lane.REPLY, "bot", talk.epoch, "follow_up.heard")
            self.alarm.outbox.add(connection, heard, now)

    def _tell(self, connection: sa.Connection, case_id: str, kind: str, now: datetime, **data: int | str) -> None:
        case = self.alarm.cases.get(connection, case_id)
        if case is not None:
            self.alarm.tell(connection, case, kind, now, **data)
