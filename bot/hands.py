"""A few tasks at a time beside the sweeper, so many a lane: a platform that is slow holds up neither it nor others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import TypeVar

import structlog

log = structlog.get_logger()
T = TypeVar("T")


class Hands:
    """At most `most` tasks in each lane. What they work on is leased in the database: stopping them loses nothing."""

    def __init__(self, most: int):
        self._most = most
        self._busy: dict[str, set[asyncio.Task[None]]] = {}

    def free(self, lane: str) -> int:
        """How many more may begin there."""
        return self._most - len(self._busy.get(lane, ()))

    def full(self) -> list[str]:
        """Lanes where nothing more may begin."""
        return [lane for lane in self._busy if self.free(lane) <= 0]

    def begin(self, lane: str, work: Coroutine[None, None, None]) -> None:
        """Begin and do not wait."""
        tasks = self._busy.setdefault(lane, set())
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(lambda done: self._ended(tasks, done))

    def _ended(self, tasks: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:  # its row's lease runs out
            log.error("hands.failed", error=type(error).__name__)

    async def drain(self) -> None:
        """Wait for everything under way."""
        while tasks := [task for lane in self._busy.values() for task in lane]:
            await asyncio.wait(tasks)

    async def stop(self) -> None:
        """End everything under way (shutdown)."""
        for lane in self._busy.values():
            for task in lane:
                task.cancel()
        await self.drain()


async def outcome_of(work: Awaitable[T]) -> T | Exception:
    """What it gives or how it failed, whatever broke: the caller puts it off and says so."""
    (outcome,) = await asyncio.gather(work, return_exceptions=True)
    if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
        raise outcome
    return outcome
