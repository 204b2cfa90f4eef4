"""The roster: plan a shift, take one out, copy last week. Each method runs inside one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.shift import roster
from escalation.shift.rules import ShiftRules
from records.roster import Planned, Roster
from records.staff import Counsellor, Staff


@dataclass(frozen=True)
class Week:
    """A week's plan and what is wrong with it."""

    plan: list[Planned]
    gaps: list[roster.Gap]
    long_runs: list[roster.LongRun]


@dataclass(frozen=True)
class Planning:
    """What duty leads do with the plan."""

    rows: Roster
    staff: Staff
    rules: ShiftRules

    def week(self, connection: sa.Connection, monday: datetime) -> Week:
        """The plan of the week that begins here. Runs are looked at beyond its edges."""
        end = monday + roster.WEEK
        plan = self.rows.between(connection, monday, end)
        around = self.rows.between(connection, monday - self.rules.longest_run, end + self.rules.longest_run)
        runs = [
            run
            for run in roster.long_runs(around, self.rules.longest_run)
            if run.begins_at < end and run.ends_at > monday
        ]
        return Week(plan, roster.gaps(plan, monday, end, self.rules.least_seats), runs)

    def add(self, connection: sa.Connection, who: Counsellor, planned: Planned, now: datetime) -> None:
        """Plan a shift for somebody who works here."""
        colleague = self.staff.get(connection, planned.counsellor_id)
        if colleague is None or not colleague.is_active:
            raise NotAllowed("请选择一位同事")
        roster.check(planned, self.rows.between(connection, planned.begins_at, planned.ends_at))
        row_id = self.rows.add(connection, planned, who.id)
        self.staff.audit(connection, "roster_added", now, actor_id=who.id, object_id=row_id)

    def remove(self, connection: sa.Connection, who: Counsellor, row_id: str, now: datetime) -> None:
        """Take a shift out of the plan."""
        if not self.rows.remove(connection, row_id, who.id, now):
            raise NotAllowed("这个班已经不在排班表里了")
        self.staff.audit(connection, "roster_removed", now, actor_id=who.id, object_id=row_id)

    def copy_last_week(self, connection: sa.Connection, who: Counsellor, monday: datetime, now: datetime) -> None:
        """Last week's shifts into this week, where nothing stands in their way."""
        last = [one for one in self.rows.between(connection, monday - roster.WEEK, monday) if one.begins_at < monday]
        begun_there = [one for one in last if one.begins_at >= monday - roster.WEEK]
        already = self.rows.between(connection, monday, monday + 2 * roster.WEEK)
        fresh = roster.copied(begun_there, already)
        if not fresh:
            raise NotAllowed("上一周没有可以复制的班")
        for planned in fresh:
            self.rows.add(connection, planned, who.id)
        self.staff.audit(connection, "roster_copied", now, actor_id=who.id, number=len(fresh))
