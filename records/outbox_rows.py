"""What waits to be said: rows that bot/outbox.py delivers. Lanes: crisis before replies before the rest."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.columns import among, fixed
from records.conversations import new_id
from records.crypto import Vault

_ACTIVE = ("pending", "sending")
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
    contact_id: str = ""
    progress: int = 0  # parts of a long text that are out already


@dataclass(frozen=True)
class DeadLetter:
    """What did not reach the person, and why: refused, blocked, left, closed, used_up or tries."""

    item: Pending
    reason: str
    made_at: datetime
    at: datetime  # when it was given up
    case_id: str | None  # the conversation's newest case
    case_no: str | None


class OutboxRows:
    """Reads and writes of the outbox table of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, item: Pending, now: datetime) -> str:
        """Queue one thing to say; returns the row's id. People wait for nothing that the bot holds back."""
        if item.origin != "bot":
            self.release(connection, item.conversation_id, now)
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

    def reword(
        self, connection: sa.Connection, row_id: str, text: str, extra: Mapping[str, Any], *, held_until: datetime,
        now: datetime,
    ) -> bool:  # fmt: skip
        """Other words for a row that is still held back until then, and let it go; False when it is held no more."""
        changed = connection.execute(
            t.outbox.update()
            .where(self._is_held(now), t.outbox.c.id == row_id, t.outbox.c.due_at == held_until)
            .values(
                body_sealed=self.vault.seal(text, "outbox.body", row_id),
                extra=json.dumps(dict(extra), ensure_ascii=False), due_at=now,
            )
        )  # fmt: skip
        return changed.rowcount == 1

    def release(self, connection: sa.Connection, conversation_id: str, now: datetime) -> None:
        """What is held back in a conversation goes out now, as it is."""
        held = sa.and_(self._is_held(now), t.outbox.c.conversation_id == conversation_id)
        connection.execute(t.outbox.update().where(held).values(due_at=now))

    def _is_held(self, now: datetime) -> sa.ColumnElement[bool]:
        """The bot's own finished text, not due yet and never tried."""
        row = t.outbox.c
        return sa.and_(
            row.district_id == self.district, row.state.in_(among(_ACTIVE)), row.state == "pending",
            row.key == PLAIN, row.origin == "bot",
            row.attempts == 0, row.due_at > now,
        )  # fmt: skip

    def exists(self, connection: sa.Connection, row_id: str) -> bool:
        """Whether a row with this id was already queued."""
        query = sa.select(t.outbox.c.id).where(t.outbox.c.district_id == self.district, t.outbox.c.id == row_id)
        return connection.execute(query).first() is not None

    def due(
        self, connection: sa.Connection, now: datetime, *, channel: str | None = None, besides: Collection[str] = (),
        lanes: Sequence[int] = tuple(Lane), limit: int = 100,
    ) -> list[Pending]:  # fmt: skip
        """The head of each conversation's queue that may be sent now, crisis first; locked for this transaction.

        Of one channel, or of all besides these.
        """
        row, other = t.outbox, t.outbox.alias("earlier")
        earlier = sa.exists().where(
            other.c.district_id == row.c.district_id,
            other.c.conversation_id == row.c.conversation_id,
            other.c.state.in_(among(_ACTIVE)),
            sa.tuple_(other.c.lane, other.c.seq) < sa.tuple_(row.c.lane, row.c.seq),
        )
        where = [row.c.due_at <= now, sa.or_(row.c.state == "pending", row.c.lease_until < now), ~earlier]
        where.append(row.c.channel == channel if channel is not None else row.c.channel.not_in(besides))
        if len(lanes) < len(Lane):
            where.append(row.c.lane.in_(lanes))
        query = self._active(*where).order_by(row.c.lane, row.c.due_at).limit(limit)
        return [self._pending(found) for found in connection.execute(query.with_for_update(of=row, skip_locked=True))]

    def behind(self, connection: sa.Connection, head: Pending, now: datetime, limit: int = 10) -> list[Pending]:
        """What waits behind the head of a conversation's queue, in order; locked for this transaction."""
        row = t.outbox
        query = self._active(
            row.c.conversation_id == head.conversation_id, row.c.id != head.id, row.c.state == "pending",
            row.c.due_at <= now,
        ).order_by(row.c.lane, row.c.seq).limit(limit)  # fmt: skip
        return [self._pending(found) for found in connection.execute(query.with_for_update(of=row, skip_locked=True))]

    def _active(self, *where: sa.ColumnElement[bool]) -> sa.Select[Any]:  # Any: the row's columns
        return self._owned().where(t.outbox.c.state.in_(among(_ACTIVE)), *where)

    def _owned(self) -> sa.Select[Any]:  # Any: the row's columns
        """Rows of this district with who owns their conversation."""
        row, owner = t.outbox, t.conversation
        return (
            sa.select(
                row, owner.c.epoch.label("owner_epoch"), owner.c.owner_id.label("owner"), owner.c.contact_id
            )
            .join(owner, sa.and_(owner.c.district_id == row.c.district_id, owner.c.id == row.c.conversation_id))
            .where(row.c.district_id == self.district)
        )  # fmt: skip

    def dead(self, connection: sa.Connection, limit: int = 200) -> list[DeadLetter]:
        """What could not be delivered and nobody has dealt with yet: crisis first, then the newest."""
        query = self._dead().order_by(t.outbox.c.lane, t.outbox.c.finished_at.desc()).limit(limit)
        return [self._dead_letter(row) for row in connection.execute(query)]

    def get_dead(self, connection: sa.Connection, row_id: str) -> DeadLetter | None:
        """One undelivered row, locked."""
        query = self._dead().where(t.outbox.c.id == row_id).with_for_update(of=t.outbox)
        row = connection.execute(query).first()
        return self._dead_letter(row) if row else None

    def count_dead(self, connection: sa.Connection) -> int:
        """How many wait for a person to deal with them."""
        query = sa.select(sa.func.count()).select_from(t.outbox)
        return connection.execute(
            query.where(t.outbox.c.district_id == self.district, t.outbox.c.state == fixed("dead"))
        ).scalar_one()

    def dead_in(self, connection: sa.Connection, *conversation_ids: str) -> set[str]:
        """Which conversations have undelivered words; of all of them when none is named."""
        query = sa.select(t.outbox.c.conversation_id).where(
            t.outbox.c.district_id == self.district, t.outbox.c.state == fixed("dead")
        )
        if conversation_ids:
            query = query.where(t.outbox.c.conversation_id.in_(conversation_ids))
        return set(connection.execute(query.distinct()).scalars())

    def _dead(self) -> sa.Select[Any]:  # Any: the row's columns
        newest, case = t.case_record.alias("newest"), t.case_record
        its_case = (
            sa.select(newest.c.id)
            .where(
                newest.c.district_id == self.district, newest.c.conversation_id == t.outbox.c.conversation_id
            )
            .order_by(newest.c.opened_at.desc())
            .limit(1)
            .scalar_subquery()
        )  # fmt: skip
        same = sa.and_(case.c.district_id == self.district, case.c.id == its_case)
        found = self._owned().add_columns(case.c.id.label("case_id"), case.c.case_no).outerjoin(case, same)
        return found.where(t.outbox.c.state == fixed("dead"))

    def _dead_letter(self, row: Any) -> DeadLetter:  # Any: SQLAlchemy rows are untyped
        ended_at = row.finished_at or row.made_at
        return DeadLetter(self._pending(row), row.reason, row.made_at, ended_at, row.case_id, row.case_no)

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
                t.outbox.c.state.in_(among(_ACTIVE)),
            )
        )
        return connection.execute(query).scalar_one()

    def _pending(self, row: Any) -> Pending:  # Any: SQLAlchemy rows are untyped
        return replace(
            self._letter(row), owner_epoch=row.owner_epoch, owner_id=row.owner, contact_id=row.contact_id
        )  # fmt: skip

    def _letter(self, row: Any) -> Pending:  # Any: SQLAlchemy rows are untyped
        body = self.vault.open(row.body_sealed, "outbox.body", row.id)
        plain = row.key == PLAIN
        return Pending(
            conversation_id=row.conversation_id, channel=row.channel, lane=Lane(row.lane), origin=row.origin,
            origin_id=row.origin_id, epoch=row.epoch, key=row.key, text=body if plain else "",
            params={} if plain else json.loads(body), extra=json.loads(row.extra), id=row.id,
            attempts=row.attempts, progress=row.progress,
        )  # fmt: skip
