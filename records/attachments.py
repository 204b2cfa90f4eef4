"""Voices, pictures and files that people send: fetched from the platform as soon as it answers, kept sealed."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.columns import fixed
from records.conversations import new_id
from records.crypto import Vault

_WITHOUT_BYTES = [column for column in t.attachment.c if column.name != "body_sealed"]


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

    def due(
        self, connection: sa.Connection, now: datetime, *, besides: Collection[str] = (), limit: int = 20
    ) -> list[Attachment]:
        """Files to fetch now, but not from these channels; locked for this transaction."""
        query = (
            self._select()
            .where(
                t.attachment.c.state == fixed("waiting"),
                t.attachment.c.due_at <= now,
                t.attachment.c.channel.not_in(besides),
            )
            .order_by(t.attachment.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [self._attachment(row) for row in connection.execute(query)]

    def lease(self, connection: sa.Connection, item: Attachment, until: datetime) -> None:
        """It is ours until then; whoever finds it due afterwards tries again."""
        self._change(connection, item.id, due_at=until, attempts=item.attempts + 1)

    def put_off(self, connection: sa.Connection, attachment_id: str, until: datetime) -> None:
        """Try again then."""
        self._change(connection, attachment_id, due_at=until)

    def seal(self, attachment_id: str, body: bytes) -> bytes:
        """The bytes as they are kept; slow for large files, so it is done outside any transaction."""
        text = base64.b64encode(body).decode("ascii")
        return self.vault.seal(text, "attachment.body", attachment_id)

    def keep(self, connection: sa.Connection, attachment_id: str, sealed: bytes, media_type: str, size: int) -> bool:
        """The file is here; False when somebody else was faster."""
        return self._change(
            connection, attachment_id, state="stored", size=size, media_type=media_type, body_sealed=sealed
        )

    def give_up(self, connection: sa.Connection, attachment_id: str, state: str) -> bool:
        """The file cannot be had: gone or too_large; False when somebody else was faster."""
        return self._change(connection, attachment_id, state=state)

    def _change(self, connection: sa.Connection, attachment_id: str, **values: Any) -> bool:  # columns
        """Only what still waits changes."""
        done = connection.execute(
            t.attachment.update().where(self._is(attachment_id), t.attachment.c.state == "waiting").values(**values)
        )
        return done.rowcount == 1

    def of_messages(self, connection: sa.Connection, message_ids: Sequence[str]) -> dict[str, list[Attachment]]:
        """Message id -> its files, without their bytes."""
        query = self._select().where(t.attachment.c.message_id.in_(message_ids)).order_by(t.attachment.c.id)
        found: dict[str, list[Attachment]] = {}
        for row in connection.execute(query) if message_ids else ():
            found.setdefault(row.message_id, []).append(self._attachment(row))
        return found

    def get(self, connection: sa.Connection, attachment_id: str) -> Attachment | None:
        """One file without its bytes."""
        row = connection.execute(self._select().where(t.attachment.c.id == attachment_id)).first()
        return self._attachment(row) if row else None

    def read(self, connection: sa.Connection, attachment_id: str) -> bytes:
        """The bytes of a stored file; raise LookupError when there are none."""
        query = sa.select(t.attachment.c.body_sealed).where(self._is(attachment_id))
        sealed = connection.execute(query).scalar()
        if sealed is None:
            raise LookupError(f"attachment {attachment_id} has no bytes")
        return base64.b64decode(self.vault.open(sealed, "attachment.body", attachment_id))

    def case_of(self, connection: sa.Connection, item: Attachment) -> str | None:
        """The newest case through which this file may be read, open or closed."""
        query = (
            sa.select(t.case_record.c.id)
            .where(
                t.case_record.c.district_id == self.district,
                t.case_record.c.conversation_id == item.conversation_id,
            )
            .order_by(t.case_record.c.opened_at.desc())
            .limit(1)
        )
        return connection.execute(query).scalar()

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(*_WITHOUT_BYTES).where(t.attachment.c.district_id == self.district)

    def _is(self, attachment_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(t.attachment.c.district_id == self.district, t.attachment.c.id == attachment_id)

    def _attachment(self, row: Any) -> Attachment:  # Any: SQLAlchemy rows are untyped
        return Attachment(
            row.id, row.message_id, row.conversation_id, row.channel, row.kind,
            self.vault.open(row.reference_sealed, "attachment.reference", row.id), row.state, row.attempts,
            row.media_type, row.size,
        )  # fmt: skip
