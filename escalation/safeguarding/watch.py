"""What falls due in safeguarding, looked for every second: the screens hear of it, and the supervisor is called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.safeguarding.clocks import Clocks
from records import events

EVENT = "safeguarding_overdue"


@dataclass(frozen=True)
class SafeguardingWatch:
    """The sweep over rows."""

    clocks: Clocks

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Call for everything whose time is up, again and again until it is done; returns how much was due."""
        matters, terms = self.clocks.matters, self.clocks.terms
        due = matters.due(connection, now)
        for task in due:
            matters.call_again(connection, task, now + terms.clocks[task.kind].again)
            matter = matters.get(connection, task.matter_id)
            if matter is None:
                raise LookupError(f"task {task.id} has lost its matter")
            events.append(
                connection, matters.district, "desk", EVENT, now, case_id=matter.case_id, matter=matter.id,
                task=task.kind, step=task.step + 1,
            )  # fmt: skip
            if not matter.is_drill:
                self.clocks.calls.remind(connection, task.id, task.step + 1, now)
        return len(due)
