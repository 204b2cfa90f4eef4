"""Reviews of cases: drawn by the rules, written and signed by a supervisor, answered and signed by the counsellor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from escalation.cases import NoSuchCase, NotAllowed, SomebodyElse
from escalation.handling import Handling
from escalation.supervision import review as states
from escalation.supervision.form import ReviewForm
from escalation.supervision.review import State, Unfit
from escalation.supervision.sampling import Drawn, Sampling, draw, drawn_as, ended_cases, month_start
from records.cases import Case
from records.reviews import Review, ReviewEntry, Reviews
from records.staff import Counsellor
from records.trainings import Trainings

WRITTEN, AGREED, SET_ASIDE = "written", "agreed", "set_aside"
CASE_REVIEW = "case_review"  # the kind of supervision that two signatures make
_LONGEST = 2000
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ReviewDesk:
    """Each method runs inside one transaction; a refused action changes nothing."""

    handling: Handling
    reviews: Reviews
    trainings: Trainings
    rules: Sampling
    form: ReviewForm

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Draw among the cases that have ended; one look at one row while it is not time. Returns how many."""
        if not self.reviews.take_turn(connection, now, now + self.rules.every):
            return 0
        cases = ended_cases(self.reviews.served(connection, now - self.rules.look_back))
        reviewed = self.reviews.drawn_since(connection, month_start(now))
        drawn = draw(cases, reviewed, self.rules, self.reviews.ticket, now)
        for one in drawn:
            self._add(connection, one, None, now)
        return len(drawn)

    def choose(self, connection: sa.Connection, case_no: str, who: Counsellor, now: datetime) -> str:
        """A supervisor wants to look at this case too; returns the review's id."""
        case_id = self.reviews.case_by_number(connection, case_no.strip())
        if case_id is None:
            raise NotAllowed("没有这个编号的个案")
        found = ended_cases(self.reviews.served(connection, _EVER, case_id=case_id))
        if not found:
            raise NotAllowed("这个个案还没有结束，或已经在清单里，或没有老师接过")
        if found[0].counsellor_id == who.id:
            raise NotAllowed("自己的个案要请另一位督导来看")
        return self._add(connection, drawn_as(found[0], "chosen", self.rules), who, now)

    def sign(
        self, connection: sa.Connection, review_id: str, who: Counsellor, answers: Mapping[str, str], now: datetime
    ) -> None:
        """The supervisor's form with the supervisor's signature."""
        review, case = self._open(connection, review_id)
        state = states.after(review, "write", who.id)
        if faults := self.form.faults(answers):
            raise Unfit(faults)
        body = json.dumps(dict(answers), ensure_ascii=False)
        self.reviews.write(connection, review, WRITTEN, who.id, body, now)
        self.reviews.change(connection, review.id, state=state.value, signed_at=now, signed_by=who.id)
        self.handling.done(connection, case, who, "review_signed", now, review=review.id)

    def remark(
        self, connection: sa.Connection, review_id: str, who: Counsellor, message_id: str, text: str, now: datetime
    ) -> None:  # fmt: skip
        """Words about one message of the case."""
        review, case = self._open(connection, review_id)
        states.after(review, "remark", who.id)
        message = self.handling.alarm.conversations.message(connection, message_id)
        if message is None or message.conversation_id != case.conversation_id:
            raise NotAllowed("这条消息不在这个个案里")
        self.reviews.remark(connection, review, message.id, who.id, _said(text), now)
        self.handling.staff.audit(connection, "review_remarked", now, actor_id=who.id, object_id=case.id)

    def agree(
        self, connection: sa.Connection, review_id: str, who: Counsellor, comment: str, digest: str, now: datetime
    ) -> None:  # fmt: skip
        """The counsellor has read what `digest` stands for, may say something, and signs. It counts from here on."""
        review, case = self._open(connection, review_id)
        state = states.after(review, "agree", who.id)
        written = self.written(connection, review.id)
        if written is None or written.digest != digest:
            raise SomebodyElse("督导刚刚改过，请重新打开看一遍再签")
        if len(comment) > _LONGEST:
            raise NotAllowed(f"最多{_LONGEST}字")
        self.reviews.write(connection, review, AGREED, who.id, comment.strip(), now, over=written.digest)
        self.reviews.change(connection, review.id, state=state.value, done_at=now)
        self.trainings.add_supervision(
            connection, counsellor_id=who.id, kind=CASE_REVIEW, review_id=review.id, minutes=0, held_at=now,
            by_id=review.signed_by, at=now, is_drill=review.is_drill,
        )  # fmt: skip
        self.handling.done(connection, case, who, "review_done", now, review=review.id)

    def set_aside(
        self, connection: sa.Connection, review_id: str, who: Counsellor, reason: str, now: datetime
    ) -> None:  # fmt: skip
        """It will not take place, such as when the counsellor has left."""
        review, case = self._open(connection, review_id)
        state = states.after(review, "set_aside", who.id)
        self.reviews.write(connection, review, SET_ASIDE, who.id, _said(reason), now)
        self.reviews.change(connection, review.id, state=state.value)
        self.handling.done(connection, case, who, "review_set_aside", now, review=review.id)

    def written(self, connection: sa.Connection, review_id: str) -> ReviewEntry | None:
        """What the supervisor has signed last."""
        entries = self.reviews.entries(connection, review_id)
        return next((entry for entry in reversed(entries) if entry.what == WRITTEN), None)

    def _add(self, connection: sa.Connection, drawn: Drawn, who: Counsellor | None, now: datetime) -> str:
        case = drawn.case
        review_id = self.reviews.add(
            connection, case_id=case.case_id, counsellor_id=case.counsellor_id, level=int(case.level), why=drawn.why,
            state=State.DUE.value, served_until=case.ended_at, drawn_at=now, drawn_by=who.id if who else None,
            due_by=drawn.due_by, is_drill=case.is_drill,
        )  # fmt: skip
        self.handling.staff.audit(
            connection, "review_drawn", now, actor_id=who.id if who else None, object_id=case.case_id, why=drawn.why
        )
        return review_id

    def _open(self, connection: sa.Connection, review_id: str) -> tuple[Review, Case]:
        review = self.reviews.get(connection, review_id, lock=True)
        if review is None:
            raise NoSuchCase("没有这次复盘")
        return review, self.handling.case(connection, review.case_id)


def _said(text: str) -> str:
    """Words that are there and not too many."""
    if not text.strip():
        raise NotAllowed("请写一句")
    if len(text) > _LONGEST:
        raise NotAllowed(f"最多{_LONGEST}字")
    return text.strip()
