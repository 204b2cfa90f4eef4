"""Who speaks with whom and since when: one open stint for each conversation that a counsellor owns, never two."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.columns import fixed
from records.conversations import new_id
from triage.risk import Level


@dataclass(frozen=True)
class Stint:
    """A counsellor's time with a conversation. `rest`: what became of the break offered after it."""

    id: str
    case_id: str
    conversation_id: str
    counsellor_id: str
    peak: Level
    began_at: datetime
    ended_at: datetime | None
    spoke_at: datetime | None
    warned_at: datetime | None
    called_at: datetime | None
    told_at: datetime | None
    rest: str
    claimed_at: datetime  # taken from the queue; before its beginning when the case was passed on
    greeted_at: datetime | None = None  # a counsellor's first word since then
    reminded_at: datetime | None = None  # that the assessment is overdue


@dataclass(frozen=True)
class Live:
    """A conversation that somebody serves now, with all that its clocks need."""

    stint: Stint
    case_no: str
    level: Level
    is_drill: bool
    is_practice: bool
    owner_roles: tuple[str, ...]
    seen_at: datetime | None  # the owner's console
    wrote_at: datetime | None  # the person's newest message
    unanswered_since: datetime | None  # the first message after the counsellor's last word
    is_ringing: bool
    risen_at: datetime | None = None  # when its level last rose to what it is or above
    assessed_at: datetime | None = None


