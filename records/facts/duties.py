"""Facts of what the house owes: an ear for complaints, notifications in time, drills, trainings and supervisions."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timedelta

import sqlalchemy as sa

from records import tables as t
from records.facts.kinds import Colleague, Complaint, DrillFact, NotificationFact
from records.facts.span import Span
from records.facts.talks import beginnings


def complaints(connection: sa.Connection, district: str, since: datetime, pause: timedelta) -> list[Complaint]:
    """Everything complained of since then, without an end: a session is complained of later. No drills."""
    matter, case = t.matter, t.case_record.c
    made = sa.and_(
        matter.c.district_id == district, matter.c.kind == "complaint", matter.c.is_drill.is_(False),
        matter.c.made_at >= since,
    )  # fmt: skip
    talks = sa.select(case.conversation_id).where(
        case.district_id == district,
        case.id.in_(sa.select(matter.c.case_id).where(made, matter.c.case_id.is_not(None))),
    )
    begun = beginnings(district, pause, t.message.c.conversation_id.in_(talks))
    query = (
        sa.select(matter.c.id, matter.c.made_at, case.conversation_id, begun.c.at.label("session_at"))
        .outerjoin(t.case_record, sa.and_(case.district_id == district, case.id == matter.c.case_id))
        .outerjoin(begun, sa.and_(begun.c.conversation_id == case.conversation_id, begun.c.at <= matter.c.made_at))
        .where(made)
        .order_by(matter.c.made_at, matter.c.id, begun.c.at)
    )
    found = {  # the newest session of each stays; grouping there would make SQLite read every matter
        row.id: Complaint(row.made_at, row.conversation_id or "", row.session_at) for row in connection.execute(query)
    }
    return list(found.values())


def notifications(connection: sa.Connection, district: str, span: Span) -> list[NotificationFact]:
    """Assessments of grade 3 and above, as people entered them, whose clock ran out in the span."""
    matter, clock = t.matter.c, t.matter_task.c
    query = (
        sa.select(clock.due_at, matter.state, clock.done_at)
        .join(t.matter, sa.and_(matter.district_id == district, matter.id == clock.matter_id))
        .where(
            clock.district_id == district, clock.kind == "notification", matter.is_drill.is_(False),
            clock.due_at >= span.since, clock.due_at < span.until,
        )
    )  # fmt: skip
    return [NotificationFact(row.due_at, row.state, row.done_at) for row in connection.execute(query)]


def drills(connection: sa.Connection, district: str, span: Span) -> list[DrillFact]:
    """Drills planned for the span."""
    plan = t.drill_plan.c
    query = sa.select(plan.planned_for, plan.state).where(
        plan.district_id == district, plan.planned_for >= span.since, plan.planned_for < span.until
    )
    return [DrillFact(row.planned_for, row.state) for row in connection.execute(query)]


def colleagues(connection: sa.Connection, district: str, span: Span) -> list[Colleague]:
    """Every account with its present roles, and what its person learnt in the span."""
    who, closed, training, met = t.counsellor.c, t.audit.c, t.training, t.supervision_session
    trained = _held(connection, district, span, training, training.c.removed_at.is_(None))
    supervised = _held(connection, district, span, met, met.c.is_drill.is_(False))
    gone = sa.select(who.id).where(who.district_id == district, who.is_active.is_(False))
    left = (
        sa.select(closed.object_id, sa.func.max(closed.at).label("at"))
        .where(closed.district_id == district, closed.action == "account_disabled", closed.object_id.in_(gone))
        .group_by(closed.object_id)
        .subquery()
    )
    query = (
        sa.select(who.id, who.roles, who.created_at, who.is_active, left.c.at)
        .outerjoin(left, left.c.object_id == who.id)
        .where(who.district_id == district)
    )
    return [
        Colleague(
            json.loads(row.roles), row.created_at, None if row.is_active else row.at or row.created_at,
            trained[row.id], supervised[row.id],
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _held(
    connection: sa.Connection, district: str, span: Span, table: sa.Table, counts: sa.ColumnElement[bool]
) -> dict[str, list[datetime]]:
    """Counsellor -> when, in the span."""
    row = table.c
    query = sa.select(row.counsellor_id, row.held_at).where(
        row.district_id == district, counts, row.held_at >= span.since, row.held_at < span.until
    )
    found: dict[str, list[datetime]] = defaultdict(list)
    for one in connection.execute(query):
        found[one.counsellor_id].append(one.held_at)
    return found
