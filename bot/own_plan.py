"""The person's own safety plan, given back by one word: at every level, whoever serves, beside whatever else is said.

It is their own text and keeps them safe, so neither a block nor the fence holds it back; only within a minute it is
not said twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.record.plan import Part, compose
from records.conversations import Conversation
from records.links import Links
from records.outbox_rows import Lane, OutboxRows, Pending
from records.pace import Pace
from records.safety_plans import SafetyPlans

INTENT = "own_plan"
_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True)
class OwnPlan:
    """Gives the plan back, inside the transaction that stores the message."""

    plans: SafetyPlans
    links: Links
    outbox: OutboxRows
    pace: Pace
    parts: tuple[Part, ...]

    def give(self, connection: sa.Connection, conversation: Conversation, now: datetime) -> None:
        """The newest plan of this person, on whatever channel it was written, or how to get one."""
        plan = self.plans.newest(connection, self._kin(connection, conversation.contact_id))
        key = "own_plan.again" if plan else "own_plan.none"
        if self.pace.was_told(connection, conversation.id, key, now - _PAUSE):
            return
        params = {"plan": compose(self.parts, plan.parts)} if plan else {}
        item = Pending(
            conversation.id, conversation.channel, Lane.REPLY, "system", conversation.epoch, key, params=params
        )
        self.outbox.add(connection, item, now)

    def _kin(self, connection: sa.Connection, contact_id: str) -> list[str]:
        person_id = self.links.person_of(connection, contact_id)
        linked = self.links.threads(connection, person_id) if person_id else []
        return list(dict.fromkeys((contact_id, *(thread.contact_id for thread in linked))))
