"""Handing one shift to the next: what is open now, and two signatures. Each method runs inside one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import STATE_WORDS, NotAllowed, State
from escalation.handling import Handling
from escalation.reach import REASON_WORDS
from escalation.shift import handover
from escalation.shift.coming import Coming, clock
from escalation.shift.handover import Line, OpenCase, Snapshot
from records import events
from records.alerts import Alert
from records.cases import Case
from records.handovers import Handovers
from records.staff import Counsellor
from records.stints import Live
from triage.risk import Level

_MOST = 5000  # cases in a hand-over: all of them


@dataclass(frozen=True)
class Signing:
    """Both leads sign, each with an own session."""

    handling: Handling
    handovers: Handovers
    coming: Coming

    def now_open(self, connection: sa.Connection, now: datetime, remarks: str = "", reason: str = "") -> Snapshot:
        """What would be handed over at this moment."""
        names = {who.id: who.display_name for who in self.handling.staff.all(connection)}
        alarm = self.handling.alarm
        ringing = alarm.alerts.all_ringing(connection)
        served = {live.stint.case_id: live for live in self.handling.stints.live(connection)}
        found = [
            case
            for case in alarm.cases.queue(connection, limit=_MOST)
            if case.level >= Level.MEDIUM and not case.is_drill
        ]
        cases = [self._case(case, names, ringing.get(case.id), served.get(case.id)) for case in found]
        return Snapshot(
            sorted(cases, key=lambda case: -case.level), self.coming.due(connection, names, now),
            self._promises(connection, names), self._undelivered(connection, names), remarks.strip(), reason.strip(),
        )  # fmt: skip

    def sign_out(self, connection: sa.Connection, who: Counsellor, remarks: str, reason: str, now: datetime) -> str:
        """The outgoing lead signs; from here on the snapshot never changes. Returns its id."""
        if any(out_id == who.id for _, out_id, _ in self.handovers.unsigned(connection)):
            raise NotAllowed("您已经交班签字了，正在等接班的值班长签字")
        snapshot = self.now_open(connection, now, remarks, reason)
        handover.check_out(snapshot)
        text = handover.frozen(snapshot)
        made = self.handovers.add(connection, who.id, text, handover.out_digest(text, who.id, now), now)
        self._done(connection, who, "handover_out", made, now)
        return made

    def sign_in(self, connection: sa.Connection, handover_id: str, who: Counsellor, now: datetime) -> None:
        """The incoming lead signs what was read."""
        found = self.handovers.get(connection, handover_id)
        if found is None:
            raise NotAllowed("没有这份交接")
        handover.check_in(found, who.id)
        if not self.handovers.sign_in(connection, found.id, who.id, handover.in_digest(found, who.id, now), now):
            raise NotAllowed("这份交接已经有两个人签字了")
        self._done(connection, who, "handover_in", found.id, now)

    def _case(self, case: Case, names: Mapping[str, str], alert: Alert | None, live: Live | None) -> OpenCase:
        owner = names.get(case.owner_id or "", "") if case.state != State.NEW else ""
        return OpenCase(
            case.id, case.case_no, int(case.level), f"{case.level.colour}·{case.level.label}",
            STATE_WORDS[State(case.state)], owner, self._due(case, alert, live),
        )  # fmt: skip

    def _due(self, case: Case, alert: Alert | None, live: Live | None) -> str:
        if case.state == State.NEW and alert is not None:
            return f"{clock(self.handling.alarm.clocks.claim_by(alert.level, alert.raised_at))} 前接手"
        if live is not None and live.unanswered_since is not None:
            return f"回复来访者（{clock(live.unanswered_since)} 起在等）"
        if case.state == State.CLOSING:
            return "督导签字结案"
        return "继续陪伴" if live is not None else "结案"

    def _promises(self, connection: sa.Connection, names: Mapping[str, str]) -> Sequence[Line]:
        numbers: dict[str, str] = {}
        promises = self.handling.asides.open_promises(connection)
        for case_id in {promise.case_id for promise in promises}:
            case = self.handling.alarm.cases.get(connection, case_id)
            numbers[case_id] = case.case_no if case else ""
        return [Line(numbers[p.case_id], names.get(p.by_id, ""), p.text, clock(p.at)) for p in promises]

    def _undelivered(self, connection: sa.Connection, names: Mapping[str, str]) -> Sequence[Line]:
        letters = self.handling.alarm.outbox.dead(connection)
        return [
            Line(
                one.case_no or "", names.get(one.item.origin_id or "", "系统"),
                REASON_WORDS.get(one.reason, one.reason), clock(one.at),
            )
            for one in letters
        ]  # fmt: skip

    def _done(self, connection: sa.Connection, who: Counsellor, what: str, handover_id: str, now: datetime) -> None:
        events.append(connection, self.handovers.district, "desk", what, now, handover=handover_id, by=who.id)
        self.handling.staff.audit(connection, what, now, actor_id=who.id, object_id=handover_id)
