"""Signed hand-overs of shifts: a sealed snapshot that never changes, and two signatures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class Handover:
    """One shift handed to the next; without `in_id` the second signature is missing."""

    id: str
    out_id: str
    snapshot: str  # JSON as it was signed
    digest: str
    out_at: datetime
    in_id: str | None
    in_at: datetime | None
    in_digest: str | None


class Handovers:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, out_id: str, snapshot: str, digest: str, now: datetime) -> str:
        """Keep what the outgoing lead signed."""
        row_id = new_id()
        connection.execute(
            t.handover.insert().values(
                district_id=self.district, id=row_id, out_id=out_id, digest=digest, out_at=now,
                snapshot_sealed=self.vault.seal(snapshot, "handover.snapshot", row_id),
            )
        )  # fmt: skip
        return row_id

    def sign_in(self, connection: sa.Connection, handover_id: str, in_id: str, digest: str, now: datetime) -> bool:
        """The second signature; False when it is there already."""
        done = connection.execute(
            t.handover.update()
            .where(
                t.handover.c.district_id == self.district, t.handover.c.id == handover_id,
                t.handover.c.in_id.is_(None),
            )
            .values(in_id=in_id, in_at=now, in_digest=digest)
        )  # fmt: skip
        return done.rowcount == 1

    def get(self, connection: sa.Connection, handover_id: str) -> Handover | None:
        """One hand-over."""
        row = connection.execute(self._select().where(t.handover.c.id == handover_id)).first()
        return self._handover(row) if row else None

    def newest(self, connection: sa.Connection, limit: int = 30) -> list[Handover]:
        """The last ones, newest first."""
        query = self._select().order_by(t.handover.c.out_at.desc()).limit(limit)
        return [self._handover(row) for row in connection.execute(query)]

    def unsigned(self, connection: sa.Connection) -> list[tuple[str, str, datetime]]:
        """(id, who handed over, when) of those that nobody has taken over yet, oldest first."""
        query = sa.select(t.handover.c.id, t.handover.c.out_id, t.handover.c.out_at).where(
            t.handover.c.district_id == self.district, t.handover.c.in_id.is_(None)
        )
        return [(row.id, row.out_id, row.out_at) for row in connection.execute(query.order_by(t.handover.c.out_at))]

    def last_of(self, connection: sa.Connection, out_id: str, since: datetime) -> tuple[str, bool] | None:
        """(id, both signed) of what somebody handed over after a moment."""
        query = self._select().where(t.handover.c.out_id == out_id, t.handover.c.out_at >= since)
        row = connection.execute(query.order_by(t.handover.c.out_at.desc()).limit(1)).first()
        return (row.id, row.in_id is not None) if row else None

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.handover).where(t.handover.c.district_id == self.district)

    def _handover(self, row: Any) -> Handover:  # Any: SQLAlchemy rows are untyped
        snapshot = self.vault.open(row.snapshot_sealed, "handover.snapshot", row.id)
        return Handover(row.id, row.out_id, snapshot, row.digest, row.out_at, row.in_id, row.in_at, row.in_digest)
