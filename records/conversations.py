"""Contacts, conversations and their messages, in order."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.columns import fixed
from records.crypto import Vault
from triage.risk import Level, Screening


def new_id() -> str:
    """A random id; it says nothing about when or who."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Conversation:
    """A thread with one contact on one channel. `epoch` is the fence: it grows with every change of owner."""

    id: str
    channel: str
    contact_id: str
    epoch: int
    owner_id: str | None
    last_seq: int
    memory: Mapping[str, Any]  # the screening memory's own dictionary
    level: Level
    is_drill: bool
    opened_at: datetime
    last_message_at: datetime | None
    disclosed_at: datetime | None
    crisis_reply_at: datetime | None
    is_blocked: bool  # people of the hotline decided that the bot answers this contact no more
    unreachable: str  # why the platform lets us write no more


@dataclass(frozen=True)
class Message:
    """One message as stored; `body` is opened text."""

    id: str
    conversation_id: str
    seq: int
    author: str
    author_id: str | None
    kind: str
    body: str
    extra: Mapping[str, Any]  # JSON: source article, choices
    received_at: datetime


@dataclass(frozen=True)
class NewMessage:
    """A message about to be stored."""

    conversation_id: str
    author: str
    kind: str
    channel: str
    external_id: str
    body: str
    received_at: datetime
    author_id: str | None = None
    extra: Mapping[str, Any] | None = None
    sent_at: datetime | None = None
    to_handle_until: datetime | None = None  # set = the bot still has to answer it


