"""Counsellors who practise: one running practice a person, with how far its synthetic caller has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id


@dataclass(frozen=True)
class Practice:
    """One practice; `progress` is the caller's place in the script, as JSON."""

    id: str
    counsellor_id: str
    conversation_id: str
    case_id: str
    script: str
    progress: str
    due_at: datetime
    seen_at: datetime
    state: str
    began_at: datetime
    ended_at: datetime | None
    why: str


class Practices:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def add(self, connection: sa.Connection, **values: Any) -> str:  # columns
        """A practice begins; the database refuses a second one of the same person. Returns its id."""
        practice_id = new_id()
        connection.execute(
            t.practice.insert().values(district_id=self.district, id=practice_id, state="running", why="", **values)
        )
        return practice_id

    def running(self, connection: sa.Connection) -> list[Practice]:
        """All that go on now."""
        return self._all(connection, t.practice.c.state == "running")

    def running_of(self, connection: sa.Connection, counsellor_id: str) -> Practice | None:
        """The practice of one person that goes on now."""
        mine = sa.and_(t.practice.c.counsellor_id == counsellor_id, t.practice.c.state == "running")
        return next(iter(self._all(connection, mine)), None)

    def of_case(self, connection: sa.Connection, case_id: str) -> Practice | None:
        """The practice that a case was made for."""
        return next(iter(self._all(connection, t.practice.c.case_id == case_id)), None)

    def of(self, connection: sa.Connection, counsellor_id: str, limit: int = 20) -> list[Practice]:
        """One person's practices, newest first."""
        return self._all(connection, t.practice.c.counsellor_id == counsellor_id, limit)

    def change(self, connection: sa.Connection, practice_id: str, **values: Any) -> None:  # columns
        """Set columns of a running practice; one that has ended stays as it is."""
        connection.execute(
            t.practice.update()
            .where(
                t.practice.c.district_id == self.district, t.practice.c.id == practice_id,
                t.practice.c.state == "running",
            )
            .values(**values)
        )  # fmt: skip

    def _all(
        self, connection: sa.Connection, which: sa.ColumnElement[bool], limit: int | None = None
    ) -> list[Practice]:
        query = (
            sa.select(t.practice)
            .where(t.practice.c.district_id == self.district, which)
            .order_by(t.practice.c.began_at.desc())
            .limit(limit)
        )
        return [
            Practice(
                row.id, row.counsellor_id, row.conversation_id, row.case_id, row.script, row.progress, row.due_at,
                row.seen_at, row.state, row.began_at, row.ended_at, row.why,
            )
            for row in connection.execute(query)
        ]  # fmt: skip
