"""Who is on duty now, and when their console was last heard of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t


@dataclass(frozen=True)
class Presence:
    """One counsellor's state as they set it. `state`: on | away | off."""

    counsellor_id: str
    state: str
    since: datetime
    began_at: datetime | None  # of the shift
    until: datetime | None  # when a break is meant to end
    seen_at: datetime | None  # an open console stream


class PresenceRows:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def get(self, connection: sa.Connection, counsellor_id: str, *, lock: bool = False) -> Presence | None:
        """One counsellor's, or None who never was here."""
        query = self._select().where(t.presence.c.id == counsellor_id)
        row = connection.execute(query.with_for_update() if lock else query).first()
        return _presence(row) if row else None

    def all(self, connection: sa.Connection) -> dict[str, Presence]:
        """Counsellor id -> presence."""
        return {row.id: _presence(row) for row in connection.execute(self._select())}

    def put(self, connection: sa.Connection, presence: Presence) -> None:
        """Keep how it is from now on."""
        values = {
            "state": presence.state, "since": presence.since, "began_at": presence.began_at,
            "until": presence.until, "seen_at": presence.seen_at,
        }  # fmt: skip
        if not self._update(connection, presence.counsellor_id, **values):
            connection.execute(
                t.presence.insert().values(district_id=self.district, id=presence.counsellor_id, **values)
            )

    def touch(self, connection: sa.Connection, counsellor_id: str, now: datetime) -> None:
        """A console of theirs is open; somebody not on duty stays so."""
        if not self._update(connection, counsellor_id, seen_at=now):
            self.put(connection, Presence(counsellor_id, "off", now, None, None, now))

    def _update(self, connection: sa.Connection, counsellor_id: str, **values: Any) -> bool:  # columns
        done = connection.execute(
            t.presence.update()
            .where(t.presence.c.district_id == self.district, t.presence.c.id == counsellor_id)
            .values(**values)
        )
        return done.rowcount == 1

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.presence).where(t.presence.c.district_id == self.district)


def _presence(row: Any) -> Presence:  # Any: SQLAlchemy rows are untyped
    return Presence(row.id, row.state, row.since, row.began_at, row.until, row.seen_at)
