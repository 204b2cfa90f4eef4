"""What the figures are held against, measured in the same run: an empty FastAPI service and bare SQLite inserts."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from command.bench.deployment import ServerProcess, free_port
from command.bench.load import Lines, Step, Stream, Timing, repeat

_SERVE = "import sys; from command.bench.empty import serve; serve(int(sys.argv[1]))"
_ROW = b"x" * 400  # about what one stored message takes


def empty_fastapi(folder: Path) -> ServerProcess:
    """The empty service as a subprocess."""
    port = free_port()
    return ServerProcess(_SERVE, (str(port),), port, "/empty", folder / "baseline.log")


async def posting(lines: Lines, port: int, body: bytes) -> Step:
    """A step that posts to the empty route."""
    connection = await lines.open(port)

    async def step() -> float:
        began = time.perf_counter()
        await connection.request("POST", "/empty", body)
        return (time.perf_counter() - began) * 1000

    return step


async def echoing(lines: Lines, port: int, name: str, body: bytes) -> Step:
    """A step that posts and waits until the same comes back on the stream."""
    connection, stream = await lines.open(port), await open_stream(lines, port, name)

    async def step() -> float:
        began = time.perf_counter()
        await connection.request("POST", f"/echo/{name}", body)
        await stream.next()
        return (time.perf_counter() - began) * 1000

    return step


async def open_stream(lines: Lines, port: int, name: str) -> Stream:
    """One waiting screen of the empty service."""
    return await (await lines.open(port)).stream(f"/events/{name}")


def sqlite_inserts(folder: Path, rows: int, seconds: float) -> Timing:
    """Bare sqlite3, write-ahead log, synchronous=FULL: `rows` rows a commit; one latency is one commit."""
    with _scratch(folder / f"baseline-{rows}.db") as connection:

        def commit() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO message (body) VALUES (?)", [(_ROW,)] * rows)
            connection.execute("COMMIT")

        return repeat(commit, seconds)


@contextlib.contextmanager
def _scratch(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, body BLOB)")
        yield connection
    finally:
        connection.close()
