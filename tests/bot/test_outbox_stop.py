"""When the service stops, what is half out is marked first: it would go out twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from records import tables as t
from records.outbox_rows import PLAIN, Lane, Pending
from tests.building import WAIT_S, FakeChannel, connect, do, greeted, rows
from wiring import Service

pytestmark = pytest.mark.anyio


class SlowChannel(FakeChannel):
    """A platform that has our words and takes its time to say so."""

    began: asyncio.Event
    may_end: asyncio.Event

    async def send(self, outbound: Any) -> bool:
        self.began.set()
        await self.may_end.wait()
        return await super().send(outbound)


async def test_what_is_half_out_when_we_are_stopped_is_marked_before_we_go(service: Service) -> None:
    slow = SlowChannel()
    slow.began, slow.may_end = asyncio.Event(), asyncio.Event()
    connect(service, slow)
    item = Pending(greeted(service, channel="fake"), "fake", Lane.REPLY, "bot", 0, PLAIN, text="words")
    row = do(service.writer, lambda c: service.store.outbox.add(c, item, service.now()))
    running = asyncio.create_task(service.outbox.run(0.01))
    await asyncio.wait_for(slow.began.wait(), WAIT_S)
    running.cancel()
    slow.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert rows(service.store.engine, t.outbox, id=row)[0].state == "sent"
