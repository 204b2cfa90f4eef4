"""A complaint in the chat: registered at every level, whoever serves, beside whatever else is said.

Nothing waits for it and nothing is left out for it: it is screened, it calls people, and safety words go first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.safeguarding.incoming import IncomingComplaints
from records.cases import Case
from records.conversations import Conversation
from records.outbox_rows import Lane, OutboxRows, Pending
from records.pace import Pace

_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True)
class Complaining:
    """Takes complaints, inside the transaction that stores the message."""

    incoming: IncomingComplaints
    outbox: OutboxRows
    pace: Pace

    def take(
        self, connection: sa.Connection, conversation: Conversation, case: Case, message_id: str, now: datetime
    ) -> None:  # fmt: skip
        """Keep it and say what happens next; by the system, for the counsellor may be whom it is about."""
        is_new = self.incoming.arrive(connection, case, message_id, now)
        key = "complaint.taken" if is_new else "complaint.again"
        if not is_new and self.pace.was_told(connection, conversation.id, key, now - _PAUSE):
            return
        within = self.incoming.clocks.terms.clocks["call_back"].within
        params = {"hours": str(int(within / timedelta(hours=1)))} if is_new else {}
        item = Pending(
            conversation.id, conversation.channel, Lane.REPLY, "system", conversation.epoch, key, params=params
        )
        self.outbox.add(connection, item, now)
