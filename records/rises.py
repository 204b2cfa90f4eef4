"""Cases that became orange or red, as supervisors and leads are told of them, and up to when each has seen them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from records import tables as t
from records.tables.cases import ENDED
from triage.risk import Level


@dataclass(frozen=True)
class Rise:
    """A level came into force that is orange or red, and higher than before."""

    case_id: str
    case_no: str
    level: Level
    at: datetime
    by_id: str | None  # None: screening
    served_by: str | None  # who spoke with the person at that moment
    is_drill: bool


class Rises:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def since(self, connection: sa.Connection, since: datetime, limit: int) -> list[Rise]:
        """The newest of open cases after a moment; a practice concerns nobody else."""
        change, case, stint = t.level_change.c, t.case_record.c, t.stint.c
        served_by = (
            sa.select(stint.counsellor_id)
            .where(
                stint.district_id == self.district, stint.case_id == change.case_id, stint.began_at < change.at,
                sa.or_(stint.ended_at.is_(None), stint.ended_at > change.at),
            )
            .limit(1)
            .scalar_subquery()
        )  # fmt: skip
        query = (
            sa.select(change.case_id, case.case_no, change.to_level, change.at, change.by_id, case.is_drill,
                      served_by.label("served_by"))
            .join(t.case_record, sa.and_(case.district_id == self.district, case.id == change.case_id))
            .where(
                change.district_id == self.district, change.at > since, change.to_level >= int(Level.HIGH),
                change.from_level < change.to_level, change.state.in_(("in_force", "confirmed")),
                case.practised_by.is_(None), case.state.not_in(ENDED),
            )
            .order_by(change.at.desc())
            .limit(limit)
        )  # fmt: skip
        return [
            Rise(row.case_id, row.case_no, Level(row.to_level), row.at, row.by_id, row.served_by, row.is_drill)
            for row in connection.execute(query)
        ]

    def seen_until(self, connection: sa.Connection, counsellor_id: str) -> datetime | None:
        """Up to when this one has seen them; None who never did."""
        query = sa.select(t.rise_seen.c.seen_until).where(
            t.rise_seen.c.district_id == self.district, t.rise_seen.c.id == counsellor_id
        )
        return connection.execute(query).scalar()

    def see(self, connection: sa.Connection, counsellor_id: str, until: datetime, now: datetime) -> None:
        """This one has seen them up to a moment; never less than before."""
        before = self.seen_until(connection, counsellor_id)
        if before is None:
            connection.execute(
                t.rise_seen.insert().values(district_id=self.district, id=counsellor_id, seen_until=until, at=now)
            )
        elif until > before:
            connection.execute(
                t.rise_seen.update()
                .where(t.rise_seen.c.district_id == self.district, t.rise_seen.c.id == counsellor_id)
                .values(seen_until=until, at=now)
            )
