"""Every desk of the shift, made from the same rows."""

from __future__ import annotations

from dataclasses import dataclass

from escalation.care.rescue import RescueRules
from escalation.desk import Desk
from escalation.shift.coming import Coming
from escalation.shift.dispatching import Dispatching
from escalation.shift.floor import Floor
from escalation.shift.guiding import Guiding
from escalation.shift.helping import Helping
from escalation.shift.passing import Passing
from escalation.shift.planning import Planning
from escalation.shift.rules import ShiftRules
from escalation.shift.signing import Signing
from escalation.shift.watch import Watch
from records.rises import Rises
from records.store import Store


@dataclass(frozen=True)
class Shift:
    """One field a desk."""

    floor: Floor
    passing: Passing
    watch: Watch
    guiding: Guiding
    signing: Signing
    planning: Planning
    dispatching: Dispatching
    helping: Helping
    rises: Rises


def open_shift(store: Store, desk: Desk, rules: ShiftRules, rescue: RescueRules) -> Shift:
    """The shift over the rows that the desk works on."""
    handling = desk.handling
    floor = Floor(desk, store.presence, store.handovers, rules)
    coming = Coming(
        desk.planning, store.rescues, store.transfers, store.referral_tasks, store.matters, rescue, rules.ahead
    )
    passing = Passing(handling, floor, store.transfers)
    helping = Helping(handling, store.help_calls)
    return Shift(
        floor=floor,
        passing=passing,
        watch=Watch(handling, floor),
        guiding=Guiding(handling, floor, helping),
        signing=Signing(handling, store.handovers, coming),
        planning=Planning(store.roster, store.staff, rules),
        dispatching=Dispatching(handling, floor, passing),
        helping=helping,
        rises=store.rises,
    )
