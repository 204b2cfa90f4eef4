"""Tells SQLite how large tables become. Without figures it takes a district for ten rows, which it never is, and reads
a whole table where an index would find one row. The figures are ours, not measured: every deployment asks alike.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

FEW_ROWS = frozenset({  # as many as there are people, institutions, articles or nights, however much is written to us
    "alembic_version", "article_draft", "article_review", "article_version", "channel_state", "counsellor",
    "drill_plan", "drill_run", "frozen_report", "institution", "institution_version", "link_code", "missed_review",
    "notice_address", "presence", "rate", "recovery_code", "retention", "sampling_clock", "seal", "second_factor",
    "training",
})  # fmt: skip
LARGE_PARTS = frozenset(
    {"message_by_speaker", "message_of_visitors", "outbox_answers"}
)  # other indexes of some rows hold only what is open now
_MANY, _FEW = 1_000_000, 200
_EACH = 20  # rows of one conversation, contact or case
_KINDS = 10  # values of a column that names a state or a kind
_KIND_COLUMNS = frozenset(
    {"state", "level", "lane", "carrier", "kind", "txid", "attended", "channel", "topic", "is_drill"}
)  # fmt: skip


def tell_sizes(connection: sa.Connection) -> None:
    """Write the figures where SQLite looks for them; other databases count for themselves."""
    if connection.dialect.name != "sqlite":
        return
    run = connection.exec_driver_sql
    run("ANALYZE alembic_version")  # makes the table that holds them
    run("DELETE FROM sqlite_stat1")
    for table in list(run("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'").scalars()):
        for index, figures in _figures(connection, table):
            run("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", (table, index, figures))
    run("ANALYZE sqlite_schema")  # reads them


def _figures(connection: sa.Connection, table: str) -> Iterator[tuple[str, str]]:
    """Each index with its rows, and how many of them share the first columns."""
    for _, index, is_unique, _, is_partial in list(connection.exec_driver_sql(f"PRAGMA index_list({table})")):
        is_small = table in FEW_ROWS or (is_partial and index not in LARGE_PARTS)
        rows = _FEW if is_small else _MANY
        columns = [row[2] for row in connection.exec_driver_sql(f"PRAGMA index_info({index})")]
        shares, left = [], rows
        for column in columns:
            if column in _KIND_COLUMNS:
                left = max(left // _KINDS, 1)
            elif column != "district_id":
                left = min(left, _EACH)
            shares.append(left)
        if is_unique:
            shares[-1] = 1
        yield index, " ".join(map(str, (rows, *shares)))
