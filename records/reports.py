"""Frozen reports: added and read, never changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id


@dataclass(frozen=True)
class FrozenReport:
    """One version of a report. `inside` and `outside` are JSON texts, each with its SHA-256."""

    kind: str
    period: str
    version: int
    inside: str
    outside: str
    reason: str
    by_id: str
    at: datetime
    inside_hash: str = ""
    outside_hash: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nobody has changed the row since."""
        return (digest(self.inside), digest(self.outside)) == (self.inside_hash, self.outside_hash)


def digest(body: str) -> str:
    """The hash that a report is known by."""
    return hashlib.sha256(body.encode()).hexdigest()


class FrozenReports:
    """Reads and additions of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def add(self, connection: sa.Connection, report: FrozenReport) -> None:
        """Keep a version; the database refuses a second one of the same number."""
        connection.execute(
            t.frozen_report.insert().values(
                district_id=self.district, id=new_id(), kind=report.kind, period=report.period, version=report.version,
                inside=report.inside, inside_hash=digest(report.inside), outside=report.outside,
                outside_hash=digest(report.outside), reason=report.reason, by_id=report.by_id, at=report.at,
            )
        )  # fmt: skip

    def of(self, connection: sa.Connection, kind: str, period: str) -> list[FrozenReport]:
        """Every version of a period, the newest first."""
        row = t.frozen_report.c
        query = (
            sa.select(t.frozen_report)
            .where(row.district_id == self.district, row.kind == kind, row.period == period)
            .order_by(row.version.desc())
        )
        return [_report(found) for found in connection.execute(query)]


def _report(row: Any) -> FrozenReport:  # Any: SQLAlchemy rows are untyped
    return FrozenReport(
        row.kind, row.period, row.version, row.inside, row.outside, row.reason, row.by_id, row.at, row.inside_hash,
        row.outside_hash,
    )  # fmt: skip
