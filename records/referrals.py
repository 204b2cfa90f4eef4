"""Referrals of one district: the row, its sealed letter, each step, what left the house, figures of a period."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault

_AWAITED = ("proposed", "sent", "received", "accepted")


@dataclass(frozen=True)
class Referral:
    """One referral as it stands; its letter is opened apart."""

    id: str
    case_id: str
    institution_id: str
    kind: str
    urgency: str
    direction: str
    method: str
    basis: str
    letter_hash: str
    level: int
    by_id: str
    second_id: str | None
    state: str
    attended: str  # "" | yes | no | unknown
    is_drill: bool
    made_at: datetime
    sent_at: datetime | None
    ack_at: datetime | None
    accepted_at: datetime | None
    declined_at: datetime | None
    returned_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True)
class Step:
    """Something that happened to a referral; `by_id` None = the partner, through the link."""

    action: str
    from_state: str
    to_state: str
    by_id: str | None
    detail: Mapping[str, str]
    at: datetime


@dataclass(frozen=True)
class Provision:
    """What was given to whom, why and on what ground; nothing of it is ever changed."""

    referral_id: str
    case_id: str
    institution_id: str
    purpose: str
    method: str
    basis: str
    shared: tuple[str, ...]
    letter_hash: str
    by_id: str
    second_id: str | None
    at: datetime
    keep_until: datetime


@dataclass(frozen=True)
class Counts:
    """Referrals out of the house that were sent in a period; numbers that were only named are none."""

    sent: int
    acknowledged: int
    accepted: int
    declined: int
    attended: int
    returned: int


class Referrals:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(
        self, connection: sa.Connection, referral_id: str, *, letter: str, basis_words: str, **values: Any
    ) -> None:  # columns
        """A new referral with its frozen letter."""
        connection.execute(
            t.referral.insert().values(
                district_id=self.district, id=referral_id, attended="",
                letter_sealed=self.vault.seal(letter, "referral.letter", referral_id),
                basis_sealed=self.vault.seal(basis_words, "referral.basis", referral_id), **values,
            )
        )  # fmt: skip

    def get(self, connection: sa.Connection, referral_id: str, *, lock: bool = False) -> Referral | None:
        """One referral."""
        query = self._select().where(t.referral.c.id == referral_id)
        row = connection.execute(query.with_for_update() if lock else query).first()
        return _referral(row) if row else None

    def letter(self, connection: sa.Connection, referral_id: str) -> str:
        """The letter as it was frozen."""
        return self._open(connection, t.referral.c.letter_sealed, "referral.letter", referral_id)

    def basis_words(self, connection: sa.Connection, referral_id: str) -> str:
        """What the person said, or what the decision rests on."""
        return self._open(connection, t.referral.c.basis_sealed, "referral.basis", referral_id)

    def change(self, connection: sa.Connection, referral_id: str, **values: Any) -> None:  # columns
        """Set columns of a referral."""
        connection.execute(
            t.referral.update()
            .where(t.referral.c.district_id == self.district, t.referral.c.id == referral_id)
            .values(**values)
        )

    def of_case(self, connection: sa.Connection, case_id: str) -> list[Referral]:
        """The referrals of a case, newest first."""
        query = self._select().where(t.referral.c.case_id == case_id).order_by(t.referral.c.made_at.desc())
        return [_referral(row) for row in connection.execute(query)]

    def open_ones(self, connection: sa.Connection) -> list[Referral]:
        """Those that somebody still waits for or has to look after."""
        own, task = t.referral.c.district_id == self.district, t.referral_task.c
        found = sa.union_all(  # each has an index; put together by OR they would have none
            sa.select(t.referral.c.id).where(own, t.referral.c.state.in_(_AWAITED)),
            sa.select(t.referral.c.id).where(own, t.referral.c.state == "returned", t.referral.c.attended == "unknown"),
            sa.select(task.referral_id).where(task.district_id == self.district, task.done_at.is_(None)),
        )
        return [_referral(row) for row in connection.execute(self._select().where(t.referral.c.id.in_(found)))]

    def due(self, connection: sa.Connection, now: datetime, limit: int = 100) -> list[Referral]:
        """Those whose time is up; locked for this transaction."""
        query = self._select().where(t.referral.c.due_at <= now).order_by(t.referral.c.due_at).limit(limit)
        return [_referral(row) for row in connection.execute(query.with_for_update(skip_locked=True))]

    def add_step(self, connection: sa.Connection, referral_id: str, step: Step) -> None:
        """Keep what happened."""
        step_id = new_id()
        connection.execute(
            t.referral_step.insert().values(
                district_id=self.district, id=step_id, referral_id=referral_id, action=step.action,
                from_state=step.from_state, to_state=step.to_state, by_id=step.by_id, at=step.at,
                detail_sealed=self.vault.seal(_json(step.detail), "referral_step.detail", step_id),
            )
        )  # fmt: skip

    def steps(self, connection: sa.Connection, referral_id: str) -> list[Step]:
        """Everything that happened to a referral, oldest first."""
        query = (
            sa.select(t.referral_step)
            .where(t.referral_step.c.district_id == self.district, t.referral_step.c.referral_id == referral_id)
            .order_by(t.referral_step.c.at)
        )
        return [
            Step(
                row.action, row.from_state, row.to_state, row.by_id,
                json.loads(self.vault.open(row.detail_sealed, "referral_step.detail", row.id)), row.at,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def add_provision(self, connection: sa.Connection, given: Provision) -> None:
        """Keep that something left the house."""
        values = {**asdict(given), "shared": json.dumps(list(given.shared))}
        connection.execute(t.provision.insert().values(district_id=self.district, id=new_id(), **values))

    def provisions(self, connection: sa.Connection, case_id: str) -> list[Provision]:
        """What was given about a case, oldest first."""
        query = (
            sa.select(t.provision)
            .where(t.provision.c.district_id == self.district, t.provision.c.case_id == case_id)
            .order_by(t.provision.c.at)
        )
        return [
            Provision(
                row.referral_id, row.case_id, row.institution_id, row.purpose, row.method, row.basis,
                tuple(json.loads(row.shared)), row.letter_hash, row.by_id, row.second_id, row.at, row.keep_until,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def counts(self, connection: sa.Connection, since: datetime, until: datetime) -> Counts:
        """What became of the referrals that were sent in a period; drills are left out."""
        c = t.referral.c

        def number(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
            return sa.func.count(sa.case((which, 1)))

        query = sa.select(
            sa.func.count(), number(c.ack_at.is_not(None)),
            number(sa.and_(c.accepted_at.is_not(None), c.declined_at.is_(None))),
            number(c.declined_at.is_not(None)), number(c.attended == "yes"), number(c.returned_at.is_not(None)),
        ).where(
            c.district_id == self.district, c.direction == "out", sa.not_(c.is_drill), c.sent_at >= since,
            c.sent_at < until,
        )  # fmt: skip
        return Counts(*connection.execute(query).one())

    def _open(self, connection: sa.Connection, column: sa.ColumnElement[bytes], where: str, referral_id: str) -> str:
        query = sa.select(column).where(t.referral.c.district_id == self.district, t.referral.c.id == referral_id)
        return self.vault.open(connection.execute(query).scalar_one(), where, referral_id)

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.referral).where(t.referral.c.district_id == self.district)


def _json(values: Mapping[str, str] | Sequence[str]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _referral(row: Any) -> Referral:  # Any: SQLAlchemy rows are untyped
    return Referral(
        row.id, row.case_id, row.institution_id, row.kind, row.urgency, row.direction, row.method, row.basis,
        row.letter_hash, row.level, row.by_id, row.second_id, row.state, row.attended, row.is_drill, row.made_at,
        row.sent_at, row.ack_at, row.accepted_at, row.declined_at, row.returned_at, row.due_at,
    )  # fmt: skip
