"""The append-only event table, and how a process hears of new rows.

Readers keep a cursor (txid, seq) and read what is after it. On SQLite txid is 0 and one writer makes seq follow
the commits. On PostgreSQL transactions commit out of order: a row is read only when every older transaction has
ended, and rows are ordered by transaction first, so that a cursor never passes over a late commit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records.tables import event

READ_AT_ONCE = 1000
_LARGEST = 2**63 - 1  # what the databases can compare


@dataclass(frozen=True, order=True)
class Cursor:
    """A place in the stream; written as `txid-seq` in the SSE id."""

    txid: int = 0
    seq: int = 0

    def __str__(self) -> str:
        return f"{self.txid}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """Read an SSE id; None when it is not one (the client is then served from now on)."""
        txid, _, seq = text.partition("-")
        if txid.isascii() and txid.isdigit() and seq.isascii() and seq.isdigit() and len(text) < 40:
            found = cls(int(txid), int(seq))
            return found if max(found.txid, found.seq) <= _LARGEST else None
        return None


@dataclass(frozen=True)
class Event:
    """Something that happened: ids and numbers only. topic chat = the visitor's page, desk = the console."""

    cursor: Cursor
    topic: str
    kind: str
    conversation_id: str | None
    case_id: str | None
    data: Mapping[str, Any]  # JSON of ids and numbers
    at: datetime


def next_seq(connection: sa.Connection, table: sa.Table, indexed: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """The next number of a table's seq column, decided inside the insert; `indexed` lets SQLite find it at once."""
    if connection.dialect.name == "postgresql":
        return sa.func.nextval(f"{table.name}_seq")
    return sa.select(sa.func.coalesce(sa.func.max(table.c.seq), 0) + 1).where(indexed).scalar_subquery()


def append(
    connection: sa.Connection,
    district: str,
    topic: str,
    kind: str,
    at: datetime,
    *,
    conversation_id: str | None = None,
    case_id: str | None = None,
    **data: Any,  # JSON of ids and numbers
) -> None:
    """Add one event inside the caller's transaction."""
    values: dict[str, Any] = {  # SQL expressions beside plain values
        "district_id": district,
        "seq": next_seq(connection, event, event.c.txid == 0),
        "topic": topic,
        "kind": kind,
        "conversation_id": conversation_id,
        "case_id": case_id,
        "data": json.dumps(data),
        "at": at,
        "txid": 0,
    }
    if connection.dialect.name == "postgresql":
        values["txid"] = sa.text("pg_current_xact_id()::text::bigint")
    connection.execute(event.insert().values(**values))


def _settled(connection: sa.Connection) -> sa.ColumnElement[bool]:
    if connection.dialect.name == "postgresql":
        return event.c.txid < sa.text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    return sa.true()


def read_after(
    connection: sa.Connection, cursor: Cursor, *, conversation_id: str | None = None, topic: str | None = None
) -> list[Event]:
    """Events after a cursor, oldest first, at most a thousand."""
    query = (
        sa.select(event)
        .where(sa.tuple_(event.c.txid, event.c.seq) > sa.tuple_(cursor.txid, cursor.seq), _settled(connection))
        .order_by(event.c.txid, event.c.seq)
        .limit(READ_AT_ONCE)
    )
    if conversation_id is not None:
        query = query.where(event.c.conversation_id == conversation_id)
    if topic is not None:
        query = query.where(event.c.topic == topic)
    return [_from_row(row) for row in connection.execute(query)]


def count_since(connection: sa.Connection, district: str, conversation_id: str, kind: str, since: datetime) -> int:
    """How many events of one kind a conversation had after a moment."""
    query = (
        sa.select(sa.func.count())
        .select_from(event)
        .where(
            event.c.district_id == district,
            event.c.conversation_id == conversation_id,
            event.c.kind == kind,
            event.c.at > since,
        )
    )
    return connection.execute(query).scalar_one()


def newest(connection: sa.Connection) -> Cursor:
    """The cursor of the newest settled event."""
    query = (
        sa.select(event.c.txid, event.c.seq)
        .where(_settled(connection))
        .order_by(event.c.txid.desc(), event.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return Cursor(row.txid, row.seq) if row else Cursor()


def topics(events: Iterable[Event], topic: str) -> list[Event]:
    """Those of one topic."""
    return [item for item in events if item.topic == topic]


def _from_row(row: Any) -> Event:  # Any: SQLAlchemy rows are untyped
    return Event(
        Cursor(row.txid, row.seq),
        row.topic,
        row.kind,
        row.conversation_id,
        row.case_id,
        json.loads(row.data),
        row.at,
    )
