"""Which questions to the database would read a whole table that grows: both databases say how they go about each."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.sizes import FEW_ROWS, LARGE_PARTS

_TABLE_OF = {index.name: table.name for table in t.metadata.tables.values() for index in table.indexes}
_PARTIAL = {
    index.name
    for table in t.metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None and index.name not in LARGE_PARTS
}
_LINE = re.compile(
    r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?(?: USING INTEGER PRIMARY KEY)?(?: \((.*)\))?"
)
_ONLY_DISTRICT = "district_id=?"


def pretend_size(engine: sa.Engine) -> None:
    """Let PostgreSQL plan as for millions of rows; SQLite is told by records/sizes.py."""
    if engine.dialect.name == "sqlite":
        return
    growing = [name for name in t.metadata.tables if name not in FEW_ROWS]
    with engine.connect() as connection, connection.begin():
        connection.execute(sa.text("ANALYZE"))
        larger = "UPDATE pg_class SET reltuples = 1000000 * relpages WHERE relname = ANY(:names)"
        connection.execute(sa.text(larger), {"names": growing})


def _tiny(engine: sa.Engine) -> frozenset[str]:
    """Tables of one page at most: PostgreSQL reads them whole, whatever it is told. SQLite is asked about them."""
    if engine.dialect.name == "sqlite":
        return frozenset()
    with engine.connect() as connection:
        return frozenset(connection.execute(sa.text("SELECT relname FROM pg_class WHERE relpages <= 1")).scalars())


@contextlib.contextmanager
def watched(engine: sa.Engine) -> Iterator[dict[str, str]]:
    """Collects statement -> why it reads too much, of all SELECTs made meanwhile."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    small = FEW_ROWS | _tiny(engine)

    def look(_c: Any, cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:  # noqa: FBT001
        if statement.lstrip().startswith("SELECT") and statement not in seen:
            seen.add(statement)
            why = _too_much(small, cursor.connection, statement, parameters)
            if why:
                found[statement] = why

    sa.event.listen(engine, "before_cursor_execute", look)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", look)


def _too_much(small: frozenset[str], connection: Any, statement: str, parameters: Any) -> str:
    aside = connection.cursor()
    if isinstance(connection, sqlite3.Connection):
        lines = [row[3] for row in aside.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        return "; ".join(line for line in lines if _scans(line))
    aside.execute("SET LOCAL enable_seqscan = off")
    aside.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    (plan,) = aside.fetchone()
    aside.execute("SET LOCAL enable_seqscan = on")
    return "; ".join(_reads_all(plan[0]["Plan"] if not isinstance(plan, str) else json.loads(plan)[0]["Plan"], small))


def _scans(line: str) -> bool:
    match = _LINE.match(line)
    if match is None:
        return False
    how, table, index, terms = match.groups()
    if table in FEW_ROWS or table not in t.metadata.tables or index in _PARTIAL:
        return False
    return how == "SCAN" or terms == _ONLY_DISTRICT


def _reads_all(node: dict[str, Any], small: frozenset[str]) -> Iterator[str]:
    index = node.get("Index Name", "")
    table = node.get("Relation Name") or _TABLE_OF.get(index, "")
    is_read = node["Node Type"] != "Bitmap Heap Scan"  # what lies below it says by which index
    if is_read and table and table not in small and index not in _PARTIAL:
        terms = node.get("Index Cond", "")
        columns = set(re.findall(r"\b([a-z_]+) (?:=|<|>|<=|>=|IS|~)", terms)) | set(re.findall(r"ROW\((\w+)", terms))
        if node["Node Type"] == "Seq Scan" or not columns - {"district_id"}:
            yield f"{node['Node Type']} {table} {index} {terms}"
    for inner in node.get("Plans", ()):
        yield from _reads_all(inner, small)
