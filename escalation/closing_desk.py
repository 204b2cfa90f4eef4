"""Ending an orange or red case by two: the counsellor submits, a second person signs it or sends it back.

While it waits the person talks with the bot, and any new danger calls people again: the case never waits alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.care.rescue import need_words, short
from escalation.cases import NotAllowed, State, after, check_not_practice
from escalation.desk import Desk, Ending
from escalation.shift import presence
from escalation.shift.floor import Floor
from records import events
from records.cases import Case
from records.closings import Closing, Closings
from records.staff import Counsellor
from triage.risk import Level

OVERDUE = "closing_overdue"


@dataclass(frozen=True)
class ClosingClocks:
    """How long a signature may take, and after which time supervisors are called again."""

    sign_within: timedelta
    again: timedelta


@dataclass(frozen=True)
class ClosingDesk:
    """Each method runs inside one transaction; a refused action changes nothing."""

    desk: Desk
    floor: Floor
    closings: Closings
    clocks: ClosingClocks

    def submit(
        self, connection: sa.Connection, case_id: str, who: Counsellor, ending: Ending, now: datetime
    ) -> None:  # fmt: skip
        """The counsellor is done: the record is complete, the case leaves her hands and waits for a signature."""
        case = self.desk.handling.owned(connection, case_id, who)
        check_not_practice(case.practised_by)
        if case.level < Level.HIGH:
            raise NotAllowed("橙色、红色个案才要督导签字，请直接结案")
        state = after(State(case.state), "submit")
        self.desk.check_ending(connection, case, ending, may_close_high=True)
        was_told = self._was_told(connection, case)
        left = self.desk.leave(connection, case, who, now, state=state.value)
        if left is not None and not was_told:
            self.desk.handling.say(connection, left, "handover.closed", now)
        self.closings.add(
            connection, case.id, summary=short(ending.summary), disposition=ending.disposition, level=int(case.level),
            by_id=who.id, at=now, next_at=now + self.clocks.sign_within,
        )  # fmt: skip
        self.desk.handling.done(connection, case, who, "closing_submitted", now)

    def sign(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """The second person has looked at it: now it is closed, or followed up."""
        case, closing = self._waiting(connection, case_id, who, "sign")
        ending = Ending(closing.disposition, closing.summary)
        self.desk.check_ending(connection, case, ending, may_close_high=True)
        self.closings.decide(connection, closing.id, "signed", who.id, now)
        self.desk.handling.done(connection, case, who, "closing_signed", now)
        self.desk.end(connection, case, who, "sign", ending, now)
        self.desk.handling.alarm.calls.withdraw(connection, closing.id)

    def send_back(self, connection: sa.Connection, case_id: str, who: Counsellor, words: str, now: datetime) -> None:
        """Something is missing: the counsellor goes on at once when she is here, else it rings for everybody."""
        case, closing = self._waiting(connection, case_id, who, "send_back")
        words = need_words(short(words), "请写明为什么退回、还要做什么")
        self.closings.decide(connection, closing.id, "returned", who.id, now, words)
        if case.owner_id is not None and self._is_here(connection, case.owner_id, now):
            self._give_back(connection, case, case.owner_id, now)
        else:
            self.desk.handling.alarm.recall(connection, case, case.level, now)
        self.desk.handling.done(connection, case, who, "closing_returned", now, to=closing.by_id)
        self.desk.handling.alarm.calls.withdraw(connection, closing.id)

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Call supervisors for what was not signed in time, until somebody decides; returns how much was due."""
        due = self.closings.due(connection, now)
        for closing in due:
            case = self.desk.handling.alarm.cases.get(connection, closing.case_id)
            if case is None or case.state != State.CLOSING:
                self.closings.decide(connection, closing.id, "overtaken", None, now)
                continue
            self.closings.call_again(connection, closing, now + self.clocks.again)
            step = closing.step + 1
            events.append(connection, self.closings.district, "desk", OVERDUE, now, case_id=case.id, step=step)
            if not case.is_drill:
                self.desk.handling.alarm.calls.remind(connection, closing.id, step, now)
        return len(due)

    def _waiting(
        self, connection: sa.Connection, case_id: str, who: Counsellor, action: str
    ) -> tuple[Case, Closing]:  # fmt: skip
        """The case and what was submitted, for another person than who submitted it."""
        case = self.desk.handling.case(connection, case_id)
        after(State(case.state), action)
        closing = self.closings.of(connection, case.id)[-1]
        if closing.by_id == who.id:
            raise NotAllowed("这是您自己提交的：要由另一位督导用自己的账号登录后签字")
        return case, closing

    def _give_back(self, connection: sa.Connection, case: Case, owner_id: str, now: datetime) -> None:
        """She goes on where she was; the person was told good-bye and hears of it only when she speaks."""
        handling = self.desk.handling
        handling.save(connection, case, state=after(State(case.state), "send_back").value)
        handling.own(connection, handling.conversation(connection, case), owner_id, now)
        handling.stints.spoke(connection, case.conversation_id, now)  # nobody waits for her word: silence counts anew

    def _was_told(self, connection: sa.Connection, case: Case) -> bool:
        """Whether nobody has said a word since the good-bye of an earlier submission that came back."""
        stint = self.desk.handling.stints.open_of(connection, case.conversation_id)
        wrote_at = self.desk.handling.conversation(connection, case).last_message_at
        if stint is None or stint.spoke_at != stint.began_at:
            return False
        return wrote_at is None or wrote_at <= stint.began_at

    def _is_here(self, connection: sa.Connection, counsellor_id: str, now: datetime) -> bool:
        people = self.floor.people(connection, now)
        return any(person.id == counsellor_id and person.state is presence.State.ON for person in people)
