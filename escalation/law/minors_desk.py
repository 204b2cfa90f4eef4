"""The gate before a minor's case: who may read, who must ask, what is broken in danger and reviewed afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import ENDED, NotAllowed, State
from escalation.contact_desk import ContactDesk
from escalation.handling import Handling
from escalation.law.minors import GateClocks, Passage, Reader, may_break, passage
from escalation.law.words import reason as reason_of
from escalation.permissions import Permissions
from records import events
from records.cases import Case
from records.conversations import Conversation
from records.minors import Flag, Grant, Minors
from records.shares import Shares
from records.staff import Counsellor


@dataclass(frozen=True)
class Gate:
    """What stands before a case for somebody: `passage` is empty where no minor is concerned."""

    is_open: bool
    is_restricted: bool = False
    passage: Passage | None = None
    grant: Grant | None = None
    may_break: bool = False


@dataclass(frozen=True)
class MinorsDesk:
    """Each method runs inside one transaction."""

    minors: Minors
    shares: Shares
    people: ContactDesk
    handling: Handling
    permissions: Permissions
    clocks: GateClocks

    def gate(self, connection: sa.Connection, case: Case, who: Counsellor, now: datetime) -> Gate:
        """Whether this colleague may read this case now, and what they can do if not."""
        contact = self.people.contacts.get(connection, case.contact_id)
        if contact is not None and contact.is_restricted and case.state in ENDED:
            return Gate(False, is_restricted=True)
        flag = self.flag(connection, case.contact_id)
        if flag is None or not flag.is_on:
            return Gate(True)
        is_in_charge = self.permissions.allows(who.roles, "minor_access_decide")
        finishes_until = case.closed_at + self.clocks.record if case.closed_at else None
        called = self._called(connection, case, who, now)
        reader = Reader(who.id, is_in_charge, case.owner_id, State(case.state), finishes_until, called)
        grant = self.minors.newest_grant(connection, case.id, who.id)
        right = passage(reader, grant, now)
        return Gate(right is not None, False, right, grant, may_break(reader.state, case.level))

    def _called(self, connection: sa.Connection, case: Case, who: Counsellor, now: datetime) -> Passage | None:
        """Nobody who is called to a case, or has something to do about it, stands before a shut gate."""
        if self.handling.alarm.alerts.ringing(connection, case.id) is not None:
            return Passage.WAITING
        if self.shares.with_task(connection, (case.id,), who.id):
            return Passage.TASK
        return Passage.INVITED if self.shares.open_with(connection, who.id, now, case.id) else None

    def flag(self, connection: sa.Connection, contact_id: str) -> Flag | None:
        """What was last said or marked of this person, on any channel that they linked."""
        contact = self.people.contacts.get(connection, contact_id)
        return self.minors.flag(connection, self.people.kin(connection, contact)) if contact else None

    def read(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """Somebody reads a case: of a minor the access log keeps by what right; a drill is no one's case."""
        case = self.handling.case(connection, case_id)
        gate = self.gate(connection, case, who, now)
        if gate.passage is not None and not case.is_drill:
            by_grant = gate.passage in (Passage.GRANTED, Passage.BROKEN) and gate.grant is not None
            grant_id = gate.grant.id if by_grant and gate.grant else None
            self.minors.add_reading(connection, case.id, case.contact_id, who.id, gate.passage, now, grant_id)

    def heard(self, connection: sa.Connection, conversation: Conversation, message_id: str, now: datetime) -> None:
        """The person said an age under eighteen; what a person marked since stays."""
        if self.flag(connection, conversation.contact_id) is not None:
            return
        said = Flag(True, "said", None, now)
        self.minors.add_flag(connection, conversation.contact_id, said, evidence=message_id)
        events.append(connection, self.minors.district, "desk", "minor_flagged", now, conversation_id=conversation.id)

    def mark(
        self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime, *, is_minor: bool
    ) -> None:  # fmt: skip
        """A person says that this is a minor, or is none."""
        case = self.handling.case(connection, case_id)
        flag = self.flag(connection, case.contact_id)
        if (flag is not None and flag.is_on) == is_minor:
            raise NotAllowed("已经这样标记了")
        self.minors.add_flag(connection, case.contact_id, Flag(is_minor, "marked", who.id, now), case_id=case.id)
        self.handling.done(connection, case, who, "minor_marked" if is_minor else "minor_unmarked", now)

    def ask(self, connection: sa.Connection, case_id: str, who: Counsellor, purpose: str, now: datetime) -> None:
        """Ask the person in charge for leave to read, with the purpose."""
        case, gate = self._closed(connection, case_id, who, now)
        if gate.grant is not None and gate.grant.state == "asked":
            raise NotAllowed("您的申请在等负责人批准")
        grant_id = self.minors.ask(connection, case.id, who.id, reason_of(purpose, "请写明查阅目的"), now)
        self.handling.done(connection, case, who, "minor_access_asked", now, grant=grant_id)

    def break_glass(
        self, connection: sa.Connection, case_id: str, who: Counsellor, reason: str, now: datetime
    ) -> None:  # fmt: skip
        """Danger lasts: open at once; a supervisor reviews it afterwards."""
        case, gate = self._closed(connection, case_id, who, now)
        if not gate.may_break:
            raise NotAllowed("现在没有正在发生的危险，请先申请批准")
        grant_id = self.minors.ask(
            connection, case.id, who.id, reason_of(reason, "请写明紧急打开的理由"), now, state="broken",
            until=now + self.clocks.grant, review_due_at=now + self.clocks.review,
        )  # fmt: skip
        self.handling.done(connection, case, who, "minor_glass_broken", now, grant=grant_id)

    def decide(
        self, connection: sa.Connection, grant_id: str, who: Counsellor, now: datetime, *, agree: bool
    ) -> None:  # fmt: skip
        """The person in charge gives leave for some hours or refuses; never to themselves."""
        grant = self._grant(connection, grant_id, "asked", who)
        until = now + self.clocks.grant if agree else None
        state = "granted" if agree else "refused"
        self.minors.change_grant(connection, grant.id, state=state, decided_by=who.id, decided_at=now, until=until)
        case = self.handling.case(connection, grant.case_id)
        self.handling.done(connection, case, who, f"minor_access_{state}", now, grant=grant.id)

    def review(self, connection: sa.Connection, grant_id: str, who: Counsellor, words: str, now: datetime) -> None:
        """A supervisor looked at why a case was opened in danger."""
        grant = self._grant(connection, grant_id, "broken", who)
        review = reason_of(words, "请写下复核意见")
        self.minors.change_grant(
            connection, grant.id, state="reviewed", decided_by=who.id, decided_at=now, review=review
        )
        case = self.handling.case(connection, grant.case_id)
        self.handling.done(connection, case, who, "minor_glass_reviewed", now, grant=grant.id)

    def _closed(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> tuple[Case, Gate]:
        case = self.handling.case(connection, case_id)
        gate = self.gate(connection, case, who, now)
        if gate.is_restricted:
            raise NotAllowed("这份记录已限制查阅")
        if gate.is_open:
            raise NotAllowed("您现在就可以看这个个案")
        return case, gate

    def _grant(self, connection: sa.Connection, grant_id: str, state: str, who: Counsellor) -> Grant:
        grant = self.minors.grant(connection, grant_id, lock=True)
        if grant is None or grant.state != state:
            raise NotAllowed("这一条已经处理过了")
        if grant.asked_by == who.id:
            raise NotAllowed("要由另一位负责人处理")
        return grant
