"""Reads who is on duty now, for the ladder. Inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.shift.standing import Standing, standing
from records.presence import PresenceRows
from records.roster import Roster

_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True)
class OnDuty:
    """Roster and presence; `gone`: a console not heard of for so long counts as closed."""

    roster: Roster
    presence: PresenceRows
    gone: timedelta

    def now(self, connection: sa.Connection, now: datetime) -> Standing:
        """Who is on duty at this moment."""
        plan = self.roster.between(connection, now, now + _MOMENT)
        return standing(plan, self.presence.all(connection), self.gone, now) if plan else Standing()
