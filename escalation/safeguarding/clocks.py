"""Starts and stops the clocks of a matter when its state changes. Inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.calls import Calls
from escalation.safeguarding import states
from escalation.safeguarding.terms import Terms
from records.matters import Matters


@dataclass(frozen=True)
class Clocks:
    """The rows are the clocks: a restart forgets none."""

    matters: Matters
    terms: Terms
    calls: Calls

    def set(self, connection: sa.Connection, matter_id: str, by_id: str, now: datetime) -> None:
        """Start what its state demands, stop what it no longer does; one that runs on keeps its time."""
        matter = self.matters.get(connection, matter_id)
        if matter is None:
            raise LookupError(f"matter {matter_id} vanished inside its own transaction")
        wanted = states.clocks(matter.kind, matter.state, owes_notice=matter.owes_notice)
        running = self.matters.clocks(connection, matter_id)
        for task in running:
            if task.kind not in wanted:
                self.matters.stop_clock(connection, task, by_id, now)
                self.calls.withdraw(connection, task.id)
        for kind in sorted(wanted - {task.kind for task in running}):
            self.matters.start_clock(connection, matter_id, kind, now, now + self.terms.clocks[kind].within)
