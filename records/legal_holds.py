"""Legal holds: while one stands, nothing of its contact is deleted or made nameless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class Hold:
    """Who placed it, when, and why."""

    by_id: str
    reason: str
    at: datetime


class LegalHolds:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def place(self, connection: sa.Connection, contact_id: str, by_id: str, reason: str, now: datetime) -> None:
        """From now on nothing of this contact goes."""
        hold_id = new_id()
        connection.execute(
            t.legal_hold.insert().values(
                district_id=self.district, id=hold_id, contact_id=contact_id, by_id=by_id, at=now,
                reason_sealed=self.vault.seal(reason, "legal_hold.reason", hold_id),
            )
        )  # fmt: skip

    def of(self, connection: sa.Connection, contact_id: str) -> Hold | None:
        """The hold that stands."""
        query = sa.select(t.legal_hold).where(*self._standing(contact_id))
        row = connection.execute(query).first()
        return Hold(row.by_id, self.vault.open(row.reason_sealed, "legal_hold.reason", row.id), row.at) if row else None

    def release(self, connection: sa.Connection, contact_id: str, by_id: str, now: datetime) -> None:
        """The hold that stands ends; its row stays."""
        connection.execute(
            t.legal_hold.update().where(*self._standing(contact_id)).values(released_by=by_id, released_at=now)
        )

    def _standing(self, contact_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        hold = t.legal_hold.c
        return (hold.district_id == self.district, hold.contact_id == contact_id, hold.released_at.is_(None))
