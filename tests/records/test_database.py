"""Opening and migrating: one head, twice is once, and the migrations build exactly the tables of the code."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st

from records import database
from records import tables as t
from records.database import check_key, migrate, open_engine, sqlite_warning
from records.store import Store
from tests.building import NOW, WAIT_S, rows, small_vault

ANY_TIME = st.datetimes(timezones=st.just(UTC))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    folder = request.getfixturevalue("postgres")
    with psycopg.connect(f"host={folder} user=postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
        yield f"postgresql+psycopg://postgres@/empty?host={folder}"
        connection.execute("DROP DATABASE empty WITH (FORCE)")


def test_the_migrations_have_one_head_and_each_file_is_named_after_its_revision() -> None:
    scripts = ScriptDirectory(str(database._MIGRATIONS))
    assert len(scripts.get_heads()) == 1
    for script in scripts.walk_revisions():
        assert Path(script.path).stem == script.revision


def test_migrating_twice_changes_nothing(store: Store) -> None:
    check_key(store.engine, store.vault, "local")
    before = rows(store.engine, t.seal)
    migrate(store.engine)
    assert rows(store.engine, t.seal) == before


def test_processes_that_start_together_take_turns_to_migrate(empty_url: str) -> None:
    ready, failures = threading.Barrier(5), []

    def start() -> None:
        engine = open_engine(empty_url)
        ready.wait()
        try:
            migrate(engine)
            check_key(engine, small_vault(), "local")
        except Exception as error:  # told to the test's own thread
            failures.append(error)
        engine.dispose()

    threads = [threading.Thread(target=start) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)

    assert failures == []
    engine = open_engine(empty_url)
    assert len(rows(engine, t.seal)) == 1
    engine.dispose()


def test_the_migrated_schema_is_the_schema_of_the_code(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, t.metadata) == []


def test_the_migrated_indexes_are_those_of_the_code_with_their_conditions(store: Store) -> None:
    found = sa.inspect(store.engine)
    dialect = store.engine.dialect.name
    for table in t.metadata.sorted_tables:
        wanted = {
            (index.name, bool(index.unique), bool(index.dialect_options[dialect]["where"] is not None))
            for index in table.indexes
        }
        made = {
            (index["name"], bool(index["unique"]), index["dialect_options"].get(f"{dialect}_where") is not None)
            for index in found.get_indexes(table.name)
            if not index.get("duplicates_constraint")
        }
        assert made == wanted, table.name


def test_every_sqlite_connection_is_durable_and_leaves_checkpoints_to_the_writer(sqlite_store: Store) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "wal_autocheckpoint": 0,
        "mmap_size": 0,
    }
    with sqlite_store.engine.connect() as one, sqlite_store.engine.connect() as other:
        for connection in (one, other):
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
            assert found == wanted


def test_an_old_sqlite_library_is_named(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database.sqlite3, "sqlite_version_info", (3, 51, 2))
    assert "older than 3.51.3" in (sqlite_warning(sqlite_store.engine) or "")
    monkeypatch.setattr(database.sqlite3, "sqlite_version_info", (3, 51, 3))
    assert sqlite_warning(sqlite_store.engine) is None


@given(ANY_TIME)
def test_a_time_comes_back_to_the_microsecond(time: datetime) -> None:
    column = t.UtcTime()
    assert column.process_result_value(column.process_bind_param(time, None), None) == time


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without zone"):
        t.UtcTime().process_bind_param(NOW.replace(tzinfo=None), None)


def test_rows_of_the_audit_from_before_are_found_by_their_case_too(empty_url: str) -> None:
    engine = open_engine(empty_url)
    _upgrade(engine, "0017_library")
    older = "INSERT INTO audit (district_id, seq, action, detail, previous_hash, hash, at) VALUES"
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(sa.text(f"""{older} ('local', 1, 'file_view', '{{"case"\\: "c1"}}', '', '', 0)"""))
        connection.execute(sa.text(f"""{older} ('local', 2, 'noted', '{{}}', '', '', 0)"""))
    migrate(engine)
    assert {row.seq: row.case_id for row in rows(engine, t.audit)} == {1: "c1", 2: None}
    engine.dispose()


def _upgrade(engine: sa.Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(database._MIGRATIONS))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_sqlite_knows_the_size_of_every_index(sqlite_store: Store) -> None:
    with sqlite_store.engine.connect() as connection:
        known = set(connection.exec_driver_sql("SELECT idx FROM sqlite_stat1").scalars())
        there = set(connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'index'").scalars())
    assert known == there
