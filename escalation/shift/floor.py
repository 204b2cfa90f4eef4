"""Who is here and how much each carries: presence, breaks, claims within the limits. One transaction a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.alarm import overdue_s
from escalation.cases import NotAllowed, State
from escalation.desk import Desk
from escalation.shift import handover, limits, presence, volunteers
from escalation.shift.exposure import Exposure, exposure, needs_rest, week_start
from escalation.shift.presence import Person
from escalation.shift.rules import ShiftRules
from records import events
from records.cases import Case
from records.handovers import Handovers
from records.presence import Presence, PresenceRows
from records.staff import Counsellor
from records.stints import Live, Stint
from triage.risk import Level

PRESENCE = "presence"  # the event after which every screen asks again who is here
_AUDIT = {"begin": "shift_begun", "end": "shift_ended", "away": "went_away", "back": "came_back"}
_STAFFED = frozenset({"counsellor", "volunteer", "duty_lead", "supervisor"})


@dataclass(frozen=True)
class Floor:
    """The people of the shift."""

    desk: Desk
    presence: PresenceRows
    handovers: Handovers
    rules: ShiftRules

    def people(self, connection: sa.Connection, now: datetime) -> list[Person]:
        """Everybody who may serve, as all see them: who is here first, by name."""
        there = self.presence.all(connection)
        carried: dict[str, list[Level]] = {}
        for live in self.desk.handling.stints.live(connection):
            if not live.is_drill:
                carried.setdefault(live.stint.counsellor_id, []).append(live.level)
        found = [
            self._person(who, there.get(who.id), carried, now)
            for who in self.desk.handling.staff.all(connection)
            if who.is_active and _STAFFED & set(who.roles)
        ]
        order = list(presence.State)
        return sorted(found, key=lambda person: (order.index(person.state), person.name))

    def touch(self, connection: sa.Connection, counsellor_id: str, now: datetime) -> None:
        """A console stream of theirs is open; the others hear when that makes a difference."""
        before = self.presence.get(connection, counsellor_id)
        self.presence.touch(connection, counsellor_id, now)
        was = presence.seen(before, now, self.rules.patience.gone)
        if was != presence.seen(self.presence.get(connection, counsellor_id), now, self.rules.patience.gone):
            self._tell(connection, now)

    def change(self, connection: sa.Connection, who: Counsellor, action: str, now: datetime, reason: str = "") -> None:
        """begin | away | back | end; a lead ends the shift when both have signed, or says why not."""
        before = self._of(connection, who, now)
        after = presence.changed(before, action, now)
        if action == "end":
            if mine := self._carried(connection, who.id):
                raise NotAllowed(f"您还有 {len(mine)} 个个案在服务，请先转交、放回队列或结案，再结束值班")
            last = self.handovers.last_of(connection, who.id, before.began_at or now)
            handover.check_end(who.roles, last, reason)
        self.presence.put(connection, after)
        why = {"reason": reason.strip()} if reason.strip() else {}
        self.desk.handling.staff.audit(connection, _AUDIT[action], now, actor_id=who.id, **why)
        self._tell(connection, now)

    def rest(self, connection: sa.Connection, who: Counsellor, stint_id: str, now: datetime, *, take: bool) -> None:
        """The break offered after orange and red: taken, or not now."""
        if not self.desk.handling.stints.set_rest(connection, stint_id, who.id, "taken" if take else "declined"):
            raise NotAllowed("已经答复过了")
        if take:
            until = now + self.rules.rest
            self.presence.put(connection, presence.changed(self._of(connection, who, now), "away", now, until))
            self.desk.handling.staff.audit(connection, "took_break", now, actor_id=who.id)
            self._tell(connection, now)

    def offered_rest(self, connection: sa.Connection, who_id: str, now: datetime) -> Stint | None:
        """The newest stint after which a break is still offered."""
        ended = self.desk.handling.stints.since(connection, now - self.rules.rest, who_id)
        return next((stint for stint in reversed(ended) if needs_rest(stint, now, self.rules.rest)), None)

    def week(
        self, connection: sa.Connection, now: datetime, counsellor_id: str | None = None
    ) -> Mapping[str, Exposure]:
        """Counsellor id -> what they carried since Monday; of all, or of one."""
        since = week_start(now)
        by_person: dict[str, list[Stint]] = {}
        for stint in self.desk.handling.stints.since(connection, since, counsellor_id):
            by_person.setdefault(stint.counsellor_id, []).append(stint)
        return {who_id: exposure(stints, since, now) for who_id, stints in by_person.items()}

    def claim(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> Case:
        """Take a case within the limits; whoever takes one is on duty."""
        case = self.desk.handling.case(connection, case_id)
        if not volunteers.may_take(who.roles, case.level):
            raise NotAllowed("志愿者只接绿色、蓝色个案，这一个请接线员接手")
        self.arrive(connection, who, now)
        if case.state in (State.NEW, State.WAITING_USER):
            mine = [live.level for live in self._carried(connection, who.id)]
            others = [person for person in self.people(connection, now) if person.id != who.id]
            alert = self.desk.handling.alarm.alerts.ringing(connection, case.id)
            is_late = alert is not None and overdue_s(alert, self.desk.handling.alarm.clocks, now) > 0
            limits.check_claim(limits.Claim(case.level, mine, others, is_late), self.rules.limits)
        return self.desk.claim(connection, case_id, who, now)

    def arrive(self, connection: sa.Connection, who: Counsellor, now: datetime) -> None:
        """Somebody who takes a case is here; locked, so that two claims of one person are counted one by one."""
        before = self._of(connection, who, now)
        after = presence.changed(before, "claim", now)
        self.presence.put(connection, after)
        if before.state != after.state:
            self.desk.handling.staff.audit(connection, "shift_begun", now, actor_id=who.id)
            self._tell(connection, now)

    def over_limit(self, connection: sa.Connection, who_id: str) -> str:
        """The visible warning of somebody who carries more than the limit."""
        return limits.over([live.level for live in self._carried(connection, who_id)], self.rules.limits)

    def _carried(self, connection: sa.Connection, who_id: str) -> list[Live]:
        """Real conversations: a drill never holds anybody back from a real call."""
        lives = self.desk.handling.stints.live(connection)
        return [live for live in lives if live.stint.counsellor_id == who_id and not live.is_drill]

    def _of(self, connection: sa.Connection, who: Counsellor, now: datetime) -> Presence:
        return self.presence.get(connection, who.id, lock=True) or presence.nobody_yet(who.id, now)

    def _person(
        self, who: Counsellor, there: Presence | None, carried: Mapping[str, list[Level]], now: datetime
    ) -> Person:
        state = presence.seen(there, now, self.rules.patience.gone)
        since = there.since if there else None
        return Person(who.id, who.display_name, who.roles, state, since, tuple(carried.get(who.id, ())))

    def _tell(self, connection: sa.Connection, now: datetime) -> None:
        events.append(connection, self.presence.district, "desk", PRESENCE, now)
