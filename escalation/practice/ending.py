"""A synthetic caller has hung up: whatever is open of its case ends, without record, follow-up or alarm."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from escalation.cases import ENDED, State
from escalation.handling import Handling
from escalation.practice.plans import OVER
from records.rescues import Rescues
from triage.risk import Level


def end_case(
    connection: sa.Connection, handling: Handling, rescues: Rescues, case_id: str, by_id: str | None, now: datetime
) -> None:  # fmt: skip
    """Close a case of a drill wherever it stands; a real one is never touched."""
    case = handling.case(connection, case_id)
    if not case.is_drill or case.state in ENDED:
        return
    rescue = rescues.open_of(connection, case.id)
    if rescue is not None:
        rescues.change(connection, rescue.id, ended_at=now, ended_by=by_id)
    conversation = handling.conversation(connection, case)
    handling.save(connection, case, state=State.CLOSED.value, closed_at=now, disposition=OVER)
    handling.alarm.answer(connection, case, by_id, now)
    fresh = handling.own(connection, conversation, None, now)
    handling.remember_level(connection, fresh, Level.NONE, now)
    handling.alarm.tell(connection, case, "drill_over", now)
    handling.staff.audit(connection, "drill_over", now, actor_id=by_id, object_id=case.id)
