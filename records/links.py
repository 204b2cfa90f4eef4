"""Contacts that showed that they are one person: one-time codes, the random id they then share, their conversations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault
from records.tables.cases import ENDED
from triage.risk import Level

_LINK_LOCK = 7_220_014


@dataclass(frozen=True)
class Thread:
    """One conversation of a linked person, with its open case where there is one."""

    conversation_id: str
    contact_id: str
    channel: str
    epoch: int
    level: Level
    last_message_at: datetime | None
    case_id: str | None
    case_no: str | None


class Links:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def take_turns(self, connection: sa.Connection) -> None:
        """One link at a time, or two that meet in one contact would leave a person with two ids."""
        if connection.dialect.name == "postgresql":  # SQLite has one writer
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LINK_LOCK})

    def put_code(
        self, connection: sa.Connection, contact_id: str, code: str, now: datetime, expires_at: datetime
    ) -> bool:
        """The contact's only living code from now on; False when somebody else's living code is the same."""
        codes = t.link_code
        connection.execute(
            codes.delete().where(
                codes.c.district_id == self.district,
                sa.or_(codes.c.contact_id == contact_id, codes.c.expires_at <= now),
            )
        )
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        put = dialect.insert(codes).values(
            district_id=self.district, id=self._index(code), contact_id=contact_id, expires_at=expires_at
        )
        return connection.execute(put.on_conflict_do_nothing().returning(codes.c.id)).first() is not None

    def holder(self, connection: sa.Connection, code: str, now: datetime) -> str | None:
        """The contact that a living code was given to."""
        query = sa.select(t.link_code.c.contact_id).where(
            t.link_code.c.district_id == self.district,
            t.link_code.c.id == self._index(code),
            t.link_code.c.expires_at > now,
        )
        return connection.execute(query).scalar()

    def forget_codes(self, connection: sa.Connection, contact_id: str) -> None:
        """A code serves once."""
        connection.execute(
            t.link_code.delete().where(
                t.link_code.c.district_id == self.district, t.link_code.c.contact_id == contact_id
            )
        )

    def person_of(self, connection: sa.Connection, contact_id: str) -> str | None:
        """The id that a contact shares with others; None when it stands alone."""
        query = sa.select(t.contact.c.person_id).where(self._is_contact(t.contact.c.id == contact_id))
        return connection.execute(query).scalar()

    def join(self, connection: sa.Connection, one: str, other: str) -> str:
        """Make one person of two contacts and of everybody linked to either; returns the person's id."""
        persons = [self.person_of(connection, contact_id) for contact_id in (one, other)]
        known = [person_id for person_id in persons if person_id is not None]
        person_id = known[0] if known else new_id()
        together = sa.or_(t.contact.c.id.in_((one, other)), t.contact.c.person_id.in_(known))
        connection.execute(t.contact.update().where(self._is_contact(together)).values(person_id=person_id))
        return person_id

    def leave(self, connection: sa.Connection, contact_id: str) -> list[Thread]:
        """The contact stands alone again, and so does the last one left behind; what was one person's until now."""
        person_id = self.person_of(connection, contact_id)
        if person_id is None:
            return []
        threads = self.threads(connection, person_id)
        others = {thread.contact_id for thread in threads} - {contact_id}
        alone = [contact_id, *(others if len(others) == 1 else ())]
        connection.execute(t.contact.update().where(self._is_contact(t.contact.c.id.in_(alone))).values(person_id=None))
        return threads

    def contacts_of(self, connection: sa.Connection, person_id: str) -> list[str]:
        """All contacts of a person, the first one first."""
        query = sa.select(t.contact.c.id).where(self._is_contact(t.contact.c.person_id == person_id))
        return list(connection.execute(query.order_by(t.contact.c.created_at, t.contact.c.id)).scalars())

    def threads(self, connection: sa.Connection, person_id: str) -> list[Thread]:
        """The conversations of all contacts of a person, the newest first."""
        talk, case = t.conversation, t.case_record
        contacts = sa.select(t.contact.c.id).where(self._is_contact(t.contact.c.person_id == person_id))
        query = (
            sa.select(
                talk.c.id, talk.c.contact_id, talk.c.channel, talk.c.epoch, talk.c.level, talk.c.last_message_at,
                case.c.id.label("case_id"), case.c.case_no,
            )
            .outerjoin(
                case,
                sa.and_(
                    case.c.district_id == self.district, case.c.conversation_id == talk.c.id, case.c.state.not_in(ENDED)
                ),
            )
            .where(talk.c.district_id == self.district, talk.c.contact_id.in_(contacts))
            .order_by(sa.func.coalesce(talk.c.last_message_at, talk.c.opened_at).desc())
        )  # fmt: skip
        return [
            Thread(
                row.id, row.contact_id, row.channel, row.epoch, Level(row.level), row.last_message_at, row.case_id,
                row.case_no,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def _index(self, code: str) -> str:
        return self.vault.blind_index(f"link\0{code}")

    def _is_contact(self, which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.and_(t.contact.c.district_id == self.district, which)
