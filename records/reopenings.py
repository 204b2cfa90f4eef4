"""How cases had ended before they were opened again: only ever added to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from records import tables as t
from records.cases import Case
from records.conversations import new_id
from records.crypto import Vault
from triage.risk import Level


@dataclass(frozen=True)
class Reopening:
    """One return, and the end before it."""

    from_state: str
    wish: str  # risk | asked_for_person
    level: Level  # before
    disposition: str | None
    summary: str
    closed_at: datetime | None
    at: datetime


class Reopenings:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(
        self, connection: sa.Connection, case: Case, wish: str, message_id: str | None, now: datetime
    ) -> None:  # fmt: skip
        """Keep the end that a case had, before its row is changed."""
        row_id = new_id()
        sealed = self.vault.seal(case.summary, "reopening.summary", row_id) if case.summary else None
        connection.execute(
            t.reopening.insert().values(
                district_id=self.district, id=row_id, case_id=case.id, from_state=case.state, wish=wish,
                message_id=message_id, level=int(case.level), disposition=case.disposition, summary_sealed=sealed,
                closed_at=case.closed_at, at=now,
            )
        )  # fmt: skip

    def of(self, connection: sa.Connection, case_id: str) -> list[Reopening]:
        """Every return to a case, oldest first."""
        query = (
            sa.select(t.reopening)
            .where(t.reopening.c.district_id == self.district, t.reopening.c.case_id == case_id)
            .order_by(t.reopening.c.at)
        )
        return [
            Reopening(
                row.from_state, row.wish, Level(row.level), row.disposition,
                self.vault.open(row.summary_sealed, "reopening.summary", row.id) if row.summary_sealed else "",
                row.closed_at, row.at,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def newest_at(self, connection: sa.Connection, case_id: str) -> datetime | None:
        """When a case was opened again last; None for its first time."""
        query = sa.select(t.reopening.c.at).where(
            t.reopening.c.district_id == self.district, t.reopening.c.case_id == case_id
        )
        return connection.execute(query.order_by(t.reopening.c.at.desc()).limit(1)).scalar()
