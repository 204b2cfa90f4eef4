"""The page 未送达: what did not reach people, for those who may see it, and the ways out; its number in the header."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import server
from bot.channels import ChannelRefused, OutOfReach
from bot.messages import Arrival
from escalation.permissions import Alternative
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site, serving, sse_events
from tests.building import CRISIS, WAIT_S, FakeChannel, compiled_screener, connect, rows

pytestmark = pytest.mark.anyio
HOW = "打了紧急联系人电话，本人已接"
WORDS = "我在，先别一个人"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    app = server.build_app(load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), screener=compiled_screener())
    return Site(app, app.state.service)


@pytest.fixture
def channel(site: Site) -> Iterator[FakeChannel]:
    fake = FakeChannel("wechat")
    connect(site.service, fake)
    yield fake
    site.service.writer.close()
    site.service.store.engine.dispose()


async def lost(site: Site, channel: FakeChannel, lin: Seat, reason: str = "blocked") -> str:
    """Lin's reply to somebody in danger does not arrive; returns the case."""
    (arrived,) = await site.service.intake.arrive(Arrival("wechat", "openid-1", "m1", "text", CRISIS))
    await site.settle()
    case_id = site.case_of(arrived.conversation_id)
    await lin.act(case_id, "claim")
    await site.settle()
    channel.answers = [OutOfReach(reason)]
    await lin.act(case_id, "reply", reply_id="a" * 32, text=WORDS)
    await site.settle()
    return case_id


async def letters(seat: Seat) -> list[dict[str, Any]]:
    answer = await seat.browser.get("/console/undelivered.json")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["letters"])


async def test_it_says_what_whose_why_when_and_where(site: Site, channel: FakeChannel) -> None:
    lin = site.seat("lin")
    case_id = await lost(site, channel, lin)
    (letter,) = await letters(lin)
    assert letter["case_id"] == case_id
    assert (letter["by"], letter["channel"], letter["words"]) == (lin.counsellor.display_name, "微信公众号", WORDS)
    assert letter["reason"] == "来访者拉黑了我们"
    assert "再写来" in letter["why_no_retry"]
    assert letter["made_at"] <= letter["at"]
    page = await lin.browser.get("/console/undelivered")
    assert page.status_code == 200
    assert "没有送达来访者的话" in page.text


async def test_the_words_are_for_those_who_may_read_cases(site: Site, channel: FakeChannel) -> None:
    lin = site.seat("lin")
    await lost(site, channel, lin)
    site.service.desk.permissions.actions["case_view"] = (Alternative("supervisor"),)
    (hidden,) = await letters(lin)
    assert hidden["words"] is None
    assert WORDS not in (await lin.browser.get("/console/undelivered")).text
    (shown,) = await letters(site.seat("zhao", "supervisor"))
    assert shown["words"] == WORDS


async def test_whoever_looks_is_in_the_audit(site: Site, channel: FakeChannel) -> None:
    lin = site.seat("lin")
    for _ in range(2):
        await lin.browser.get("/console/undelivered")
    for _ in range(3):
        await lin.browser.get("/console/undelivered.json")
    found = rows(site.service.store.engine, t.audit, action="undelivered_view")
    assert [row.actor_id for row in found] == [lin.counsellor.id] * 2


async def test_settling_and_trying_again(site: Site, channel: FakeChannel) -> None:
    lin = site.seat("lin")
    await lost(site, channel, lin)
    (letter,) = await letters(lin)
    url = f"/console/undelivered/{letter['id']}"
    assert (await lin.post(f"{url}/retry")).status_code == 409
    assert (await lin.post(f"{url}/settle", how="")).status_code == 409
    assert (await lin.post(f"{url}/settle", how=HOW)).json()["ok"] is True
    assert await letters(lin) == []
    assert (await lin.post(f"{url}/settle", how=HOW)).status_code == 409
    assert (await lin.post("/console/undelivered/unknown/settle", how=HOW)).status_code == 409


async def test_after_they_wrote_again_it_goes_out(site: Site, channel: FakeChannel) -> None:
    lin = site.seat("lin")
    await lost(site, channel, lin)
    await site.service.intake.arrive(Arrival("wechat", "openid-1", "m2", "text", "我回来了"))
    (letter,) = await letters(lin)
    assert letter["why_no_retry"] == ""
    assert (await lin.post(f"/console/undelivered/{letter['id']}/retry")).json()["ok"] is True
    await site.settle()
    assert channel.heard[-1] == WORDS
    assert await letters(lin) == []


async def test_the_queue_shows_a_served_case_whose_words_did_not_arrive(site: Site, channel: FakeChannel) -> None:
    lin = site.seat("lin")
    case_id = await lost(site, channel, lin)
    answer = (await lin.browser.get("/console/queue.json")).json()
    (row,) = answer["rows"]
    assert answer["undelivered"] == 1
    assert (row["state"], row["ringing"], row["has_lost_words"]) == ("in_service", True, True)
    assert row["raised_at"]
    await lin.post(f"/console/undelivered/{'a' * 32}/settle", how=HOW)
    answer = (await lin.browser.get("/console/queue.json")).json()
    (row,) = answer["rows"]
    assert (answer["undelivered"], row["ringing"], row["has_lost_words"]) == (0, False, False)
    state = (await lin.browser.get(f"/console/cases/{case_id}/state.json")).json()
    assert [one["what"] for one in state["person"]["decisions"]] == ["用其他方式联系"]


async def test_every_screen_hears_how_many_there_are_also_where_there_is_no_case(site: Site) -> None:
    fake = FakeChannel("wechat", answers=[ChannelRefused()])
    lin = site.seat("lin")
    connect(site.service, fake)  # before its loops start
    async with serving(site.app) as url, httpx.AsyncClient(base_url=url, timeout=WAIT_S) as browser:
        browser.cookies.set("xindeng_console", lin.cookie)
        async with browser.stream("GET", "/console/events") as stream:
            heard = sse_events(stream)
            await site.service.intake.arrive(Arrival("wechat", "openid-1", "m1", "text", "你好"))
            event = await asyncio.wait_for(anext(heard), WAIT_S)
            assert (event.kind, json.loads(event.data)) == ("undelivered", {"undelivered": 1})
            assert event.id
            (row,) = rows(site.service.store.engine, t.outbox, state="dead")
            token = {"X-CSRF-Token": lin.browser.headers["X-CSRF-Token"]}
            answer = await browser.post(f"/console/undelivered/{row.id}/settle", data={"how": HOW}, headers=token)
            assert answer.status_code == 200
            event = await asyncio.wait_for(anext(heard), WAIT_S)
            assert (event.kind, json.loads(event.data)) == ("undelivered", {"undelivered": 0})
