"""Counsellors, their sessions, and the hash-chained audit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.events import next_seq

_AUDIT_LOCK = 7_220_013


@dataclass(frozen=True)
class Counsellor:
    """Somebody who works in the console."""

    id: str
    login: str
    display_name: str
    roles: tuple[str, ...]
    password_hash: str
    must_change: bool
    failures: int
    locked_until: datetime | None
    is_active: bool
    last_sign_in_at: datetime | None


@dataclass(frozen=True)
class StaffSession:
    """A signed-in browser; `id` is the hash of its cookie."""

    id: str
    counsellor_id: str
    csrf: str
    opened_at: datetime
    seen_at: datetime
    stage: str = "open"  # open | code: the password was right, the second factor is due
    agent: str = ""


class Staff:
    """Staff rows of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def add(
        self, connection: sa.Connection, login: str, name: str, roles: Sequence[str], password_hash: str,
        now: datetime,
    ) -> str:  # fmt: skip
        """A new account whose password must be changed at the first sign-in."""
        staff_id = new_id()
        connection.execute(
            t.counsellor.insert().values(
                district_id=self.district, id=staff_id, login=login, display_name=name,
                roles=json.dumps(list(roles)), password_hash=password_hash, must_change=True, created_at=now,
            )
        )  # fmt: skip
        return staff_id

    def by_login(self, connection: sa.Connection, login: str) -> Counsellor | None:
        """An account by its sign-in name."""
        return self._one(connection, t.counsellor.c.login == login)

    def get(self, connection: sa.Connection, staff_id: str) -> Counsellor | None:
        """An account by id."""
        return self._one(connection, t.counsellor.c.id == staff_id)

    def all(self, connection: sa.Connection) -> list[Counsellor]:
        """Every account, by sign-in name."""
        query = (
            sa.select(t.counsellor).where(t.counsellor.c.district_id == self.district).order_by(t.counsellor.c.login)
        )
        return [_counsellor(row) for row in connection.execute(query)]

    def change(self, connection: sa.Connection, staff_id: str, **values: Any) -> None:  # columns
        """Set columns of an account."""
        connection.execute(
            t.counsellor.update()
            .where(t.counsellor.c.district_id == self.district, t.counsellor.c.id == staff_id)
            .values(**values)
        )

    def change_roles(self, connection: sa.Connection, staff_id: str, roles: Sequence[str]) -> None:
        """Other roles for an account."""
        self.change(connection, staff_id, roles=json.dumps(list(roles)))

    def open_session(self, connection: sa.Connection, session: StaffSession) -> None:
        """Remember a signed-in browser."""
        connection.execute(
            t.staff_session.insert().values(
                district_id=self.district, id=session.id, counsellor_id=session.counsellor_id,
                csrf=session.csrf, opened_at=session.opened_at, seen_at=session.seen_at, stage=session.stage,
                agent=session.agent,
            )
        )  # fmt: skip

    def session(self, connection: sa.Connection, session_id: str, stage: str = "open") -> StaffSession | None:
        """A session that was not closed, by the hash of its cookie."""
        row = connection.execute(self._sessions(t.staff_session.c.id == session_id, stage)).first()
        return _session(row) if row else None

    def sessions_of(self, connection: sa.Connection, staff_id: str, since: datetime) -> list[StaffSession]:
        """The signed-in browsers of an account that were used since then, newest first."""
        which = sa.and_(t.staff_session.c.counsellor_id == staff_id, t.staff_session.c.seen_at >= since)
        query = self._sessions(which, "open").order_by(t.staff_session.c.seen_at.desc())
        return [_session(row) for row in connection.execute(query)]

    def touch_session(self, connection: sa.Connection, session_id: str, now: datetime) -> None:
        """The browser is still in use."""
        self._change_session(connection, t.staff_session.c.id == session_id, seen_at=now)

    def close_sessions(
        self, connection: sa.Connection, now: datetime, *, session_id: str = "", staff_id: str = "", but: str = ""
    ) -> None:
        """Sign out one browser, or every browser of an account (but one)."""
        which = t.staff_session.c.id == session_id if session_id else t.staff_session.c.counsellor_id == staff_id
        self._change_session(connection, sa.and_(which, t.staff_session.c.id != but), closed_at=now)

    def audit(
        self, connection: sa.Connection, action: str, now: datetime, *, actor_id: str | None = None,
        object_id: str | None = None, **detail: Any,
    ) -> None:  # fmt: skip
        """Append to the audit; each row carries the hash of the one before it."""
        if connection.dialect.name == "postgresql":  # the chain has one end
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": _AUDIT_LOCK})
        previous = (
            connection.execute(
                sa.select(t.audit.c.hash)
                .where(t.audit.c.district_id == self.district)
                .order_by(t.audit.c.seq.desc())
                .limit(1)
            ).scalar()
            or ""
        )
        text = json.dumps(detail, ensure_ascii=False, sort_keys=True)
        number = next_seq(connection, t.audit, t.audit.c.district_id == self.district)
        connection.execute(
            t.audit.insert().values(
                district_id=self.district, seq=number, actor_id=actor_id, action=action, object_id=object_id,
                case_id=detail.get("case"), detail=text, at=now, previous_hash=previous,
                hash=audit_hash(previous, actor_id, action, object_id, text, now),
            )
        )  # fmt: skip

    def audit_rows(self, connection: sa.Connection) -> Iterable[Any]:  # Any: SQLAlchemy rows are untyped
        """The whole audit, oldest first, some rows at a time: years of it would not fit the memory."""
        query = sa.select(t.audit).where(t.audit.c.district_id == self.district).order_by(t.audit.c.seq)
        return connection.execute(query.execution_options(yield_per=1000))

    def _one(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> Counsellor | None:
        row = connection.execute(
            sa.select(t.counsellor).where(t.counsellor.c.district_id == self.district, which)
        ).first()
        return _counsellor(row) if row else None

    def _sessions(self, which: sa.ColumnElement[bool], stage: str) -> sa.Select[Any]:  # Any: rows are untyped
        session = t.staff_session
        return sa.select(session).where(
            session.c.district_id == self.district, which, session.c.stage == stage, session.c.closed_at.is_(None)
        )

    def _change_session(self, connection: sa.Connection, which: sa.ColumnElement[bool], **values: Any) -> None:
        connection.execute(
            t.staff_session.update()
            .where(t.staff_session.c.district_id == self.district, which, t.staff_session.c.closed_at.is_(None))
            .values(**values)
        )


def audit_hash(
    previous: str, actor_id: str | None, action: str, object_id: str | None, detail: str, at: datetime
) -> str:
    """The chain's link: change any earlier row and every later hash is wrong."""
    line = json.dumps([previous, actor_id, action, object_id, detail, at.isoformat()], ensure_ascii=False)
    return hashlib.sha256(line.encode()).hexdigest()


def first_broken(rows: Iterable[Any]) -> int | None:  # Any: audit rows
    """The number of the first audit row that does not fit the chain; None when all do."""
    previous = ""
    for row in rows:
        good = audit_hash(previous, row.actor_id, row.action, row.object_id, row.detail, row.at)
        is_filed = row.case_id == json.loads(row.detail).get("case")
        if row.previous_hash != previous or row.hash != good or not is_filed:
            return int(row.seq)
        previous = row.hash
    return None


def _session(row: Any) -> StaffSession:  # Any: SQLAlchemy rows are untyped
    return StaffSession(
        row.id, row.counsellor_id, row.csrf, row.opened_at, row.seen_at, row.stage, row.agent
    )  # fmt: skip


def _counsellor(row: Any) -> Counsellor:  # Any: SQLAlchemy rows are untyped
    return Counsellor(
        row.id, row.login, row.display_name, tuple(json.loads(row.roles)), row.password_hash, row.must_change,
        row.failures, row.locked_until, row.is_active, row.last_sign_in_at,
    )  # fmt: skip
