"""Follow-up tasks: planned, open, overdue, ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.columns import among, fixed
from records.conversations import new_id
from records.crypto import Vault
from triage.risk import Level

_OPEN = ("todo", "doing")
SAFETY, TEAM = "safety", "team"


@dataclass(frozen=True)
class FollowUp:
    """One task. kind safety = a call to the person, team = what the team owes itself after a rescue."""

    id: str
    case_id: str
    kind: str
    code: str
    level: Level  # of the case when it was planned
    window_start: datetime
    window_end: datetime
    state: str
    assignee_id: str | None
    step: int
    made_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    reason: str


@dataclass(frozen=True)
class Listed:
    """A task as lists show it, with its case's number, state and contact."""

    task: FollowUp
    case_no: str
    case_state: str
    case_level: Level
    contact_id: str
    conversation_id: str
    is_drill: bool


class FollowUps:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, **values: Any) -> str:  # columns
        """Plan a task; returns its id."""
        task_id = new_id()
        connection.execute(
            t.follow_up.insert().values(district_id=self.district, id=task_id, state="todo", step=0, **values)
        )
        return task_id

    def get(self, connection: sa.Connection, task_id: str, *, lock: bool = False) -> FollowUp | None:
        """One task."""
        query = self._select().where(t.follow_up.c.id == task_id)
        row = connection.execute(query.with_for_update() if lock else query).first()
        return self._task(row) if row else None

    def of(self, connection: sa.Connection, case_id: str) -> list[FollowUp]:
        """Every task of a case, by the end of its window."""
        query = self._select().where(t.follow_up.c.case_id == case_id).order_by(t.follow_up.c.window_end)
        return [self._task(row) for row in connection.execute(query)]

    def change(self, connection: sa.Connection, task_id: str, **values: Any) -> None:  # columns
        """Set columns of a task; `reason` is sealed."""
        if "reason" in values:
            values["reason_sealed"] = self.vault.seal(values.pop("reason"), "follow_up.reason", task_id)
        connection.execute(
            t.follow_up.update()
            .where(t.follow_up.c.district_id == self.district, t.follow_up.c.id == task_id)
            .values(**values)
        )

    def listed(self, connection: sa.Connection, until: datetime, limit: int = 500) -> list[Listed]:
        """Open tasks whose window begins before `until`, the longest overdue first."""
        case = t.case_record
        query = (
            sa.select(
                t.follow_up, case.c.case_no, case.c.state.label("case_state"), case.c.level.label("case_level"),
                case.c.contact_id, case.c.conversation_id, case.c.is_drill,
            )
            .join(case, sa.and_(case.c.district_id == self.district, case.c.id == t.follow_up.c.case_id))
            .where(self._is_open(), t.follow_up.c.window_start < until)
            .order_by(t.follow_up.c.window_end)
            .limit(limit)
        )  # fmt: skip
        return [
            Listed(
                self._task(row), row.case_no, row.case_state, Level(row.case_level), row.contact_id,
                row.conversation_id, row.is_drill,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def count_overdue(self, connection: sa.Connection, now: datetime) -> int:
        """How many open tasks are past their window."""
        query = sa.select(sa.func.count()).select_from(t.follow_up)
        return connection.execute(query.where(self._is_open(), t.follow_up.c.window_end <= now)).scalar_one()

    def due(self, connection: sa.Connection, now: datetime, limit: int = 200) -> list[FollowUp]:
        """Overdue tasks whose next rung is due, locked; those of a case that is served again wait."""
        case = t.case_record
        query = (
            self._select()
            .join(case, sa.and_(case.c.district_id == self.district, case.c.id == t.follow_up.c.case_id))
            .where(
                self._is_open(),
                t.follow_up.c.next_at <= now,
                sa.or_(t.follow_up.c.kind == TEAM, case.c.state == "follow_up"),
            )
            .order_by(t.follow_up.c.next_at)
            .limit(limit)
            .with_for_update(of=t.follow_up, skip_locked=True)
        )
        return [self._task(row) for row in connection.execute(query)]

    def climbed(self, connection: sa.Connection, case_id: str = "") -> dict[str, tuple[int, datetime]]:
        """Case -> how far its overdue follow-up has climbed, and when its window ended; of one when it is named."""
        query = sa.select(
            t.follow_up.c.case_id, sa.func.max(t.follow_up.c.step).label("step"),
            sa.func.min(t.follow_up.c.window_end).label("end"),
        ).where(self._is_open(), t.follow_up.c.kind == SAFETY, t.follow_up.c.step > fixed(0))  # fmt: skip
        if case_id:
            query = query.where(t.follow_up.c.case_id == case_id)
        return {row.case_id: (row.step, row.end) for row in connection.execute(query.group_by(t.follow_up.c.case_id))}

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.follow_up).where(t.follow_up.c.district_id == self.district)

    def _is_open(self) -> sa.ColumnElement[bool]:
        return sa.and_(t.follow_up.c.district_id == self.district, t.follow_up.c.state.in_(among(_OPEN)))

    def _task(self, row: Any) -> FollowUp:  # Any: SQLAlchemy rows are untyped
        reason = self.vault.open(row.reason_sealed, "follow_up.reason", row.id) if row.reason_sealed else ""
        return FollowUp(
            row.id, row.case_id, row.kind, row.code, Level(row.level), row.window_start, row.window_end, row.state,
            row.assignee_id, row.step, row.made_at, row.ended_by, row.ended_at, reason,
        )  # fmt: skip
