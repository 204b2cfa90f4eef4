"""Cases, alerts, level changes and notes: of one district, inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.columns import among
from records.conversations import new_id
from records.crypto import Vault
from records.tables.cases import ENDED
from triage.risk import Level

_CASE_LOCK = 7_220_012


@dataclass(frozen=True)
class Case:
    """One person's open matter with us. `level` is in force; `machine_level` is what screening last said."""

    id: str
    case_no: str
    conversation_id: str
    contact_id: str
    state: str
    machine_level: Level
    level: Level
    version: int
    owner_id: str | None
    wish: str
    opened_at: datetime
    claimed_at: datetime | None
    first_word_at: datetime | None
    closed_at: datetime | None
    disposition: str | None
    summary: str
    is_drill: bool
    previous_id: str | None = None  # the case before, closed too long ago to be continued
    merged_into: str | None = None  # the case in which this one goes on
    practised_by: str | None = None  # whose practice it is: nobody else is called, nobody else takes it
    assessed_at: datetime | None = None  # every core question about danger has an answer


class Cases:
    """Case rows of one district."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, day: str, **values: Any) -> str:  # columns
        """Open a case numbered within its local day (`day` as YYYYMMDD); returns its id."""
        if connection.dialect.name == "postgresql":  # numbers are given one after the other
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": _CASE_LOCK})
        prefix = f"{self.district}-{day}-"
        near = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC) - timedelta(days=2)  # of any zone
        count = connection.execute(
            sa.select(sa.func.count())
            .select_from(t.case_record)
            .where(
                t.case_record.c.district_id == self.district, t.case_record.c.opened_at >= near,
                t.case_record.c.case_no.startswith(prefix),
            )
        ).scalar_one()  # fmt: skip
        number = f"{count + 1:04d}"
        case_id = new_id()
        connection.execute(
            t.case_record.insert().values(
                district_id=self.district,
                id=case_id,
                case_no=f"{prefix}{number}{check_digit(day + number)}",
                **values,
            )
        )
        return case_id

    def get(self, connection: sa.Connection, case_id: str, *, lock: bool = False) -> Case | None:
        """One case."""
        query = self._select().where(t.case_record.c.id == case_id)
        row = connection.execute(query.with_for_update() if lock else query).first()
        return self._case(row) if row else None

    def some(self, connection: sa.Connection, case_ids: Collection[str]) -> list[Case]:
        """Those of these cases that there are."""
        return [self._case(row) for row in connection.execute(self._select().where(t.case_record.c.id.in_(case_ids)))]

    def open_case_of(self, connection: sa.Connection, conversation_id: str) -> Case | None:
        """The conversation's case that has not ended; there is at most one."""
        query = self._select().where(
            t.case_record.c.conversation_id == conversation_id, t.case_record.c.state.not_in(ENDED)
        )
        row = connection.execute(query).first()
        return self._case(row) if row else None

    def newest_of(self, connection: sa.Connection, conversation_id: str) -> Case | None:
        """The conversation's newest case, closed or not."""
        query = self._select().where(t.case_record.c.conversation_id == conversation_id)
        row = connection.execute(query.order_by(t.case_record.c.opened_at.desc()).limit(1)).first()
        return self._case(row) if row else None

    def queue(self, connection: sa.Connection, *, also: Sequence[str] = (), limit: int = 500) -> list[Case]:
        """Open cases, most urgent first, then the longest waiting; those only followed up when `also` names them."""
        c = t.case_record.c
        works = sa.select(c.id).where(
            c.district_id == self.district, c.state.not_in(among(ENDED)), c.state != "follow_up"
        )
        named = sa.select(c.id).where(c.district_id == self.district, c.id.in_(also))
        query = (
            self._select()
            .where(c.id.in_(works.union_all(named)))  # by OR it would read every case there ever was
            .order_by(
                (t.case_record.c.state == "new").desc(),
                t.case_record.c.state == "closing",  # only a signature is missing
                t.case_record.c.level.desc(),
                t.case_record.c.is_drill,  # real people first
                t.case_record.c.opened_at,
            )
            .limit(limit)
        )
        return [self._case(row) for row in connection.execute(query)]

    def change(self, connection: sa.Connection, case: Case, **values: Any) -> bool:  # columns
        """Compare-and-set on the version: False when the case changed meanwhile."""
        if "summary" in values:
            values["summary_sealed"] = self.vault.seal(values.pop("summary"), "case.summary", case.id)
        done = connection.execute(
            t.case_record.update()
            .where(
                t.case_record.c.district_id == self.district,
                t.case_record.c.id == case.id,
                t.case_record.c.version == case.version,
            )
            .values(version=case.version + 1, **values)
        )
        return done.rowcount == 1

    def add_level_change(
        self, connection: sa.Connection, case_id: str, *, reason: str = "", evidence: Sequence[str] = (), **values: Any
    ) -> str:  # fmt: skip
        """Append to the level history; returns the row's id."""
        change_id = new_id()
        sealed = self.vault.seal(reason, "level_change.reason", change_id) if reason else None
        connection.execute(
            t.level_change.insert().values(
                district_id=self.district, id=change_id, case_id=case_id, reason_sealed=sealed,
                evidence=json.dumps(list(evidence)), **values,
            )
        )  # fmt: skip
        return change_id

    def decide_level_change(self, connection: sa.Connection, change_id: str, state: str, second_id: str) -> None:
        """The second person's decision on a proposed lowering; the only thing ever set on a history row."""
        connection.execute(
            t.level_change.update()
            .where(
                t.level_change.c.district_id == self.district,
                t.level_change.c.id == change_id,
                t.level_change.c.state == "proposed",
            )
            .values(state=state, second_id=second_id)
        )

    def level_changes(self, connection: sa.Connection, case_id: str) -> list[Mapping[str, Any]]:
        """The level history, oldest first."""
        query = (
            sa.select(t.level_change)
            .where(t.level_change.c.district_id == self.district, t.level_change.c.case_id == case_id)
            .order_by(t.level_change.c.at)
        )
        return [
            {
                **row._mapping,
                "from_level": Level(row.from_level),
                "to_level": Level(row.to_level),
                "reason": self.vault.open(row.reason_sealed, "level_change.reason", row.id)
                if row.reason_sealed
                else "",
            }
            for row in connection.execute(query)
        ]

    def add_note(
        self, connection: sa.Connection, case_id: str, by_id: str, text: str, now: datetime, kind: str = "note"
    ) -> None:
        """Keep a note (or an opinion of somebody invited): never shown to the visitor."""
        note_id = new_id()
        connection.execute(
            t.note.insert().values(
                district_id=self.district, id=note_id, case_id=case_id, by_id=by_id, kind=kind,
                body_sealed=self.vault.seal(text, "note.body", note_id), at=now,
            )
        )  # fmt: skip

    def notes(self, connection: sa.Connection, case_id: str) -> list[Mapping[str, Any]]:
        """Notes of a case, oldest first."""
        query = (
            sa.select(t.note)
            .where(t.note.c.district_id == self.district, t.note.c.case_id == case_id)
            .order_by(t.note.c.at)
        )
        return [
            {
                **row._mapping,
                "body": self.vault.open(row.body_sealed, "note.body", row.id),
                "redaction": row.redaction_sealed and self.vault.open(row.redaction_sealed, "note.redaction", row.id),
            }
            for row in connection.execute(query)
        ]

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.case_record).where(t.case_record.c.district_id == self.district)

    def _case(self, row: Any) -> Case:  # Any: SQLAlchemy rows are untyped
        summary = self.vault.open(row.summary_sealed, "case.summary", row.id) if row.summary_sealed else ""
        return Case(
            row.id, row.case_no, row.conversation_id, row.contact_id, row.state, Level(row.machine_level),
            Level(row.level), row.version, row.owner_id, row.wish or "risk", row.opened_at, row.claimed_at,
            row.first_word_at, row.closed_at, row.disposition, summary, row.is_drill, row.previous_id,
            row.merged_into, row.practised_by, row.assessed_at,
        )  # fmt: skip


def check_digit(digits: str) -> int:
    """One digit that catches a mistyped or swapped digit of a case number (Luhn)."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return (10 - total % 10) % 10
