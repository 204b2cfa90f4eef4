"""Safeguarding matters of one district: the form as it was filled in, each step, and the clocks that still run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault

Detail = Mapping[str, Any]  # JSON: fields of a form


@dataclass(frozen=True)
class Matter:
    """One matter as it stands."""

    id: str
    kind: str
    case_id: str | None
    state: str
    owes_notice: bool
    about: tuple[str, ...]  # accounts that a complaint is about
    form: Detail
    made_by: str | None
    made_at: datetime
    is_drill: bool


@dataclass(frozen=True)
class MatterStep:
    """Something that was done about a matter."""

    action: str
    from_state: str
    to_state: str
    by_id: str
    detail: Detail
    at: datetime


@dataclass(frozen=True)
class MatterTask:
    """One clock that runs."""

    id: str
    matter_id: str
    kind: str
    opened_at: datetime
    due_at: datetime
    step: int


class Matters:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(
        self, connection: sa.Connection, *, form: Detail, about: Sequence[str] = (), **values: Any
    ) -> str:  # columns
        """Keep a new matter; returns its id."""
        matter_id = new_id()
        connection.execute(
            t.matter.insert().values(
                district_id=self.district, id=matter_id, about=json.dumps(list(about)),
                form_sealed=self.vault.seal(_text(form), "matter.form", matter_id), **values,
            )
        )  # fmt: skip
        return matter_id

    def get(self, connection: sa.Connection, matter_id: str, *, lock: bool = False) -> Matter | None:
        """One matter."""
        query = self._select().where(t.matter.c.id == matter_id)
        row = connection.execute(query.with_for_update() if lock else query).first()
        return self._matter(row) if row else None

    def of_case(self, connection: sa.Connection, case_id: str) -> list[Matter]:
        """Everything about one case, newest first."""
        query = self._select().where(t.matter.c.case_id == case_id).order_by(t.matter.c.made_at.desc())
        return [self._matter(row) for row in connection.execute(query)]

    def of_kind(self, connection: sa.Connection, kind: str, limit: int) -> list[Matter]:
        """The newest of one kind, open or not."""
        query = self._select().where(t.matter.c.kind == kind).order_by(t.matter.c.made_at.desc()).limit(limit)
        return [self._matter(row) for row in connection.execute(query)]

    def change(self, connection: sa.Connection, matter_id: str, **values: Any) -> None:  # columns
        """Set columns of a matter; `about` is a list."""
        if "about" in values:
            values["about"] = json.dumps(list(values["about"]))
        connection.execute(
            t.matter.update()
            .where(t.matter.c.district_id == self.district, t.matter.c.id == matter_id)
            .values(**values)
        )

    def add_step(self, connection: sa.Connection, matter_id: str, step: MatterStep) -> None:
        """Keep what was done; the matter is locked, so that the numbers follow each other."""
        step_id = new_id()
        mine = sa.and_(t.matter_step.c.district_id == self.district, t.matter_step.c.matter_id == matter_id)
        count = connection.execute(sa.select(sa.func.count()).select_from(t.matter_step).where(mine)).scalar_one()
        connection.execute(
            t.matter_step.insert().values(
                district_id=self.district, id=step_id, matter_id=matter_id, number=count + 1,
                action=step.action, from_state=step.from_state, to_state=step.to_state, by_id=step.by_id,
                detail_sealed=self.vault.seal(_text(step.detail), "matter_step.detail", step_id), at=step.at,
            )
        )  # fmt: skip

    def steps(self, connection: sa.Connection, matter_id: str) -> list[MatterStep]:
        """What was done, oldest first."""
        query = (
            sa.select(t.matter_step)
            .where(t.matter_step.c.district_id == self.district, t.matter_step.c.matter_id == matter_id)
            .order_by(t.matter_step.c.number)
        )
        return [
            MatterStep(
                row.action, row.from_state, row.to_state, row.by_id,
                json.loads(self.vault.open(row.detail_sealed, "matter_step.detail", row.id)), row.at,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def start_clock(
        self, connection: sa.Connection, matter_id: str, kind: str, now: datetime, due_at: datetime
    ) -> None:  # fmt: skip
        """Something has to be done by then."""
        connection.execute(
            t.matter_task.insert().values(
                district_id=self.district, id=new_id(), matter_id=matter_id, kind=kind, opened_at=now, due_at=due_at,
                step=0, next_at=due_at,
            )
        )  # fmt: skip

    def call_again(self, connection: sa.Connection, task: MatterTask, next_at: datetime) -> None:
        """It was called for; the next time is then."""
        self._change_task(connection, task, step=task.step + 1, next_at=next_at)

    def stop_clock(self, connection: sa.Connection, task: MatterTask, by_id: str, now: datetime) -> None:
        """It is done."""
        self._change_task(connection, task, next_at=None, done_by=by_id, done_at=now)

    def clocks(self, connection: sa.Connection, matter_id: str = "") -> list[MatterTask]:
        """What is still to be done, of all matters or of one, the first due first."""
        query = self._open_tasks().order_by(t.matter_task.c.due_at)
        if matter_id:
            query = query.where(t.matter_task.c.matter_id == matter_id)
        return [_task(row) for row in connection.execute(query)]

    def due(self, connection: sa.Connection, now: datetime, limit: int = 100) -> list[MatterTask]:
        """What has to be called for now; locked for this transaction."""
        query = self._open_tasks().where(t.matter_task.c.next_at <= now).order_by(t.matter_task.c.next_at).limit(limit)
        return [_task(row) for row in connection.execute(query.with_for_update(skip_locked=True))]

    def is_open(self, connection: sa.Connection, task_id: str) -> bool:
        """Whether this is still to be done."""
        return connection.execute(self._open_tasks().where(t.matter_task.c.id == task_id)).first() is not None

    def waiting(self, connection: sa.Connection) -> list[Matter]:
        """Matters about which something is still to be done."""
        with_task = sa.select(t.matter_task.c.matter_id).where(
            t.matter_task.c.district_id == self.district, t.matter_task.c.done_at.is_(None)
        )
        return [self._matter(row) for row in connection.execute(self._select().where(t.matter.c.id.in_(with_task)))]

    def overdue_cases(
        self, connection: sa.Connection, kind: str, now: datetime, case_id: str = ""
    ) -> dict[str, datetime]:  # fmt: skip
        """Case -> since when a task of this kind is late; of one case when it is named."""
        matter, task = t.matter, t.matter_task
        query = (
            sa.select(matter.c.case_id, sa.func.min(task.c.due_at).label("due_at"))
            .join(matter, sa.and_(matter.c.district_id == self.district, matter.c.id == task.c.matter_id))
            .where(
                task.c.district_id == self.district, task.c.kind == kind, task.c.done_at.is_(None),
                task.c.due_at <= now, matter.c.case_id.is_not(None),
            )
            .group_by(matter.c.case_id)
        )  # fmt: skip
        found = connection.execute(query.where(matter.c.case_id == case_id) if case_id else query)
        return {row.case_id: row.due_at for row in found}

    def _change_task(self, connection: sa.Connection, task: MatterTask, **values: Any) -> None:  # columns
        connection.execute(
            t.matter_task.update()
            .where(t.matter_task.c.district_id == self.district, t.matter_task.c.id == task.id)
            .values(**values)
        )

    def _open_tasks(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.matter_task).where(
            t.matter_task.c.district_id == self.district, t.matter_task.c.done_at.is_(None)
        )

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.matter).where(t.matter.c.district_id == self.district)

    def _matter(self, row: Any) -> Matter:  # Any: SQLAlchemy rows are untyped
        form = json.loads(self.vault.open(row.form_sealed, "matter.form", row.id))
        return Matter(
            row.id, row.kind, row.case_id, row.state, row.owes_notice, tuple(json.loads(row.about)), form,
            row.made_by, row.made_at, row.is_drill,
        )  # fmt: skip


def _text(detail: Detail) -> str:
    return json.dumps(dict(detail), ensure_ascii=False)


def _task(row: Any) -> MatterTask:  # Any: SQLAlchemy rows are untyped
    return MatterTask(row.id, row.matter_id, row.kind, row.opened_at, row.due_at, row.step)
