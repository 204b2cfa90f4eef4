"""Rescues with the words quoted to the dispatcher, and every call to somebody outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault
from triage.risk import Level


@dataclass(frozen=True)
class Rescue:
    """A decision to send rescuers or not to, and what came of it. `outcome` is proposed until the rescue has ended."""

    id: str
    case_id: str
    decision: str  # started | not_needed
    basis: str
    asked_id: str | None  # whom the starter asked to be the second person
    second_id: str | None  # without `second_at`, of an older record: whom the starter named
    second_answer: str | None  # agreed | refused
    second_at: datetime | None
    second_words: str
    waits_for_second: bool
    reason: str
    by_id: str
    at: datetime
    arrived_at: datetime | None
    arrival: str
    outcome: str | None
    is_serious: bool
    outcome_by: str | None
    outcome_note: str
    ended_at: datetime | None
    ended_by: str | None

    @property
    def is_open(self) -> bool:
        """Whether rescuers are under way and nobody has ended it."""
        return self.decision == "started" and self.ended_at is None


@dataclass(frozen=True)
class OutsideCall:
    """One call to somebody outside."""

    whom: str
    basis: str
    reference: str
    said: str
    outcome: str
    by_id: str
    at: datetime


class Rescues:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, case_id: str, *, reason: str, **values: Any) -> str:  # columns
        """Keep a decision; returns its id."""
        row_id = new_id()
        connection.execute(
            t.rescue.insert().values(
                district_id=self.district, id=row_id, case_id=case_id, is_serious=False,
                reason_sealed=self.vault.seal(reason, "rescue.reason", row_id), **values,
            )
        )  # fmt: skip
        return row_id

    def change(self, connection: sa.Connection, rescue_id: str, **values: Any) -> None:  # columns
        """Set columns; `arrival`, `outcome_note` and `second` are sealed."""
        columns = {"arrival": "arrival_sealed", "outcome_note": "outcome_sealed", "second": "second_sealed"}
        for name, column in columns.items():
            if name in values:
                values[column] = self.vault.seal(values.pop(name), f"rescue.{name}", rescue_id)
        connection.execute(
            t.rescue.update()
            .where(t.rescue.c.district_id == self.district, t.rescue.c.id == rescue_id)
            .values(**values)
        )

    def of(self, connection: sa.Connection, case_id: str) -> list[Rescue]:
        """Decisions about a case, the newest first."""
        query = (
            sa.select(t.rescue)
            .where(t.rescue.c.district_id == self.district, t.rescue.c.case_id == case_id)
            .order_by(t.rescue.c.at.desc())
        )
        return [self._rescue(row) for row in connection.execute(query)]

    def open_of(self, connection: sa.Connection, case_id: str) -> Rescue | None:
        """The rescue of a case that has not ended."""
        return next((rescue for rescue in self.of(connection, case_id) if rescue.is_open), None)

    def unconfirmed(self, connection: sa.Connection, case_id: str = "") -> dict[str, datetime]:
        """Case -> since when rescuers are under way and nobody has confirmed that they reached the person."""
        row = t.rescue
        query = sa.select(row.c.case_id, row.c.at).where(
            row.c.district_id == self.district, row.c.decision == "started", row.c.ended_at.is_(None),
            row.c.arrived_at.is_(None),
        )  # fmt: skip
        if case_id:
            query = query.where(row.c.case_id == case_id)
        return {found.case_id: found.at for found in connection.execute(query)}

    def without_second(self, connection: sa.Connection, case_id: str = "") -> dict[str, datetime]:
        """Case -> since when a rescue against the person's will waits for the second person."""
        row = t.rescue
        query = sa.select(row.c.case_id, sa.func.max(row.c.at).label("at")).where(
            row.c.district_id == self.district, row.c.second_next_at.is_not(None)
        )
        if case_id:
            query = query.where(row.c.case_id == case_id)
        return {found.case_id: found.at for found in connection.execute(query.group_by(row.c.case_id))}

    def due(self, connection: sa.Connection, now: datetime, limit: int = 200) -> list[tuple[Rescue, int]]:
        """Rescues whose second person has been waited for too long, and how often supervisors were called; locked."""
        query = (
            sa.select(t.rescue)
            .where(t.rescue.c.district_id == self.district, t.rescue.c.second_next_at <= now)
            .order_by(t.rescue.c.second_next_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [(self._rescue(row), row.second_step) for row in connection.execute(query)]

    def undecided(self, connection: sa.Connection, case_id: str = "") -> dict[str, datetime]:
        """Red case in work -> since when it is red, where nobody has decided about rescue since then."""
        case, change, row = t.case_record, t.level_change, t.rescue
        became_red = (
            sa.select(sa.func.max(change.c.at))
            .where(
                change.c.district_id == self.district, change.c.case_id == case.c.id,
                change.c.to_level == int(Level.EMERGENCY), change.c.state.in_(("in_force", "confirmed")),
            )
            .scalar_subquery()
        )  # fmt: skip
        decided = (
            sa.select(sa.func.max(row.c.at))
            .where(row.c.district_id == self.district, row.c.case_id == case.c.id)
            .scalar_subquery()
        )
        opened_again = (
            sa.select(sa.func.max(t.reopening.c.at))
            .where(t.reopening.c.district_id == self.district, t.reopening.c.case_id == case.c.id)
            .scalar_subquery()
        )
        query = sa.select(
            case.c.id, became_red.label("at"), opened_again.label("again"), decided.label("decided")
        ).where(
            case.c.district_id == self.district, case.c.level == int(Level.EMERGENCY),
            case.c.state.in_(("new", "in_service", "waiting_user", "closing")),
        )  # fmt: skip
        if case_id:
            query = query.where(case.c.id == case_id)
        red = [found for found in connection.execute(query) if found.at is not None]
        since = {found.id: (max(found.at, found.again or found.at), found.decided) for found in red}
        return {key: at for key, (at, decided) in since.items() if decided is None or decided < at}

    def quote(
        self, connection: sa.Connection, case_id: str, slot: str, message_id: str, by_id: str, now: datetime
    ) -> None:
        """Read this message to the dispatcher under this heading; quoting it again takes it back."""
        row = t.rescue_quote
        same = sa.and_(
            row.c.district_id == self.district, row.c.case_id == case_id, row.c.slot == slot,
            row.c.message_id == message_id,
        )  # fmt: skip
        if connection.execute(row.delete().where(same)).rowcount == 0:
            connection.execute(
                row.insert().values(
                    district_id=self.district, id=new_id(), case_id=case_id, slot=slot, message_id=message_id,
                    by_id=by_id, at=now,
                )
            )  # fmt: skip

    def quotes(self, connection: sa.Connection, case_id: str) -> dict[str, list[str]]:
        """Heading -> the messages quoted under it, in the order in which they were picked."""
        row = t.rescue_quote
        query = sa.select(row.c.slot, row.c.message_id).where(
            row.c.district_id == self.district, row.c.case_id == case_id
        )
        found: dict[str, list[str]] = {}
        for slot, message_id in connection.execute(query.order_by(row.c.at)):
            found.setdefault(slot, []).append(message_id)
        return found

    def add_call(
        self,
        connection: sa.Connection,
        case_id: str,
        *,
        said: str,
        reference: str = "",
        outcome: str = "",
        **values: Any,
    ) -> None:  # columns
        """Keep a call to somebody outside."""
        row_id = new_id()
        connection.execute(
            t.outside_call.insert().values(
                district_id=self.district, id=row_id, case_id=case_id,
                said_sealed=self.vault.seal(said, "outside_call.said", row_id),
                reference_sealed=self.vault.seal(reference, "outside_call.reference", row_id) if reference else None,
                outcome_sealed=self.vault.seal(outcome, "outside_call.outcome", row_id) if outcome else None, **values,
            )
        )  # fmt: skip

    def calls(self, connection: sa.Connection, case_id: str) -> list[OutsideCall]:
        """Every call about a person of this case, oldest first."""
        row = t.outside_call
        query = sa.select(row).where(row.c.district_id == self.district, row.c.case_id == case_id).order_by(row.c.at)
        return [
            OutsideCall(
                found.whom, found.basis, self._open(found.reference_sealed, "outside_call.reference", found.id),
                self._open(found.said_sealed, "outside_call.said", found.id),
                self._open(found.outcome_sealed, "outside_call.outcome", found.id), found.by_id, found.at,
            )
            for found in connection.execute(query)
        ]  # fmt: skip

    def _rescue(self, row: Any) -> Rescue:  # Any: SQLAlchemy rows are untyped
        return Rescue(
            row.id, row.case_id, row.decision, row.basis, row.asked_id, row.second_id, row.second_answer,
            row.second_at, self._open(row.second_sealed, "rescue.second", row.id), row.second_next_at is not None,
            self._open(row.reason_sealed, "rescue.reason", row.id), row.by_id, row.at, row.arrived_at,
            self._open(row.arrival_sealed, "rescue.arrival", row.id), row.outcome, row.is_serious, row.outcome_by,
            self._open(row.outcome_sealed, "rescue.outcome_note", row.id), row.ended_at, row.ended_by,
        )  # fmt: skip

    def _open(self, sealed: bytes | None, name: str, row_id: str) -> str:
        return self.vault.open(sealed, name, row_id) if sealed else ""
