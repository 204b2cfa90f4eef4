"""Planned drills, their runs, and which conversations are callers of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault
from records.tables.cases import ENDED


@dataclass(frozen=True)
class Plan:
    """A drill that somebody planned."""

    id: str
    scenario: str
    callers: int
    planned_for: datetime
    is_announced: bool
    calls_people: bool
    state: str
    by_id: str
    findings: str
    findings_by: str | None


@dataclass(frozen=True)
class Run:
    """A planned drill as it was carried out, once."""

    id: str
    plan_id: str
    scenario: str
    callers: int
    state: str
    began_at: datetime
    until: datetime
    ended_at: datetime | None
    result: str


class Drills:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def plan(self, connection: sa.Connection, **values: Any) -> str:  # columns
        """Keep a plan; returns its id."""
        plan_id = new_id()
        connection.execute(
            t.drill_plan.insert().values(district_id=self.district, id=plan_id, state="planned", **values)
        )
        return plan_id

    def get(self, connection: sa.Connection, plan_id: str, *, lock: bool = False) -> Plan | None:
        """One plan."""
        query = self._plans().where(t.drill_plan.c.id == plan_id)
        row = connection.execute(query.with_for_update() if lock else query).first()
        return self._plan(row) if row else None

    def plans(self, connection: sa.Connection, since: datetime, limit: int = 200) -> list[Plan]:
        """Those planned for a moment after `since`, the latest first."""
        query = self._plans().where(t.drill_plan.c.planned_for >= since)
        rows = connection.execute(query.order_by(t.drill_plan.c.planned_for.desc()).limit(limit))
        return [self._plan(row) for row in rows]

    def change(self, connection: sa.Connection, plan_id: str, **values: Any) -> None:  # columns
        """Set columns of a plan; `findings` are sealed."""
        if "findings" in values:
            values["findings_sealed"] = self.vault.seal(values.pop("findings"), "drill_plan.findings", plan_id)
        connection.execute(
            t.drill_plan.update()
            .where(t.drill_plan.c.district_id == self.district, t.drill_plan.c.id == plan_id)
            .values(**values)
        )

    def begin(self, connection: sa.Connection, plan_id: str, **values: Any) -> str:  # columns
        """A run begins; the database refuses a second one beside it. Returns its id."""
        run_id = new_id()
        connection.execute(
            t.drill_run.insert().values(
                district_id=self.district, id=run_id, plan_id=plan_id, state="running", result="", **values
            )
        )
        return run_id

    def running(self, connection: sa.Connection) -> Run | None:
        """The run that goes on now; there is at most one."""
        row = connection.execute(self._runs().where(t.drill_run.c.state == "running")).first()
        return _run(row) if row else None

    def unfinished(self, connection: sa.Connection, since: datetime) -> list[Run]:
        """Runs that go on, and those that ended after `since`."""
        query = self._runs().where(sa.or_(t.drill_run.c.state == "running", t.drill_run.c.ended_at >= since))
        return [_run(row) for row in connection.execute(query)]

    def runs(self, connection: sa.Connection, plan_ids: list[str]) -> list[Run]:
        """Every run of these plans, oldest first."""
        query = self._runs().where(t.drill_run.c.plan_id.in_(plan_ids)).order_by(t.drill_run.c.began_at)
        return [_run(row) for row in connection.execute(query)]

    def end(self, connection: sa.Connection, run_id: str, state: str, now: datetime, result: str = "") -> None:
        """A run is over."""
        connection.execute(
            t.drill_run.update()
            .where(t.drill_run.c.district_id == self.district, t.drill_run.c.id == run_id)
            .values(state=state, ended_at=now, result=result)
        )

    def add_caller(self, connection: sa.Connection, conversation_id: str, run_id: str) -> None:
        """This conversation is a synthetic caller of a run."""
        connection.execute(t.drill_caller.insert().values(district_id=self.district, id=conversation_id, run_id=run_id))

    def callers(self, connection: sa.Connection, run_id: str) -> list[str]:
        """The conversations of a run."""
        query = sa.select(t.drill_caller.c.id).where(
            t.drill_caller.c.district_id == self.district, t.drill_caller.c.run_id == run_id
        )
        return list(connection.execute(query).scalars())

    def run_of(self, connection: sa.Connection, conversation_id: str) -> str | None:
        """The run that a conversation is a caller of."""
        query = sa.select(t.drill_caller.c.run_id).where(
            t.drill_caller.c.district_id == self.district, t.drill_caller.c.id == conversation_id
        )
        return connection.execute(query).scalar()

    def open_cases(self, connection: sa.Connection, run_id: str) -> list[str]:
        """The cases of a run that have not ended."""
        case, caller = t.case_record, t.drill_caller
        same = sa.and_(caller.c.district_id == self.district, caller.c.id == case.c.conversation_id)
        query = (
            sa.select(case.c.id)
            .join(caller, same)
            .where(case.c.district_id == self.district, caller.c.run_id == run_id, case.c.state.not_in(ENDED))
        )
        return list(connection.execute(query).scalars())

    def took_part(self, connection: sa.Connection, run_ids: list[str]) -> dict[str, list[str]]:
        """Run -> who served one of its callers."""
        case = t.case_record
        query = (
            sa.select(t.drill_caller.c.run_id, t.stint.c.counsellor_id)
            .join(case, sa.and_(case.c.district_id == self.district, case.c.conversation_id == t.drill_caller.c.id))
            .join(t.stint, sa.and_(t.stint.c.district_id == self.district, t.stint.c.case_id == case.c.id))
            .where(t.drill_caller.c.district_id == self.district, t.drill_caller.c.run_id.in_(run_ids))
            .distinct()
        )  # fmt: skip
        found: dict[str, list[str]] = {}
        for row in connection.execute(query):
            found.setdefault(row.run_id, []).append(row.counsellor_id)
        return found

    def calls_people(self, connection: sa.Connection, conversation_id: str) -> bool:
        """Whether the plan of this caller's run says that people are called outside the screens."""
        plan, run, caller = t.drill_plan, t.drill_run, t.drill_caller
        query = (
            sa.select(plan.c.calls_people)
            .join(run, sa.and_(run.c.district_id == self.district, run.c.plan_id == plan.c.id))
            .join(caller, sa.and_(caller.c.district_id == self.district, caller.c.run_id == run.c.id))
            .where(plan.c.district_id == self.district, caller.c.id == conversation_id)
        )
        return bool(connection.execute(query).scalar())

    def _plans(self) -> sa.Select[Any]:  # Any: rows are untyped
        return sa.select(t.drill_plan).where(t.drill_plan.c.district_id == self.district)

    def _runs(self) -> sa.Select[Any]:  # Any: rows are untyped
        return sa.select(t.drill_run).where(t.drill_run.c.district_id == self.district)

    def _plan(self, row: Any) -> Plan:  # Any: rows are untyped
        sealed = row.findings_sealed
        return Plan(
            row.id, row.scenario, row.callers, row.planned_for, row.is_announced, row.calls_people, row.state,
            row.by_id, self.vault.open(sealed, "drill_plan.findings", row.id) if sealed else "", row.findings_by,
        )  # fmt: skip


def _run(row: Any) -> Run:  # Any: rows are untyped
    return Run(
        row.id, row.plan_id, row.scenario, row.callers, row.state, row.began_at, row.until, row.ended_at, row.result
    )
