"""Where a case touches others and the past: a person's other cases, a merge, words taken out, the timeline's rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.crypto import Vault
from triage.risk import Level


@dataclass(frozen=True)
class Neighbour:
    """Another case of the same person."""

    id: str
    case_no: str
    state: str
    level: Level
    opened_at: datetime
    closed_at: datetime | None
    disposition: str | None
    merged_into: str | None


@dataclass(frozen=True)
class Deed:
    """One row of the audit."""

    action: str
    by_id: str | None
    detail: Mapping[str, Any]  # JSON of ids and numbers
    at: datetime


class CaseEdges:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def neighbours(self, connection: sa.Connection, contact_ids: Sequence[str], case_id: str) -> list[Neighbour]:
        """All other cases of a person's contacts, the newest first."""
        case = t.case_record
        query = (
            sa.select(case)
            .where(case.c.district_id == self.district, case.c.contact_id.in_(contact_ids), case.c.id != case_id)
            .order_by(case.c.opened_at.desc())
        )
        return [
            Neighbour(
                row.id, row.case_no, row.state, Level(row.level), row.opened_at, row.closed_at, row.disposition,
                row.merged_into,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def first_contact_at(self, connection: sa.Connection, contact_ids: Sequence[str]) -> datetime | None:
        """When any of these contacts first came to us."""
        query = sa.select(sa.func.min(t.contact.c.created_at)).where(
            t.contact.c.district_id == self.district, t.contact.c.id.in_(contact_ids)
        )
        return connection.execute(query).scalar()

    def redact_note(
        self, connection: sa.Connection, case_id: str, note_id: str, by_id: str, reason: str, now: datetime
    ) -> bool:
        """Take the words out of a note; False when there is no such note, or they were taken out already."""
        done = connection.execute(
            t.note.update()
            .where(
                t.note.c.district_id == self.district, t.note.c.case_id == case_id, t.note.c.id == note_id,
                t.note.c.redacted_at.is_(None),
            )
            .values(
                body_sealed=self.vault.seal("", "note.body", note_id), redacted_at=now, redacted_by=by_id,
                redaction_sealed=self.vault.seal(reason, "note.redaction", note_id),
            )
        )  # fmt: skip
        return done.rowcount == 1

    def deeds(self, connection: sa.Connection, object_ids: Sequence[str]) -> list[Deed]:
        """What the audit keeps about a case and its person, oldest first."""
        query = sa.select(t.audit).where(t.audit.c.district_id == self.district, t.audit.c.object_id.in_(object_ids))
        rows = sorted(connection.execute(query), key=lambda row: row.seq)  # asked to sort, SQLite reads the whole audit
        return [Deed(row.action, row.actor_id, json.loads(row.detail), row.at) for row in rows]

    def reasons(self, connection: sa.Connection, conversation_id: str, limit: int) -> list[Mapping[str, str]]:
        """What screening saw in the newest messages in which it saw anything: rules and levels, oldest first."""
        row = t.assessment.c
        query = (
            sa.select(row.signals)
            .where(row.district_id == self.district, row.conversation_id == conversation_id, row.signals != "[]")
            .order_by(row.at.desc(), row.level.desc())
            .limit(limit)
        )
        found = [json.loads(signals) for signals in connection.execute(query).scalars()]
        return [signal for signals in reversed(found) for signal in signals]

    def files_of(self, connection: sa.Connection, conversation_id: str) -> list[str]:
        """The ids of a conversation's files."""
        query = sa.select(t.attachment.c.id).where(
            t.attachment.c.district_id == self.district, t.attachment.c.conversation_id == conversation_id
        )
        return list(connection.execute(query).scalars())

    def spoken(
        self, connection: sa.Connection, conversation_id: str, since: datetime, until: datetime
    ) -> list[tuple[str, datetime]]:
        """Who said something when, oldest first; no words."""
        query = (
            sa.select(t.message.c.author, t.message.c.received_at)
            .where(
                t.message.c.district_id == self.district, t.message.c.conversation_id == conversation_id,
                t.message.c.received_at >= since, t.message.c.received_at <= until,
            )
            .order_by(t.message.c.seq)
        )  # fmt: skip
        return [(row.author, row.received_at) for row in connection.execute(query)]
