"""What a counsellor does with a case. Each method runs inside one transaction; a refused action changes nothing.

Taking over moves the conversation's ownership number (the fence) in the same transaction, so that nothing the bot
said before is delivered after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from escalation import cases as rules
from escalation.alarm import Alarm
from escalation.cases import NoSuchCase, NotAllowed, SomebodyElse, State, after
from escalation.roles import Permissions
from records import events
from records.cases import Case
from records.conversations import Conversation
from records.outbox_rows import PLAIN, Lane, Pending
from records.staff import Counsellor, Staff
from triage.memory import Memory, set_by_person
from triage.risk import Level

_LONGEST_REPLY = 4000


@dataclass(frozen=True)
class Desk:
    """The actions of people on cases."""

    alarm: Alarm
    staff: Staff
    permissions: Permissions

    def claim(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> Case:
        """Take a case; exactly one counsellor wins. The bot is silent from here on."""
        case = self._case(connection, case_id)
        if case.state == State.IN_SERVICE:
            raise SomebodyElse("这个个案已经有人接手" if case.owner_id != who.id else "您已经接手了这个个案")
        state = after(State(case.state), "claim")
        conversation = self._conversation(connection, case)
        self._save(connection, case, state=state.value, owner_id=who.id, claimed_at=case.claimed_at or now)
        self._own(connection, conversation, who.id)
        self.alarm.answer(connection, case, who.id, now)
        self._say(connection, conversation, "handover.person_joined", now, title=who.display_name)
        self._done(connection, case, who, "claimed", now)
        return self._case(connection, case_id)

    def reply(
        self, connection: sa.Connection, case_id: str, who: Counsellor, text: str, reply_id: str, now: datetime
    ) -> None:  # fmt: skip
        """Say something to the person; a repeated reply_id changes nothing."""
        case = self._owned(connection, case_id, who)
        if not text.strip():
            raise NotAllowed("回复不能是空的")
        if len(text) > _LONGEST_REPLY:
            raise NotAllowed(f"一条回复最多{_LONGEST_REPLY}字，请分开发")
        if self.alarm.outbox.exists(connection, reply_id):
            return
        conversation = self._conversation(connection, case)
        self.alarm.outbox.add(
            connection,
            Pending(
                conversation.id, conversation.channel, Lane.CRISIS, "counsellor", conversation.epoch, PLAIN,
                text=text, origin_id=who.id, id=reply_id,
            ),
            now,
        )  # fmt: skip
        if case.first_word_at is None:
            self._save(connection, case, first_word_at=now)

    def note(self, connection: sa.Connection, case_id: str, who: Counsellor, text: str, now: datetime) -> None:
        """Keep a note that the person never sees."""
        case = self._case(connection, case_id)
        if not text.strip():
            raise NotAllowed("备注不能是空的")
        self.alarm.cases.add_note(connection, case.id, who.id, text, now)
        self._done(connection, case, who, "noted", now)

    def set_level(
        self, connection: sa.Connection, case_id: str, who: Counsellor, to: Level, reason: str, now: datetime
    ) -> bool:  # fmt: skip
        """Raise or lower; True when in force, False when it now waits for a second person."""
        case = self._case(connection, case_id)
        if case.state == State.CLOSED:
            raise NotAllowed("个案已结案")
        change = rules.change_level(case.level, to, reason)
        waits = change.needs_second_person
        if waits and self._proposal(connection, case) is not None:
            raise NotAllowed("已有一个调低等级的申请在等第二人确认")
        self.alarm.cases.add_level_change(
            connection, case.id, reason=reason, from_level=int(case.level), to_level=int(to),
            source="counsellor", by_id=who.id, state="proposed" if waits else "in_force", at=now,
        )  # fmt: skip
        if not waits:
            self._apply_level(connection, case, to, now)
        self._done(connection, case, who, "level_proposed" if waits else "level_set", now, level=int(to))
        return not waits

    def decide_lowering(
        self, connection: sa.Connection, case_id: str, who: Counsellor, *, agree: bool, now: datetime
    ) -> None:
        """The second person agrees or refuses; it cannot be the one who asked."""
        case = self._case(connection, case_id)
        proposal = self._proposal(connection, case)
        if proposal is None:
            raise NotAllowed("没有待确认的调级申请")
        if proposal["by_id"] == who.id:
            raise NotAllowed("调低橙色、红色等级要由另一位老师确认")
        if case.state == State.CLOSED:
            raise NotAllowed("个案已结案")
        if agree and proposal["from_level"] != case.level:  # new danger came after the reasons were written
            raise NotAllowed("申请之后等级又变了，请不同意这个申请，重新评估")
        state = "confirmed" if agree else "refused"
        self.alarm.cases.decide_level_change(connection, proposal["id"], state, who.id)
        if agree:
            self._apply_level(connection, case, proposal["to_level"], now)
        self._done(connection, case, who, f"level_{state}", now, level=int(proposal["to_level"]))

    def release(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """Put a case back into the queue: it rings again, the person is told."""
        case = self._owned(connection, case_id, who)
        conversation = self._conversation(connection, case)
        self._save(connection, case, state=after(State(case.state), "release").value, owner_id=None)
        fresh = self._own(connection, conversation, None)
        self._say(connection, fresh, "handover.back_to_queue", now)
        self.alarm.ring(connection, self._case(connection, case_id), case.level, now)
        self._done(connection, case, who, "released", now)

    def hand_back(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """Let the bot go on; only from green or blue."""
        case = self._owned(connection, case_id, who)
        rules.check_hand_back(case.level)
        conversation = self._conversation(connection, case)
        self._save(connection, case, state=after(State(case.state), "hand_back").value)
        self.alarm.answer(connection, case, who.id, now)  # words that did not arrive may have rung
        self._say(connection, self._own(connection, conversation, None), "handover.back_to_bot", now)
        self._done(connection, case, who, "handed_back", now)

    def close(
        self, connection: sa.Connection, case_id: str, who: Counsellor, disposition: str, summary: str,
        now: datetime,
    ) -> None:  # fmt: skip
        """Close with a record; the conversation goes back to the bot at the level in force."""
        case = self._case(connection, case_id)
        may_close_high = self.permissions.allows(who.roles, "case_close_high")
        if case.owner_id != who.id and not may_close_high:
            raise NotAllowed("只有接手的老师或督导可以结案")
        rules.check_closing(case.level, disposition, summary, may_close_high=may_close_high)
        conversation = self._conversation(connection, case)
        was_silent = conversation.owner_id is not None
        self._save(
            connection, case, state=after(State(case.state), "close").value, closed_at=now,
            disposition=disposition, summary=summary,
        )  # fmt: skip
        self.alarm.answer(connection, case, who.id, now)
        fresh = self._own(connection, conversation, None)
        self._remember_level(connection, fresh, min(case.level, Level.LOW), now)
        if was_silent:
            self._say(connection, fresh, "handover.closed", now)
        self._done(connection, case, who, "closed", now, disposition=disposition)

    def look(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> Case:
        """Open a case for reading: every view is in the audit."""
        case = self._case(connection, case_id)
        self.staff.audit(connection, "case_view", now, actor_id=who.id, object_id=case.id)
        return case

    def _case(self, connection: sa.Connection, case_id: str) -> Case:
        """Locked, and its conversation before it, in the order in which arriving messages lock them."""
        seen = self.alarm.cases.get(connection, case_id)
        if seen is not None:
            self.alarm.conversations.get(connection, seen.conversation_id, lock=True)
        case = self.alarm.cases.get(connection, case_id, lock=True)
        if case is None:
            raise NoSuchCase("没有这个个案")
        return case

    def _owned(self, connection: sa.Connection, case_id: str, who: Counsellor) -> Case:
        case = self._case(connection, case_id)
        if case.state != State.IN_SERVICE or case.owner_id != who.id:
            raise NotAllowed("请先接手这个个案")
        return case

    def _conversation(self, connection: sa.Connection, case: Case) -> Conversation:
        found = self.alarm.conversations.get(connection, case.conversation_id, lock=True)
        if found is None:
            raise NoSuchCase("个案的对话不存在")
        return found

    def _save(self, connection: sa.Connection, case: Case, **values: object) -> None:
        if not self.alarm.cases.change(connection, case, **values):
            raise SomebodyElse("个案刚刚被别人改动，请刷新后再试")

    def _own(self, connection: sa.Connection, conversation: Conversation, owner: str | None) -> Conversation:
        self.alarm.conversations.change(connection, conversation.id, owner_id=owner, epoch=conversation.epoch + 1)
        fresh = self.alarm.conversations.get(connection, conversation.id)
        if fresh is None:
            raise NoSuchCase("个案的对话不存在")
        return fresh

    def _say(
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

    def _proposal(self, connection: sa.Connection, case: Case) -> Mapping[str, Any] | None:  # a history row
        changes = self.alarm.cases.level_changes(connection, case.id)
        return next((change for change in changes if change["state"] == "proposed"), None)

    def _apply_level(self, connection: sa.Connection, case: Case, to: Level, now: datetime) -> None:
        self._save(connection, case, level=int(to), machine_level=int(to))
        self._remember_level(connection, self._conversation(connection, case), to, now)
        if to <= case.level:
            return
        if case.state == State.NEW:
            self.alarm.ring(connection, case, to, now)
        elif case.state == State.WAITING_USER and to > Level.LOW:  # the bot may not keep yellow or worse
            self.alarm.recall(connection, self._case(connection, case.id), to, now)

    def _remember_level(
        self, connection: sa.Connection, conversation: Conversation, level: Level, now: datetime
    ) -> None:
        memory = set_by_person(Memory.from_dict(conversation.memory), level, now)
        self.alarm.conversations.remember(connection, conversation.id, memory.to_dict(), level)

    def _done(
        self, connection: sa.Connection, case: Case, who: Counsellor, what: str, now: datetime, **data: int | str
    ) -> None:  # fmt: skip
        events.append(
            connection, self.alarm.cases.district, "desk", what, now, conversation_id=case.conversation_id,
            case_id=case.id, by=who.id, **data,
        )  # fmt: skip
        self.staff.audit(connection, what, now, actor_id=who.id, object_id=case.id, **data)
