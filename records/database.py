"""Opening the database: SQLite embedded by default, PostgreSQL by address; migrations; the key check."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from records.crypto import Vault
from records.sizes import tell_sizes
from records.tables import seal

_MIGRATIONS = Path(__file__).parent / "migrations"
_WAL_PAUSES_S = (0.01, 0.05, 0.2, 1.0)
_MIGRATION_LOCK = 7_220_011  # any fixed number: ten processes that start together take turns
SAFE_SQLITE = (3, 51, 3)  # earlier ones can corrupt when two connections checkpoint at once; ours is one


def open_engine(url: str) -> sa.Engine:
    """An engine for `sqlite:///path` or `postgresql+psycopg://...`; SQLite readers never write or checkpoint."""
    if url.startswith("sqlite"):
        engine = sa.create_engine(
            url, poolclass=sa.pool.QueuePool, pool_size=8, max_overflow=8, hide_parameters=True,
            connect_args={"check_same_thread": False, "timeout": 30},
        )  # fmt: skip
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = sa.create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True, hide_parameters=True)
    sa.event.listen(engine, "connect", _prepare_postgres)
    return engine


def _prepare_postgres(connection: psycopg.Connection[Any], _record: Any) -> None:  # Any: SQLAlchemy's pool record
    """Our questions read some hundred rows: to start a second process or a compiler for one takes longer than it."""
    connection.execute("SET max_parallel_workers_per_gather = 0")
    connection.execute("SET jit = off")
    connection.commit()  # else the pool's first rollback takes it back


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:  # Any: SQLAlchemy's pool record
    connection.isolation_level = None  # we say BEGIN ourselves
    _use_wal(connection)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "wal_autocheckpoint=0",  # the writer owns every checkpoint
        "mmap_size=0",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Several processes that open a new file at once refuse each other this step without waiting; so we wait."""
    for pause_s in (*_WAL_PAUSES_S, None):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if pause_s is None:
                raise
            time.sleep(pause_s)


def _begin_sqlite(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest version; safe when several processes start together."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        tell_sizes(connection)


def check_key(engine: sa.Engine, vault: Vault, district: str) -> None:
    """Refuse to start with a key that does not fit this database; on first use, leave the probe."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        stored = sa.select(seal.c.probe_sealed).where(seal.c.district_id == district)
        row = connection.execute(stored).first()
        if row is None:
            probe = vault.seal("xindeng", "seal.probe", district)
            try:
                with connection.begin_nested():
                    connection.execute(seal.insert().values(district_id=district, id="probe", probe_sealed=probe))
            except sa.exc.IntegrityError:  # another process of this deployment was faster
                pass
            row = connection.execute(stored).one()
        vault.open(row.probe_sealed, "seal.probe", district)


def sqlite_warning(engine: sa.Engine) -> str | None:
    """What to say about an SQLite library that is older than the write-ahead-log fix."""
    if engine.dialect.name != "sqlite" or sqlite3.sqlite_version_info >= SAFE_SQLITE:
        return None
    wanted = ".".join(map(str, SAFE_SQLITE))
    return (
        f"SQLite {sqlite3.sqlite_version} is older than {wanted}; safe here because one connection owns all checkpoints"
    )
