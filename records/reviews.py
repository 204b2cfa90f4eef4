"""Reviews of cases: what was drawn, what supervisor and counsellor wrote and signed, remarks on messages."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault
from records.stints import highest
from triage.risk import Level

_CLOCK = "draw"


@dataclass(frozen=True)
class Review:
    """One counsellor's part in one case, looked at with a supervisor."""

    id: str
    case_id: str
    counsellor_id: str
    level: Level
    why: str
    state: str
    served_until: datetime
    drawn_at: datetime
    due_by: datetime
    signed_at: datetime | None
    signed_by: str | None
    done_at: datetime | None
    is_drill: bool


@dataclass(frozen=True)
class Listed:
    """A review with the number of its case."""

    review: Review
    case_no: str


@dataclass(frozen=True)
class ReviewEntry:
    """What one of the two wrote and signed."""

    what: str
    by_id: str
    body: str
    digest: str
    at: datetime


@dataclass(frozen=True)
class Remark:
    """A supervisor's words about one message."""

    message_id: str
    by_id: str
    body: str
    at: datetime


@dataclass(frozen=True)
class Served:
    """A stretch of somebody's work on a case whose handling has ended."""

    case_id: str
    counsellor_id: str
    peak: Level
    began_at: datetime
    ended_at: datetime
    is_drill: bool


