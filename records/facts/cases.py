"""Facts of cases: levels and who set them, what the record says, what was done. Only the named fields are opened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.crypto import Vault
from records.facts.kinds import CaseFact, Step, Told
from records.facts.span import Span, counts
from triage.risk import Level

_ROWS_AT_ONCE = 5000


def cases(
    connection: sa.Connection, district: str, span: Span, vault: Vault, fields: Collection[str]
) -> Iterator[CaseFact]:
    """The cases that were opened in the span."""
    c = t.case_record.c
    told = _told(connection, district, span, vault, fields)
    steps = _steps(connection, district, span)
    served = dict(_newest_end(connection, district, span))
    planned, referral, rescue = t.safety_plan.c, t.referral.c, t.rescue.c
    opened = sa.select(c.id).where(*_opened(district, span))
    with_plan = sa.select(planned.case_id).where(planned.district_id == district, planned.case_id.in_(opened))
    referred = sa.select(referral.case_id).where(
        referral.district_id == district, referral.case_id.in_(opened), referral.sent_at.is_not(None)
    )
    rescued = sa.select(rescue.case_id).where(
        rescue.district_id == district, rescue.case_id.in_(opened), rescue.decision == "started"
    )
    query = sa.select(
        c.id, c.opened_at, c.state, c.level, c.id.in_(with_plan).label("has_plan"),
        c.id.in_(referred).label("was_referred"), c.id.in_(rescued).label("was_rescued"),
        c.claimed_at, c.assessed_at,
    ).where(*_opened(district, span))  # fmt: skip
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        yield CaseFact(
            row.id, row.opened_at, row.state, Level(row.level), steps.get(row.id, ()), told.get(row.id, {}),
            served.get(row.id), bool(row.has_plan), bool(row.was_rescued), bool(row.was_referred),
            row.claimed_at, row.assessed_at,
        )  # fmt: skip


def _opened(district: str, span: Span) -> tuple[sa.ColumnElement[bool], ...]:
    c = t.case_record.c
    return c.district_id == district, counts(t.case_record), c.opened_at >= span.since, c.opened_at < span.until


def _steps(connection: sa.Connection, district: str, span: Span) -> dict[str, list[Step]]:
    """Levels as they came into force, oldest first."""
    change = t.level_change.c
    query = (
        sa.select(change.case_id, change.at, change.to_level, change.source)
        .join(t.case_record, sa.and_(t.case_record.c.district_id == district, t.case_record.c.id == change.case_id))
        .where(change.district_id == district, change.state.in_(("in_force", "confirmed")), *_opened(district, span))
        .order_by(change.at)
    )
    found: dict[str, list[Step]] = defaultdict(list)
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        found[row.case_id].append(Step(row.at, Level(row.to_level), row.source != "machine"))
    return found


def _told(
    connection: sa.Connection, district: str, span: Span, vault: Vault, fields: Collection[str]
) -> dict[str, dict[str, Told]]:
    """The newest answer of each field; a later version takes the place of an earlier one before it is opened."""
    entry = t.record_entry.c
    opened = sa.select(t.case_record.c.id).where(*_opened(district, span))
    query = (
        sa.select(entry.id, entry.subject_id, entry.field, entry.missing, entry.value_sealed, entry.at)
        .where(entry.district_id == district, entry.subject_id.in_(opened), entry.field.in_(list(fields)))
        .order_by(entry.subject_id, entry.field, entry.version)
    )
    found: dict[str, dict[str, Told]] = defaultdict(dict)
    last: Any = None  # SQLAlchemy rows are untyped
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        if last is not None and (row.subject_id, row.field) != (last.subject_id, last.field):
            found[last.subject_id][last.field] = _opened_answer(last, vault)
        last = row
    if last is not None:
        found[last.subject_id][last.field] = _opened_answer(last, vault)
    return found


def _opened_answer(row: Any, vault: Vault) -> Told:  # Any: SQLAlchemy rows are untyped
    return Told(vault.open(row.value_sealed, "record_entry.value", row.id), row.missing, row.at)


def _newest_end(connection: sa.Connection, district: str, span: Span) -> Iterator[tuple[str, Any]]:
    """Until when a case was served; of one that is served now there is no end."""
    s = t.stint.c
    opened = sa.select(t.case_record.c.id).where(*_opened(district, span))
    query = (
        sa.select(s.case_id, sa.func.max(s.ended_at).label("ended_at"), sa.func.count().label("all"),
                  sa.func.count(s.ended_at).label("ended"))
        .where(s.district_id == district, s.case_id.in_(opened))
        .group_by(s.case_id)
    )  # fmt: skip
    for row in connection.execute(query):
        if row.all == row.ended:
            yield row.case_id, row.ended_at
