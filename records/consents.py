"""Consent by purpose: every answer is kept, the newest one holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id


@dataclass(frozen=True)
class Consent:
    """One answer. `by_id` is who wrote it down; None = the person's own word in the chat."""

    purpose: str
    answer: str
    how: str
    version: str
    by_id: str | None
    at: datetime


class Consents:
    """Reads and writes of one district, inside the caller's transaction; nothing is ever changed."""

    def __init__(self, district: str):
        self.district = district

    def add(self, connection: sa.Connection, contact_id: str, given: Consent, case_id: str | None = None) -> None:
        """Keep an answer."""
        connection.execute(
            t.consent.insert().values(
                district_id=self.district, id=new_id(), contact_id=contact_id, purpose=given.purpose,
                answer=given.answer, how=given.how, version=given.version, by_id=given.by_id, case_id=case_id,
                at=given.at,
            )
        )  # fmt: skip

    def of(self, connection: sa.Connection, contact_id: str) -> list[Consent]:
        """Every answer of a contact, newest first."""
        query = (
            sa.select(t.consent)
            .where(t.consent.c.district_id == self.district, t.consent.c.contact_id == contact_id)
            .order_by(t.consent.c.at.desc())
        )
        return [_consent(row) for row in connection.execute(query)]

    def current(self, connection: sa.Connection, contact_id: str, purpose: str) -> Consent | None:
        """The answer that holds; None when nobody asked yet."""
        return self.all_current(connection, contact_id).get(purpose)

    def all_current(self, connection: sa.Connection, contact_id: str) -> dict[str, Consent]:
        """Purpose -> the answer that holds."""
        return {given.purpose: given for given in reversed(self.of(connection, contact_id))}


def _consent(row: Any) -> Consent:  # Any: SQLAlchemy rows are untyped
    return Consent(row.purpose, row.answer, row.how, row.version, row.by_id, row.at)
