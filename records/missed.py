"""Crises that screening did not see in time: what happened in those cases, and what reviewers found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault
from triage.risk import Level

_BEFORE = timedelta(days=1)  # what was said so long before a case was opened belongs to it


@dataclass(frozen=True)
class Rise:
    """A change of level that came into force."""

    to: Level
    is_machine: bool
    at: datetime


@dataclass(frozen=True)
class Course:
    """How the level of one case went, and when the first message was written that screening calls dangerous."""

    case_id: str
    case_no: str
    conversation_id: str
    opened_at: datetime
    is_drill: bool
    rises: tuple[Rise, ...]
    first_danger_at: datetime | None


@dataclass(frozen=True)
class Finding:
    """What a reviewer found. `label` of the example: level, categories, form."""

    id: str
    case_id: str
    outcome: str
    message_id: str | None
    version: str
    note: str
    example: str
    label: dict[str, Any]  # JSON
    by_id: str
    at: datetime


class Missed:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def courses(self, connection: sa.Connection, since: datetime, danger: Level) -> list[Course]:
        """Cases opened since then that reached this level, newest first; no drills."""
        case, change = t.case_record, t.level_change
        highest = (  # not EXISTS: PostgreSQL would read every change of level to join them
            sa.select(sa.func.max(change.c.to_level))
            .where(change.c.district_id == self.district, change.c.case_id == case.c.id)
            .scalar_subquery()
        )
        query = (
            sa.select(case.c.id)
            .where(
                case.c.district_id == self.district, case.c.opened_at >= since, case.c.is_drill.is_(False),
                highest >= int(danger),
            )
            .order_by(case.c.opened_at.desc())
        )  # fmt: skip
        return self._courses(connection, [row.id for row in connection.execute(query)], danger)

    def course(self, connection: sa.Connection, case_id: str, danger: Level) -> Course | None:
        """How one case went."""
        return next(iter(self._courses(connection, [case_id], danger)), None)

    def add(
        self, connection: sa.Connection, *, note: str, example: str, label: dict[str, Any], **values: Any
    ) -> None:  # columns
        """Keep a finding."""
        row_id = new_id()
        connection.execute(
            t.missed_review.insert().values(
                district_id=self.district, id=row_id,
                note_sealed=self.vault.seal(note, "missed_review.note", row_id),
                example_sealed=self.vault.seal(example, "missed_review.example", row_id) if example else None,
                example_label=json.dumps(label), **values,
            )
        )  # fmt: skip

    def findings(self, connection: sa.Connection, case_id: str = "") -> dict[str, Finding]:
        """Case -> its newest finding, in the order in which they were made."""
        row = t.missed_review
        query = sa.select(row).where(row.c.district_id == self.district, row.c.is_drill.is_(False))
        if case_id:
            query = query.where(row.c.case_id == case_id)
        return {found.case_id: self._finding(found) for found in connection.execute(query.order_by(row.c.at))}

    def _courses(self, connection: sa.Connection, ids: Sequence[str], danger: Level) -> list[Course]:
        case = t.case_record
        query = sa.select(
            case.c.id, case.c.case_no, case.c.conversation_id, case.c.opened_at, case.c.is_drill
        ).where(case.c.district_id == self.district, case.c.id.in_(ids))  # fmt: skip
        rises = self._rises(connection, ids)
        firsts = self._first_dangers(connection, ids, danger)
        return [
            Course(
                row.id, row.case_no, row.conversation_id, row.opened_at, row.is_drill, tuple(rises.get(row.id, ())),
                firsts.get(row.id),
            )
            for row in connection.execute(query.order_by(case.c.opened_at.desc()))
        ]  # fmt: skip

    def _rises(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[Rise]]:
        change = t.level_change
        query = (
            sa.select(change.c.case_id, change.c.to_level, change.c.source, change.c.at)
            .where(
                change.c.district_id == self.district, change.c.case_id.in_(ids),
                change.c.state.in_(("in_force", "confirmed")),
            )
            .order_by(change.c.at)
        )  # fmt: skip
        found: dict[str, list[Rise]] = {}
        for row in connection.execute(query):
            rise = Rise(Level(row.to_level), row.source == "machine", row.at)
            found.setdefault(row.case_id, []).append(rise)
        return found

    def _first_dangers(
        self, connection: sa.Connection, ids: Sequence[str], danger: Level
    ) -> dict[str, datetime]:  # fmt: skip
        """Case -> when its first dangerous message was written, as far as its platform tells."""
        case, message, judged = t.case_record, t.message, t.assessment
        written_at = sa.func.coalesce(message.c.sent_at, message.c.received_at)
        query = (
            sa.select(case.c.id, case.c.opened_at, written_at.label("at"), message.c.received_at)
            .join(message, sa.and_(message.c.district_id == self.district,
                                   message.c.conversation_id == case.c.conversation_id, message.c.author == "visitor"))
            .join(judged, sa.and_(judged.c.district_id == self.district, judged.c.message_id == message.c.id))
            .where(case.c.district_id == self.district, case.c.id.in_(ids), judged.c.level >= int(danger))
            .order_by(message.c.received_at)
        )  # fmt: skip
        found: dict[str, datetime] = {}
        for row in connection.execute(query):
            if row.received_at >= row.opened_at - _BEFORE:
                found.setdefault(row.id, min(row.at, row.received_at))
        return found

    def _finding(self, row: Any) -> Finding:  # Any: SQLAlchemy rows are untyped
        example = row.example_sealed and self.vault.open(row.example_sealed, "missed_review.example", row.id)
        return Finding(
            row.id, row.case_id, row.outcome, row.message_id, row.version,
            self.vault.open(row.note_sealed, "missed_review.note", row.id), example or "",
            json.loads(row.example_label), row.by_id, row.at,
        )  # fmt: skip
