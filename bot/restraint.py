"""When the bot holds back: for somebody whom people blocked, and for floods.

Only answers are held back. Every message is stored and screened, calls people and gets safety words as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import sqlalchemy as sa

from records.conversations import Conversation
from records.pace import Pace

SLOW_DOWN = "talk.slow_down"
_MINUTE = timedelta(minutes=1)


class Hold(Enum):
    """What is held back."""

    NONE = "none"
    BLOCKED = "blocked"  # answers, by decision of people
    SLOW = "slow"  # answers; one line says that everything is kept
    SILENT = "silent"  # answers, and that line was said a moment ago


@dataclass(frozen=True)
class Restraint:
    """Looks at who writes and how fast."""

    pace: Pace
    most_a_minute: int

    def of(self, connection: sa.Connection, conversation: Conversation, now: datetime) -> Hold:
        """What to hold back from a message that is about to be stored."""
        too_fast = conversation.last_seq >= self.most_a_minute and self.pace.wrote(
            connection, conversation.id, self.most_a_minute, now - _MINUTE
        )
        if conversation.is_blocked:
            return Hold.SILENT if too_fast else Hold.BLOCKED
        if not too_fast:
            return Hold.NONE
        was_told = self.pace.was_told(connection, conversation.id, SLOW_DOWN, now - _MINUTE)
        return Hold.SILENT if was_told else Hold.SLOW
