"""Who is on duty at one moment, as far as the ladder asks: the roster, who went away, who is here all the same.

The roster narrows whom a rung calls, never to nobody: that rule is in escalation/calling.py. No I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalation.shift.presence import State, seen
from records.presence import Presence
from records.roster import Planned

ONCALL = "oncall"


@dataclass(frozen=True)
class Standing:
    """What the roster names now, who of them took a break, and whose console says that they are on duty."""

    plan: tuple[Planned, ...] = ()
    away: frozenset[str] = frozenset()
    here: frozenset[str] = frozenset()

    def is_named(self, counsellor_id: str | None, duties: Collection[str]) -> bool:
        """Whether the roster names them for one of these duties now; a break ends that, but for who is on call."""
        return any(
            one.counsellor_id == counsellor_id
            and one.role in duties
            and (one.role == ONCALL or one.counsellor_id not in self.away)
            for one in self.plan
        )


def standing(plan: Iterable[Planned], there: Mapping[str, Presence], gone: timedelta, now: datetime) -> Standing:
    """The moment's standing from the planned shifts around it and everybody's presence."""
    running = tuple(one for one in plan if one.begins_at <= now < one.ends_at)
    away = {one.counsellor_id for one in running if _took_a_break(there.get(one.counsellor_id), one, now)}
    here = {who for who, presence in there.items() if seen(presence, now, gone) is State.ON}
    return Standing(running, frozenset(away), frozenset(here))


def _took_a_break(presence: Presence | None, shift: Planned, now: datetime) -> bool:
    """Away in this shift; a break whose time is over, or one forgotten in an earlier shift, holds back no call."""
    if presence is None or presence.state != State.AWAY or presence.since < shift.begins_at:
        return False
    return presence.until is None or now < presence.until
