"""Calls for a counsellor that ring until somebody claims the case: of one district, inside the transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.columns import fixed
from records.conversations import new_id
from triage.risk import Level


@dataclass(frozen=True)
class Alert:
    """A call for a counsellor that rings until somebody claims the case."""

    id: str
    case_id: str
    conversation_id: str
    level: Level
    step: int
    waiting_notes: int
    raised_at: datetime
    next_at: datetime | None
    next_note_at: datetime | None


class Alerts:
    """Alert rows of one district."""

    def __init__(self, district: str):
        self.district = district

    def add(self, connection: sa.Connection, **values: Any) -> str:  # columns
        """Raise an alert; returns its id."""
        alert_id = new_id()
        connection.execute(
            t.alert.insert().values(
                district_id=self.district, id=alert_id, step=0, waiting_notes=0, state="ringing", **values
            )
        )
        return alert_id

    def ringing(self, connection: sa.Connection, case_id: str) -> Alert | None:
        """The alert of a case that nobody has answered."""
        row = connection.execute(
            sa.select(t.alert).where(
                t.alert.c.district_id == self.district, t.alert.c.case_id == case_id,
                t.alert.c.state == fixed("ringing"),
            )
        ).first()  # fmt: skip
        return _alert(row) if row else None

    def ringing_in(self, connection: sa.Connection, case_ids: Collection[str]) -> set[str]:
        """Of these cases, those that ring."""
        alert = t.alert.c
        query = sa.select(alert.case_id).where(
            alert.district_id == self.district, alert.case_id.in_(case_ids), alert.state == fixed("ringing")
        )
        return set(connection.execute(query).scalars())

    def is_called(self, connection: sa.Connection, case_id: str) -> bool:
        """Whether it rings because of who serves it: silent, or not to be left alone with it."""
        query = sa.select(t.stint.c.id).where(
            t.stint.c.district_id == self.district, t.stint.c.case_id == case_id, t.stint.c.ended_at.is_(None),
            t.stint.c.called_at.is_not(None),
        )  # fmt: skip
        return connection.execute(query).first() is not None

    def all_ringing(self, connection: sa.Connection) -> dict[str, Alert]:
        """Case id -> its ringing alert."""
        rows = connection.execute(
            sa.select(t.alert).where(t.alert.c.district_id == self.district, t.alert.c.state == fixed("ringing"))
        )
        return {row.case_id: _alert(row) for row in rows}

    def due(self, connection: sa.Connection, now: datetime, limit: int = 200) -> list[Alert]:
        """Ringing alerts whose next rung or waiting message is due; locked for this transaction. Real people first."""
        case = t.case_record
        is_drill = (
            sa.select(case.c.is_drill)
            .where(case.c.district_id == self.district, case.c.id == t.alert.c.case_id)
            .scalar_subquery()
        )
        query = (
            sa.select(t.alert)
            .where(
                t.alert.c.district_id == self.district,
                t.alert.c.state == fixed("ringing"),
                sa.or_(t.alert.c.next_at <= now, t.alert.c.next_note_at <= now),
            )
            .order_by(t.alert.c.level.desc(), is_drill, t.alert.c.raised_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [_alert(row) for row in connection.execute(query)]

    def silent(self, connection: sa.Connection, level: Level, since: datetime) -> list[str]:
        """Conversations with a ringing alert of this level whose person has not written since then; not locked."""
        query = sa.select(t.conversation.c.id).where(
            t.alert.c.district_id == self.district,
            t.alert.c.state == fixed("ringing"),
            t.alert.c.level == int(level),
            t.conversation.c.district_id == self.district,
            t.conversation.c.id == t.alert.c.conversation_id,
            t.conversation.c.owner_id.is_(None),
            t.conversation.c.level == int(level),
            t.conversation.c.last_message_at <= since,
        )
        return list(connection.execute(query).scalars())

    def change(self, connection: sa.Connection, alert_id: str, **values: Any) -> None:  # columns
        """Set columns of an alert."""
        connection.execute(
            t.alert.update().where(t.alert.c.district_id == self.district, t.alert.c.id == alert_id).values(**values)
        )


def _alert(row: Any) -> Alert:  # Any: SQLAlchemy rows are untyped
    return Alert(
        row.id, row.case_id, row.conversation_id, Level(row.level), row.step, row.waiting_notes, row.raised_at,
        row.next_at, row.next_note_at,
    )  # fmt: skip
