"""What a supervisor does in another's case: whisper to the counsellor, join, take over. One transaction a method."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import SERVED, NotAllowed
from escalation.handling import Handling
from escalation.shift.floor import Floor
from escalation.shift.helping import Helping
from records.cases import Case
from records.staff import Counsellor

_LONGEST = 2000
_LEAST_REASON = 4


@dataclass(frozen=True)
class Guiding:
    """The second pair of eyes."""

    handling: Handling
    floor: Floor
    helping: Helping

    def whisper(self, connection: sa.Connection, case_id: str, who: Counsellor, text: str, now: datetime) -> None:
        """Words that only the colleagues in the case see; they stay in its record."""
        case = self._served(connection, case_id)
        if not 0 < len(text.strip()) <= _LONGEST:
            raise NotAllowed(f"请写下要说的话（最多{_LONGEST}字）")
        self.handling.asides.whisper(connection, case.id, who.id, text.strip(), now)
        self.helping.came(connection, case, who, now)
        self.handling.done(connection, case, who, "whispered", now, to=case.owner_id or "")

    def join(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """Both may write from now on; the person is told that a second colleague is there."""
        case = self._served(connection, case_id)
        if case.owner_id == who.id or who.id in self.handling.asides.companions(connection, case.conversation_id):
            raise NotAllowed("您已经在这个对话里了")
        self.handling.asides.join(connection, case.conversation_id, case.id, who.id, now)
        conversation = self.handling.conversation(connection, case)
        self.handling.say(connection, conversation, "handover.second_joined", now, title=who.display_name)
        self.helping.came(connection, case, who, now)
        self.handling.done(connection, case, who, "joined", now)

    def leave(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """The owner goes on alone; the person is told."""
        case = self._served(connection, case_id)
        if who.id not in self.handling.asides.companions(connection, case.conversation_id):
            raise NotAllowed("您没有加入这个对话")
        self.handling.asides.leave(connection, case.conversation_id, now, who.id)
        conversation = self.handling.conversation(connection, case)
        self.handling.say(connection, conversation, "handover.second_left", now, title=who.display_name)
        self.handling.done(connection, case, who, "left", now)

    def take_over(self, connection: sa.Connection, case_id: str, who: Counsellor, reason: str, now: datetime) -> None:
        """Go on in the owner's place, with the reason in the record."""
        case = self._served(connection, case_id)
        if case.owner_id == who.id:
            raise NotAllowed("这个个案就在您手上")
        if not _LEAST_REASON <= len(reason.strip()) <= _LONGEST:
            raise NotAllowed(f"请写明接过来的理由（{_LEAST_REASON}到{_LONGEST}个字）")
        former = case.owner_id or ""
        self.helping.came(connection, case, who, now)
        self.floor.arrive(connection, who, now)
        self.handling.pass_on(connection, case, who, now)
        self.handling.alarm.cases.add_note(connection, case.id, who.id, f"接过个案的理由：{reason.strip()}", now)
        self.handling.done(connection, case, who, "taken_over", now, former=former)

    def _served(self, connection: sa.Connection, case_id: str) -> Case:
        case = self.handling.case(connection, case_id)
        if case.state not in SERVED:
            raise NotAllowed("个案现在没有人在服务")
        return case
