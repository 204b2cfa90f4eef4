"""The ledger of people's growth: trainings and supervisions written down, and talks after hard cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.supervision.duty import Duties, Standing, day, standing, year_start
from escalation.supervision.importing import NewTraining, first_moment, read_training
from escalation.supervision.review import REVIEWED_ROLES, Unfit
from escalation.supervision.self_care import SelfCare, offers, reason
from records.staff import Counsellor, Staff
from records.trainings import HardCase, Trainings

SESSION_KINDS = {"individual": "个别督导", "group": "团体督导"}
SUPERVISION_WORDS = {**SESSION_KINDS, "case_review": "个案复盘"}
ANSWERS = ("wanted", "declined")
_MOST_MINUTES = 480


@dataclass(frozen=True)
class Session:
    """A supervision outside of a case review, as it was typed."""

    kind: str
    held_on: date | None
    minutes: int
    counsellors: Sequence[str]

    def faults(self, known: Sequence[Counsellor], today: date) -> dict[str, str]:
        """What is wrong with it: field -> words."""
        found = {
            "kind": "" if self.kind in SESSION_KINDS else "请选形式",
            "held": "" if self.held_on and self.held_on <= today else "请填日期，不能晚于今天",
            "minutes": "" if 1 <= self.minutes <= _MOST_MINUTES else f"请填1到{_MOST_MINUTES}分钟",
            "counsellor": "" if self.counsellors and set(self.counsellors) <= {who.id for who in known} else "请选老师",
        }
        return {field: words for field, words in found.items() if words}


@dataclass(frozen=True)
class GrowthDesk:
    """Each method runs inside one transaction."""

    trainings: Trainings
    staff: Staff
    duties: Duties
    care: SelfCare

    def team(self, connection: sa.Connection) -> list[Counsellor]:
        """Those who owe trainings and supervisions: whoever answers people, and is here."""
        return [who for who in self.staff.all(connection) if who.is_active and self.owes(who)]

    def owes(self, who: Counsellor) -> bool:
        """Whether somebody owes trainings and supervisions."""
        return bool(REVIEWED_ROLES & set(who.roles))

    def standings(
        self, connection: sa.Connection, people: Sequence[Counsellor], now: datetime
    ) -> dict[str, Standing]:  # fmt: skip
        """How each of them stands now."""
        joined = self.trainings.joined(connection)
        trainings = self.trainings.all(connection)
        supervisions = self.trainings.supervisions(connection, year_start(now))
        return {
            who.id: standing(
                joined[who.id], [one for one in trainings if one.counsellor_id == who.id],
                [one for one in supervisions if one.counsellor_id == who.id], self.duties, now,
            )
            for who in people
        }  # fmt: skip

    def add_training(self, connection: sa.Connection, typed: Mapping[str, str], who: Counsellor, now: datetime) -> None:
        """Write down one training; the same one is kept once."""
        people = {one.login: one for one in self.staff.all(connection)}
        new, faults = read_training(typed, people, day(now))
        if new is None:
            raise Unfit(faults)
        if new.key in self._known(connection, new.counsellor_id):
            raise NotAllowed("这位老师的这次培训已经记过了")
        self._add(connection, new, who, now)
        self.staff.audit(connection, "training_added", now, actor_id=who.id, object_id=new.counsellor_id)

    def take_trainings(
        self, connection: sa.Connection, found: Sequence[NewTraining], who: Counsellor, now: datetime
    ) -> int:
        """Write down what a file brought; returns how many were written down by somebody else meanwhile."""
        known = self._known(connection)
        fresh = [new for new in found if new.key not in known]
        for new in fresh:
            self._add(connection, new, who, now)
        self.staff.audit(connection, "trainings_imported", now, actor_id=who.id, number=len(fresh))
        return len(found) - len(fresh)

    def remove_training(self, connection: sa.Connection, training_id: str, who: Counsellor, now: datetime) -> None:
        """It was written down by mistake; the row stays, marked."""
        if not self.trainings.remove(connection, training_id, who.id, now):
            raise NotAllowed("这条培训记录已经不在了，请刷新")
        self.staff.audit(connection, "training_removed", now, actor_id=who.id, training=training_id)

    def add_session(self, connection: sa.Connection, session: Session, who: Counsellor, now: datetime) -> None:
        """Write down a supervision of one or several people."""
        faults = session.faults(self.staff.all(connection), day(now))
        if faults or session.held_on is None:
            raise Unfit(faults)
        for counsellor_id in session.counsellors:
            self.trainings.add_supervision(
                connection, counsellor_id=counsellor_id, kind=session.kind, minutes=session.minutes,
                held_at=first_moment(session.held_on), by_id=who.id, at=now, is_drill=False,
            )  # fmt: skip
            self.staff.audit(connection, "supervision_added", now, actor_id=who.id, object_id=counsellor_id)

    def hard_cases(self, connection: sa.Connection, who: Counsellor, now: datetime) -> list[HardCase]:
        """The cases after which a talk is offered to somebody now."""
        cases = self.trainings.hard_cases(connection, who.id, now - self.care.look_back)
        return offers(cases, self.care, now)

    def answer_offer(
        self, connection: sa.Connection, case_id: str, who: Counsellor, answer: str, now: datetime
    ) -> None:
        """Somebody wants a talk after a case, or does not. Neither is in the audit: it is nobody else's business."""
        case = next((one for one in self.hard_cases(connection, who, now) if one.case_id == case_id), None)
        if case is None or answer not in ANSWERS:
            raise NotAllowed("已经回答过了，请刷新")
        self.trainings.answer_offer(
            connection, counsellor_id=who.id, case_id=case.case_id, why=reason(case), answer=answer, at=now,
            is_drill=False,
        )  # fmt: skip

    def finish_talk(self, connection: sa.Connection, debrief_id: str, who: Counsellor, now: datetime) -> None:
        """The talk that somebody wished for took place."""
        if not self.trainings.finish_talk(connection, debrief_id, who.id, now):
            raise NotAllowed("已经记过了，请刷新")

    def _known(self, connection: sa.Connection, counsellor_id: str = "") -> set[tuple[str, str, date]]:
        found = self.trainings.all(connection, counsellor_id)
        return {(one.counsellor_id, one.topic, day(one.held_at)) for one in found}

    def _add(self, connection: sa.Connection, new: NewTraining, who: Counsellor, now: datetime) -> None:
        values: Mapping[str, object] = {
            "counsellor_id": new.counsellor_id, "topic": new.topic, "minutes": new.minutes,
            "held_at": first_moment(new.held_on), "score": new.score,
            "expires_at": first_moment(new.expires_on) if new.expires_on else None,
        }  # fmt: skip
        self.trainings.add(connection, by_id=who.id, at=now, **values)
