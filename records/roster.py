"""Planned shifts: who, as what, from when to when. What is taken out stays in the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id


@dataclass(frozen=True)
class Planned:
    """One planned shift. `role`: seat | lead | supervisor | volunteer | oncall (at home, called when nobody comes)."""

    id: str
    counsellor_id: str
    role: str
    begins_at: datetime
    ends_at: datetime


class Roster:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def add(self, connection: sa.Connection, planned: Planned, by_id: str) -> str:
        """Plan a shift; returns its id."""
        row_id = planned.id or new_id()
        connection.execute(
            t.roster.insert().values(
                district_id=self.district, id=row_id, counsellor_id=planned.counsellor_id, role=planned.role,
                begins_at=planned.begins_at, ends_at=planned.ends_at, by_id=by_id,
            )
        )  # fmt: skip
        return row_id

    def remove(self, connection: sa.Connection, row_id: str, by_id: str, now: datetime) -> bool:
        """Take a shift out; False when it is not planned."""
        done = connection.execute(
            t.roster.update()
            .where(t.roster.c.district_id == self.district, t.roster.c.id == row_id, t.roster.c.removed_at.is_(None))
            .values(removed_at=now, removed_by=by_id)
        )
        return done.rowcount == 1

    def between(self, connection: sa.Connection, begins_at: datetime, ends_at: datetime) -> list[Planned]:
        """Every planned shift that touches the time, in order."""
        query = (
            sa.select(t.roster)
            .where(
                t.roster.c.district_id == self.district, t.roster.c.removed_at.is_(None),
                t.roster.c.begins_at < ends_at, t.roster.c.ends_at > begins_at,
            )
            .order_by(t.roster.c.begins_at, t.roster.c.counsellor_id)
        )  # fmt: skip
        return [
            Planned(row.id, row.counsellor_id, row.role, row.begins_at, row.ends_at)
            for row in connection.execute(query)
        ]