class Stints:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def begin(
        self, connection: sa.Connection, conversation_id: str, case_id: str, counsellor_id: str, level: Level,
        now: datetime, *, before: Stint | None = None,
    ) -> None:  # fmt: skip
        """From now on this counsellor speaks; the database refuses a second one. `before`: whom they go on from."""
        since = {"claimed_at": before.claimed_at, "greeted_at": before.greeted_at} if before else {}
        connection.execute(
            t.stint.insert().values(
                district_id=self.district, id=new_id(), case_id=case_id, conversation_id=conversation_id,
                counsellor_id=counsellor_id, peak=int(level), began_at=now, **since,
            )
        )  # fmt: skip

    def end(self, connection: sa.Connection, conversation_id: str, now: datetime) -> None:
        """Whoever spoke here speaks no more."""
        self._change(connection, t.stint.c.conversation_id == conversation_id, ended_at=now)

    def spoke(self, connection: sa.Connection, conversation_id: str, now: datetime) -> None:
        """A counsellor has said something to the person."""
        first = sa.func.coalesce(t.stint.c.greeted_at, sa.literal(now, t.UtcTime))
        self._change(connection, t.stint.c.conversation_id == conversation_id, spoke_at=now, greeted_at=first)

    def change(self, connection: sa.Connection, stint_id: str, **values: Any) -> None:  # columns
        """Set columns of an open stint."""
        self._change(connection, t.stint.c.id == stint_id, **values)

    def set_rest(self, connection: sa.Connection, stint_id: str, counsellor_id: str, rest: str) -> bool:
        """What became of the offered break; False when this counsellor has no such stint that has ended."""
        done = connection.execute(
            t.stint.update()
            .where(
                t.stint.c.district_id == self.district, t.stint.c.id == stint_id, t.stint.c.rest == "",
                t.stint.c.counsellor_id == counsellor_id, t.stint.c.ended_at.is_not(None),
            )
            .values(rest=rest)
        )  # fmt: skip
        return done.rowcount == 1

    def open_of(self, connection: sa.Connection, conversation_id: str) -> Stint | None:
        """The stint of who speaks there now."""
        query = self._select().where(t.stint.c.conversation_id == conversation_id, t.stint.c.ended_at.is_(None))
        row = connection.execute(query).first()
        return _stint(row) if row else None

    def served_by(self, connection: sa.Connection, conversation_id: str) -> list[str]:
        """Everybody who ever spoke there."""
        query = sa.select(t.stint.c.counsellor_id).distinct()
        which = sa.and_(t.stint.c.district_id == self.district, t.stint.c.conversation_id == conversation_id)
        return sorted(connection.execute(query.where(which)).scalars())

    def since(self, connection: sa.Connection, since: datetime, counsellor_id: str | None = None) -> list[Stint]:
        """Stints at orange or red that did not end before a moment, of everybody or of one, oldest first; no drills."""
        case = t.case_record
        of_drill = sa.exists().where(
            case.c.district_id == self.district, case.c.id == t.stint.c.case_id, case.c.is_drill
        )
        found: list[Stint] = []
        for which in (t.stint.c.ended_at >= since, t.stint.c.ended_at.is_(None)):  # each has an index
            query = self._select().where(which, t.stint.c.peak >= int(Level.HIGH), ~of_drill)
            if counsellor_id is not None:
                query = query.where(t.stint.c.counsellor_id == counsellor_id)
            found += map(_stint, connection.execute(query))
        return sorted(found, key=lambda stint: stint.began_at)

    def live(self, connection: sa.Connection, conversation_id: str | None = None) -> list[Live]:
        """Everything that is served now, or one conversation, the most urgent first."""
        case, talk, owner, here = t.case_record, t.conversation, t.counsellor, t.presence
        first_after = (
            sa.select(sa.func.min(t.message.c.received_at))
            .where(
                t.message.c.district_id == self.district, t.message.c.conversation_id == t.stint.c.conversation_id,
                t.message.c.author == "visitor", t.message.c.received_at > t.stint.c.spoke_at,
            )
            .scalar_subquery()
        )  # fmt: skip
        change = t.level_change.c
        risen = (
            sa.select(sa.func.max(change.at))
            .where(
                change.district_id == self.district, change.case_id == t.stint.c.case_id,
                change.state.in_(("in_force", "confirmed")), change.from_level < case.c.level,
                change.to_level >= case.c.level,
            )
            .scalar_subquery()
        )  # fmt: skip
        alert = t.alert.c
        rings = sa.exists().where(
            alert.district_id == self.district, alert.case_id == t.stint.c.case_id, alert.state == fixed("ringing")
        )
        query = (
            sa.select(
                t.stint, case.c.case_no, case.c.level, case.c.is_drill, case.c.practised_by, owner.c.roles,
                here.c.seen_at, case.c.assessed_at, risen.label("risen_at"),
                talk.c.last_message_at, rings.label("rings"),
                sa.case((t.stint.c.spoke_at.is_(None), t.stint.c.began_at),
                        (talk.c.last_message_at > t.stint.c.spoke_at, first_after)).label("unanswered_since"),
            )
            .join(case, sa.and_(case.c.district_id == self.district, case.c.id == t.stint.c.case_id))
            .join(talk, sa.and_(talk.c.district_id == self.district, talk.c.id == t.stint.c.conversation_id))
            .join(owner, sa.and_(owner.c.district_id == self.district, owner.c.id == t.stint.c.counsellor_id))
            .outerjoin(here, sa.and_(here.c.district_id == self.district, here.c.id == t.stint.c.counsellor_id))
            .where(t.stint.c.district_id == self.district, t.stint.c.ended_at.is_(None))
            .order_by(case.c.level.desc(), t.stint.c.began_at)
        )  # fmt: skip
        if conversation_id is not None:
            query = query.where(t.stint.c.conversation_id == conversation_id)
        return [
            Live(
                _stint(row), row.case_no, Level(row.level), row.is_drill, row.practised_by is not None,
                tuple(json.loads(row.roles)), row.seen_at, row.last_message_at, row.unanswered_since,
                bool(row.rings), row.risen_at, row.assessed_at,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def _change(self, connection: sa.Connection, which: sa.ColumnElement[bool], **values: Any) -> None:  # columns
        connection.execute(
            t.stint.update()
            .where(t.stint.c.district_id == self.district, which, t.stint.c.ended_at.is_(None))
            .values(**values)
        )

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.stint).where(t.stint.c.district_id == self.district)


def highest(district: str) -> sa.ScalarSelect[Any]:  # Any: SQLAlchemy rows are untyped
    """The highest level that came into force during a stint of the outer query; its `peak` may lag by a sweep."""
    change = t.level_change
    return (
        sa.select(sa.func.max(change.c.to_level))
        .where(
            change.c.district_id == district, change.c.case_id == t.stint.c.case_id,
            change.c.state.in_(("in_force", "confirmed")), change.c.at >= t.stint.c.began_at,
            sa.or_(t.stint.c.ended_at.is_(None), change.c.at <= t.stint.c.ended_at),
        )
        .scalar_subquery()
    )  # fmt: skip


def _stint(row: Any) -> Stint:  # Any: SQLAlchemy rows are untyped
    return Stint(
        row.id, row.case_id, row.conversation_id, row.counsellor_id, Level(row.peak), row.began_at, row.ended_at,
        row.spoke_at, row.warned_at, row.called_at, row.told_at, row.rest, row.claimed_at or row.began_at,
        row.greeted_at, row.reminded_at,
    )  # fmt: skip
