"""What stands beside a conversation: who joined it, what supervisors whispered, what the person was promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class Whisper:
    """A supervisor's words to the counsellor; the person never sees them."""

    by_id: str
    text: str
    at: datetime


@dataclass(frozen=True)
class Promise:
    """What the person was promised."""

    id: str
    case_id: str
    by_id: str
    text: str
    at: datetime
    kept_at: datetime | None
    kept_by: str | None


class Asides:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def join(
        self, connection: sa.Connection, conversation_id: str, case_id: str, counsellor_id: str, now: datetime
    ) -> None:
        """A second colleague may write here from now on."""
        connection.execute(
            t.companion.insert().values(
                district_id=self.district, id=new_id(), case_id=case_id, conversation_id=conversation_id,
                counsellor_id=counsellor_id, joined_at=now,
            )
        )  # fmt: skip

    def leave(
        self, connection: sa.Connection, conversation_id: str, now: datetime, counsellor_id: str | None = None
    ) -> None:
        """One colleague, or everybody who joined, is here no more."""
        update = t.companion.update().where(
            t.companion.c.district_id == self.district, t.companion.c.conversation_id == conversation_id,
            t.companion.c.left_at.is_(None),
        )  # fmt: skip
        if counsellor_id is not None:
            update = update.where(t.companion.c.counsellor_id == counsellor_id)
        connection.execute(update.values(left_at=now))

    def companions(self, connection: sa.Connection, conversation_id: str) -> list[str]:
        """Who joined and is still here, in order."""
        query = sa.select(t.companion.c.counsellor_id).where(
            t.companion.c.district_id == self.district, t.companion.c.conversation_id == conversation_id,
            t.companion.c.left_at.is_(None),
        )  # fmt: skip
        return list(connection.execute(query.order_by(t.companion.c.joined_at)).scalars())

    def whisper(self, connection: sa.Connection, case_id: str, by_id: str, text: str, now: datetime) -> None:
        """Keep a supervisor's words."""
        row_id = new_id()
        connection.execute(
            t.whisper.insert().values(
                district_id=self.district, id=row_id, case_id=case_id, by_id=by_id, at=now,
                body_sealed=self.vault.seal(text, "whisper.body", row_id),
            )
        )  # fmt: skip

    def whispers(self, connection: sa.Connection, case_id: str) -> list[Whisper]:
        """All of a case, oldest first."""
        query = (
            sa.select(t.whisper)
            .where(t.whisper.c.district_id == self.district, t.whisper.c.case_id == case_id)
            .order_by(t.whisper.c.at)
        )
        return [
            Whisper(row.by_id, self.vault.open(row.body_sealed, "whisper.body", row.id), row.at)
            for row in connection.execute(query)
        ]

    def promise(self, connection: sa.Connection, case_id: str, by_id: str, text: str, now: datetime) -> None:
        """Keep what the person was promised."""
        row_id = new_id()
        connection.execute(
            t.promise.insert().values(
                district_id=self.district, id=row_id, case_id=case_id, by_id=by_id, at=now,
                body_sealed=self.vault.seal(text, "promise.body", row_id),
            )
        )  # fmt: skip

    def keep(self, connection: sa.Connection, promise_id: str, case_id: str, by_id: str, now: datetime) -> bool:
        """The promise was kept; False when there is no such open one."""
        done = connection.execute(
            t.promise.update()
            .where(
                t.promise.c.district_id == self.district, t.promise.c.id == promise_id,
                t.promise.c.case_id == case_id, t.promise.c.kept_at.is_(None),
            )
            .values(kept_at=now, kept_by=by_id)
        )  # fmt: skip
        return done.rowcount == 1

    def promises(self, connection: sa.Connection, case_id: str) -> list[Promise]:
        """Those of a case, oldest first."""
        return self._promises(connection, t.promise.c.case_id == case_id)

    def open_promises(self, connection: sa.Connection) -> list[Promise]:
        """All that are not kept yet, oldest first."""
        return self._promises(connection, t.promise.c.kept_at.is_(None))

    def _promises(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Promise]:
        query = sa.select(t.promise).where(t.promise.c.district_id == self.district, which).order_by(t.promise.c.at)
        return [self._promise(row) for row in connection.execute(query)]

    def _promise(self, row: Any) -> Promise:  # Any: SQLAlchemy rows are untyped
        body = self.vault.open(row.body_sealed, "promise.body", row.id)
        return Promise(row.id, row.case_id, row.by_id, body, row.at, row.kept_at, row.kept_by)
