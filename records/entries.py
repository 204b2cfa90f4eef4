"""The record form's rows: every change of a field, newest last; nothing is overwritten but by a redaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault

REDACTED = "redacted"
_PLAN_LOCK = 7_220_016


@dataclass(frozen=True)
class Entry:
    """One change of one field. `missing` says which kind of no-answer it is; then `value` is the reason."""

    field: str
    version: int
    value: str
    missing: str
    by_id: str
    at: datetime
    message_id: str | None = None  # the person's own words that it was taken from
    case_id: str = ""  # where it was written


class Entries:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def take_turns(self, connection: sa.Connection) -> None:
        """One change of a safety plan at a time: two cases of one person may write on the same plan."""
        if connection.dialect.name == "postgresql":  # SQLite has one writer
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": _PLAN_LOCK})

    def add(self, connection: sa.Connection, subject_id: str, entry: Entry) -> None:
        """Append one change; its version must be the next one."""
        entry_id = new_id()
        connection.execute(
            t.record_entry.insert().values(
                district_id=self.district, id=entry_id, subject_id=subject_id, case_id=entry.case_id,
                field=entry.field, version=entry.version, missing=entry.missing,
                value_sealed=self.vault.seal(entry.value, "record_entry.value", entry_id), by_id=entry.by_id,
                message_id=entry.message_id, at=entry.at,
            )
        )  # fmt: skip

    def current(self, connection: sa.Connection, subject_ids: Sequence[str]) -> dict[str, Entry]:
        """Field -> its newest change, over a case, or over all contacts of a person."""
        entry, newer = t.record_entry, t.record_entry.alias("newer")
        superseded = sa.exists().where(
            newer.c.district_id == self.district,
            newer.c.subject_id.in_(subject_ids),
            newer.c.field == entry.c.field,
            newer.c.version > entry.c.version,
        )
        query = self._select().where(entry.c.subject_id.in_(subject_ids), ~superseded).order_by(entry.c.at)
        return {row.field: self._entry(row) for row in connection.execute(query)}

    def version_of(self, connection: sa.Connection, subject_ids: Sequence[str], field: str) -> int:
        """The newest version of a field; 0 when nobody touched it."""
        query = sa.select(sa.func.coalesce(sa.func.max(t.record_entry.c.version), 0)).where(
            t.record_entry.c.district_id == self.district,
            t.record_entry.c.subject_id.in_(subject_ids),
            t.record_entry.c.field == field,
        )
        return int(connection.execute(query).scalar_one())

    def since(self, connection: sa.Connection, subject_ids: Sequence[str], field: str, version: int) -> list[Entry]:
        """The changes of one field after a version, oldest first."""
        query = (
            self._select()
            .where(
                t.record_entry.c.subject_id.in_(subject_ids),
                t.record_entry.c.field == field,
                t.record_entry.c.version > version,
            )
            .order_by(t.record_entry.c.version, t.record_entry.c.at)
        )
        return [self._entry(row) for row in connection.execute(query)]

    def of_case(self, connection: sa.Connection, case_id: str) -> list[Entry]:
        """Everything that was written in a case, oldest first."""
        query = self._select().where(t.record_entry.c.case_id == case_id)
        query = query.order_by(t.record_entry.c.at, t.record_entry.c.version)
        return [self._entry(row) for row in connection.execute(query)]

    def empty(self, connection: sa.Connection, subject_ids: Sequence[str], field: str) -> None:
        """Take the words out of every change of a field; who changed it and when stays."""
        query = self._select().where(t.record_entry.c.subject_id.in_(subject_ids), t.record_entry.c.field == field)
        for row in connection.execute(query).all():
            if row.missing != REDACTED:  # the reason of an earlier redaction stays
                connection.execute(
                    t.record_entry.update()
                    .where(t.record_entry.c.district_id == self.district, t.record_entry.c.id == row.id)
                    .values(value_sealed=self.vault.seal("", "record_entry.value", row.id))
                )

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.record_entry).where(t.record_entry.c.district_id == self.district)

    def _entry(self, row: Any) -> Entry:  # Any: SQLAlchemy rows are untyped
        value = self.vault.open(row.value_sealed, "record_entry.value", row.id)
        return Entry(row.field, row.version, value, row.missing, row.by_id, row.at, row.message_id, row.case_id)
