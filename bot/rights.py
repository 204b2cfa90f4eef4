"""What a person says about their own records, in whole messages: a copy, a correction, deletion, consent taken back.

It is kept whoever speaks in the conversation, and answered in the transaction that stores the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog

from bot.messages import Inbound
from bot.replies import Intents
from escalation.law.minors import Ages
from escalation.law.minors_desk import MinorsDesk
from escalation.law.rights_desk import RightsDesk
from records.conversations import Conversation
from records.outbox_rows import Lane, OutboxRows, Pending

log = structlog.get_logger()
_WISHES = {"own_copy": "copy", "own_correction": "correction", "own_deletion": "deletion"}
WITHDRAWAL = "withdraw_consent"
OWN_RECORDS = frozenset({*_WISHES, WITHDRAWAL})


@dataclass(frozen=True)
class OwnRecords:
    """Hears such words and hands them to the desk."""

    desk: RightsDesk
    minors: MinorsDesk
    ages: Ages
    intents: Intents
    outbox: OutboxRows

    def wish(self, inbound: Inbound) -> str:
        """What they want of their records; empty = nothing. Only typed words count: voices are heard by machines."""
        intent = self.intents.of(inbound.text)
        return intent if inbound.kind == "text" and intent in OWN_RECORDS else ""

    def heed(
        self, connection: sa.Connection, conversation: Conversation, inbound: Inbound, message_id: str, now: datetime,
        *, speaks: bool,
    ) -> None:  # fmt: skip
        """Keep the wish, and who is a minor. Whatever goes wrong, the message is stored and answered honestly."""
        wish, is_answered = self.wish(inbound), speaks and inbound.is_answered
        try:
            if wish or self.ages.is_minor(inbound.text):
                with connection.begin_nested():
                    self._hear(connection, conversation, wish, now, speaks=is_answered)
                    self._overhear(connection, conversation, inbound.text, message_id, now)
        except Exception as error:  # one of the broad excepts: no message is lost for what is asked about records
            log.error("own_records.failed", message=message_id, error=type(error).__name__)
            if wish and is_answered:
                where = (conversation.id, conversation.channel, Lane.REPLY, "bot", conversation.epoch)
                self.outbox.add(connection, Pending(*where, "answer.unavailable"), now)

    def _hear(
        self, connection: sa.Connection, conversation: Conversation, intent: str, now: datetime, *, speaks: bool
    ) -> None:
        """Keep the wish; say what happens next where the bot speaks."""
        if intent == WITHDRAWAL:
            self.desk.withdraw(connection, conversation, now, speaks=speaks)
        elif intent in _WISHES:
            self.desk.ask(connection, conversation, _WISHES[intent], now, speaks=speaks)

    def _overhear(
        self, connection: sa.Connection, conversation: Conversation, text: str, message_id: str, now: datetime
    ) -> None:
        """Who says an age under eighteen is a minor from now on."""
        if self.ages.is_minor(text):
            self.minors.heard(connection, conversation, message_id, now)
