"""Minors: flags, leave to read their cases, and who read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault

_MINOR = "minor"


@dataclass(frozen=True)
class Flag:
    """What was said or marked last. `source`: said | marked."""

    is_on: bool
    source: str
    by_id: str | None
    at: datetime


@dataclass(frozen=True)
class Reading:
    """One line of the yearly audit."""

    case_id: str
    case_no: str
    by_id: str
    passage: str
    purpose: str
    at: datetime


@dataclass(frozen=True)
class Grant:
    """A leave to read, as asked for and decided."""

    id: str
    case_id: str
    asked_by: str
    purpose: str
    state: str  # asked | granted | refused | broken | reviewed
    asked_at: datetime
    case_no: str = ""
    decided_by: str | None = None
    until: datetime | None = None
    review_due_at: datetime | None = None

    def opens(self, now: datetime) -> bool:
        """Whether it opens the case now."""
        return self.state in ("granted", "broken", "reviewed") and self.until is not None and now < self.until


class Minors:
    """Reads and writes of one district, inside the caller's transaction; flags and readings are only ever added."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add_flag(
        self, connection: sa.Connection, contact_id: str, flag: Flag, *, case_id: str | None = None, evidence: str = ""
    ) -> None:
        """Somebody is a minor from now on, or is not."""
        connection.execute(
            t.case_flag.insert().values(
                district_id=self.district, id=new_id(), contact_id=contact_id, case_id=case_id, flag=_MINOR,
                is_on=flag.is_on, source=flag.source, by_id=flag.by_id, evidence=evidence, at=flag.at,
            )
        )  # fmt: skip

    def flag(self, connection: sa.Connection, contact_ids: Sequence[str]) -> Flag | None:
        """What holds now of a person with these contacts; None when nobody said anything."""
        flags = t.case_flag.c
        query = (
            sa.select(t.case_flag)
            .where(flags.district_id == self.district, flags.contact_id.in_(contact_ids), flags.flag == _MINOR)
            .order_by(flags.at.desc())
            .limit(1)
        )
        row = connection.execute(query).first()
        return Flag(row.is_on, row.source, row.by_id, row.at) if row else None

    def ask(
        self, connection: sa.Connection, case_id: str, by_id: str, purpose: str, now: datetime, **values: Any
    ) -> str:
        """Somebody asks to read, or opened in danger (`values`); returns the row's id."""
        grant_id = new_id()
        given = {"state": "asked", **values}
        connection.execute(
            t.access_grant.insert().values(
                district_id=self.district, id=grant_id, case_id=case_id, asked_by=by_id, asked_at=now,
                purpose_sealed=self.vault.seal(purpose, "access_grant.purpose", grant_id), **given,
            )
        )  # fmt: skip
        return grant_id

    def grant(self, connection: sa.Connection, grant_id: str, *, lock: bool = False) -> Grant | None:
        """One leave."""
        query = self._grants().where(t.access_grant.c.id == grant_id)
        row = connection.execute(query.with_for_update(of=t.access_grant) if lock else query).first()
        return self._opened(row) if row else None

    def newest_grant(self, connection: sa.Connection, case_id: str, by_id: str) -> Grant | None:
        """The last leave that somebody asked for on a case."""
        grants = t.access_grant.c
        query = self._grants().where(grants.case_id == case_id, grants.asked_by == by_id)
        row = connection.execute(query.order_by(grants.asked_at.desc()).limit(1)).first()
        return self._opened(row) if row else None

    def grants_in(self, connection: sa.Connection, states: Iterable[str], limit: int = 200) -> list[Grant]:
        """Leaves in these states, oldest first."""
        query = self._grants().where(t.access_grant.c.state.in_(list(states)))
        return [self._opened(row) for row in connection.execute(query.order_by(t.access_grant.c.asked_at).limit(limit))]

    def change_grant(self, connection: sa.Connection, grant_id: str, **values: Any) -> None:  # columns
        """Decide or review; `review` is sealed."""
        if "review" in values:
            values["review_sealed"] = self.vault.seal(values.pop("review"), "access_grant.review", grant_id)
        connection.execute(
            t.access_grant.update()
            .where(t.access_grant.c.district_id == self.district, t.access_grant.c.id == grant_id)
            .values(**values)
        )

    def add_reading(
        self, connection: sa.Connection, case_id: str, contact_id: str, by_id: str, passage: str, now: datetime,
        grant_id: str | None,
    ) -> None:  # fmt: skip
        """Somebody read a minor's case."""
        connection.execute(
            t.minor_access.insert().values(
                district_id=self.district, id=new_id(), case_id=case_id, contact_id=contact_id, by_id=by_id,
                passage=passage, grant_id=grant_id, at=now,
            )
        )  # fmt: skip

    def readings(self, connection: sa.Connection, since: datetime, limit: int) -> list[Reading]:
        """Who read, since then, newest first."""
        log, case, grant = t.minor_access, t.case_record, t.access_grant
        query = (
            sa.select(log, case.c.case_no, grant.c.purpose_sealed)
            .outerjoin(case, sa.and_(case.c.district_id == self.district, case.c.id == log.c.case_id))
            .outerjoin(grant, sa.and_(grant.c.district_id == self.district, grant.c.id == log.c.grant_id))
            .where(log.c.district_id == self.district, log.c.at >= since)
            .order_by(log.c.at.desc())
            .limit(limit)
        )
        return [
            Reading(
                row.case_id, row.case_no or "", row.by_id, row.passage,
                self.vault.open(row.purpose_sealed, "access_grant.purpose", row.grant_id) if row.grant_id else "",
                row.at,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def _grants(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        case = t.case_record
        return (
            sa.select(t.access_grant, case.c.case_no)
            .outerjoin(case, sa.and_(case.c.district_id == self.district, case.c.id == t.access_grant.c.case_id))
            .where(t.access_grant.c.district_id == self.district)
        )

    def _opened(self, row: Any) -> Grant:  # Any: SQLAlchemy rows are untyped
        return Grant(
            row.id, row.case_id, row.asked_by, self.vault.open(row.purpose_sealed, "access_grant.purpose", row.id),
            row.state, row.asked_at, row.case_no or "", row.decided_by, row.until, row.review_due_at,
        )  # fmt: skip
