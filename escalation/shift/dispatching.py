"""About a case that waits: a lead names who shall take it, the ladder climbs at once. One transaction a method."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import NotAllowed, check_not_practice
from escalation.handling import Handling
from escalation.routing import RUNG_WORDS, rung
from escalation.shift import transfer
from escalation.shift.floor import Floor
from escalation.shift.passing import Passing
from escalation.shift.transfer import Request
from records.staff import Counsellor
from records.transfers import ASSIGNMENT, Summary

_LONGEST_NOTE = 500


@dataclass(frozen=True)
class Dispatching:
    """The lead asks, the colleague answers as for a transfer; until somebody has the case it rings on."""

    handling: Handling
    floor: Floor
    passing: Passing

    def assign(
        self, connection: sa.Connection, case_id: str, who: Counsellor, to_id: str, note: str, now: datetime
    ) -> None:  # fmt: skip
        """Ask a colleague on duty to take a case that waits; who was asked before is asked no more."""
        case = self.handling.case(connection, case_id)
        check_not_practice(case.practised_by)
        if not self.passing.waits(connection, case):
            raise NotAllowed("这个个案已经有人在服务，不用指派")
        if len(note.strip()) > _LONGEST_NOTE:
            raise NotAllowed(f"给同事的话最多{_LONGEST_NOTE}字")
        colleague = next((one for one in self.floor.people(connection, now) if one.id == to_id), None)
        transfer.check_colleague(colleague, who.id, case.level)
        transfers = self.passing.transfers
        before = transfers.open_of(connection, case.id)
        if before is not None:
            transfers.end(connection, before.id, Request.WITHDRAWN, now)
        transfers.add(
            connection, case.id, who.id, to_id, Summary(note.strip(), "", ""), now=now,
            answer_by=self.floor.rules.answer_times.answer_by(case.level, now), kind=ASSIGNMENT,
        )  # fmt: skip
        self.handling.done(connection, case, who, "assigned", now, to=to_id)

    def escalate(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """The next rung hears at once; the ones after it keep their time."""
        case = self.handling.case(connection, case_id)
        alarm = self.handling.alarm
        alert = alarm.alerts.ringing(connection, case.id)
        if alert is None:
            raise NotAllowed("个案现在没有在响铃，没有可以升级的呼叫")
        if alert.next_at is None:
            raise NotAllowed(f"已经呼叫到最后一级：{RUNG_WORDS[rung(alert.step)]}")
        alarm.climb(connection, alert, case, now)
        self.handling.done(connection, case, who, "escalated", now, step=alert.step + 1, rung=rung(alert.step + 1))
