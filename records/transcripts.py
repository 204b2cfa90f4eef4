"""What a machine heard in voices: what waits to be heard, and the words, sealed. The voice itself stays as it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from records import tables as t
from records.columns import fixed
from records.crypto import Vault


@dataclass(frozen=True)
class Unheard:
    """A message whose voice waits to be heard; `attempts` counts this one too."""

    message_id: str
    conversation_id: str
    attempts: int


class Transcripts:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def expect(self, connection: sa.Connection, message_id: str, conversation_id: str, now: datetime) -> None:
        """A voice of this message is here to be heard; with a second one the message is heard again as a whole."""
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        fresh = {"state": "waiting", "attempts": 0, "due_at": now, "made_by": ""}
        connection.execute(
            dialect.insert(t.transcript)
            .values(district_id=self.district, id=message_id, conversation_id=conversation_id, **fresh)
            .on_conflict_do_update(index_elements=["district_id", "id"], set_=fresh)
        )

    def take(self, connection: sa.Connection, now: datetime, until: datetime, limit: int) -> list[Unheard]:
        """What is to be heard now; it is ours until `until`."""
        query = (
            sa.select(t.transcript)
            .where(
                t.transcript.c.district_id == self.district,
                t.transcript.c.state == fixed("waiting"),
                t.transcript.c.due_at <= now,
            )
            .order_by(t.transcript.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = [Unheard(row.id, row.conversation_id, row.attempts + 1) for row in connection.execute(query)]
        if found:
            connection.execute(
                t.transcript.update()
                .where(
                    t.transcript.c.district_id == self.district,
                    t.transcript.c.id.in_([item.message_id for item in found]),
                )
                .values(due_at=until, attempts=t.transcript.c.attempts + 1)
            )
        return found

    def keep(self, connection: sa.Connection, item: Unheard, text: str, made_by: str) -> bool:
        """The words; False when another worker was faster or another voice came meanwhile."""
        sealed = self.vault.seal(text, "transcript.body", item.message_id)
        return self._change(connection, item, state="heard", made_by=made_by, body_sealed=sealed)

    def put_off(self, connection: sa.Connection, item: Unheard, until: datetime) -> bool:
        """Try again then."""
        return self._change(connection, item, due_at=until)

    def give_up(self, connection: sa.Connection, item: Unheard) -> bool:
        """No machine hears it."""
        return self._change(connection, item, state="unheard")

    def texts(self, connection: sa.Connection, message_ids: Sequence[str]) -> dict[str, str]:
        """Message id -> what was heard."""
        query = sa.select(t.transcript.c.id, t.transcript.c.body_sealed).where(
            t.transcript.c.district_id == self.district,
            t.transcript.c.id.in_(message_ids),
            t.transcript.c.body_sealed.is_not(None),
        )
        return {
            row.id: self.vault.open(row.body_sealed, "transcript.body", row.id) for row in connection.execute(query)
        }

    def _change(self, connection: sa.Connection, item: Unheard, **values: Any) -> bool:  # columns
        done = connection.execute(
            t.transcript.update()
            .where(
                t.transcript.c.district_id == self.district,
                t.transcript.c.id == item.message_id,
                t.transcript.c.state == "waiting",
                t.transcript.c.attempts == item.attempts,
            )
            .values(**values)
        )
        return done.rowcount == 1
