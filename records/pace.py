"""How fast somebody writes, and what they were told of late; of one district, inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from records import tables as t


class Pace:
    """Looks back over the last messages of a conversation."""

    def __init__(self, district: str):
        self.district = district

    def wrote(self, connection: sa.Connection, conversation_id: str, messages: int, since: datetime) -> bool:
        """Whether the person wrote so many messages after a moment; looks at no more than those."""
        query = (
            sa.select(t.message.c.received_at)
            .where(
                t.message.c.district_id == self.district,
                t.message.c.conversation_id == conversation_id,
                t.message.c.author == "visitor",
            )
            .order_by(t.message.c.seq.desc())
            .offset(messages - 1)
            .limit(1)
        )
        at = connection.execute(query).scalar()
        return at is not None and at > since

    def was_told(self, connection: sa.Connection, conversation_id: str, key: str, since: datetime) -> bool:
        """Whether we said a fixed text after a moment."""
        query = sa.select(t.outbox.c.id).where(
            t.outbox.c.district_id == self.district,
            t.outbox.c.conversation_id == conversation_id,
            t.outbox.c.key == key,
            t.outbox.c.made_at > since,
        )
        return connection.execute(query.limit(1)).first() is not None
