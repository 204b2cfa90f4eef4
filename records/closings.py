"""Closings that wait for a second person's signature: who submitted what, and what became of it; only ever added to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault
from triage.risk import Level


@dataclass(frozen=True)
class Closing:
    """What a counsellor submitted. `decision`: signed | returned | overtaken by what happened; None while it waits."""

    id: str
    case_id: str
    disposition: str
    summary: str
    level: Level  # when it was submitted
    by_id: str
    at: datetime
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    words: str  # why it was returned
    step: int  # how often supervisors were called


class Closings:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(
        self, connection: sa.Connection, case_id: str, *, summary: str, **values: Any  # columns
    ) -> str:  # fmt: skip
        """Keep what was submitted; one before that nobody decided on is overtaken. Returns its id."""
        row = t.closing
        connection.execute(
            row.update()
            .where(row.c.district_id == self.district, row.c.case_id == case_id, row.c.decision.is_(None))
            .values(decision="overtaken", decided_at=values["at"], next_at=None)
        )
        row_id = new_id()
        connection.execute(
            row.insert().values(
                district_id=self.district, id=row_id, case_id=case_id, step=0,
                summary_sealed=self.vault.seal(summary, "closing.summary", row_id), **values,
            )
        )  # fmt: skip
        return row_id

    def decide(
        self, connection: sa.Connection, closing_id: str, decision: str, by_id: str | None, now: datetime,
        words: str = "",
    ) -> None:  # fmt: skip
        """What became of it; nobody is called for it any more."""
        row = t.closing
        sealed = self.vault.seal(words, "closing.words", closing_id) if words else None
        connection.execute(
            row.update()
            .where(row.c.district_id == self.district, row.c.id == closing_id, row.c.decision.is_(None))
            .values(decision=decision, decided_by=by_id, decided_at=now, words_sealed=sealed, next_at=None)
        )

    def of(self, connection: sa.Connection, case_id: str) -> list[Closing]:
        """Everything that was submitted for a case, oldest first."""
        query = self._select().where(t.closing.c.case_id == case_id).order_by(t.closing.c.at)
        return [self._closing(row) for row in connection.execute(query)]

    def waiting(self, connection: sa.Connection) -> list[Closing]:
        """What waits for a signature now, the longest waiting first."""
        case = t.case_record
        query = (
            self._select()
            .join(case, sa.and_(case.c.district_id == self.district, case.c.id == t.closing.c.case_id))
            .where(t.closing.c.decision.is_(None), case.c.state == "closing")
            .order_by(t.closing.c.at)
        )
        return [self._closing(row) for row in connection.execute(query)]

    def due(self, connection: sa.Connection, now: datetime, limit: int = 200) -> list[Closing]:
        """What has waited too long, or since the last call; locked."""
        query = (
            self._select()
            .where(t.closing.c.next_at <= now)
            .order_by(t.closing.c.next_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [self._closing(row) for row in connection.execute(query)]

    def call_again(self, connection: sa.Connection, closing: Closing, next_at: datetime) -> None:
        """Supervisors were called once more."""
        connection.execute(
            t.closing.update()
            .where(t.closing.c.district_id == self.district, t.closing.c.id == closing.id)
            .values(step=closing.step + 1, next_at=next_at)
        )

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.closing).where(t.closing.c.district_id == self.district)

    def _closing(self, row: Any) -> Closing:  # Any: SQLAlchemy rows are untyped
        return Closing(
            row.id, row.case_id, row.disposition, self._open(row.summary_sealed, "closing.summary", row.id),
            Level(row.level), row.by_id, row.at, row.decision, row.decided_by, row.decided_at,
            self._open(row.words_sealed, "closing.words", row.id), row.step,
        )  # fmt: skip

    def _open(self, sealed: bytes | None, name: str, row_id: str) -> str:
        return self.vault.open(sealed, name, row_id) if sealed else ""
