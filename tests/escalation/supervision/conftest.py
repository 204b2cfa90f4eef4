"""An office that looks back at its work: people, ended cases, and short words for what is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from escalation.supervision.office import SupervisionOffice
from records import tables as t
from records.conversations import NewMessage
from records.reviews import Review
from records.staff import Counsellor
from tests.building import do, rows
from tests.escalation.conftest import Office
from triage.risk import Level, Screening

GOOD = {
    "strengths": "一上来就问了安全", "rapport": "4", "risk_asked": "yes", "assessment": "3", "safety_plan": "na",
    "limits": "5", "record": "4", "goals": "先听完再建议", "actions": "",
}  # fmt: skip


@dataclass
class Study:
    """Cases that end, and what people do with them afterwards."""

    office: Office
    lin: Counsellor
    chief: Counsellor

    @property
    def desks(self) -> SupervisionOffice:
        return self.office.desks.supervision

    def ended(
        self, level: Level, name: str = "visitor", who: Counsellor | None = None, *, is_drill: bool = False
    ) -> str:
        """A case that somebody served and that was closed, without anything planned after it."""
        case_id = self.office.case_at(level, name)
        self.office.act("claim", case_id, who or self.lin)
        self.office.clock.forward(minutes=20)

        def close(connection: sa.Connection) -> None:
            handling, now = self.office.desk.handling, self.office.clock()
            case = handling.case(connection, case_id)
            conversation = handling.conversation(connection, case)
            handling.save(connection, case, state="closed", closed_at=now, is_drill=is_drill)
            handling.own(connection, conversation, None, now)

        do(self.office.writer, close)
        return case_id

    def does(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """One action of a desk; `now` comes last."""
        return do(self.office.writer, lambda c: method(c, *arguments, self.office.clock()))

    def draw(self) -> int:
        """The next time at which cases are drawn."""
        self.office.clock.forward(minutes=10)
        return int(self.does(self.desks.reviews.sweep))

    def review(self, case_id: str) -> Review:
        """The case's newest review."""
        found = rows(self.office.store.engine, t.case_review, case_id=case_id)
        newest = max(found, key=lambda row: row.served_until)
        with self.office.store.engine.connect() as connection:
            review = self.desks.reviews.reviews.get(connection, newest.id)
        assert review is not None
        return review

    def drawn(self, level: Level = Level.HIGH, name: str = "visitor") -> Review:
        """A review that is due."""
        case_id = self.ended(level, name)
        self.draw()
        return self.review(case_id)

    def signed(self, answers: dict[str, str] = GOOD) -> Review:
        """A review that waits for the counsellor."""
        review = self.drawn()
        self.does(self.desks.reviews.sign, review.id, self.chief, answers)
        return self.review(review.case_id)

    def digest(self, review: Review) -> str:
        """What the counsellor's signature will cover."""
        with self.office.store.engine.connect() as connection:
            written = self.desks.reviews.written(connection, review.id)
        assert written is not None
        return written.digest

    def writes(self, case_id: str, text: str, level: Level = Level.NONE, **more: Any) -> str:
        """The person has written this, and screening said so much; returns the message's id."""
        conversations, now = self.office.store.conversations, self.office.clock()
        chat = self.office.case(case_id).conversation_id

        def work(connection: sa.Connection) -> str:
            conversation = conversations.get(connection, chat)
            assert conversation is not None
            seq = conversation.last_seq + 1
            new = NewMessage(chat, "visitor", "text", "web", f"{chat}:{seq}", text, now, **more)
            message_id = conversations.add(connection, new, seq)
            conversations.change(connection, chat, last_seq=seq)
            conversations.add_assessment(connection, chat, message_id, Screening(level, version="r1"), level, now)
            return message_id

        return do(self.office.writer, work)


@pytest.fixture
def study(office: Office) -> Study:
    return Study(office, office.counsellor("lin"), office.counsellor("chief", "supervisor"))
