"""What waits to be said: rows that bot/outbox.py delivers. Lanes: crisis before replies before the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault

PLAIN = "plain"  # the key of a row whose body is the text itself


class Lane(IntEnum):
    """Who goes first."""

    CRISIS = 0
    REPLY = 1
    FOLLOW_UP = 2
    CAMPAIGN = 3


@dataclass(frozen=True)
class Pending:
    """One thing to say. `key` names a fixed text, rendered with `params` at the moment of sending."""

    conversation_id: str
    channel: str
    lane: Lane
    origin: str  # bot | counsellor | system
    epoch: int
    key: str
    text: str = ""  # for key "plain"
    params: Mapping[str, Any] = field(default_factory=dict)  # JSON
    extra: Mapping[str, Any] = field(default_factory=dict)  # JSON without personal text
    origin_id: str | None = None
    id: str = ""
    attempts: int = 0
    owner_epoch: int = 0  # the conversation's ownership number now
    owner_id: str | None = None


class OutboxRows:
    """Reads and writes of the outbox table of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, item: Pending, now: datetime) -> str:
        """Queue one thing to say; returns the row's id."""
        row_id = item.id or new_id()
        body = item.text if item.key == PLAIN else json.dumps(dict(item.params), ensure_ascii=False)
        number = (
            sa.select(sa.func.coalesce(sa.func.max(t.outbox.c.seq), 0) + 1)
            .where(t.outbox.c.district_id == self.district, t.outbox.c.conversation_id == item.conversation_id)
            .scalar_subquery()
        )
        connection.execute(
            t.outbox.insert().values(
                district_id=self.district, id=row_id, seq=number, conversation_id=item.conversation_id,
                channel=item.channel, lane=int(item.lane), origin=item.origin, origin_id=item.origin_id,
                epoch=item.epoch, key=item.key, body_sealed=self.vault.seal(body, "outbox.body", row_id),
                extra=json.dumps(dict(item.extra), ensure_ascii=False), state="pending", attempts=0,
                due_at=now, made_at=now,
            )
        )  # fmt: skip
        return row_id

    def exists(self, connection: sa.Connection, row_id: str) -> bool:
        """Whether a row with this id was already queued."""
        query = sa.select(t.outbox.c.id).where(t.outbox.c.district_id == self.district, t.outbox.c.id == row_id)
        return connection.execute(query).first() is not None

    def due(self, connection: sa.Connection, now: datetime, limit: int = 100) -> list[Pending]:
        """The head of each conversation's queue that may be sent now, crisis first; locked for this transaction."""
        row, other, owner = t.outbox, t.outbox.alias("earlier"), t.conversation
        active = ("pending", "sending")
        earlier = sa.exists().where(
            other.c.district_id == row.c.district_id,
            other.c.conversation_id == row.c.conversation_id,
            other.c.state.in_(active),
            sa.tuple_(other.c.lane, other.c.seq) < sa.tuple_(row.c.lane, row.c.seq),
        )
        free = sa.or_(row.c.state == "pending", row.c.lease_until < now)
        query = (
            sa.select(row, owner.c.epoch.label("owner_epoch"), owner.c.owner_id.label("owner"))
            .join(
                owner,
                sa.and_(owner.c.district_id == row.c.district_id, owner.c.id == row.c.conversation_id),
            )
            .where(
                row.c.district_id == self.district,
                row.c.state.in_(active),
                row.c.due_at <= now,
                free,
                ~earlier,
            )
            .order_by(row.c.lane, row.c.due_at)
            .limit(limit)
            .with_for_update(of=row, skip_locked=True)
        )
        return [self._pending(found) for found in connection.execute(query)]

    def set_state(self, connection: sa.Connection, ids: Sequence[str], state: str, **values: Any) -> None:  # columns
        """Move rows to a state."""
        if ids:
            connection.execute(
                t.outbox.update()
                .where(t.outbox.c.district_id == self.district, t.outbox.c.id.in_(ids))
                .values(state=state, **values)
            )

    def waiting(self, connection: sa.Connection, conversation_id: str) -> int:
        """How many things are still on their way to the person."""
        query = (
            sa.select(sa.func.count())
            .select_from(t.outbox)
            .where(
                t.outbox.c.district_id == self.district,
                t.outbox.c.conversation_id == conversation_id,
                t.outbox.c.state.in_(("pending", "sending")),
            )
        )
        return connection.execute(query).scalar_one()

    def _pending(self, row: Any) -> Pending:  # Any: SQLAlchemy rows are untyped
        body = self.vault.open(row.body_sealed, "outbox.body", row.id)
        plain = row.key == PLAIN
        return Pending(
            conversation_id=row.conversation_id, channel=row.channel, lane=Lane(row.lane), origin=row.origin,
            origin_id=row.origin_id, epoch=row.epoch, key=row.key, text=body if plain else "",
            params={} if plain else json.loads(body), extra=json.loads(row.extra), id=row.id,
            attempts=row.attempts, owner_epoch=row.owner_epoch, owner_id=row.owner,
        )  # fmt: skip
