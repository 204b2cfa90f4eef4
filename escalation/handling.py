"""What every action on a case is made of: lock, check, save, move the fence, say, tell. Inside one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.alarm import Alarm
from escalation.cases import SERVED, NoSuchCase, NotAllowed, SomebodyElse, State, after, check_not_practice
from records import events
from records.asides import Asides
from records.cases import Case
from records.conversations import Conversation
from records.outbox_rows import Lane, Pending
from records.staff import Counsellor, Staff
from records.stints import Stint, Stints
from triage.memory import Memory, set_by_person
from triage.risk import Level


@dataclass(frozen=True)
class Handling:
    """The steps that the desk and its neighbours share."""

    alarm: Alarm
    staff: Staff
    stints: Stints
    asides: Asides

    def case(self, connection: sa.Connection, case_id: str) -> Case:
        """A case, locked, and its conversation before it, in the order in which arriving messages lock them."""
        seen = self.alarm.cases.get(connection, case_id)
        if seen is not None:
            self.alarm.conversations.get(connection, seen.conversation_id, lock=True)
        case = self.alarm.cases.get(connection, case_id, lock=True)
        if case is None:
            raise NoSuchCase("没有这个个案")
        return case

    def owned(self, connection: sa.Connection, case_id: str, who: Counsellor) -> Case:
        """The case, when this counsellor serves it now."""
        case = self.case(connection, case_id)
        if case.state not in SERVED or case.owner_id != who.id:
            raise NotAllowed("请先接手这个个案")
        return case

    def speaking(self, connection: sa.Connection, case_id: str, who: Counsellor) -> Case:
        """The case, when this counsellor serves it now or has joined who does."""
        case = self.case(connection, case_id)
        if case.state in SERVED and who.id in self.asides.companions(connection, case.conversation_id):
            return case
        return self.owned(connection, case_id, who)

    def conversation(self, connection: sa.Connection, case: Case) -> Conversation:
        """The conversation of a case, locked."""
        found = self.alarm.conversations.get(connection, case.conversation_id, lock=True)
        if found is None:
            raise NoSuchCase("个案的对话不存在")
        return found

    def save(self, connection: sa.Connection, case: Case, **values: object) -> None:
        """Change a case that nobody changed meanwhile."""
        if not self.alarm.cases.change(connection, case, **values):
            raise SomebodyElse("个案刚刚被别人改动，请刷新后再试")

    def own(
        self, connection: sa.Connection, conversation: Conversation, owner: str | None, now: datetime, *,
        before: Stint | None = None,
    ) -> Conversation:  # fmt: skip
        """Move the fence: from here on only the new owner (None = the bot) speaks, going on where `before` ends."""
        case = self.alarm.cases.open_case_of(connection, conversation.id)
        if case is not None and owner not in (None, case.practised_by):
            check_not_practice(case.practised_by)
        self.alarm.conversations.change(connection, conversation.id, owner_id=owner, epoch=conversation.epoch + 1)
        self.stints.end(connection, conversation.id, now)
        self.asides.leave(connection, conversation.id, now, owner)  # with the last counsellor everybody leaves
        if owner is not None and case is not None:
            self.stints.begin(connection, conversation.id, case.id, owner, case.level, now, before=before)
        fresh = self.alarm.conversations.get(connection, conversation.id)
        if fresh is None:
            raise NoSuchCase("个案的对话不存在")
        return fresh

    def pass_on(self, connection: sa.Connection, case: Case, to: Counsellor, now: datetime) -> None:
        """Another counsellor goes on at once: there is no moment without an owner, and nothing rings any more."""
        conversation = self.conversation(connection, case)
        self.save(connection, case, state=after(State(case.state), "pass_on").value, owner_id=to.id)
        before = self.stints.open_of(connection, conversation.id)
        fresh = self.own(connection, conversation, to.id, now, before=before)
        self.alarm.answer(connection, case, to.id, now)
        self.say(connection, fresh, "handover.person_changed", now, title=to.display_name)

    def say(
        self, connection: sa.Connection, conversation: Conversation, key: str, now: datetime, **params: str
    ) -> None:
        """A fixed text about who is speaking; it belongs to the new owner's time, so the fence lets it pass."""
        self.alarm.outbox.add(
            connection,
            Pending(
                conversation.id, conversation.channel, Lane.CRISIS, "system", conversation.epoch, key, params=params
            ),
            now,
        )  # fmt: skip

    def remember_level(
        self, connection: sa.Connection, conversation: Conversation, level: Level, now: datetime
    ) -> None:
        """Screening goes on from the level that people set."""
        memory = set_by_person(Memory.from_dict(conversation.memory), level, now)
        self.alarm.conversations.remember(connection, conversation.id, memory.to_dict(), level)

    def done(
        self, connection: sa.Connection, case: Case, who: Counsellor, what: str, now: datetime, **data: int | str
    ) -> None:  # fmt: skip
        """The screens hear of it, the audit keeps it."""
        events.append(
            connection, self.alarm.cases.district, "desk", what, now, conversation_id=case.conversation_id,
            case_id=case.id, by=who.id, **data,
        )  # fmt: skip
        self.staff.audit(connection, what, now, actor_id=who.id, object_id=case.id, **data)
