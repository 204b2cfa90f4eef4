"""The feed: screens hear of each commit once, in order, and resume where they stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from records import events, feed
from records.events import Cursor, Event
from records.feed import Feed, sse
from records.store import Store
from records.writer import Writer
from tests.building import NOW, WAIT_S, do

pytestmark = pytest.mark.anyio


def tell(connection: sa.Connection, number: int, topic: str = "desk", conversation: str | None = None) -> None:
    events.append(connection, "local", topic, "counted", NOW, conversation_id=conversation, number=number)


async def following(found: AsyncIterator[Event | None], count: int) -> list[int]:
    async def read() -> list[int]:
        numbers: list[int] = []
        while len(numbers) < count:
            item = await anext(found)
            assert item is not None
            numbers.append(item.data["number"])
        return numbers

    return await asyncio.wait_for(read(), WAIT_S)


async def test_a_listener_hears_what_is_committed_after_it_came(store: Store) -> None:
    heard = Feed(store.engine, poll_s=60)  # the bell alone must wake it
    writer = Writer(store.engine, after_commit=heard.ring)
    await asyncio.to_thread(do, writer, lambda c: tell(c, 0))
    await heard.start()
    listening = asyncio.create_task(following(heard.listen("desk", None, None), 3))
    await asyncio.sleep(0)
    for number in (1, 2, 3):
        await writer.write(lambda c, number=number: tell(c, number))
    assert await listening == [1, 2, 3]
    await heard.stop()
    writer.close()


async def test_another_process_is_heard_without_its_bell(store: Store, writer: Writer) -> None:
    heard = Feed(store.engine, poll_s=0.02)
    await heard.start()
    listening = asyncio.create_task(following(heard.listen("desk", None, None), 2))
    await asyncio.sleep(0)
    await writer.write(lambda c: tell(c, 1))
    await writer.write(lambda c: tell(c, 2))
    assert await listening == [1, 2]
    await heard.stop()


async def test_a_listener_hears_only_its_topic_and_conversation(store: Store, writer: Writer) -> None:
    heard = Feed(store.engine, poll_s=0.02)
    await heard.start()
    mine = asyncio.create_task(following(heard.listen("chat", "a", None), 1))
    desk = asyncio.create_task(following(heard.listen("desk", None, None), 2))
    await asyncio.sleep(0)
    for number, topic, chat in ((1, "chat", "b"), (2, "desk", "a"), (3, "desk", "b"), (4, "chat", "a")):
        await writer.write(lambda c, n=number, topic=topic, chat=chat: tell(c, n, topic, chat))
    assert await mine == [4]
    assert await desk == [2, 3]
    await heard.stop()


async def test_a_screen_that_comes_back_misses_nothing_while_more_arrives(store: Store, writer: Writer) -> None:
    heard = Feed(store.engine, poll_s=0.02)
    await heard.start()
    total = 60

    def press() -> None:
        for number in range(total):
            do(writer, lambda c, number=number: tell(c, number))

    pressing = threading.Thread(target=press)
    pressing.start()
    seen: list[int] = []
    cursor = Cursor()
    while len(seen) < total:  # a screen that loses its connection after every seventh event
        listening = heard.listen("desk", None, cursor)
        for _ in range(min(7, total - len(seen))):
            item = await asyncio.wait_for(anext(listening), WAIT_S)
            assert item is not None
            seen.append(item.data["number"])
            cursor = item.cursor
        await listening.aclose()
    pressing.join(WAIT_S)

    assert seen == list(range(total))
    await heard.stop()


async def test_a_screen_that_missed_very_much_is_told_to_read_everything_again(store: Store, writer: Writer) -> None:
    await writer.write(lambda c: [tell(c, number) for number in range(feed._MOST_MISSED + 1)])
    heard = Feed(store.engine, poll_s=0.02)
    await heard.start()
    listening = heard.listen("desk", None, Cursor())
    async with asyncio.timeout(WAIT_S):
        first = await anext(listening)
        await writer.write(lambda c: tell(c, 5000))
        second = await anext(listening)

    assert first is not None
    assert second is not None
    assert (first.kind, first.cursor < second.cursor, second.data["number"]) == (feed.BEHIND, True, 5000)
    await listening.aclose()
    await heard.stop()


async def test_a_visitor_hears_every_message_however_many_were_missed(store: Store, writer: Writer) -> None:
    total = feed._MOST_MISSED + 1
    await writer.write(lambda c: [tell(c, number, "chat", "a") for number in range(total)])
    heard = Feed(store.engine, poll_s=0.02)
    await heard.start()
    assert await following(heard.listen("chat", "a", Cursor()), total) == list(range(total))
    await heard.stop()


async def test_stopping_lets_every_listener_end(store: Store) -> None:
    heard = Feed(store.engine)
    await heard.start()

    async def read() -> list[Event | None]:
        return [item async for item in heard.listen("desk", None, None)]

    listening = asyncio.create_task(read())
    while not heard._listeners:
        await asyncio.sleep(0)
    await heard.stop()
    assert await asyncio.wait_for(listening, WAIT_S) == []


@pytest.mark.parametrize("steps", range(12))
async def test_a_bell_in_the_moment_of_the_stop_keeps_nothing_running(store: Store, steps: int) -> None:
    heard = Feed(store.engine, poll_s=60)
    await heard.start()
    await asyncio.sleep(0)  # it waits for the bell
    heard.ring()
    for _ in range(steps):
        await asyncio.sleep(0)
    async with asyncio.timeout(WAIT_S):
        await heard.stop()


async def test_a_screen_that_is_too_slow_is_ended_and_resumes_by_its_cursor(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_LISTENER_LIMIT", 3)
    heard = Feed(store.engine, poll_s=0.02)
    await heard.start()
    slow = heard.listen("desk", None, None)
    first = asyncio.create_task(following(slow, 1))
    await asyncio.sleep(0)
    await writer.write(lambda c: tell(c, 0))
    assert await first == [0]
    with store.engine.connect() as connection:
        before = events.newest(connection)

    await writer.write(lambda c: [tell(c, number) for number in range(1, 9)])
    while heard.cursor == before:
        await asyncio.sleep(0)
    rest = [item async for item in slow]

    assert len(rest) < 8
    assert await following(heard.listen("desk", None, before), 8) == list(range(1, 9))
    await heard.stop()


async def test_a_bell_after_the_end_of_the_loop_harms_nobody(store: Store) -> None:
    heard = Feed(store.engine)

    async def live() -> None:
        await heard.start()
        await heard.stop()

    await asyncio.to_thread(asyncio.run, live())
    writer = Writer(store.engine, after_commit=heard.ring)
    assert await writer.write(lambda c: tell(c, 1)) is None
    assert await writer.write(lambda c: tell(c, 2)) is None
    writer.close()


def test_an_event_is_written_for_the_screen_with_its_cursor() -> None:
    item = Event(Cursor(7, 9), "chat", "message", "a", None, {}, NOW)
    assert sse(item, "{}") == "id: 7-9\nevent: message\ndata: {}\n\n"
