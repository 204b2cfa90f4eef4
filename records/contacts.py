"""People on a channel: who can be reached where, and what people of the hotline decided about a contact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class Contact:
    """One person on one channel. `address` is the platform's id of them, opened."""

    id: str
    channel: str
    address: str
    nickname: str
    unreachable: str  # why the platform lets us write no more: "" | left | blocked | closed
    blocked_at: datetime | None  # people of the hotline decided that the bot answers no more
    person_id: str | None  # contacts that showed that they are one person share it
    scene: str  # which code or campaign brought them
    is_restricted: bool = False  # they asked for deletion: what must stay is hidden


class Contacts:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def enter(
        self, connection: sa.Connection, channel: str, address: str, now: datetime, scene: str = ""
    ) -> tuple[Contact, str, bool]:
        """The contact, its conversation's id, and whether both are new; made when they are not there yet.

        Two first messages at once make one contact: the contact's row is locked while its conversation is looked for.
        """
        index = self.vault.blind_index(address)
        row = self._by_index(connection, channel, index)
        if row is None:
            self._add(connection, channel, address, index, now, scene)
            row = self._by_index(connection, channel, index)
        if row is None:
            raise LookupError("a contact vanished inside its own transaction")
        found = self._conversation_of(connection, row.id)
        if found is not None:
            return self._contact(row), found, False
        conversation_id = new_id()
        connection.execute(
            t.conversation.insert().values(
                district_id=self.district, id=conversation_id, contact_id=row.id, channel=channel, epoch=0,
                last_seq=0, memory="{}", level=0, token_hash=None, is_drill=False, opened_at=now,
            )
        )  # fmt: skip
        return self._contact(row), conversation_id, True

    def get(self, connection: sa.Connection, contact_id: str) -> Contact | None:
        """One contact by id."""
        query = sa.select(t.contact).where(t.contact.c.district_id == self.district, t.contact.c.id == contact_id)
        row = connection.execute(query).first()
        return self._contact(row) if row else None

    def of_person(self, connection: sa.Connection, person_id: str) -> dict[str, Contact]:
        """Id -> contact, for all that are one person."""
        query = sa.select(t.contact).where(t.contact.c.district_id == self.district, t.contact.c.person_id == person_id)
        return {row.id: self._contact(row) for row in connection.execute(query)}

    def find(self, connection: sa.Connection, channel: str, address: str) -> Contact | None:
        """The contact that a platform knows by this id."""
        row = self._by_index(connection, channel, self.vault.blind_index(address), lock=False)
        return self._contact(row) if row else None

    def change(self, connection: sa.Connection, contact_id: str, **values: Any) -> None:  # columns
        """Set columns; `nickname` is sealed."""
        if "nickname" in values:
            name = values.pop("nickname")
            values["nickname_sealed"] = self.vault.seal(name, "contact.nickname", contact_id)
        connection.execute(
            t.contact.update()
            .where(t.contact.c.district_id == self.district, t.contact.c.id == contact_id)
            .values(**values)
        )

    def _by_index(self, connection: sa.Connection, channel: str, index: str, *, lock: bool = True) -> Any:
        query = sa.select(t.contact).where(
            t.contact.c.district_id == self.district,
            t.contact.c.channel == channel,
            t.contact.c.external_index == index,
        )
        return connection.execute(query.with_for_update() if lock else query).first()

    def _conversation_of(self, connection: sa.Connection, contact_id: str) -> str | None:
        query = (
            sa.select(t.conversation.c.id)
            .where(t.conversation.c.district_id == self.district, t.conversation.c.contact_id == contact_id)
            .order_by(t.conversation.c.opened_at.desc())
            .limit(1)
        )
        return connection.execute(query).scalar()

    def _add(
        self, connection: sa.Connection, channel: str, address: str, index: str, now: datetime, scene: str
    ) -> None:
        contact_id = new_id()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(
            dialect.insert(t.contact)
            .values(
                district_id=self.district, id=contact_id, channel=channel, external_index=index,
                external_sealed=self.vault.seal(address, "contact.external", contact_id), created_at=now, scene=scene,
            )
            .on_conflict_do_nothing()
        )  # fmt: skip

    def _contact(self, row: Any) -> Contact:  # Any: SQLAlchemy rows are untyped
        name = row.nickname_sealed and self.vault.open(row.nickname_sealed, "contact.nickname", row.id)
        return Contact(
            row.id, row.channel, self.vault.open(row.external_sealed, "contact.external", row.id), name or "",
            row.unreachable, row.blocked_at, row.person_id, row.scene, row.restricted_at is not None,
        )  # fmt: skip
