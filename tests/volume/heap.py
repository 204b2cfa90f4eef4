"""Rows of the real tables, collected in the form in which they lie in the database: sealed, times as microseconds."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.crypto import Vault
from records.staff import audit_hash

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
Flush = Callable[[str, tuple[str, ...], list[tuple[Any, ...]]], None]  # table, columns, rows
_AT_ONCE = 20_000
_SEALED_AS = {  # the others are sealed as table.column
    ("case_record", "summary"): "case.summary",
    ("rescue", "outcome"): "rescue.outcome_note",
}


class Heap:
    """Takes rows of one district and hands them on some thousands at a time; numbers events and audit."""

    def __init__(self, vault: Vault, flush: Flush, seed: int = 1):
        self.vault = vault
        self.dice = random.Random(seed)
        self.district = ""
        self.now = 0  # microseconds
        self.counts: dict[str, int] = {}
        self._flush = flush
        self._shapes: dict[str, tuple[tuple[str, ...], tuple[Any, ...], tuple[tuple[str, str], ...]]] = {}
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._events = 0
        self._chains: dict[str, tuple[int, str]] = {}  # district -> number and hash of the newest audit row

    def id(self) -> str:
        """A random id, the same in every run with the same seed."""
        return uuid.UUID(int=self.dice.getrandbits(128), version=4).hex

    def add(self, table: str, id: str = "", **values: Any) -> str:
        """One row; what is named `*_sealed` is given as text. Returns its id."""
        columns, defaults, sealed = self._shapes.get(table) or self._shape(table)
        row_id = id or self.id()
        for column, where in sealed:
            if values.get(column) is not None:
                values[column] = self.vault.seal(values[column], where, row_id)
        row = {"district_id": self.district, "id": row_id, **values}
        rows = self._rows.setdefault(table, [])
        rows.append(tuple(map(row.get, columns, defaults)))
        if len(rows) >= _AT_ONCE:
            self._hand_on(table)
        return row_id

    def tell(
        self, topic: str, kind: str, at: int, talk: str | None = None, case: str | None = None, **data: Any
    ) -> None:
        """One event."""
        self._events += 1
        self.add(
            "event", seq=self._events, topic=topic, kind=kind, conversation_id=talk, case_id=case,
            data=json.dumps(data), at=at,
        )  # fmt: skip

    def audit(self, action: str, at: int, actor_id: str | None, object_id: str | None, **detail: Any) -> None:
        """One row of the audit, chained to the one before."""
        number, previous = self._chains.get(self.district, (0, ""))
        text = json.dumps(detail, ensure_ascii=False, sort_keys=True)
        link = audit_hash(previous, actor_id, action, object_id, text, instant(at))
        self._chains[self.district] = (number + 1, link)
        self.add(
            "audit", seq=number + 1, actor_id=actor_id, action=action, object_id=object_id, case_id=detail.get("case"),
            detail=text, at=at,
            previous_hash=previous, hash=link,
        )  # fmt: skip

    def finish(self) -> None:
        """Hand on what is left."""
        for table in list(self._rows):
            self._hand_on(table)

    def _hand_on(self, table: str) -> None:
        rows, self._rows[table] = self._rows[table], []
        if rows:
            self.counts[table] = self.counts.get(table, 0) + len(rows)
            self._flush(table, self._shapes[table][0], rows)

    def _shape(self, table: str) -> tuple[tuple[str, ...], tuple[Any, ...], tuple[tuple[str, str], ...]]:
        columns = tuple(t.metadata.tables[table].columns)
        sealed = tuple(
            (c.name, _SEALED_AS.get((table, c.name[:-7]), f"{table}.{c.name[:-7]}"))
            for c in columns
            if c.name.endswith("_sealed")
        )
        made = (tuple(c.name for c in columns), tuple(map(_default, columns)), sealed)
        self._shapes[table] = made
        return made


def _default(column: sa.Column[Any]) -> Any:
    if column.default is not None:
        return column.default.arg
    if column.server_default is None:
        return None
    given = str(column.server_default.arg)  # type: ignore[attr-defined]
    return int(given) if isinstance(column.type, sa.Integer) else given


def micros(at: datetime) -> int:
    """An instant as it lies in the database."""
    return round(at.timestamp() * SECOND)


def instant(at: int) -> datetime:
    """The same read again."""
    return datetime.fromtimestamp(at // SECOND, UTC).replace(microsecond=at % SECOND)
