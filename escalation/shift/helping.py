"""Who serves a case calls supervisors for help; the person never hears of it. Each method inside one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import SERVED, NotAllowed
from escalation.handling import Handling
from records.cases import Case
from records.help_calls import HelpCalls
from records.staff import Counsellor

LONGEST = 500


@dataclass(frozen=True)
class Helping:
    """One open call a case: on the supervisors' screens and their own addresses, until one answers."""

    handling: Handling
    help_calls: HelpCalls

    def ask(self, connection: sa.Connection, case_id: str, who: Counsellor, why: str, now: datetime) -> None:
        """Call every supervisor; a drill stays on the screens."""
        case = self.handling.owned(connection, case_id, who)
        if case.practised_by is not None:
            raise NotAllowed("这是练习，不会呼叫督导：真的个案里，这里会马上通知他们")
        if self.help_calls.open_of(connection, case.id) is not None:
            raise NotAllowed("已经在呼叫督导，请等答复")
        call_id = self.help_calls.add(connection, case.id, who.id, _short(why), now)
        if not case.is_drill:
            self.handling.alarm.calls.remind(connection, call_id, 0, now, key="call.help")
        self.handling.done(connection, case, who, "help_called", now)

    def answer(self, connection: sa.Connection, case_id: str, who: Counsellor, words: str, now: datetime) -> None:
        """A supervisor is on it; whoever called sees who, and what they say."""
        case = self.handling.case(connection, case_id)
        if not self._answer(connection, case, who, _short(words), now):
            raise NotAllowed("这次求助已经有人答复，或者已经不用了")

    def came(self, connection: sa.Connection, case: Case, who: Counsellor, now: datetime) -> None:
        """Somebody who whispers, joins or takes over has answered too."""
        self._answer(connection, case, who, "", now)

    def withdraw(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """Help is needed no more."""
        case = self.handling.owned(connection, case_id, who)
        call = self.help_calls.open_of(connection, case.id)
        if call is None:
            raise NotAllowed("没有在等答复的求助")
        self._end(connection, call.id, "withdrawn", now)
        self.handling.done(connection, case, who, "help_withdrawn", now)

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Calls whose case has moved on wait for nobody any more; returns how many."""
        ended = 0
        for call in self.help_calls.open(connection):
            case = self.handling.alarm.cases.get(connection, call.case_id)
            if case is not None and case.state in SERVED and case.owner_id == call.by_id:
                continue
            self._end(connection, call.id, "void", now)
            if case is not None:
                self.handling.alarm.tell(connection, case, "help_void", now)
            ended += 1
        return ended

    def _answer(self, connection: sa.Connection, case: Case, who: Counsellor, words: str, now: datetime) -> bool:
        call = self.help_calls.open_of(connection, case.id)
        if call is None or call.by_id == who.id:
            return False
        self.help_calls.end(connection, call.id, "answered", now, by_id=who.id, answer=words)
        self.handling.alarm.calls.withdraw(connection, call.id)
        self.handling.done(connection, case, who, "help_answered", now, to=call.by_id)
        return True

    def _end(self, connection: sa.Connection, call_id: str, state: str, now: datetime) -> None:
        self.help_calls.end(connection, call_id, state, now)
        self.handling.alarm.calls.withdraw(connection, call_id)


def _short(words: str) -> str:
    if len(words.strip()) > LONGEST:
        raise NotAllowed(f"最多写{LONGEST}字")
    return words.strip()