class Reviews:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def ticket(self, case_id: str) -> float:
        """A number from 0 to 1 that follows from the case and our key: nobody can choose it, and it stays the same."""
        return int(self.vault.sign("review", case_id)[:8], 16) / 0x1_0000_0000

    def take_turn(self, connection: sa.Connection, now: datetime, until: datetime) -> bool:
        """Whether it is time to draw; then it is ours, and the next time is set."""
        clock = t.sampling_clock
        same = sa.and_(clock.c.district_id == self.district, clock.c.id == _CLOCK)
        due_at = connection.execute(sa.select(clock.c.next_at).where(same)).scalar()
        if due_at is None:
            connection.execute(clock.insert().values(district_id=self.district, id=_CLOCK, next_at=until))
            return True
        if due_at > now:
            return False
        taken = connection.execute(clock.update().where(same, clock.c.next_at == due_at).values(next_at=until))
        return taken.rowcount == 1

    def served(self, connection: sa.Connection, since: datetime, *, case_id: str = "") -> list[Served]:
        """Work since then on ended cases that was not reviewed since; of a drill only when asked for by id."""
        case, stint, review = t.case_record, t.stint, t.case_review
        reviewed = sa.exists().where(
            review.c.district_id == self.district, review.c.case_id == stint.c.case_id,
            review.c.served_until >= stint.c.ended_at,
        )  # fmt: skip
        query = (
            sa.select(stint, case.c.is_drill, highest(self.district).label("highest"))
            .join(case, sa.and_(case.c.district_id == self.district, case.c.id == stint.c.case_id))
            .where(
                stint.c.district_id == self.district, stint.c.ended_at >= since,
                case.c.state.in_(("closed", "follow_up")), ~reviewed,
            )
            .order_by(stint.c.ended_at)
        )  # fmt: skip
        query = query.where(case.c.id == case_id) if case_id else query.where(case.c.is_drill.is_(False))
        return [
            Served(
                row.case_id,
                row.counsellor_id,
                Level(max(row.peak, row.highest or 0)),
                row.began_at,
                row.ended_at,
                row.is_drill,
            )
            for row in connection.execute(query)
        ]

    def add(self, connection: sa.Connection, **values: Any) -> str:  # columns
        """A review is due; returns its id."""
        review_id = new_id()
        connection.execute(t.case_review.insert().values(district_id=self.district, id=review_id, **values))
        return review_id

    def get(self, connection: sa.Connection, review_id: str, *, lock: bool = False) -> Review | None:
        """One review."""
        query = self._select().where(t.case_review.c.id == review_id)
        row = connection.execute(query.with_for_update(of=t.case_review) if lock else query).first()
        return _review(row) if row else None

    def change(self, connection: sa.Connection, review_id: str, **values: Any) -> None:  # columns
        """Set columns of a review."""
        connection.execute(
            t.case_review.update()
            .where(t.case_review.c.district_id == self.district, t.case_review.c.id == review_id)
            .values(**values)
        )

    def listed(
        self, connection: sa.Connection, states: tuple[str, ...], limit: int = 500, *, newest: bool = False
    ) -> list[Listed]:
        """Reviews in these states, the first due first, or the last; each state by its index."""
        due_by = t.case_review.c.due_by
        order = due_by.desc() if newest else due_by
        rows = [
            row
            for state in states
            for row in connection.execute(
                self._select().where(t.case_review.c.state == state).order_by(order).limit(limit)
            )
        ]
        found = [Listed(_review(row), row.case_no) for row in rows]
        return sorted(found, key=lambda one: one.review.due_by, reverse=newest)[:limit]

    def of_counsellor(self, connection: sa.Connection, counsellor_id: str, limit: int = 100) -> list[Listed]:
        """What a supervisor has signed about somebody, newest first."""
        row = t.case_review.c
        query = self._select().where(row.counsellor_id == counsellor_id, row.state.in_(("signed", "done")))
        query = query.order_by(row.signed_at.desc()).limit(limit)
        return [Listed(_review(found), found.case_no) for found in connection.execute(query)]

    def drawn_since(self, connection: sa.Connection, since: datetime) -> dict[str, int]:
        """Counsellor -> how many reviews of work that ended since then are due or done; no drills."""
        row = t.case_review
        query = sa.select(row.c.counsellor_id).where(
            row.c.district_id == self.district, row.c.served_until >= since, row.c.is_drill.is_(False),
            row.c.state != "set_aside",
        )  # fmt: skip
        return Counter(connection.execute(query).scalars())  # grouping there would make SQLite read them all

    def write(
        self, connection: sa.Connection, review: Review, what: str, by_id: str, body: str, now: datetime,
        *, over: str = "",
    ) -> str:  # fmt: skip
        """Keep signed words; returns their digest, which also covers what was signed before (`over`)."""
        row_id = new_id()
        digest = hashlib.sha256(
            json.dumps([review.id, what, by_id, body, now.isoformat(), over], ensure_ascii=False).encode(
                "utf-8", "surrogatepass"
            )
        ).hexdigest()
        connection.execute(
            t.review_entry.insert().values(
                district_id=self.district, id=row_id, review_id=review.id, case_id=review.case_id, what=what,
                by_id=by_id, digest=digest, body_sealed=self.vault.seal(body, "review_entry.body", row_id), at=now,
            )
        )  # fmt: skip
        return digest

    def entries(self, connection: sa.Connection, review_id: str) -> list[ReviewEntry]:
        """What was written, oldest first."""
        row = t.review_entry
        query = sa.select(row).where(row.c.district_id == self.district, row.c.review_id == review_id)
        return [
            ReviewEntry(
                found.what, found.by_id, self.vault.open(found.body_sealed, "review_entry.body", found.id),
                found.digest, found.at,
            )
            for found in connection.execute(query.order_by(row.c.at))
        ]  # fmt: skip

    def remark(
        self, connection: sa.Connection, review: Review, message_id: str, by_id: str, body: str, now: datetime
    ) -> None:
        """Keep words about one message."""
        row_id = new_id()
        connection.execute(
            t.message_remark.insert().values(
                district_id=self.district, id=row_id, review_id=review.id, case_id=review.case_id,
                message_id=message_id, by_id=by_id, at=now,
                body_sealed=self.vault.seal(body, "message_remark.body", row_id),
            )
        )  # fmt: skip

    def remarks(self, connection: sa.Connection, review_id: str) -> list[Remark]:
        """Words about messages, oldest first."""
        row = t.message_remark
        query = sa.select(row).where(row.c.district_id == self.district, row.c.review_id == review_id)
        return [
            Remark(
                found.message_id, found.by_id, self.vault.open(found.body_sealed, "message_remark.body", found.id),
                found.at,
            )
            for found in connection.execute(query.order_by(row.c.at))
        ]  # fmt: skip

    def case_by_number(self, connection: sa.Connection, case_no: str) -> str | None:
        """The id of the case with this number."""
        row = t.case_record
        query = sa.select(row.c.id).where(row.c.district_id == self.district, row.c.case_no == case_no)
        return connection.execute(query).scalar()

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        case, row = t.case_record, t.case_review
        same = sa.and_(case.c.district_id == self.district, case.c.id == row.c.case_id)
        return sa.select(row, case.c.case_no).join(case, same).where(row.c.district_id == self.district)


def _review(row: Any) -> Review:  # Any: SQLAlchemy rows are untyped
    return Review(
        row.id, row.case_id, row.counsellor_id, Level(row.level), row.why, row.state, row.served_until, row.drawn_at,
        row.due_by, row.signed_at, row.signed_by, row.done_at, row.is_drill,
    )  # fmt: skip
