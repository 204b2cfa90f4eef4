"""What remains to be done for a person after the end: planned at the closing; the last call closes the case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation import cases
from escalation.care import plan
from escalation.care.plan import OPEN, CareRules, Consent, Window
from escalation.cases import NotAllowed, State
from escalation.handling import Handling
from records.cases import Case
from records.follow_up_talks import FollowUpTalks
from records.follow_ups import SAFETY, TEAM, FollowUp, FollowUps
from records.staff import Counsellor
from triage.risk import Level


@dataclass(frozen=True)
class Planning:
    """The tasks of cases. Each method runs inside the caller's transaction, with the case locked."""

    handling: Handling
    tasks: FollowUps
    talks: FollowUpTalks
    rules: CareRules

    def at_close(self, connection: sa.Connection, case: Case, who: Counsellor, disposition: str, now: datetime) -> bool:
        """Plan what the level asks for; whether calls to the person remain after this end; a drill has none."""
        if case.is_drill:
            return False
        old = self.calls(connection, case.id)
        since = self.handling.alarm.reopenings.newest_at(connection, case.id)
        planned = [task.level for task in old if since is None or task.made_at >= since]
        is_wanted = disposition not in self.rules.without
        if is_wanted and planned and max(planned) >= case.level:  # they only talked in between: the plan goes on
            return any(task.state in OPEN for task in old)
        wanted = plan.windows(case.level, now, self.rules) if is_wanted else []
        consent = self.consent(connection, case)
        if wanted and consent is Consent.UNDECIDED:
            raise NotAllowed("来访者不同意随访：橙色、红色要先由督导在“随访”里决定，并写明依据")
        self.cancel(connection, old, who, "结案时重新安排", now)
        if consent is Consent.REFUSED:
            return False
        for window in wanted:
            self.add(connection, case, window, case.owner_id, who, now)
        return bool(wanted)

    def calls(self, connection: sa.Connection, case_id: str) -> list[FollowUp]:
        """Calls to the person of a case, by the end of their windows."""
        return [task for task in self.tasks.of(connection, case_id) if task.kind == SAFETY]

    def consent(self, connection: sa.Connection, case: Case) -> Consent:
        """May this person be called back now?"""
        return plan.consent(case.level, [one.answer for one in self.talks.consents(connection, case.id)])

    def add(
        self, connection: sa.Connection, case: Case, window: Window, assignee_id: str | None, who: Counsellor,
        now: datetime,
    ) -> None:  # fmt: skip
        """One call more; overdue on orange and red it climbs."""
        self.tasks.add(
            connection, case_id=case.id, kind=SAFETY, code=window.code, level=int(case.level),
            window_start=window.start, window_end=window.end, assignee_id=assignee_id, made_by=who.id, made_at=now,
            next_at=window.end if case.level >= Level.HIGH else None,
        )  # fmt: skip

    def owe(
        self, connection: sa.Connection, case: Case, owed: Iterable[tuple[str, timedelta]], who: Counsellor,
        now: datetime,
    ) -> None:  # fmt: skip
        """What the team owes itself, each within its time; nothing after a drill."""
        if case.is_drill:
            return
        for code, within in owed:
            self.tasks.add(
                connection, case_id=case.id, kind=TEAM, code=code, level=int(case.level), window_start=now,
                window_end=now + within, made_by=who.id, made_at=now, next_at=now + within,
            )  # fmt: skip

    def end(
        self, connection: sa.Connection, task: FollowUp, action: str, who: Counsellor, reason: str, now: datetime
    ) -> None:
        """A task is over; what waits for an answer waits no longer."""
        state = plan.after(plan.TaskState(task.state), action)
        self.talks.give_up_waiting(connection, task.id)
        self.tasks.change(
            connection, task.id, state=state.value, next_at=None, ended_by=who.id, ended_at=now, reason=reason
        )

    def cancel(
        self, connection: sa.Connection, tasks: Iterable[FollowUp], who: Counsellor, reason: str, now: datetime
    ) -> None:
        """Those that are still open are not done any more."""
        for task in tasks:
            if task.state in OPEN:
                self.end(connection, task, "cancel", who, reason, now)

    def end_if_last(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """After the last call a case that is only followed up is closed."""
        case = self.handling.case(connection, case_id)
        if case.state != State.FOLLOW_UP or any(task.state in OPEN for task in self.calls(connection, case_id)):
            return
        state = cases.after(State.FOLLOW_UP, "finish")
        self.handling.save(connection, case, state=state.value, closed_at=now)
        self.handling.done(connection, case, who, "closed", now, disposition=case.disposition or "")
