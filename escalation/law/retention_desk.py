"""The night job that lets old records go, and the click that it needs for what was kept three years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.law.retention import ZONE, Rule, Schedule
from records.erasure import Erasure, Look
from records.retention_runs import RetentionRuns, Run
from records.staff import Counsellor, Staff


@dataclass(frozen=True)
class Due:
    """What one rule would do now."""

    rule: Rule
    until: datetime
    count: int


@dataclass(frozen=True)
class RetentionDesk:
    """Carries the schedule out. Each method runs inside one transaction."""

    schedule: Schedule
    erasure: Erasure
    runs: RetentionRuns
    staff: Staff

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """In the night: one batch of what is due; returns how many rows it did."""
        night = self.schedule.night(now)
        return 0 if night is None else self.batch(connection, night, now)

    def batch(self, connection: sa.Connection, night: str, now: datetime) -> int:
        """One batch of the oldest unfinished run, or of the next rule that this night has not begun."""
        run = self.runs.unfinished(connection) or self._next(connection, night, now)
        if run is None:
            return 0
        look = Look(run.after, self.schedule.batch)
        done = self.erasure.run(connection, run.kind, run.until, look, now)
        self.runs.go_on(connection, run, done, now)
        if done.is_last:
            self.staff.audit(
                connection, "retention_done", now, actor_id=run.by_id, kind=run.kind, count=run.count + done.count,
                until=run.until.isoformat(),
            )  # fmt: skip
        return done.count

    def is_finished(self, connection: sa.Connection, night: str) -> bool:
        """Whether this night has nothing left to do."""
        begun = self.runs.of_night(connection, night)
        return self.runs.unfinished(connection) is None and all(r.kind in begun for r in self.schedule.automatic())

    def due(self, connection: sa.Connection, now: datetime) -> list[Due]:
        """What each rule would do now: the dry run."""
        rules = [*self.schedule.automatic(), *self.schedule.approved()]
        return [self._due(connection, rule, now) for rule in rules]

    def waiting(self, connection: sa.Connection, now: datetime) -> list[Due]:
        """What waits for the privacy officer's click, with counts."""
        found = [self._due(connection, rule, now) for rule in self.schedule.approved()]
        begun = self.runs.of_night(connection, _day(now))
        return [due for due in found if due.count and due.rule.kind not in begun]

    def approve(self, connection: sa.Connection, kind: str, seen: int, who: Counsellor, now: datetime) -> None:
        """The privacy officer saw how many and agrees; the next night does it."""
        due = next((due for due in self.waiting(connection, now) if due.rule.kind == kind), None)
        if due is None:
            raise NotAllowed("没有等待确认的记录，或今天已经确认过")
        if due.count > seen:
            raise NotAllowed(f"现在是{due.count}条，比您看到的多，请看清楚再确认")
        self.runs.begin(connection, _day(now), kind, due.until, now, who.id)
        self.staff.audit(
            connection, "retention_approved", now, actor_id=who.id, kind=kind, count=due.count,
            until=due.until.isoformat(),
        )  # fmt: skip

    def _due(self, connection: sa.Connection, rule: Rule, now: datetime) -> Due:
        until = rule.until(now)
        return Due(rule, until, self.erasure.count(connection, rule.kind, until))

    def _next(self, connection: sa.Connection, night: str, now: datetime) -> Run | None:
        begun = self.runs.of_night(connection, night)
        rule = next((rule for rule in self.schedule.automatic() if rule.kind not in begun), None)
        return self.runs.begin(connection, night, rule.kind, rule.until(now), now) if rule else None


def _day(now: datetime) -> str:
    return now.astimezone(ZONE).date().isoformat()
