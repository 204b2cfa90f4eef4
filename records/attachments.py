"""Voices, pictures and files that people send: fetched from the platform as soon as it answers, kept sealed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class Attachment:
    """One file of one message. `state`: waiting (not fetched yet) | stored | gone | too_large."""

    id: str
    message_id: str
    conversation_id: str
    channel: str
    kind: str
    reference: str  # the platform's name of the file
    state: str
    attempts: int
    media_type: str
    size: int


class Attachments:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def expect(
        self, connection: sa.Connection, message_id: str, conversation_id: str, channel: str, kind: str,
        reference: str, now: datetime,
    ) -> str:  # fmt: skip
        """Note a file that has to be fetched; in the transaction that stores its message."""
        attachment_id = new_id()
        connection.execute(
            t.attachment.insert().values(
                district_id=self.district, id=attachment_id, message_id=message_id, conversation_id=conversation_id,
                channel=channel, kind=kind, state="waiting", attempts=0, due_at=now, media_type="", size=0,
                reference_sealed=self.vault.seal(reference, "attachment.reference", attachment_id),
            )
        )  # fmt: skip
        return attachment_id

    def due(self, connection: sa.Connection, now: datetime, until: datetime, limit: int = 20) -> list[Attachment]:
        """Files to fetch now; they are ours until `until`."""
        query = (
            sa.select(t.attachment)
            .where(
                t.attachment.c.district_id == self.district,
                t.attachment.c.state == "waiting",
                t.attachment.c.due_at <= now,
            )
            .order_by(t.attachment.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = [self._attachment(row) for row in connection.execute(query)]
        for item in found:
            self.change(connection, item.id, due_at=until, attempts=item.attempts + 1)
        return found

    def keep(self, connection: sa.Connection, attachment_id: str, body: bytes, media_type: str) -> None:
        """The file is here: seal and keep it."""
        text = base64.b64encode(body).decode("ascii")
        self.change(
            connection, attachment_id, state="stored", size=len(body), media_type=media_type,
            body_sealed=self.vault.seal(text, "attachment.body", attachment_id),
        )  # fmt: skip

    def change(self, connection: sa.Connection, attachment_id: str, **values: Any) -> None:  # columns
        """Set columns."""
        connection.execute(
            t.attachment.update()
            .where(t.attachment.c.district_id == self.district, t.attachment.c.id == attachment_id)
            .values(**values)
        )

    def of_messages(self, connection: sa.Connection, message_ids: Sequence[str]) -> dict[str, list[Attachment]]:
        """Message id -> its files, without their bytes."""
        query = sa.select(t.attachment).where(
            t.attachment.c.district_id == self.district, t.attachment.c.message_id.in_(message_ids)
        )
        found: dict[str, list[Attachment]] = {}
        for row in connection.execute(query):
            found.setdefault(row.message_id, []).append(self._attachment(row))
        return found

    def get(self, connection: sa.Connection, attachment_id: str) -> Attachment | None:
        """One file without its bytes."""
        row = connection.execute(sa.select(t.attachment).where(self._is(attachment_id))).first()
        return self._attachment(row) if row else None

    def read(self, connection: sa.Connection, attachment_id: str) -> bytes:
        """The bytes of a stored file; raise LookupError when there are none."""
        query = sa.select(t.attachment.c.body_sealed).where(self._is(attachment_id))
        sealed = connection.execute(query).scalar()
        if sealed is None:
            raise LookupError(f"attachment {attachment_id} has no bytes")
        return base64.b64decode(self.vault.open(sealed, "attachment.body", attachment_id))

    def _is(self, attachment_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(t.attachment.c.district_id == self.district, t.attachment.c.id == attachment_id)

    def _attachment(self, row: Any) -> Attachment:  # Any: SQLAlchemy rows are untyped
        return Attachment(
            row.id, row.message_id, row.conversation_id, row.channel, row.kind,
            self.vault.open(row.reference_sealed, "attachment.reference", row.id), row.state, row.attempts,
            row.media_type, row.size,
        )  # fmt: skip
