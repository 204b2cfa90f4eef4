"""Rows into the database by its own fast way: SQLite without journal, PostgreSQL by COPY; indexes are built at the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa
from psycopg import sql

from records import tables as t

_BIG = ("message", "assessment", "outbox", "event", "audit", "record_entry", "level_change", "conversation", "contact")
Rows = Sequence[tuple[Any, ...]]


class Loader(Protocol):
    """Takes rows of a table, and says at the end that the database is as the service would have left it."""

    def take(self, table: str, columns: tuple[str, ...], rows: Rows) -> None:
        """Insert."""
        ...

    def finish(self) -> None:
        """Build what was left out, and close."""
        ...


def open_loader(engine: sa.Engine) -> Loader:
    """A loader for a migrated database that nobody else uses."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        return SqliteLoader(str(url.database))
    return PostgresLoader(url.set(drivername="postgresql").render_as_string(hide_password=False))


class SqliteLoader:
    """One connection without any care for power failures."""

    def __init__(self, path: str):
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-2000000", "locking_mode=EXCLUSIVE"):
            self._connection.execute(f"PRAGMA {pragma}")
        found = self._connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        self._indexes = list(found)
        for name, _ in self._indexes:
            self._connection.execute(f"DROP INDEX {name}")

    def take(self, table: str, columns: tuple[str, ...], rows: Rows) -> None:
        """Insert in one transaction."""
        names, places = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
        self._connection.execute("BEGIN")
        self._connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)
        self._connection.execute("COMMIT")

    def finish(self) -> None:
        """Build the indexes."""
        for _, statement in self._indexes:
            self._connection.execute(statement)
        self._connection.close()


class PostgresLoader:
    """COPY; constraints and indexes of the big tables are put back at the end."""

    def __init__(self, url: str):
        self._connection = psycopg.connect(url, autocommit=True)
        self._put_back: list[sql.SQL] = []
        for table in _BIG:
            self._strip(table)

    def _strip(self, table: str) -> None:
        ask = self._connection.execute
        constraints = ask(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND contype IN ('p', 'u')", (table,),
        ).fetchall()  # fmt: skip
        for name, definition in constraints:
            ask(sql.SQL(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
            self._put_back.append(sql.SQL(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"))
        for name, definition in ask(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", (table,)
        ).fetchall():
            ask(sql.SQL(f"DROP INDEX {name}"))
            self._put_back.append(sql.SQL(definition))

    def take(self, table: str, columns: tuple[str, ...], rows: Rows) -> None:
        """COPY in one transaction, whose number the events carry."""
        flags = [number for number, name in enumerate(columns) if _is_flag(table, name)]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            number = cursor.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
            assert number is not None
            place = columns.index("txid") if "txid" in columns else None
            names = sql.SQL(", ").join(map(sql.Identifier, columns))  # one of them is called `left`
            with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
                for row in rows:
                    values = list(row)
                    for flag in flags:
                        values[flag] = bool(values[flag])
                    if place is not None:
                        values[place] = number[0]
                    copy.write_row(values)

    def finish(self) -> None:
        """Put back what was taken off, move the numbering on, and let the planner know what lies there."""
        ask = self._connection.execute
        ask("SET maintenance_work_mem = '512MB'")
        for statement in self._put_back:
            ask(statement)
        for table in ("event", "audit"):
            ask(sql.SQL(f"SELECT setval('{table}_seq', greatest((SELECT max(seq) FROM {table}), 1))"))
        ask("VACUUM ANALYZE")  # as its own housekeeping would have done long since
        self._connection.close()


def _is_flag(table: str, column: str) -> bool:
    return isinstance(t.metadata.tables[table].c[column].type, sa.Boolean)
