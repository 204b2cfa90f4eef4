"""Facts of what was done for people beyond the talk: follow-ups, referrals, rescues, answers, and the house itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.facts.kinds import Answered, FollowUpFact, House, ReferralFact, RescueFact
from records.facts.span import Span, counts
from records.tables.sending import ANSWERS
from triage.risk import Level

_ROWS_AT_ONCE = 5000
_CHOICES = "answer.choices"


def follow_ups(connection: sa.Connection, district: str, span: Span) -> list[FollowUpFact]:
    """Calls to people whose window ended in the span."""
    f, tried, case = t.follow_up.c, t.follow_up_attempt.c, t.case_record
    reached = (
        sa.select(sa.func.min(sa.func.coalesce(tried.answered_at, tried.at)))
        .where(tried.district_id == district, tried.follow_up_id == f.id,
               sa.or_(tried.result == "reached", tried.answered_at.is_not(None)))
        .scalar_subquery()
    )  # fmt: skip
    query = (
        sa.select(f.case_id, f.code, f.level, f.window_end, f.state, f.ended_at, reached.label("reached_at"))
        .join(case, sa.and_(case.c.district_id == district, case.c.id == f.case_id, counts(case)))
        .where(f.district_id == district, f.kind == "safety", f.window_end >= span.since, f.window_end < span.until)
        .order_by(f.window_end)
    )
    return [
        FollowUpFact(r.case_id, r.code, Level(r.level), r.window_end, r.state, r.ended_at, r.reached_at)
        for r in connection.execute(query)
    ]


def referrals(connection: sa.Connection, district: str, span: Span) -> list[ReferralFact]:
    """Referrals that left the house in the span; a number that was only named is none."""
    r = t.referral.c
    query = sa.select(r.accepted_at, r.returned_at, r.attended).where(
        r.district_id == district, r.is_drill.is_(False), r.direction == "out", r.sent_at >= span.since,
        r.sent_at < span.until,
    )  # fmt: skip
    return [
        ReferralFact(row.accepted_at is not None, row.returned_at is not None, row.attended)
        for row in connection.execute(query)
    ]


def rescues(connection: sa.Connection, district: str, span: Span) -> list[RescueFact]:
    """Rescuers were called in the span."""
    r, case = t.rescue.c, t.case_record
    query = (
        sa.select(r.arrived_at, r.is_serious)
        .join(case, sa.and_(case.c.district_id == district, case.c.id == r.case_id, counts(case)))
        .where(r.district_id == district, r.decision == "started", r.at >= span.since, r.at < span.until)
    )
    return [RescueFact(row.arrived_at is not None, bool(row.is_serious)) for row in connection.execute(query)]


def answered(connection: sa.Connection, district: str, span: Span) -> Answered:
    """Articles that the bot gave, choices it offered, questions without an answer, and what people thought of it."""
    o = t.outbox.c
    articles: Counter[str] = Counter()
    choices = 0
    query = _of_people(sa.select(o.key, o.extra), t.outbox, o.made_at, district, span).where(ANSWERS)
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        article = json.loads(row.extra).get("article")
        if article:
            articles[str(article)] += 1
        choices += row.key == _CHOICES
    unanswered = _of_people(sa.select(sa.func.count()), t.unanswered, t.unanswered.c.at, district, span)
    mark = t.answer_mark.c
    marks = _of_people(sa.select(mark.helped, sa.func.count()), t.answer_mark, mark.at, district, span)
    thought = {bool(helped): int(many) for helped, many in connection.execute(marks.group_by(mark.helped))}
    return Answered(
        articles, choices, int(connection.execute(unanswered).scalar_one()), thought.get(True, 0), thought.get(False, 0)
    )


def house(connection: sa.Connection, district: str, span: Span) -> House:
    """What stands in no case."""
    told, sent, case, signed = t.information_given.c, t.incoming_referral.c, t.case_record.c, t.handover.c
    opened = _in_span(t.case_record, case.opened_at, district, span)
    shifts = connection.execute(
        sa.select(t.roster.c.begins_at, t.roster.c.ends_at).where(
            *_in_span(t.roster, t.roster.c.begins_at, district, span),
            t.roster.c.removed_at.is_(None),
            t.roster.c.role != "oncall",  # at home: no hours of work
        )
    ).all()
    of_cases = sa.exists().where(
        case.district_id == district, case.id == told.case_id, counts(t.case_record)
    )  # fmt: skip

    def count(*where: sa.ColumnElement[bool]) -> int:
        return int(connection.execute(sa.select(sa.func.count()).where(*where)).scalar_one())

    return House(
        informations=count(*_in_span(t.information_given, told.at, district, span), of_cases),
        incoming=count(*_in_span(t.incoming_referral, sent.at, district, span)),
        planned=len(shifts),
        planned_hours=_hours([(row.begins_at, row.ends_at) for row in shifts]),
        handovers=count(*_in_span(t.handover, signed.out_at, district, span)),
        handovers_signed=count(*_in_span(t.handover, signed.out_at, district, span), signed.in_at.is_not(None)),
        drill_cases=count(*opened, case.is_drill.is_(True)),
        merged_cases=count(*opened, case.is_drill.is_(False), case.state == "merged"),
    )


def _of_people(
    query: sa.Select[Any], table: sa.Table, at: sa.ColumnElement[datetime], district: str, span: Span
) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
    """Rows of a conversation that is no drill."""
    talk = t.conversation
    return query.select_from(
        table.join(talk, sa.and_(talk.c.district_id == district, talk.c.id == table.c.conversation_id))
    ).where(*_in_span(table, at, district, span), talk.c.is_drill.is_(False))


def _in_span(
    table: sa.Table, at: sa.ColumnElement[datetime], district: str, span: Span
) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.district_id == district, at >= span.since, at < span.until


def _hours(shifts: Sequence[tuple[datetime, datetime]]) -> int:
    return sum((ended - began for began, ended in shifts), timedelta()) // timedelta(hours=1)
