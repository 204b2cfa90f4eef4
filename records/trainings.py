"""The ledger of people's growth: supervisions, trainings, and talks after hard cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.stints import highest
from triage.risk import Level


@dataclass(frozen=True)
class Training:
    """One training that somebody had."""

    id: str
    counsellor_id: str
    topic: str
    minutes: int
    held_at: datetime
    score: int | None
    expires_at: datetime | None


@dataclass(frozen=True)
class Supervision:
    """One supervision that somebody had."""

    counsellor_id: str
    kind: str
    minutes: int
    held_at: datetime
    by_id: str


@dataclass(frozen=True)
class HardCase:
    """A hard case that somebody has served to its end."""

    case_id: str
    case_no: str
    peak: Level
    ended_at: datetime
    is_serious: bool  # a death or another serious event
    answer: str  # to the offer of a talk; empty = none yet


@dataclass(frozen=True)
class Wish:
    """Somebody wants to talk after a hard case."""

    id: str
    counsellor_id: str
    case_no: str
    why: str
    at: datetime


class Trainings:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def add(self, connection: sa.Connection, **values: Any) -> None:  # columns
        """Write down a training."""
        connection.execute(t.training.insert().values(district_id=self.district, id=new_id(), **values))

    def remove(self, connection: sa.Connection, training_id: str, by_id: str, now: datetime) -> bool:
        """It was written down by mistake; False when it is not there."""
        done = connection.execute(
            t.training.update()
            .where(
                t.training.c.district_id == self.district, t.training.c.id == training_id,
                t.training.c.removed_at.is_(None),
            )
            .values(removed_at=now, removed_by=by_id)
        )  # fmt: skip
        return done.rowcount == 1

    def all(self, connection: sa.Connection, counsellor_id: str = "") -> list[Training]:
        """Trainings of everybody or of one, newest first."""
        row = t.training
        query = sa.select(row).where(row.c.district_id == self.district, row.c.removed_at.is_(None))
        if counsellor_id:
            query = query.where(row.c.counsellor_id == counsellor_id)
        return [
            Training(
                found.id, found.counsellor_id, found.topic, found.minutes, found.held_at, found.score, found.expires_at
            )
            for found in connection.execute(query.order_by(row.c.held_at.desc(), row.c.topic))
        ]

    def add_supervision(self, connection: sa.Connection, **values: Any) -> None:  # columns
        """Write down a supervision."""
        connection.execute(t.supervision_session.insert().values(district_id=self.district, id=new_id(), **values))

    def supervisions(
        self, connection: sa.Connection, since: datetime, counsellor_id: str = ""
    ) -> list[Supervision]:  # fmt: skip
        """Supervisions since then of everybody or of one, newest first; no drills."""
        row = t.supervision_session
        query = sa.select(row).where(
            row.c.district_id == self.district, row.c.held_at >= since, row.c.is_drill.is_(False)
        )
        if counsellor_id:
            query = query.where(row.c.counsellor_id == counsellor_id)
        return [
            Supervision(found.counsellor_id, found.kind, found.minutes, found.held_at, found.by_id)
            for found in connection.execute(query.order_by(row.c.held_at.desc()))
        ]

    def joined(self, connection: sa.Connection) -> dict[str, datetime]:
        """Account -> since when it is there."""
        row = t.counsellor
        query = sa.select(row.c.id, row.c.created_at).where(row.c.district_id == self.district)
        return {found.id: found.created_at for found in connection.execute(query)}

    def hard_cases(self, connection: sa.Connection, counsellor_id: str, since: datetime) -> list[HardCase]:
        """Cases at orange or red, or with a serious event, that somebody served until some time since then."""
        case, stint, answer = t.case_record, t.stint, t.debrief
        serious = sa.exists().where(
            t.rescue.c.district_id == self.district, t.rescue.c.case_id == case.c.id, t.rescue.c.is_serious.is_(True)
        )
        dead = sa.exists().where(
            t.follow_up.c.district_id == self.district, t.follow_up.c.case_id == case.c.id,
            t.follow_up.c.state == "dead",
        )  # fmt: skip
        query = (
            sa.select(
                case.c.id, case.c.case_no, stint.c.peak, stint.c.ended_at, answer.c.answer,
                highest(self.district).label("highest"), sa.or_(serious, dead).label("is_serious"),
            )
            .join(case, sa.and_(case.c.district_id == self.district, case.c.id == stint.c.case_id))
            .outerjoin(answer, sa.and_(answer.c.district_id == self.district, answer.c.case_id == case.c.id,
                                       answer.c.counsellor_id == counsellor_id))
            .where(stint.c.district_id == self.district, stint.c.counsellor_id == counsellor_id,
                   stint.c.ended_at >= since, case.c.is_drill.is_(False))
            .order_by(stint.c.ended_at)
        )  # fmt: skip
        found: dict[str, HardCase] = {}
        for row in connection.execute(query):
            before = found[row.id].peak if row.id in found else Level.NONE
            peak = Level(max(before, row.peak, row.highest or 0))
            found[row.id] = HardCase(row.id, row.case_no, peak, row.ended_at, bool(row.is_serious), row.answer or "")
        hard = [one for one in found.values() if one.peak >= Level.HIGH or one.is_serious]
        return sorted(hard, key=lambda one: one.ended_at, reverse=True)

    def heavy_counts(self, connection: sa.Connection, since: datetime) -> dict[str, int]:
        """Counsellor -> cases at orange or red served since then; no drills."""
        case, stint = t.case_record, t.stint
        query = (
            sa.select(stint.c.counsellor_id, sa.func.count(sa.distinct(stint.c.case_id)))
            .join(case, sa.and_(case.c.district_id == self.district, case.c.id == stint.c.case_id))
            .where(
                stint.c.district_id == self.district, stint.c.peak >= int(Level.HIGH), case.c.is_drill.is_(False),
                sa.or_(stint.c.ended_at >= since, stint.c.ended_at.is_(None)),
            )
            .group_by(stint.c.counsellor_id)
        )  # fmt: skip
        return {counsellor_id: count for counsellor_id, count in connection.execute(query)}

    def answer_offer(self, connection: sa.Connection, **values: Any) -> None:  # columns
        """Keep what somebody answered to the offer of a talk."""
        connection.execute(t.debrief.insert().values(district_id=self.district, id=new_id(), **values))

    def wishes(self, connection: sa.Connection) -> list[Wish]:
        """Talks that are wanted and have not taken place, oldest first."""
        row, case = t.debrief, t.case_record
        query = (
            sa.select(row, case.c.case_no)
            .join(case, sa.and_(case.c.district_id == self.district, case.c.id == row.c.case_id))
            .where(row.c.district_id == self.district, row.c.answer == "wanted", row.c.done_at.is_(None))
            .order_by(row.c.at)
        )
        return [
            Wish(found.id, found.counsellor_id, found.case_no, found.why, found.at)
            for found in connection.execute(query)
        ]

    def finish_talk(self, connection: sa.Connection, debrief_id: str, by_id: str, now: datetime) -> bool:
        """The talk took place; False when nobody waits for it any more."""
        done = connection.execute(
            t.debrief.update()
            .where(
                t.debrief.c.district_id == self.district, t.debrief.c.id == debrief_id,
                t.debrief.c.answer == "wanted", t.debrief.c.done_at.is_(None),
            )
            .values(done_at=now, done_by=by_id)
        )  # fmt: skip
        return done.rowcount == 1
