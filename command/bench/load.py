"""A cheap HTTP client for load: keep-alive connections on raw asyncio streams.

httpx spends more of a core on a request than the server under test; on a small machine it would measure itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LONGEST_LINE = 1 << 20
_PATIENCE_S = 20.0
Step = Callable[[], Awaitable[float]]


class ServerGone(Exception):
    """The server does not answer."""


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    head: bytes
    body: bytes

    def json(self) -> Any:  # Any: JSON
        """The body as JSON."""
        return json.loads(self.body)

    def cookie(self, name: str) -> str:
        """A cookie that was set; empty when there is none."""
        found = re.search(rb"\r\nset-cookie: *" + name.encode() + rb"=([^;\r]+)", self.head, re.IGNORECASE)
        return found.group(1).decode() if found else ""


class Connection:
    """One keep-alive connection; not for two requests at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer

    async def request(self, method: str, path: str, body: bytes = b"", *, headers: str = "") -> Response:
        """Send and wait for the whole answer; raise ServerGone when it does not come."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                head = await self._exchange(method, path, body, headers)
                length = _LENGTH.search(head)
                content = await self._reader.readexactly(int(length.group(1))) if length else b""
        except (OSError, EOFError, TimeoutError) as error:
            raise ServerGone(f"{method} {path}: {type(error).__name__}") from error
        return Response(int(head[9:12]), head, content)

    async def stream(self, path: str, *, headers: str = "") -> Stream:
        """Open a stream of server-sent events on this connection."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                head = await self._exchange("GET", path, b"", headers)
        except (OSError, EOFError, TimeoutError) as error:
            raise ServerGone(f"GET {path}: {type(error).__name__}") from error
        if head[9:12] != b"200":
            raise ServerGone(f"GET {path}: status {head[9:12].decode()}")
        stream = Stream(self._reader)
        await stream.ready()
        return stream

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _exchange(self, method: str, path: str, body: bytes, headers: str) -> bytes:
        start = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        self._writer.write(start.encode() + body)
        return await self._reader.readuntil(b"\r\n\r\n")


class Lines:
    """Opens connections, and hangs all of them up at the end of its `async with`."""

    def __init__(self) -> None:
        self._opened: list[Connection] = []

    async def open(self, port: int) -> Connection:
        """Connect to a server on this machine; raise ServerGone."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LONGEST_LINE)
        except OSError as error:
            raise ServerGone(str(error)) from error
        connection = Connection(reader, writer)
        self._opened.append(connection)
        return connection

    async def __aenter__(self) -> Lines:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await asyncio.gather(*(connection.close() for connection in self._opened))


class Stream:
    """Server-sent events, as (kind, data). Chunk sizes stand on lines of their own and are passed over."""

    def __init__(self, reader: asyncio.StreamReader):
        self._reader = reader

    async def ready(self) -> None:
        """Wait for the first comment: from then on nothing is missed."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not (await self._line()).startswith(b":"):
                    pass
        except TimeoutError as error:
            raise ServerGone("stream: does not begin") from error

    async def next(self) -> tuple[str, Any]:  # Any: JSON
        """The next event; heartbeats are passed over, but do not make the wait longer."""
        kind = ""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not (line := await self._line()).startswith(b"data:"):
                    if line.startswith(b"event:"):
                        kind = line[6:].strip().decode()
        except TimeoutError as error:
            raise ServerGone(f"stream: nothing for {_PATIENCE_S:.0f} s") from error
        return kind, json.loads(line[5:])

    async def _line(self) -> bytes:
        try:
            line = await self._reader.readline()
        except OSError as error:
            raise ServerGone(f"stream: {type(error).__name__}") from error
        if not line:
            raise ServerGone("stream: closed")
        return line


@dataclass(frozen=True)
class Timing:
    """Latencies of what was done in some seconds."""

    seconds: float
    latencies_ms: tuple[float, ...]

    @property
    def rate(self) -> float:
        """How many a second."""
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """The latency that `share` of all stay under (nearest rank)."""
        ordered = sorted(self.latencies_ms)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def drive(steps: Sequence[Step], seconds: float) -> Timing:
    """Run each step again and again, side by side, for some seconds; a step returns its own milliseconds."""
    found: list[float] = []
    began = time.perf_counter()

    async def again(step: Step) -> None:
        while time.perf_counter() - began < seconds:
            found.append(await step())

    working = [asyncio.create_task(again(step)) for step in steps]
    try:
        await asyncio.gather(*working)
    finally:  # one that fails ends all, before their connections are hung up
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    return Timing(time.perf_counter() - began, tuple(found))


def repeat(work: Callable[[], object], seconds: float) -> Timing:
    """The same for work that is not awaited, such as an insert."""
    found: list[float] = []
    began = time.perf_counter()
    while (start := time.perf_counter()) - began < seconds or not found:
        work()
        found.append((time.perf_counter() - start) * 1000)
    return Timing(time.perf_counter() - began, tuple(found))
