"""Two cases of one person become one matter: the one ends and points to the other, nothing is deleted.

There is no true split: messages belong to a conversation, in order, and evidence, levels and alarms hang on them. Who
needs a second matter closes the case; the conversation's next danger, or the person's wish, opens a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import NotAllowed, State, after
from escalation.handling import Handling
from escalation.record.record_desk import RecordDesk
from escalation.showing import channel_word
from records.cases import Case
from records.staff import Counsellor

_LEAST_REASON = 4
_LONGEST_REASON = 1000


@dataclass(frozen=True)
class MergeDesk:
    """Joins cases. Runs inside one transaction."""

    handling: Handling
    record: RecordDesk

    def merge(
        self, connection: sa.Connection, case_id: str, who: Counsellor, into_id: str, reason: str, now: datetime
    ) -> None:
        """End a case in favour of another one of the same person, which a counsellor serves when the first is open."""
        if case_id == into_id:
            raise NotAllowed("请选另一个个案")
        if not _LEAST_REASON <= len(reason.strip()) <= _LONGEST_REASON:
            raise NotAllowed(f"请写明并案的理由（{_LEAST_REASON}到{_LONGEST_REASON}个字）")
        found = {one: self.handling.case(connection, one) for one in sorted((case_id, into_id))}  # always in one order
        case, into = found[case_id], found[into_id]
        state = after(State(case.state), "merge")
        self._check(connection, case, into)
        was_open = case.state != State.CLOSED
        self.handling.save(connection, case, state=state.value, merged_into=into.id, closed_at=case.closed_at or now)
        if was_open:
            self._take_over(connection, case, into, who, reason.strip(), now)
        self.handling.alarm.cases.add_note(
            connection, into.id, who.id, f"{case.case_no} 并入本案。理由：{reason.strip()}", now
        )
        self.handling.done(connection, case, who, "merged", now, into=into.id)
        self.handling.done(connection, into, who, "merged_from", now, other=case.id)

    def _check(self, connection: sa.Connection, case: Case, into: Case) -> None:
        if into.contact_id not in self.record.kin(connection, case):
            raise NotAllowed("只能合并同一位来访者的个案（同一渠道，或本人绑定过的渠道）")
        if into.state == State.MERGED:
            raise NotAllowed("那个个案已经并入别的个案了，请选最后的那个")
        if case.state != State.CLOSED and into.state != State.IN_SERVICE:
            raise NotAllowed("这个个案还没有结案：请先让一位老师接手要并入的那个个案，来访者才有人接着")

    def _take_over(
        self, connection: sa.Connection, case: Case, into: Case, who: Counsellor, reason: str, now: datetime
    ) -> None:
        """The level goes along, and the person is told where people go on.

        The conversation keeps its level: in yellow and above the bot answers nothing, and the next word calls people.
        """
        if case.level > into.level:
            self.handling.alarm.cases.add_level_change(
                connection, into.id, reason=reason, from_level=int(into.level), to_level=int(case.level),
                source="counsellor", by_id=who.id, state="in_force", at=now,
            )  # fmt: skip
            self.handling.save(connection, into, level=int(case.level), machine_level=int(case.level))
            self.handling.remember_level(connection, self.handling.conversation(connection, into), case.level, now)
        self.handling.alarm.answer(connection, case, who.id, now)
        fresh = self.handling.own(connection, self.handling.conversation(connection, case), None, now)
        there = self.handling.conversation(connection, into)
        self.handling.say(connection, fresh, "handover.merged", now, other=channel_word(there.channel))
