"""A visitor who closed the page hears that words have come, if the person asked for that: a knock without content.

Whether the page shows a message is known from the page itself: it asks for what comes after the newest message that it
shows, while somebody can see it. A stream that is still open proves less: a phone that went dark keeps one for minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from records.addresses import PUSH, VISITOR, Addresses
from records.notices import REPLY, NewNotice, Notices

_PATIENCE = timedelta(seconds=30)  # the page asks every 20 seconds


@dataclass(frozen=True)
class Reminding:
    """Inside the caller's transaction. Without web push (`is_on`) there is nothing to do."""

    addresses: Addresses
    notices: Notices
    is_on: bool

    def turn_on(self, connection: sa.Connection, conversation_id: str, endpoint: str, now: datetime) -> None:
        """This browser, and no other, is knocked at for this conversation."""
        kept = self.addresses.add(connection, VISITOR, conversation_id, PUSH, endpoint, now)
        others = [address.id for address in self.addresses.of(connection, conversation_id) if address.id != kept]
        self.addresses.remove(connection, others)

    def turn_off(self, connection: sa.Connection, conversation_id: str) -> None:
        """Forget the browser, and whatever was about to knock at it."""
        self.addresses.remove(connection, [address.id for address in self.addresses.of(connection, conversation_id)])

    def expect(self, connection: sa.Connection, conversation_id: str, seq: int, now: datetime) -> None:
        """Words have come: unless the page shows them soon, knock, once until it is opened again."""
        if not self.is_on:
            return
        for address in self.addresses.of(connection, conversation_id):
            if not self.notices.covers(connection, conversation_id, seq):
                notice = NewNotice(
                    REPLY, "reply.message", PUSH, address.id, now + _PATIENCE, conversation_id=conversation_id,
                    message_seq=seq,
                )  # fmt: skip
                self.notices.add(connection, [notice], now)

    def is_expected(self, connection: sa.Connection, conversation_id: str) -> bool:
        """Whether `shown` would change anything."""
        return self.is_on and self.notices.waits_for(connection, conversation_id)

    def shown(self, connection: sa.Connection, conversation_id: str, up_to: int, now: datetime) -> None:
        """The page is open and shows the messages up to this number."""
        self.notices.shown(connection, conversation_id, up_to, now)
