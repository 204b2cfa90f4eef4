"""Facts of talking: when people came, whom they asked for, who came. Counted and joined by the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.facts.kinds import Call, Messages, Opening, Session, Start, Stretch
from records.facts.span import Span, counts, person
from records.tables.talk import OF_VISITORS
from triage.risk import Level

_ROWS_AT_ONCE = 5000


def sessions(connection: sa.Connection, district: str, span: Span, pause: timedelta) -> Iterator[Session]:
    """Whoever writes after a pause comes anew; one at a time, for a year has hundreds of thousands."""
    c, who, written_at = t.conversation.c, t.contact.c, t.message.c.received_at
    begun = beginnings(district, pause, written_at >= span.since - pause, written_at < span.until)
    query = (
        sa.select(person().label("person"), c.channel, begun.c.at, who.blocked_at)
        .join(t.conversation, sa.and_(c.district_id == district, c.id == begun.c.conversation_id))
        .join(t.contact, sa.and_(who.district_id == district, who.id == c.contact_id))
        .where(begun.c.at >= span.since, c.is_drill.is_(False))
    )
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        yield Session(row.person, row.channel, row.at, row.blocked_at is not None and row.blocked_at <= row.at)


def beginnings(district: str, pause: timedelta, *which: sa.ColumnElement[bool]) -> sa.Subquery:
    """When somebody wrote first or after a pause, among these messages."""
    m = t.message.c
    before = sa.func.lag(m.received_at).over(partition_by=m.conversation_id, order_by=m.received_at)
    written = (
        sa.select(m.conversation_id, m.received_at.label("at"), before.label("before"))
        .where(m.district_id == district, OF_VISITORS, *which)
        .subquery()
    )
    apart = _microseconds(written.c.at) - _microseconds(written.c.before)
    return (
        sa.select(written.c.conversation_id, written.c.at)
        .where(sa.or_(written.c.before.is_(None), apart > pause // timedelta(microseconds=1)))
        .subquery()
    )


def messages(connection: sa.Connection, district: str, span: Span, late: timedelta, ahead: timedelta) -> Messages:
    """How many, and how far the senders' clocks are from ours."""
    m = t.message.c
    behind = _microseconds(m.received_at) - _microseconds(m.sent_at)
    talk = t.conversation
    query = (
        sa.select(
            sa.func.count(),
            sa.func.count(sa.case((behind > late // timedelta(microseconds=1), 1))),
            sa.func.count(sa.case((-behind > ahead // timedelta(microseconds=1), 1))),
        )
        .select_from(t.message)
        .join(talk, sa.and_(talk.c.district_id == district, talk.c.id == m.conversation_id))
        .where(
            m.district_id == district, OF_VISITORS, m.received_at >= span.since, m.received_at < span.until,
            talk.c.is_drill.is_(False),
        )
    )  # fmt: skip
    return Messages(*connection.execute(query).one())


def calls(connection: sa.Connection, district: str, span: Span) -> list[Call]:
    """Every alert of the span."""
    a, e = t.alert.c, t.event.c
    left = (
        sa.select(sa.func.max(e.at))
        .where(
            e.district_id == district, e.conversation_id == a.conversation_id, e.kind == "visitor_left",
            sa.or_(a.answered_at.is_(None), e.at <= a.answered_at),
        )
        .scalar_subquery()
    )  # fmt: skip
    query = (
        _of_cases(sa.select(a.case_id, person().label("person"), a.level, a.raised_at, a.answered_at,
                            left.label("left_at")), t.alert, a.case_id, district)
        .join(t.contact, sa.and_(t.contact.c.district_id == district, t.contact.c.id == t.case_record.c.contact_id))
        .where(a.district_id == district, a.raised_at >= span.since, a.raised_at < span.until)
        .order_by(a.raised_at)
    )  # fmt: skip
    return [
        Call(row.case_id, row.person, Level(row.level), row.raised_at, row.answered_at, row.left_at)
        for row in connection.execute(query)
    ]


def starts(connection: sa.Connection, district: str, span: Span) -> list[Start]:
    """When the cases that rang in the span were opened, for the first time and again."""
    case, again = t.case_record.c, t.reopening.c
    rang = _rang(district, span)
    first = sa.select(case.id.label("case_id"), case.opened_at.label("at")).where(
        case.district_id == district, counts(t.case_record), case.id.in_(rang)
    )
    later = _of_cases(sa.select(again.case_id, again.at), t.reopening, again.case_id, district).where(
        again.district_id == district, again.case_id.in_(rang)
    )
    return [Start(row.case_id, row.at) for query in (first, later) for row in connection.execute(query)]


def stretches(connection: sa.Connection, district: str, span: Span) -> list[Stretch]:
    """Who served the cases that rang in the span, or any case in the span."""
    s = t.stint.c
    change = t.level_change.c
    level = (
        sa.select(change.to_level)
        .where(
            change.district_id == district, change.case_id == s.case_id,
            change.state.in_(("in_force", "confirmed")), change.at <= s.began_at,
        )
        .order_by(change.at.desc(), change.to_level.desc())
        .limit(1)
        .scalar_subquery()
    )  # fmt: skip
    served = sa.select(
        s.id, s.case_id, s.counsellor_id, s.began_at, s.ended_at, level.label("level"), s.claimed_at, s.greeted_at
    )
    own = _of_cases(served, t.stint, s.case_id, district).where(s.district_id == district)
    query = sa.union(  # not OR: each by its index
        own.where(s.began_at < span.until, sa.or_(s.ended_at.is_(None), s.ended_at >= span.since)),
        own.where(s.case_id.in_(_rang(district, span))),
    )
    return [
        Stretch(
            row.case_id, row.counsellor_id, row.began_at, row.ended_at, Level(row.level or 0), row.claimed_at,
            row.greeted_at,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def openings(connection: sa.Connection, district: str, span: Span) -> list[Opening]:
    """When cases were opened, and at which level they stand."""
    case = t.case_record.c
    query = sa.select(case.opened_at, case.level).where(
        case.district_id == district, counts(t.case_record), case.opened_at >= span.since, case.opened_at < span.until
    )
    return [Opening(row.opened_at, Level(row.level)) for row in connection.execute(query)]


def _rang(district: str, span: Span) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
    a = t.alert.c
    return sa.select(a.case_id).where(a.district_id == district, a.raised_at >= span.since, a.raised_at < span.until)


def _of_cases(
    query: sa.Select[Any], table: sa.Table, case_id: sa.ColumnElement[str], district: str
) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
    """Only rows of cases that count."""
    case = t.case_record
    return query.select_from(
        table.join(case, sa.and_(case.c.district_id == district, case.c.id == case_id, counts(case)))
    )


def _microseconds(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.type_coerce(column, sa.BigInteger)
