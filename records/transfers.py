"""Requests to a colleague to take a case, with the summary that spares the person from telling it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.columns import fixed
from records.conversations import new_id
from records.crypto import Vault

TRANSFER = "transfer"  # by the owner, with a summary
ASSIGNMENT = "assignment"  # by a lead, for a case that waits; `said` is the lead's note


@dataclass(frozen=True)
class Summary:
    """What the next counsellor must know first."""

    said: str
    promised: str
    next: str


@dataclass(frozen=True)
class Transfer:
    """One request. `state`: asked | accepted | declined | expired | withdrawn | void. `kind`: who asks, see below."""

    id: str
    case_id: str
    from_id: str
    to_id: str
    state: str
    summary: Summary
    reason: str
    asked_at: datetime
    answer_by: datetime
    ended_at: datetime | None
    kind: str = TRANSFER


class Transfers:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(
        self, connection: sa.Connection, case_id: str, from_id: str, to_id: str, summary: Summary, *,
        now: datetime, answer_by: datetime, kind: str = TRANSFER,
    ) -> str:  # fmt: skip
        """A new request; the database refuses a second open one for the case."""
        transfer_id = new_id()
        connection.execute(
            t.transfer.insert().values(
                district_id=self.district, id=transfer_id, case_id=case_id, from_id=from_id, to_id=to_id,
                kind=kind, state="asked", asked_at=now, answer_by=answer_by,
                said_sealed=self.vault.seal(summary.said, "transfer.said", transfer_id),
                promised_sealed=self.vault.seal(summary.promised, "transfer.promised", transfer_id),
                next_sealed=self.vault.seal(summary.next, "transfer.next", transfer_id),
            )
        )  # fmt: skip
        return transfer_id

    def end(self, connection: sa.Connection, transfer_id: str, state: str, now: datetime, reason: str = "") -> None:
        """What became of an open request."""
        sealed = self.vault.seal(reason, "transfer.reason", transfer_id) if reason else None
        connection.execute(
            t.transfer.update()
            .where(t.transfer.c.district_id == self.district, t.transfer.c.id == transfer_id)
            .where(t.transfer.c.state == fixed("asked"))
            .values(state=state, ended_at=now, reason_sealed=sealed)
        )

    def get(self, connection: sa.Connection, transfer_id: str) -> Transfer | None:
        """One request."""
        row = connection.execute(self._select().where(t.transfer.c.id == transfer_id)).first()
        return self._transfer(row) if row else None

    def of_case(self, connection: sa.Connection, case_id: str) -> list[Transfer]:
        """Every request about a case, newest first."""
        query = self._select().where(t.transfer.c.case_id == case_id).order_by(t.transfer.c.asked_at.desc())
        return [self._transfer(row) for row in connection.execute(query)]

    def open_of(self, connection: sa.Connection, case_id: str) -> Transfer | None:
        """The request that waits for its answer."""
        row = connection.execute(
            self._select().where(t.transfer.c.case_id == case_id, t.transfer.c.state == fixed("asked"))
        ).first()
        return self._transfer(row) if row else None

    def asked_of(self, connection: sa.Connection, counsellor_id: str) -> list[Transfer]:
        """What one colleague is asked to take now, the most pressing first."""
        query = self._select().where(t.transfer.c.to_id == counsellor_id, t.transfer.c.state == fixed("asked"))
        return [self._transfer(row) for row in connection.execute(query.order_by(t.transfer.c.answer_by))]

    def open(self, connection: sa.Connection) -> list[Transfer]:
        """Every request that waits for its answer, the most pressing first."""
        query = self._select().where(t.transfer.c.state == "asked").order_by(t.transfer.c.answer_by)
        return [self._transfer(row) for row in connection.execute(query)]

    def assigned(self, connection: sa.Connection, case_id: str | None = None) -> dict[str, str]:
        """Case -> whom a lead asks to take it; of all, or of one."""
        query = sa.select(t.transfer.c.case_id, t.transfer.c.to_id).where(
            t.transfer.c.district_id == self.district, t.transfer.c.state == "asked", t.transfer.c.kind == ASSIGNMENT
        )
        if case_id is not None:
            query = query.where(t.transfer.c.case_id == case_id)
        return {row.case_id: row.to_id for row in connection.execute(query)}

    def due(self, connection: sa.Connection, now: datetime) -> list[tuple[str, str]]:
        """(id, case) of requests whose time has run out."""
        query = sa.select(t.transfer.c.id, t.transfer.c.case_id).where(
            t.transfer.c.district_id == self.district,
            t.transfer.c.state == fixed("asked"),
            t.transfer.c.answer_by <= now,
        )
        return [(row.id, row.case_id) for row in connection.execute(query)]

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.transfer).where(t.transfer.c.district_id == self.district)

    def _transfer(self, row: Any) -> Transfer:  # Any: SQLAlchemy rows are untyped
        def opened(name: str) -> str:
            sealed = getattr(row, f"{name}_sealed")
            return self.vault.open(sealed, f"transfer.{name}", row.id) if sealed else ""

        return Transfer(
            row.id, row.case_id, row.from_id, row.to_id, row.state,
            Summary(opened("said"), opened("promised"), opened("next")), opened("reason"), row.asked_at,
            row.answer_by, row.ended_at, row.kind,
        )  # fmt: skip
