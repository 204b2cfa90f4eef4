"""Whom a person would want us to call in danger: told freely, sealed, taken back at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class EmergencyContact:
    """Somebody near to the person, and on what ground we know of them."""

    id: str
    name: str
    relation: str
    phone: str
    basis: str
    by_id: str
    at: datetime


class EmergencyContacts:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, contact_id: str, given: EmergencyContact) -> None:
        """Keep somebody; the id of `given` is made here."""
        row_id = new_id()
        connection.execute(
            t.emergency_contact.insert().values(
                district_id=self.district, id=row_id, contact_id=contact_id, basis=given.basis, by_id=given.by_id,
                at=given.at, name_sealed=self.vault.seal(given.name, "emergency_contact.name", row_id),
                relation_sealed=self.vault.seal(given.relation, "emergency_contact.relation", row_id),
                phone_sealed=self.vault.seal(given.phone, "emergency_contact.phone", row_id),
            )
        )  # fmt: skip

    def of(self, connection: sa.Connection, contact_ids: Sequence[str]) -> list[EmergencyContact]:
        """Those of a person that were not taken back, the newest first."""
        row = t.emergency_contact
        query = (
            sa.select(row)
            .where(row.c.district_id == self.district, row.c.contact_id.in_(contact_ids), row.c.ended_at.is_(None))
            .order_by(row.c.at.desc())
        )
        return [
            EmergencyContact(
                found.id, self.vault.open(found.name_sealed, "emergency_contact.name", found.id),
                self.vault.open(found.relation_sealed, "emergency_contact.relation", found.id),
                self.vault.open(found.phone_sealed, "emergency_contact.phone", found.id), found.basis, found.by_id,
                found.at,
            )
            for found in connection.execute(query)
        ]  # fmt: skip

    def end(self, connection: sa.Connection, contact: EmergencyContact, by_id: str, now: datetime) -> None:
        """The person took it back: what it said is gone, that there was one stays."""
        row, nothing = t.emergency_contact, {}
        for name in ("name", "relation", "phone"):
            nothing[f"{name}_sealed"] = self.vault.seal("", f"emergency_contact.{name}", contact.id)
        connection.execute(
            row.update()
            .where(row.c.district_id == self.district, row.c.id == contact.id)
            .values(ended_at=now, ended_by=by_id, **nothing)
        )
