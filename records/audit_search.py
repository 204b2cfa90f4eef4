"""Reading the audit: who saw or did what, when; and whether its chain is whole. Ids and numbers only, no content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.staff import first_broken

_A_PART = 1000


@dataclass(frozen=True)
class Wanted:
    """What to look for; empty = everything."""

    case_no: str = ""
    actor_id: str = ""
    since: datetime | None = None
    before: datetime | None = None
    actions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One row of the audit; `case_no` where it is about a case."""

    seq: int
    at: datetime
    actor_id: str | None
    action: str
    object_id: str | None
    case_no: str
    detail: Mapping[str, Any]


class AuditSearch:
    """The audit of one district."""

    def __init__(self, district: str):
        self.district = district

    def find(self, connection: sa.Connection, wanted: Wanted, limit: int) -> list[Entry]:
        """What fits, newest first."""
        query = sa.select(t.audit).where(t.audit.c.district_id == self.district, *_fits(wanted))
        if wanted.case_no:
            case_id = self._numbered(connection, wanted.case_no)
            if case_id is None:
                return []
            query = query.where(sa.or_(t.audit.c.object_id == case_id, t.audit.c.case_id == case_id))
        rows = list(connection.execute(query.order_by(t.audit.c.seq.desc()).limit(limit)))
        details = [json.loads(row.detail) for row in rows]
        cases = [str(detail.get("case") or row.object_id or "") for row, detail in zip(rows, details, strict=True)]
        numbers = self._numbers(connection, cases)
        return [
            Entry(row.seq, row.at, row.actor_id, row.action, row.object_id, numbers.get(case_id, ""), detail)
            for row, detail, case_id in zip(rows, details, cases, strict=True)
        ]

    def count(self, connection: sa.Connection) -> int:
        """How many rows there are."""
        query = sa.select(sa.func.count()).select_from(t.audit).where(t.audit.c.district_id == self.district)
        return connection.execute(query).scalar_one()

    def broken_at(self, connection: sa.Connection) -> int | None:
        """The first row that does not fit the chain; read a part at a time, for it grows for years."""
        query = sa.select(t.audit).where(t.audit.c.district_id == self.district).order_by(t.audit.c.seq)
        return first_broken(connection.execute(query, execution_options={"yield_per": _A_PART}))

    def _numbered(self, connection: sa.Connection, case_no: str) -> str | None:
        case = t.case_record.c
        query = sa.select(case.id).where(case.district_id == self.district, case.case_no == case_no)
        return connection.execute(query).scalar()

    def _numbers(self, connection: sa.Connection, case_ids: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        wanted = sorted(set(filter(None, case_ids)))
        for place in range(0, len(wanted), _A_PART):
            query = sa.select(t.case_record.c.id, t.case_record.c.case_no).where(
                t.case_record.c.district_id == self.district, t.case_record.c.id.in_(wanted[place : place + _A_PART])
            )
            found.update((row.id, row.case_no) for row in connection.execute(query))
        return found


def _fits(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.actor_id:
        found.append(t.audit.c.actor_id == wanted.actor_id)
    if wanted.since is not None:
        found.append(t.audit.c.at >= wanted.since)
    if wanted.before is not None:
        found.append(t.audit.c.at < wanted.before)
    if wanted.actions:
        found.append(t.audit.c.action.in_(wanted.actions))
    return found
