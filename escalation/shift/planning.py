"""The roster: plan a shift, take one out, copy last week. Each method runs inside one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.shift import roster
from escalation.shift.rules import ShiftRules
from escalation.shift.strain import AROUND, Advice, advice
from records.roster import Planned, Roster
from records.staff import Counsellor, Staff

_HEADER_AHEAD = timedelta(hours=12)
_UNFIT = Advice("role", "账号不是值班长：警报叫值班长时不算")
_LEAD = "duty_lead"


@dataclass(frozen=True)
class Holes:
    """Times in which the roster names nobody whom the ladder's rung could call."""

    lead: list[roster.Gap]
    oncall: list[roster.Gap]

    def __bool__(self) -> bool:
        """Whether there is one."""
        return bool(self.lead or self.oncall)


@dataclass(frozen=True)
class Week:
    """A week's plan and what is wrong with it; `advice`: shift -> what to think about beside it."""

    plan: list[Planned]
    gaps: list[roster.Gap]
    long_runs: list[roster.LongRun]
    holes: Holes
    advice: Mapping[str, list[Advice]]


@dataclass(frozen=True)
class Planning:
    """What duty leads do with the plan."""

    rows: Roster
    staff: Staff
    rules: ShiftRules

    def week(self, connection: sa.Connection, monday: datetime) -> Week:
        """The plan of the week that begins here. Runs and nights are looked at beyond its edges."""
        end = monday + roster.WEEK
        plan = self.rows.between(connection, monday, end)
        around = self._counting(connection, monday - AROUND, end + AROUND)
        runs = [
            run
            for run in roster.long_runs(around, self.rules.longest_run)
            if run.begins_at < end and run.ends_at > monday
        ]
        beside = {one.id: self._advice(one, around) for one in plan}
        holes = self._holes(around, monday, end) if plan else Holes([], [])
        return Week(plan, roster.gaps(plan, monday, end, self.rules.least_seats), runs, holes, beside)

    def advise(self, connection: sa.Connection, planned: Planned) -> list[Advice]:
        """What to think about before a shift is planned; raise NotAllowed when it cannot be."""
        roster.check(planned, self.rows.between(connection, planned.begins_at, planned.ends_at))
        asked = replace(planned, id="asked")
        around = self._counting(connection, planned.begins_at - AROUND, planned.ends_at + AROUND, asked)
        return self._advice(asked, around)

    def soon_missing(self, connection: sa.Connection, now: datetime) -> Holes:
        """Who the roster names nobody for in the coming hours; nothing where no roster is kept."""
        around = self._counting(connection, now - roster.WEEK, now + roster.WEEK)
        return self._holes(around, now, now + _HEADER_AHEAD) if around else Holes([], [])

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

    def _holes(self, plan: list[Planned], begins_at: datetime, ends_at: datetime) -> Holes:
        oncall = [] if self.rules.has_outside else roster.gaps(plan, begins_at, ends_at, 1, roster.ON_CALL)
        return Holes(roster.gaps(plan, begins_at, ends_at, 1, roster.LEADING), oncall)

    def _advice(self, one: Planned, around: list[Planned]) -> list[Advice]:
        counted = next((other for other in around if other.id == one.id), one)
        found = advice(counted, around, self.rules.strain, self.rules.least_seats)
        return found + ([_UNFIT] if counted.role != one.role else [])

    def _counting(
        self, connection: sa.Connection, begins_at: datetime, ends_at: datetime, *more: Planned
    ) -> list[Planned]:
        """The plan as the ladder counts it: who has left is not there, who may not lead is a seat."""
        roles = {who.id: who.roles for who in self.staff.all(connection) if who.is_active}
        return [
            replace(one, role="seat") if one.role == "lead" and _LEAD not in roles[one.counsellor_id] else one
            for one in (*self.rows.between(connection, begins_at, ends_at), *more)
            if one.counsellor_id in roles
        ]

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
