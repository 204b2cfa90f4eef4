"""What falls due about referrals, and what somebody has to do: rows, so that a restart forgets nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.alarm import Alarm
from escalation.cases import NotAllowed
from escalation.referral.clocks import Promises
from escalation.referral.states import SETTLES, Stage, task_after, task_when_due
from records.cases import Case
from records.referral_tasks import ReferralTask, ReferralTasks
from records.referrals import Referral, Referrals

_LEAST_NOTE, _LONGEST_NOTE = 4, 1000


@dataclass(frozen=True)
class Reminders:
    """Opens, settles and repeats tasks. Each method runs inside one transaction."""

    alarm: Alarm
    referrals: Referrals
    tasks: ReferralTasks
    promises: Promises

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Whatever has been waited for too long becomes a task; returns how many."""
        due = self.referrals.due(connection, now)
        for referral in due:
            self.referrals.change(connection, referral.id, due_at=None)
            case = self.alarm.cases.get(connection, referral.case_id)
            if case is not None:
                self.open(connection, referral, case, task_when_due(Stage(referral.state)), now)
                self.alarm.tell(connection, case, "referral_overdue", now, referral=referral.id)
        return len(due)

    def open(self, connection: sa.Connection, referral: Referral, case: Case, kind: str, now: datetime) -> None:
        """Somebody has to do something: the case's counsellor, or the duty lead."""
        for_id = None if kind == "second_person" else case.owner_id
        self.tasks.open(connection, referral.id, case.id, kind, for_id, now)

    def moved(
        self, connection: sa.Connection, referral: Referral, case: Case, action: str, by_id: str | None, now: datetime
    ) -> None:
        """After an action: what it answers is done, what is awaited next gets its time, what it calls for is opened."""
        stage = Stage(referral.state)
        self.finish(connection, referral.id, SETTLES.get(action, frozenset()), by_id, now)
        if action != "hand_over":
            due_at = self.promises.due_at(stage, referral.urgency, referral.attended, now)
            self.referrals.change(connection, referral.id, due_at=due_at)
        if kind := task_after(stage, referral.attended):
            self.open(connection, referral, case, kind, now)

    def made_another(self, connection: sa.Connection, case_id: str, by_id: str, now: datetime) -> None:
        """A new referral of the case: nobody has to look for another institution any more."""
        for referral in self.referrals.of_case(connection, case_id):
            self.finish(connection, referral.id, frozenset({"choose_other"}), by_id, now)

    def settle(self, connection: sa.Connection, task: ReferralTask, by_id: str, note: str, now: datetime) -> None:
        """Somebody did what they could: what is still awaited gets its time anew."""
        if task.kind == "second_person":
            raise NotAllowed("请直接选“同意”或“不同意”")
        if not _LEAST_NOTE <= len(note.strip()) <= _LONGEST_NOTE:
            raise NotAllowed(f"请写明做了什么（{_LEAST_NOTE}到{_LONGEST_NOTE}个字）")
        self.tasks.finish(connection, task, by_id, now, note.strip())
        referral = self.referrals.get(connection, task.referral_id, lock=True)
        if referral is not None and task.kind == task_when_due(Stage(referral.state)):
            due_at = self.promises.due_at(Stage(referral.state), referral.urgency, referral.attended, now)
            self.referrals.change(connection, referral.id, due_at=due_at)

    def finish(
        self, connection: sa.Connection, referral_id: str, kinds: frozenset[str], by_id: str | None, now: datetime
    ) -> None:
        """Tasks of these kinds were answered by what happened; `by_id` None = by the partner."""
        for task in self.tasks.of_referral(connection, referral_id):
            if task.kind in kinds:
                self.tasks.finish(connection, task, by_id, now)
