"""A complaint that came as a word in the chat: kept at once, for a supervisor whom it is not about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.safeguarding.clocks import Clocks
from escalation.safeguarding.states import COMPLAINT, STARTS
from records import events
from records.cases import Case
from records.staff import Staff
from records.stints import Stints


@dataclass(frozen=True)
class IncomingComplaints:
    """Runs inside the transaction that stores the message."""

    clocks: Clocks
    stints: Stints
    staff: Staff

    def arrive(self, connection: sa.Connection, case: Case, message_id: str, now: datetime) -> bool:
        """Keep it; False when one that came this way is still open. Whoever served here stays out of it.

        One that a counsellor entered is none: it may name somebody else.
        """
        matters = self.clocks.matters
        known = matters.of_case(connection, case.id)
        mine = [matter for matter in known if matter.kind == COMPLAINT and matter.made_by is None]
        if any(matter.state != "closed" for matter in mine):
            return False
        matter_id = matters.add(
            connection, kind=COMPLAINT, case_id=case.id, state=STARTS[COMPLAINT], owes_notice=False,
            form={"messages": [message_id]}, about=self.stints.served_by(connection, case.conversation_id),
            made_by=None, made_at=now, is_drill=case.is_drill,
        )  # fmt: skip
        self.clocks.set(connection, matter_id, "", now)
        events.append(
            connection, matters.district, "desk", "safeguarding_complaint_make", now,
            conversation_id=case.conversation_id, case_id=case.id, matter=matter_id,
        )  # fmt: skip
        self.staff.audit(connection, "safeguarding_complaint_make", now, object_id=case.id, matter=matter_id)
        return True
