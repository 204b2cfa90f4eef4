"""What the night job did: one row a night and kind, with how many and up to when; it goes on from there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.erasure import Batch


@dataclass(frozen=True)
class Run:
    """One rule in one night; `by_id` is who approved it, where a person has to."""

    id: str
    night: str
    kind: str
    count: int
    after: str  # the last row that was looked at
    is_done: bool
    by_id: str | None
    until: datetime
    at: datetime


class RetentionRuns:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def begin(
        self, connection: sa.Connection, night: str, kind: str, until: datetime, now: datetime, by_id: str | None = None
    ) -> Run:
        """A run with nothing done yet."""
        run = Run(f"{night}/{kind}", night, kind, 0, "", False, by_id, until, now)
        connection.execute(
            t.retention.insert().values(
                district_id=self.district, id=run.id, night=night, kind=kind, count=0, after="", is_done=False,
                by_id=by_id, until=until, at=now,
            )
        )  # fmt: skip
        return run

    def go_on(self, connection: sa.Connection, run: Run, done: Batch, now: datetime) -> None:
        """Another batch was done."""
        connection.execute(
            t.retention.update()
            .where(t.retention.c.district_id == self.district, t.retention.c.id == run.id)
            .values(count=run.count + done.count, after=done.after, is_done=done.is_last, at=now)
        )

    def of_night(self, connection: sa.Connection, night: str) -> dict[str, Run]:
        """Kind -> its run of this night."""
        found = connection.execute(self._select().where(t.retention.c.night == night))
        return {row.kind: _run(row) for row in found}

    def unfinished(self, connection: sa.Connection) -> Run | None:
        """The oldest run that has more to do."""
        query = self._select().where(t.retention.c.is_done.is_(False)).order_by(t.retention.c.night, t.retention.c.id)
        row = connection.execute(query.limit(1)).first()
        return _run(row) if row else None

    def newest(self, connection: sa.Connection, limit: int = 30) -> list[Run]:
        """The last runs, newest first."""
        query = self._select().order_by(t.retention.c.night.desc(), t.retention.c.kind).limit(limit)
        return [_run(row) for row in connection.execute(query)]

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.retention).where(t.retention.c.district_id == self.district)


def _run(row: Any) -> Run:  # Any: SQLAlchemy rows are untyped
    return Run(row.id, row.night, row.kind, row.count, row.after, row.is_done, row.by_id, row.until, row.at)
