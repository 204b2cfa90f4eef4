"""What is no referral of ours: numbers that were only named (信息提供), and people whom others send to us (转入)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class Named:
    """A number or address that was given to the person."""

    institution_id: str | None
    words: str
    by_id: str
    at: datetime


@dataclass(frozen=True)
class Incoming:
    """Somebody sends a person to us. `words`: who sends, who comes, how to reach them, why."""

    id: str
    case_id: str | None
    source: str
    words: Mapping[str, str]
    by_id: str
    at: datetime
    done_by: str | None
    done_at: datetime | None
    note: str


class Pointers:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add_named(
        self, connection: sa.Connection, case_id: str, institution_id: str | None, words: str, by_id: str, now: datetime
    ) -> None:
        """A number was named."""
        row_id = new_id()
        connection.execute(
            t.information_given.insert().values(
                district_id=self.district, id=row_id, case_id=case_id, institution_id=institution_id, by_id=by_id,
                at=now, words_sealed=self.vault.seal(words, "information_given.words", row_id),
            )
        )  # fmt: skip

    def named(self, connection: sa.Connection, case_id: str) -> list[Named]:
        """Numbers that were named in a case, newest first."""
        query = (
            sa.select(t.information_given)
            .where(t.information_given.c.district_id == self.district, t.information_given.c.case_id == case_id)
            .order_by(t.information_given.c.at.desc())
        )
        return [
            Named(
                row.institution_id, self.vault.open(row.words_sealed, "information_given.words", row.id),
                row.by_id, row.at,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def add_incoming(
        self, connection: sa.Connection, case_id: str | None, source: str, words: Mapping[str, str], by_id: str,
        now: datetime,
    ) -> None:  # fmt: skip
        """Somebody is sent to us; with a case they are here already."""
        row_id = new_id()
        sealed = self.vault.seal(json.dumps(dict(words), ensure_ascii=False), "incoming_referral.words", row_id)
        connection.execute(
            t.incoming_referral.insert().values(
                district_id=self.district, id=row_id, case_id=case_id, source=source, words_sealed=sealed,
                by_id=by_id, at=now, done_by=by_id if case_id else None, done_at=now if case_id else None,
            )
        )  # fmt: skip

    def case_numbered(self, connection: sa.Connection, case_no: str) -> str | None:
        """The id of the case with this number."""
        query = sa.select(t.case_record.c.id).where(
            t.case_record.c.district_id == self.district, t.case_record.c.case_no == case_no
        )
        return connection.execute(query).scalar()

    def expected(self, connection: sa.Connection) -> list[Incoming]:
        """People who were sent to us and have not been looked after, longest waiting first."""
        query = self._select().where(t.incoming_referral.c.done_at.is_(None)).order_by(t.incoming_referral.c.at)
        return [self._incoming(row) for row in connection.execute(query)]

    def incoming_of(self, connection: sa.Connection, case_id: str) -> list[Incoming]:
        """Who sent the person of a case."""
        query = self._select().where(t.incoming_referral.c.case_id == case_id).order_by(t.incoming_referral.c.at)
        return [self._incoming(row) for row in connection.execute(query)]

    def get_expected(self, connection: sa.Connection, incoming_id: str) -> Incoming | None:
        """One that has not been looked after; locked."""
        query = self._select().where(t.incoming_referral.c.id == incoming_id, t.incoming_referral.c.done_at.is_(None))
        row = connection.execute(query.with_for_update()).first()
        return self._incoming(row) if row else None

    def settle(self, connection: sa.Connection, incoming_id: str, by_id: str, note: str, now: datetime) -> None:
        """Somebody looked after them."""
        connection.execute(
            t.incoming_referral.update()
            .where(t.incoming_referral.c.district_id == self.district, t.incoming_referral.c.id == incoming_id)
            .values(
                done_by=by_id, done_at=now, note_sealed=self.vault.seal(note, "incoming_referral.note", incoming_id)
            )
        )

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.incoming_referral).where(t.incoming_referral.c.district_id == self.district)

    def _incoming(self, row: Any) -> Incoming:  # Any: SQLAlchemy rows are untyped
        words = json.loads(self.vault.open(row.words_sealed, "incoming_referral.words", row.id))
        note = self.vault.open(row.note_sealed, "incoming_referral.note", row.id) if row.note_sealed else ""
        return Incoming(row.id, row.case_id, row.source, words, row.by_id, row.at, row.done_by, row.done_at, note)
