"""Writes the calls of a rung in the same transaction as the step, and takes them back when somebody comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.calling import Rung, outside_of, summoned, waited, ways_of
from escalation.routing import rung
from escalation.shift.on_duty import OnDuty
from records.addresses import Addresses, Way
from records.alerts import Alert
from records.cases import Case
from records.drills import Drills
from records.notices import CALL, NewNotice, Notices
from triage.risk import Level

DRILL = "call.drill"


@dataclass(frozen=True)
class Calls:
    """The calling shell. `own`: addresses of the settings, name -> carrier; without `carriers` nobody is called."""

    notices: Notices
    addresses: Addresses
    rungs: Mapping[str, Rung]
    carriers: frozenset[str]
    own: Mapping[str, str]
    drills: Drills
    on_duty: OnDuty

    def call(self, connection: sa.Connection, case: Case, alert: Alert, now: datetime) -> None:
        """Call whoever the alert's rung calls; the same step calls nobody twice. A drill stays on the screens, unless
        its plan says otherwise; then every word that leaves says that it is one."""
        if not self.carriers or (case.is_drill and not self.drills.calls_people(connection, case.conversation_id)):
            return
        key = "call.unreached" if case.owner_id is not None else "call.climbed" if alert.step else "call.ringing"
        if case.is_drill:
            key = DRILL
        params = {"colour": alert.level.colour, "waited": waited(now - alert.raised_at)}
        notices = [
            NewNotice(
                CALL, key, way.carrier, way.address_id, now, params=params,
                occasion=f"{alert.id}/{int(alert.level)}/{step}", alert_id=alert.id, case_id=case.id, step=step,
                counsellor_id=way.counsellor_id,
            )
            for step, way in self._called(connection, alert, now)
        ]  # fmt: skip
        self.notices.add(connection, notices, now)

    def _called(self, connection: sa.Connection, alert: Alert, now: datetime) -> list[tuple[int, Way]]:
        """Whom to call, each at their step. The ladder's last step in danger also calls whomever the roster held back:
        nobody came, so it may be wrong. Who was called at their step already is not called again."""
        rule = self.rungs[rung(alert.step)]
        staff = [way for way in self.addresses.staff_ways(connection) if way.carrier in self.carriers]
        named = summoned(rule, alert.level, staff, self.on_duty.now(connection, now))
        called = [(alert.step, way) for way in outside_of(rule, alert.level, self.own) + named]
        if alert.next_at is None and alert.level >= Level.MEDIUM:
            for step in range(1, alert.step + 1):
                called += [(step, way) for way in ways_of(self.rungs[rung(step)], alert.level, staff)]
        return called

    def remind(
        self, connection: sa.Connection, task_id: str, step: int, now: datetime, *, key: str = "call.overdue"
    ) -> None:  # fmt: skip
        """Beside the ladder: supervisors hear that something is late, or that help is wanted, and nothing of what."""
        rule = self.rungs["supervisor"]
        staff = [way for way in self.addresses.staff_ways(connection) if way.carrier in self.carriers]
        called = outside_of(rule, rule.from_level, self.own) + ways_of(rule, rule.from_level, staff)
        notices = [
            NewNotice(
                CALL, key, way.carrier, way.address_id, now, occasion=f"{task_id}/{step}", alert_id=task_id,
                step=step, counsellor_id=way.counsellor_id,
            )
            for way in called
        ]  # fmt: skip
        self.notices.add(connection, notices, now)

    def withdraw(self, connection: sa.Connection, alert_id: str) -> None:
        """Somebody has come."""
        if self.carriers:
            self.notices.withdraw(connection, alert_id)
