"""The stream of the web chat: heard at once, resumed where it was left, nobody else's."""

from __future__ import annotations

import json

import httpx
import pytest

import server
from settings import Settings
from tests.browsing import serving, sse_events
from tests.building import CRISIS, SMALL_TALK, compiled_screener

pytestmark = pytest.mark.anyio


async def test_a_stream_tells_of_a_message_the_moment_it_is_stored(sqlite_settings: Settings) -> None:
    app = server.build_app(sqlite_settings, screener=compiled_screener())
    async with serving(app) as address, httpx.AsyncClient(base_url=address, timeout=20) as browser:
        await browser.post("/api/chat/sessions")
        async with browser.stream("GET", "/api/chat/events") as stream:
            heard = sse_events(stream)
            await browser.post("/api/chat/messages", json={"client_message_id": "m1", "text": SMALL_TALK})
            said = [json.loads((await anext(heard)).data) for _ in range(2)]
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert [(message["seq"], message["author"]) for message in said] == [(2, "visitor"), (3, "bot")]


async def test_a_stream_goes_on_after_the_last_event_that_was_heard(settings: Settings) -> None:
    app = server.build_app(settings, screener=compiled_screener())
    async with serving(app) as address, httpx.AsyncClient(base_url=address, timeout=20) as browser:
        await browser.post("/api/chat/sessions")
        async with browser.stream("GET", "/api/chat/events") as stream:
            heard = sse_events(stream)
            await browser.post("/api/chat/messages", json={"client_message_id": "m1", "text": CRISIS})
            first = await anext(heard)
            second = await anext(heard)
        await browser.post("/api/chat/messages", json={"client_message_id": "m2", "text": "还在吗"})
        async with browser.stream("GET", "/api/chat/events", headers={"Last-Event-ID": first.id}) as stream:
            heard = sse_events(stream)
            again, missed = await anext(heard), await anext(heard)
    assert again == second
    assert json.loads(missed.data)["text"] == "还在吗"
    assert json.loads(missed.data)["seq"] == json.loads(again.data)["seq"] + 1


async def test_an_id_that_is_none_is_served_from_now_on(settings: Settings) -> None:
    app = server.build_app(settings, screener=compiled_screener())
    async with serving(app) as address, httpx.AsyncClient(base_url=address, timeout=20) as browser:
        for last in ("nonsense", "-", "99999999999999999999999-1", "1-" + "9" * 30):
            await browser.post("/api/chat/sessions")
            async with browser.stream("GET", "/api/chat/events", headers={"Last-Event-ID": last}) as stream:
                heard = sse_events(stream)
                await browser.post("/api/chat/messages", json={"client_message_id": "m1", "text": CRISIS})
                assert json.loads((await anext(heard)).data)["seq"] == 2


async def test_a_stream_says_nothing_of_other_conversations(sqlite_settings: Settings) -> None:
    app = server.build_app(sqlite_settings, screener=compiled_screener())
    async with serving(app) as address, httpx.AsyncClient(base_url=address, timeout=20) as browser:
        token = (await browser.post("/api/chat/sessions")).json()["token"]
        browser.cookies.clear()
        await browser.post("/api/chat/sessions")
        other = {"Authorization": f"Bearer {token}"}
        async with browser.stream("GET", "/api/chat/events") as stream:
            heard = sse_events(stream)
            await browser.post(
                "/api/chat/messages", json={"client_message_id": "m1", "text": "别人的话"}, headers=other
            )
            await browser.post("/api/chat/messages", json={"client_message_id": "m1", "text": "自己的话"})
            first = json.loads((await anext(heard)).data)
    assert first["text"] == "自己的话"
