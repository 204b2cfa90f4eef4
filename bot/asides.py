"""What somebody asks for beside the conversation: the own safety plan, a complaint. At every level, whoever serves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.complaining import Complaining
from bot.dialogue import COMPLAINT
from bot.own_plan import INTENT, OwnPlan
from records.cases import Case
from records.conversations import Conversation


@dataclass(frozen=True)
class Asides:
    """Serves them inside the transaction that stores the message; nothing else waits for it or is left out for it."""

    own_plan: OwnPlan
    complaining: Complaining

    def serve(
        self, connection: sa.Connection, conversation: Conversation, intent: str, case: Case | None,
        message_id: str, now: datetime,
    ) -> None:  # fmt: skip
        """Do what the words ask for, if they are such words."""
        if intent == INTENT:
            self.own_plan.give(connection, conversation, now)
        if intent == COMPLAINT and case is not None:
            self.complaining.take(connection, conversation, case, message_id, now)
