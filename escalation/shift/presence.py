"""On duty, away for a while, or not here: what may follow what, and what others see. No I/O; `now` is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from escalation.cases import NotAllowed
from records.presence import Presence
from triage.risk import Level


class State(StrEnum):
    """Where a counsellor is."""

    ON = "on"
    AWAY = "away"  # nobody asks why
    OFF = "off"


WORDS = {State.ON: "在岗", State.AWAY: "暂离", State.OFF: "不在"}
_NEXT = {
    (State.OFF, "begin"): State.ON,
    (State.ON, "away"): State.AWAY,
    (State.AWAY, "away"): State.AWAY,
    (State.AWAY, "back"): State.ON,
    (State.ON, "end"): State.OFF,
    (State.AWAY, "end"): State.OFF,
    (State.OFF, "claim"): State.ON,  # whoever takes a case is here, whatever was pressed before
    (State.AWAY, "claim"): State.ON,
    (State.ON, "claim"): State.ON,
}


@dataclass(frozen=True)
class Person:
    """A colleague as everybody sees them."""

    id: str
    name: str
    roles: tuple[str, ...]
    state: State
    since: datetime | None
    levels: tuple[Level, ...]  # of the conversations they serve, the most urgent first

    @property
    def load(self) -> str:
        """How much they carry, such as `2 个（红、橙）`."""
        return f"{len(self.levels)} 个（{'、'.join(level.colour for level in self.levels)}）" if self.levels else "0 个"


def changed(before: Presence, action: str, now: datetime, until: datetime | None = None) -> Presence:
    """The presence after an action; raise NotAllowed in words for the counsellor."""
    state = State(before.state)
    after = _NEXT.get((state, action))
    if after is None:
        raise NotAllowed(f"您现在是“{WORDS[state]}”" + ("，请先开始值班" if state is State.OFF else ""))
    if after is state and action == "claim":
        return replace(before, seen_at=now)
    began_at = None if after is State.OFF else before.began_at or now
    return Presence(before.counsellor_id, after.value, now, began_at, until, now)


def nobody_yet(counsellor_id: str, now: datetime) -> Presence:
    """Somebody who was never on duty."""
    return Presence(counsellor_id, State.OFF.value, now, None, None, None)


def seen(presence: Presence | None, now: datetime, gone: timedelta) -> State:
    """What others see: a console that was not heard of for so long counts as not here."""
    if presence is None or presence.seen_at is None or now - presence.seen_at > gone:
        return State.OFF
    return State(presence.state)


def summary(people: Sequence[Person]) -> str:
    """Who is here, in one line."""
    here = [person.name for person in people if person.state is State.ON]
    away = sum(person.state is State.AWAY for person in people)
    names = f"（{'、'.join(here)}）" if here else ""
    return f"在岗 {len(here)}{names}" + (f"· 暂离 {away}" if away else "")
