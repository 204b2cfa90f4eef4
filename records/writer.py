"""The one road by which anything is written.

`submit(work)` runs work(connection) inside a transaction and answers after the commit is on disk. On SQLite one
thread owns every write and checkpoint and commits whatever waits together: the fsync, which is nearly the whole
cost, is shared (measured: a hundred times the rows a second at the same latency). A unit that fails is rolled
back alone, by its savepoint. On PostgreSQL several threads commit side by side and the server groups them.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

Result = TypeVar("Result")
Work = Callable[[sa.Connection], Result]
_BATCH = 256
_CHECKPOINT_EVERY = 1000  # commits


@dataclass
class _Unit:
    work: Work[Any]  # Any: each unit has its own result type, restored by submit
    future: Future[Any]
    rings: bool


class WriterClosed(Exception):
    """The writer is shutting down; nothing was stored."""


class Writer:
    """Owns the writing threads. `after_commit` is called once a batch, on the writing thread (the doorbell)."""

    def __init__(self, engine: sa.Engine, *, threads: int = 4, after_commit: Callable[[], None] | None = None):
        self._engine = engine
        self._grouped = engine.dialect.name == "sqlite"
        self._queue: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._after_commit = after_commit or (lambda: None)
        self._closed = False
        self._door = threading.Lock()  # nothing enters the queue behind the last None
        self._commits = 0
        count = 1 if self._grouped else threads
        self._threads = [threading.Thread(target=self._run, name=f"writer-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work[Result], *, rings: bool = True) -> Future[Result]:
        """Queue work; the future resolves after the commit, or raises what the work raised.

        `rings=False` is for looking for work: a look that rang would wake itself for ever.
        """
        unit = _Unit(work, Future(), rings)
        with self._door:
            if self._closed:
                raise WriterClosed(WriterClosed.__doc__)
            self._queue.put(unit)
        return unit.future

    async def write(self, work: Work[Result], *, rings: bool = True) -> Result:
        """Like submit, for the event loop."""
        return await asyncio.wrap_future(self.submit(work, rings=rings))

    def close(self) -> None:
        """Finish what is queued and stop."""
        with self._door:
            self._closed = True
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            thread.join(timeout=30)

    def _run(self) -> None:
        connection = self._engine.connect().execution_options(writes=True)
        try:
            while (batch := self._next_batch()) is not None:
                connection = self._commit(connection, batch)
        finally:
            connection.close()

    def _next_batch(self) -> list[_Unit] | None:
        first = self._queue.get()
        if first is None:
            return None
        batch = [first]
        while self._grouped and len(batch) < _BATCH:
            try:
                unit = self._queue.get_nowait()
            except queue.Empty:
                break
            if unit is None:
                self._queue.put(None)
                break
            batch.append(unit)
        return batch

    def _commit(self, connection: sa.Connection, batch: list[_Unit]) -> sa.Connection:
        results: list[tuple[_Unit, Any]] = []
        failures: list[tuple[_Unit, BaseException]] = []
        try:
            with connection.begin():
                for unit in batch:
                    if not unit.future.set_running_or_notify_cancel():
                        continue
                    try:
                        with connection.begin_nested():
                            results.append((unit, unit.work(connection)))
                    except Exception as error:  # the unit's own failure belongs to whoever submitted it
                        failures.append((unit, error))
        except Exception as error:  # begin or commit failed: nothing of this batch is stored, say so to all
            told = {id(unit) for unit, _ in failures}
            failures += [(u, error) for u in batch if id(u) not in told and not u.future.cancelled()]
            results = []
            connection.close()
            connection = self._engine.connect().execution_options(writes=True)
        if any(unit.rings for unit, _ in results):
            self._after_commit()
        for unit, result in results:
            unit.future.set_result(result)
        for unit, failure in failures:
            unit.future.set_exception(failure)
        self._checkpoint(connection)
        return connection

    def _checkpoint(self, connection: sa.Connection) -> None:
        self._commits += 1
        if self._grouped and self._commits % _CHECKPOINT_EVERY == 0:
            raw = connection.connection.driver_connection
            if raw is not None:
                with contextlib.suppress(sqlite3.OperationalError):  # busy or full: the next one will do it
                    raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
