"""What a counsellor does with a case. Each method runs inside one transaction; a refused action changes nothing.

Taking over moves the conversation's ownership number (the fence) in the same transaction, so that nothing the bot
said before is delivered after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from escalation import cases as rules
from escalation.alarm import Danger
from escalation.care.planning import Planning
from escalation.cases import SERVED, NotAllowed, SomebodyElse, State, after
from escalation.handling import Handling
from escalation.permissions import Permissions
from escalation.shift.volunteers import may_set, may_take
from records.cases import Case
from records.conversations import Conversation
from records.outbox_rows import PLAIN, Lane, Pending
from records.staff import Counsellor
from triage.risk import Level

_LONGEST_REPLY = 4000
ClosingCheck = Callable[[sa.Connection, Case], None]  # raises NotAllowed with what is still missing


@dataclass(frozen=True)
class Ending:
    """How a case ends, in a code and in words."""

    disposition: str
    summary: str


@dataclass(frozen=True)
class Desk:
    """The actions of people on cases."""

    handling: Handling
    permissions: Permissions
    planning: Planning
    closing_checks: tuple[ClosingCheck, ...] = ()  # what a case must have before it is closed

    def claim(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> Case:
        """Take a case; exactly one counsellor wins. The bot is silent from here on."""
        case = self.handling.case(connection, case_id)
        if case.state in SERVED:
            raise SomebodyElse("这个个案已经有人接手" if case.owner_id != who.id else "您已经接手了这个个案")
        state = after(State(case.state), "claim")
        conversation = self.handling.conversation(connection, case)
        self.handling.save(connection, case, state=state.value, owner_id=who.id, claimed_at=case.claimed_at or now)
        self.handling.own(connection, conversation, who.id, now)
        self.handling.alarm.answer(connection, case, who.id, now)
        self.handling.say(connection, conversation, "handover.person_joined", now, title=who.display_name)
        self.handling.done(connection, case, who, "claimed", now)
        return self.handling.case(connection, case_id)

    def reply(
        self, connection: sa.Connection, case_id: str, who: Counsellor, text: str, reply_id: str, now: datetime
    ) -> None:  # fmt: skip
        """Say something to the person; a repeated reply_id changes nothing."""
        case = self.handling.speaking(connection, case_id, who)
        if not text.strip():
            raise NotAllowed("回复不能是空的")
        if len(text) > _LONGEST_REPLY:
            raise NotAllowed(f"一条回复最多{_LONGEST_REPLY}字，请分开发")
        if self.handling.alarm.outbox.exists(connection, reply_id):
            return
        conversation = self.handling.conversation(connection, case)
        self.handling.alarm.outbox.add(
            connection,
            Pending(
                conversation.id, conversation.channel, Lane.CRISIS, "counsellor", conversation.epoch, PLAIN,
                text=text, origin_id=who.id, id=reply_id,
            ),
            now,
        )  # fmt: skip
        self.handling.stints.spoke(connection, conversation.id, now)
        if case.first_word_at is None:
            self.handling.save(connection, case, first_word_at=now)

    def note(self, connection: sa.Connection, case_id: str, who: Counsellor, text: str, now: datetime) -> None:
        """Keep a note that the person never sees."""
        case = self.handling.case(connection, case_id)
        if not text.strip():
            raise NotAllowed("备注不能是空的")
        self.handling.alarm.cases.add_note(connection, case.id, who.id, text, now)
        self.handling.done(connection, case, who, "noted", now)

    def set_level(
        self, connection: sa.Connection, case_id: str, who: Counsellor, to: Level, reason: str, now: datetime
    ) -> bool:  # fmt: skip
        """Raise or lower; True when in force, False when it now waits for a second person."""
        case = self.handling.case(connection, case_id)
        if case.state in rules.ENDED:
            raise NotAllowed("个案已结案")
        if not may_set(who.roles, case.level, to):
            raise NotAllowed("调低等级请找接线员或值班长；觉得更急，随时可以调高")
        lowered_from = self._lowered_from(connection, case, who)
        change = rules.change_level(case.level, to, reason, lowered_from=lowered_from)
        waits = change.needs_second_person
        if waits and self._proposal(connection, case) is not None:
            raise NotAllowed("已有一个调低等级的申请在等第二人确认")
        self.handling.alarm.cases.add_level_change(
            connection, case.id, reason=reason, from_level=int(case.level), to_level=int(to),
            source="counsellor", by_id=who.id, state="proposed" if waits else "in_force", at=now,
        )  # fmt: skip
        if not waits:
            self._apply_level(connection, case, to, now)
        self.handling.done(connection, case, who, "level_proposed" if waits else "level_set", now, level=int(to))
        return not waits

    def decide_lowering(
        self, connection: sa.Connection, case_id: str, who: Counsellor, *, agree: bool, now: datetime
    ) -> None:
        """The second person agrees or refuses; it cannot be the one who asked."""
        case = self.handling.case(connection, case_id)
        proposal = self._proposal(connection, case)
        if proposal is None:
            raise NotAllowed("没有待确认的调级申请")
        if proposal["by_id"] == who.id:
            raise NotAllowed("这是您自己申请的：要由另一位老师确认")
        if case.state in rules.ENDED:
            raise NotAllowed("个案已结案")
        if agree and proposal["from_level"] != case.level:  # new danger came after the reasons were written
            raise NotAllowed("申请之后等级又变了，请不同意这个申请，重新评估")
        state = "confirmed" if agree else "refused"
        self.handling.alarm.cases.decide_level_change(connection, proposal["id"], state, who.id)
        if agree:
            self._apply_level(connection, case, proposal["to_level"], now)
        self.handling.done(connection, case, who, f"level_{state}", now, level=int(proposal["to_level"]))

    def release(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """Put a case back into the queue: it rings again, the person is told."""
        case = self.handling.owned(connection, case_id, who)
        rules.check_not_practice(case.practised_by)
        _check_leaving(who, case)
        conversation = self.handling.conversation(connection, case)
        self.handling.save(connection, case, state=after(State(case.state), "release").value, owner_id=None)
        fresh = self.handling.own(connection, conversation, None, now)
        self.handling.say(connection, fresh, "handover.back_to_queue", now)
        self.handling.alarm.ring(connection, self.handling.case(connection, case_id), case.level, now)
        self.handling.done(connection, case, who, "released", now)

    def hand_back(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """Let the bot go on; only from green or blue."""
        case = self.handling.owned(connection, case_id, who)
        rules.check_not_practice(case.practised_by)
        rules.check_hand_back(case.level)
        conversation = self.handling.conversation(connection, case)
        self.handling.save(connection, case, state=after(State(case.state), "hand_back").value)
        self.handling.alarm.answer(connection, case, who.id, now)  # words that did not arrive may have rung
        fresh = self.handling.own(connection, conversation, None, now)
        self.handling.say(connection, fresh, "handover.back_to_bot", now)
        self.handling.done(connection, case, who, "handed_back", now)

    def close(
        self, connection: sa.Connection, case_id: str, who: Counsellor, disposition: str, summary: str,
        now: datetime,
    ) -> None:  # fmt: skip
        """Close with a record, or leave it open for follow-ups; the conversation goes back to the bot."""
        case = self.handling.case(connection, case_id)
        may_close_high = self.permissions.allows(who.roles, "case_close_high") or case.practised_by == who.id
        if case.owner_id != who.id and not may_close_high:
            raise NotAllowed("只有接手的老师或督导可以结案")
        _check_leaving(who, case)
        ending = Ending(disposition, summary)
        self.check_ending(connection, case, ending, may_close_high=may_close_high)
        self.end(connection, case, who, "close", ending, now)

    def check_ending(self, connection: sa.Connection, case: Case, ending: Ending, *, may_close_high: bool) -> None:
        """What a case needs before it ends; raise NotAllowed that names what is missing."""
        rules.check_closing(case.level, ending.disposition, ending.summary, may_close_high=may_close_high)
        for check in self.closing_checks:
            check(connection, case)

    def end(
        self, connection: sa.Connection, case: Case, who: Counsellor, action: str, ending: Ending, now: datetime
    ) -> None:
        """Closed, or left open for follow-ups; `action` is close or sign."""
        state = after(State(case.state), action)
        if self.planning.at_close(connection, case, who, ending.disposition, now):
            state = after(State(case.state), "follow_up")
        left = self.leave(
            connection, case, who, now, state=state.value, closed_at=now if state is State.CLOSED else None,
            disposition=ending.disposition, summary=ending.summary,
        )  # fmt: skip
        if left is not None:
            self.handling.say(connection, left, "handover.closed", now)
        what = "closed" if state is State.CLOSED else "follow_up_planned"
        self.handling.done(connection, case, who, what, now, disposition=ending.disposition)

    def leave(
        self, connection: sa.Connection, case: Case, who: Counsellor, now: datetime, **values: object
    ) -> Conversation | None:
        """Nobody serves the person any more: the bot speaks, and screening begins from blue. Returns the conversation
        where somebody did until now; `values` of the case."""
        conversation = self.handling.conversation(connection, case)
        was_silent = conversation.owner_id is not None
        self.handling.save(connection, case, **values)
        self.handling.alarm.answer(connection, case, who.id, now)
        if was_silent:  # else the fence stays where it is, and what the bot is just saying arrives
            conversation = self.handling.own(connection, conversation, None, now)
        self.handling.remember_level(connection, conversation, min(case.level, Level.LOW), now)
        return conversation if was_silent else None

    def look(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> Case:
        """Open a case for reading: every view is in the audit."""
        case = self.handling.case(connection, case_id)
        self.handling.staff.audit(connection, "case_view", now, actor_id=who.id, object_id=case.id)
        return case

    def _proposal(self, connection: sa.Connection, case: Case) -> Mapping[str, Any] | None:  # a history row
        changes = self.handling.alarm.cases.level_changes(connection, case.id)
        return next((change for change in changes if change["state"] == "proposed"), None)

    def _lowered_from(self, connection: sa.Connection, case: Case, who: Counsellor) -> Level | None:
        """Where the steps began by which this person alone has come down to the level in force."""
        top = None
        for change in reversed(self.handling.alarm.cases.level_changes(connection, case.id)):
            if change["state"] in ("proposed", "refused"):
                continue
            is_own_step = change["by_id"] == who.id and change["to_level"] < change["from_level"]
            if not is_own_step or change["state"] != "in_force":
                break
            top = change["from_level"]
        return top

    def _apply_level(self, connection: sa.Connection, case: Case, to: Level, now: datetime) -> None:
        self.handling.save(connection, case, level=int(to), machine_level=int(to))
        if case.state == State.CLOSING and to < case.level:  # the bot goes on: only new words call people
            return
        self.handling.remember_level(connection, self.handling.conversation(connection, case), to, now)
        if to <= case.level:
            return
        if case.state == State.NEW:
            self.handling.alarm.ring(connection, case, to, now)
        elif case.state == State.CLOSING or (case.state == State.WAITING_USER and to > Level.LOW):  # not the bot's
            self.handling.alarm.recall(connection, self.handling.case(connection, case.id), to, now)
        elif case.state == State.FOLLOW_UP:
            fresh = self.handling.case(connection, case.id)
            self.handling.alarm.reopen(connection, fresh, Danger(to, "risk", "", ()), now)


def _check_leaving(who: Counsellor, case: Case) -> None:
    """A volunteer whose case has risen stays with the person until somebody has come."""
    if not may_take(who.roles, case.level):
        raise NotAllowed("已经在呼叫接线员：请先陪着来访者，等接线员接过去")