class Conversations:
    """Reads and writes of one district. Every method works inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def open(
        self, connection: sa.Connection, *, channel: str, external_id: str, now: datetime,
        token_hash: str | None = None, is_drill: bool = False,
    ) -> str:  # fmt: skip
        """A new contact with a new conversation; returns the conversation's id."""
        contact_id, conversation_id = new_id(), new_id()
        connection.execute(
            t.contact.insert().values(
                district_id=self.district, id=contact_id, channel=channel,
                external_index=self.vault.blind_index(external_id),
                external_sealed=self.vault.seal(external_id, "contact.external", contact_id), created_at=now,
            )
        )  # fmt: skip
        connection.execute(
            t.conversation.insert().values(
                district_id=self.district, id=conversation_id, contact_id=contact_id, channel=channel,
                epoch=0, last_seq=0, memory="{}", level=0, token_hash=token_hash, is_drill=is_drill, opened_at=now,
            )
        )  # fmt: skip
        return conversation_id

    def by_token(self, connection: sa.Connection, token_hash: str) -> str | None:
        """The conversation a web visitor's token belongs to."""
        query = sa.select(t.conversation.c.id).where(
            t.conversation.c.token_hash == token_hash, t.conversation.c.district_id == self.district
        )
        return connection.execute(query).scalar()

    def get(self, connection: sa.Connection, conversation_id: str, *, lock: bool = False) -> Conversation | None:
        """One conversation; `lock` keeps other writers of it out until the transaction ends."""
        same = sa.and_(t.contact.c.district_id == self.district, t.contact.c.id == t.conversation.c.contact_id)
        query = sa.select(t.conversation, t.contact.c.blocked_at, t.contact.c.unreachable).join(t.contact, same)
        query = query.where(t.conversation.c.district_id == self.district, t.conversation.c.id == conversation_id)
        row = connection.execute(query.with_for_update(of=t.conversation) if lock else query).first()
        if row is None:
            return None
        return Conversation(
            row.id, row.channel, row.contact_id, row.epoch, row.owner_id, row.last_seq, json.loads(row.memory),
            Level(row.level), row.is_drill, row.opened_at, row.last_message_at, row.disclosed_at,
            row.crisis_reply_at, row.blocked_at is not None, row.unreachable,
        )  # fmt: skip

    def change(self, connection: sa.Connection, conversation_id: str, **values: Any) -> None:  # columns
        """Set columns of a conversation."""
        connection.execute(
            t.conversation.update()
            .where(t.conversation.c.district_id == self.district, t.conversation.c.id == conversation_id)
            .values(**values)
        )

    def remember(
        self, connection: sa.Connection, conversation_id: str, memory: Mapping[str, Any], level: Level
    ) -> None:
        """Keep the screening memory and the conversation's level."""
        self.change(connection, conversation_id, memory=json.dumps(dict(memory)), level=int(level))

    def find_external(self, connection: sa.Connection, channel: str, external_id: str) -> tuple[str, int, str] | None:
        """(id, seq, body hash) of the message that a platform id already brought."""
        query = sa.select(t.message.c.id, t.message.c.seq, t.message.c.body_hash).where(
            t.message.c.district_id == self.district,
            t.message.c.channel == channel,
            t.message.c.external_id == external_id,
        )
        row = connection.execute(query).first()
        return (row.id, row.seq, row.body_hash) if row else None

    def add(self, connection: sa.Connection, new: NewMessage, seq: int) -> str:
        """Store a message as number `seq` of its conversation; the caller moves last_seq."""
        message_id = new_id()
        connection.execute(
            t.message.insert().values(
                district_id=self.district, id=message_id, conversation_id=new.conversation_id, seq=seq,
                author=new.author, author_id=new.author_id, kind=new.kind, channel=new.channel,
                external_id=new.external_id, body_hash=body_hash(new.kind, new.body),
                body_sealed=self.vault.seal(new.body, "message.body", message_id),
                extra=json.dumps(dict(new.extra or {}), ensure_ascii=False), received_at=new.received_at,
                sent_at=new.sent_at, handling="new" if new.to_handle_until else "done",
                handling_until=new.to_handle_until,
            )
        )  # fmt: skip
        return message_id

    def add_assessment(
        self, connection: sa.Connection, conversation_id: str, message_id: str, screening: Screening,
        conversation_level: Level, now: datetime,
    ) -> None:  # fmt: skip
        """Store why a message has its level: rules and places, not words."""
        signals = [
            {"rule": s.rule, "start": s.start, "end": s.end, "level": s.level.code, "scope": s.scope}
            for s in screening.signals
        ]
        connection.execute(
            t.assessment.insert().values(
                district_id=self.district, id=new_id(), conversation_id=conversation_id, message_id=message_id,
                level=int(screening.level), conversation_level=int(conversation_level),
                categories=json.dumps([c.value for c in screening.categories]), signals=json.dumps(signals),
                version=screening.version, failed=screening.failed, score=screening.score, lame=screening.lame, at=now,
            )
        )  # fmt: skip

    def messages(
        self, connection: sa.Connection, conversation_id: str, *, after: int = 0, limit: int = 200
    ) -> list[Message]:
        """Messages after a number, in order."""
        query = (
            sa.select(t.message)
            .where(
                t.message.c.district_id == self.district,
                t.message.c.conversation_id == conversation_id,
                t.message.c.seq > after,
            )
            .order_by(t.message.c.seq)
            .limit(limit)
        )
        return [self._message(row) for row in connection.execute(query)]

    def message(self, connection: sa.Connection, message_id: str) -> Message | None:
        """One message by id."""
        query = sa.select(t.message).where(t.message.c.district_id == self.district, t.message.c.id == message_id)
        row = connection.execute(query).first()
        return self._message(row) if row else None

    def assessments(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Message id -> level, categories, signals, version, failed, score, lame; of a voice as it was heard last."""
        judged = sa.and_(t.assessment.c.district_id == self.district, t.assessment.c.message_id.in_(ids))
        query = sa.select(t.assessment).where(judged).order_by(t.assessment.c.at, t.assessment.c.level)
        return {
            row.message_id: {
                "level": Level(row.level),
                "categories": json.loads(row.categories),
                "signals": json.loads(row.signals),
                "version": row.version,
                "failed": row.failed,
                "score": row.score,
                "lame": row.lame,
            }
            for row in (connection.execute(query) if ids else ())
        }

    def judged(self, connection: sa.Connection, since: datetime) -> Iterator[tuple[Message, Level, Level]]:
        """Visitors' messages since then, oldest first, each with its level and its conversation's; no drills."""
        query = (
            sa.select(t.message, t.assessment.c.level, t.assessment.c.conversation_level)
            .where(
                t.message.c.district_id == self.district,
                t.assessment.c.district_id == self.district,
                t.assessment.c.message_id == t.message.c.id,
                t.conversation.c.district_id == self.district,
                t.conversation.c.id == t.message.c.conversation_id,
                t.message.c.received_at >= since,
                t.conversation.c.is_drill.is_(False),
            )
            .order_by(t.message.c.received_at, t.message.c.conversation_id, t.message.c.seq)
            .order_by(t.assessment.c.at, t.assessment.c.level)  # a voice is judged again when it was heard
        )
        for row in connection.execute(query):
            yield self._message(row), Level(row.level), Level(row.conversation_level)

    def ask_for_answer(self, connection: sa.Connection, message_id: str, until: datetime) -> None:
        """The bot has to answer this message after all: its words came later."""
        connection.execute(
            t.message.update()
            .where(t.message.c.district_id == self.district, t.message.c.id == message_id)
            .values(handling="new", handling_until=until)
        )

    def set_handled(self, connection: sa.Connection, message_id: str) -> bool:
        """Mark a visitor's message as answered; False when somebody else already did."""
        changed = connection.execute(
            t.message.update()
            .where(
                t.message.c.district_id == self.district,
                t.message.c.id == message_id,
                t.message.c.handling == "new",
            )
            .values(handling="done", handling_until=None)
        )
        return changed.rowcount == 1

    def take_unhandled(
        self, connection: sa.Connection, now: datetime, until: datetime, limit: int = 100
    ) -> Sequence[str]:
        """Messages whose answerer died or was never there; they are ours until `until`."""
        query = (
            sa.select(t.message.c.id)
            .where(
                t.message.c.district_id == self.district,
                t.message.c.handling == fixed("new"),
                t.message.c.handling_until < now,
            )
            .order_by(t.message.c.handling_until, t.message.c.seq)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        ids = [row.id for row in connection.execute(query)]
        if ids:
            connection.execute(
                t.message.update()
                .where(t.message.c.district_id == self.district, t.message.c.id.in_(ids))
                .values(handling_until=until)
            )
        return ids

    def _message(self, row: Any) -> Message:  # Any: SQLAlchemy rows are untyped
        return Message(
            row.id, row.conversation_id, row.seq, row.author, row.author_id, row.kind,
            self.vault.open(row.body_sealed, "message.body", row.id), json.loads(row.extra), row.received_at,
        )  # fmt: skip


def body_hash(kind: str, body: str) -> str:
    """Tells whether a repeated id brings the same message."""
    return hashlib.sha256(f"{kind}\0{body}".encode("utf-8", "surrogatepass")).hexdigest()
