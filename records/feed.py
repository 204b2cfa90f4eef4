"""One reader of the event table a process, many listeners: screens are told within milliseconds of the commit.

The writer rings after each commit; a slow poll repairs anything missed and is the whole road between processes
that share one SQLite file. On PostgreSQL the poll is short until the LISTEN doorbell is built.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import sqlalchemy as sa
import structlog

from records import events
from records.events import Cursor, Event

log = structlog.get_logger()
_MOST_MISSED = 200  # of the whole desk: whoever missed more is told to read everything again
BEHIND = "behind"
_LISTENER_LIMIT = 5000  # events waiting for one slow screen; beyond that it must reconnect and resume


class Feed:
    """Reads new events once and hands each to the listeners of its topic and conversation."""

    def __init__(self, engine: sa.Engine, *, poll_s: float = 2.0):
        self._engine = engine
        self._poll_s = poll_s
        self._bell = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cursor = Cursor()
        self._listeners: dict[tuple[str, str | None], set[asyncio.Queue[Event | None]]] = {}

        self._hooks: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    def on_news(self, hook: Callable[[], None]) -> None:
        """Call this on the event loop whenever a commit rang (the outbox looks for work)."""
        self._hooks.append(hook)

    def ring(self) -> None:
        """Called from any thread after a commit."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._bell.set()
        for hook in self._hooks:
            hook()

    async def start(self) -> None:
        """Begin at the newest event."""
        self._loop = asyncio.get_running_loop()
        with self._engine.connect() as connection:
            self._cursor = events.newest(connection)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop reading and let every listener end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for listeners in self._listeners.values():
            for waiting in listeners:
                waiting.put_nowait(None)

    @property
    def cursor(self) -> Cursor:
        """Where this process has read to."""
        return self._cursor

    async def listen(
        self, topic: str, conversation_id: str | None, after: Cursor | None, *, beat_s: float = 15
    ) -> AsyncIterator[Event | None]:
        """Events of a topic (and conversation) after a cursor, then live ones; None when nothing came for a beat.

        A listener to everything who missed very much hears BEHIND instead.
        """
        waiting: asyncio.Queue[Event | None] = asyncio.Queue(_LISTENER_LIMIT)
        key = (topic, conversation_id)
        self._listeners.setdefault(key, set()).add(waiting)
        last = after or self._cursor
        try:
            newest = self._cursor
            found = await asyncio.to_thread(self._missed, last, topic, conversation_id)
            if conversation_id is None and len(found) > _MOST_MISSED:
                found = [Event(newest, topic, BEHIND, None, None, {}, found[-1].at)]
            for missed in found:
                last = missed.cursor
                yield missed
            while True:
                try:
                    async with asyncio.timeout(beat_s):
                        item = await waiting.get()
                except TimeoutError:
                    yield None
                    continue
                if item is None:
                    return
                if item.cursor > last:
                    last = item.cursor
                    yield item
        finally:
            self._listeners[key].discard(waiting)
            if not self._listeners[key]:
                del self._listeners[key]

    def _missed(self, after: Cursor, topic: str, conversation_id: str | None) -> list[Event]:
        found: list[Event] = []
        with self._engine.connect() as connection:
            while page := events.read_after(connection, after, conversation_id=conversation_id, topic=topic):
                found += page
                after = page[-1].cursor
                if conversation_id is None and len(found) > _MOST_MISSED:
                    break
        return found

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):  # wait_for of Python 3.11 may swallow that we are stopped
                    await self._bell.wait()
            self._bell.clear()
            try:
                fresh = await asyncio.to_thread(self._read)
            except sa.exc.SQLAlchemyError as error:  # the poll tries again; screens show their own silence
                log.error("feed.read_failed", error=type(error).__name__)
                await asyncio.sleep(0.2)
                continue
            for item in fresh:
                self._cursor = item.cursor
                self._hand_out(item)
            if len(fresh) == events.READ_AT_ONCE:
                self._bell.set()

    def _read(self) -> list[Event]:
        with self._engine.connect() as connection:
            return events.read_after(connection, self._cursor)

    def _hand_out(self, item: Event) -> None:
        for key in ((item.topic, item.conversation_id), (item.topic, None)):
            for waiting in tuple(self._listeners.get(key, ())):
                if waiting.full():
                    while not waiting.empty():
                        waiting.get_nowait()
                    waiting.put_nowait(None)  # this screen is too slow: end it, it resumes by its last id
                else:
                    waiting.put_nowait(item)


def sse(item: Event, data: str) -> str:
    """One server-sent event; `data` must be one line."""
    return f"id: {item.cursor}\nevent: {item.kind}\ndata: {data}\n\n"


HEARTBEAT = ": \n\n"
