"""What the invited person sees and what not; masks on the case page; the queue of a volunteer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import server
from bot.messages import Arrival
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site, serving, sse_events
from tests.building import (
    EMERGENCY,
    WAIT_S,
    Clock,
    FakeChannel,
    compiled_screener,
    connect,
    counsellor,
    do,
    open_case,
    rows,
    say,
)
from triage.risk import Level

pytestmark = pytest.mark.anyio
WORDS = "我想死，我的电话是138-1234 5678，别打给我妈"
REASON = "疑似首次发病，请判断是否需要急诊"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    app = server.build_app(
        load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), now=Clock(), screener=compiled_screener()
    )
    made = Site(app, app.state.service)
    connect(made.service, FakeChannel("wechat"))
    yield made
    await made.service.pipeline.drain()
    made.service.writer.close()
    made.service.store.engine.dispose()


async def served_case(site: Site, lin: Seat) -> str:
    arrival = Arrival("wechat", "openid-1", "m1", "text", WORDS, nickname="小雨点")
    (arrived,) = await site.service.intake.arrive(arrival)
    await site.settle()
    case_id = site.case_of(arrived.conversation_id)
    assert (await lin.act(case_id, "claim")).status_code == 200
    await lin.act(case_id, "note", text="只给同事看的备注")
    return case_id


async def share(lin: Seat, case_id: str, guest: Seat, **fields: str) -> httpx.Response:
    return await lin.act(case_id, "share", **{"with": guest.counsellor.id, "days": "3", "reason": REASON, **fields})


async def person_of(seat: Seat, case_id: str) -> dict[str, Any]:
    return dict((await seat.browser.get(f"/console/cases/{case_id}/state.json")).json()["person"])


async def test_the_invited_sees_the_talk_without_names_numbers_notes_and_writes_an_opinion(site: Site) -> None:
    lin, expert = site.seat("lin"), site.seat("zhou", "expert")
    case_id = await served_case(site, lin)
    url = f"/console/invited/{case_id}"
    assert (await expert.browser.get(url)).status_code == 404
    assert (await share(lin, case_id, expert)).status_code == 200
    assert REASON in (await expert.browser.get("/console/invited")).text
    page = (await expert.browser.get(url)).text
    assert "我想死" in page
    assert REASON in page
    for hidden in ("138-1234", "1234 5678", "小雨点", "备注的", "只给同事看的备注", "openid-1"):
        assert hidden not in page
    assert (await expert.post(f"{url}/opinion", text="建议今天就去急诊")).status_code == 303
    notes = (await lin.browser.get(f"/console/cases/{case_id}/state.json")).json()["notes"]
    assert [(note["what"], note["text"]) for note in notes][-1] == ("专家意见", "建议今天就去急诊")
    looks = rows(site.service.store.engine, t.audit, action="case_view", actor_id=expert.counsellor.id)
    assert len(looks) == 1


async def test_contact_details_are_shown_only_where_they_were_ticked(site: Site) -> None:
    lin, expert = site.seat("lin"), site.seat("zhou", "expert")
    case_id = await served_case(site, lin)
    await share(lin, case_id, expert, contact="yes")
    page = (await expert.browser.get(f"/console/invited/{case_id}")).text
    assert "小雨点（微信公众号）" in page
    assert "138-1234 5678" in page


async def test_an_ended_invitation_closes_the_page_at_once(site: Site) -> None:
    lin, expert = site.seat("lin"), site.seat("zhou", "mh_officer")
    case_id = await served_case(site, lin)
    await share(lin, case_id, expert)
    (row,) = rows(site.service.store.engine, t.case_share)
    assert (await lin.act(case_id, "share/end", share=row.id)).status_code == 200
    assert (await expert.browser.get(f"/console/invited/{case_id}")).status_code == 404
    assert (await expert.post(f"/console/invited/{case_id}/opinion", text="晚了")).status_code == 404
    assert REASON not in (await expert.browser.get("/console/invited")).text


async def test_the_invited_gets_nowhere_else(site: Site) -> None:
    lin, expert = site.seat("lin"), site.seat("zhou", "expert")
    case_id = await served_case(site, lin)
    await share(lin, case_id, expert)
    for path in (
        f"/console/cases/{case_id}",
        f"/console/cases/{case_id}/state.json",
        "/console",
        "/console/queue.json",
    ):
        assert (path, (await expert.browser.get(path)).status_code) == (path, 404)


async def test_an_opinion_that_is_refused_is_not_lost(site: Site) -> None:
    lin, expert = site.seat("lin"), site.seat("zhou", "expert")
    case_id = await served_case(site, lin)
    await share(lin, case_id, expert)
    page = (await expert.post(f"/console/invited/{case_id}/opinion", text="长" * 4001)).text
    assert "长" * 4001 in page
    assert "最多4000字" in page


async def test_who_serves_sees_the_name_and_a_supervisor_after_saying_why(site: Site) -> None:
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    case_id = await served_case(site, lin)
    assert (await person_of(lin, case_id))["name"] == "小雨点"
    masked = await person_of(zhao, case_id)
    assert (masked["name"], masked["is_masked"]) == ("小＊＊", True)
    assert (await zhao.act(case_id, "reveal", why="")).status_code == 409
    assert (await zhao.act(case_id, "reveal", why="supervision")).status_code == 200
    assert (await person_of(zhao, case_id))["name"] == "小雨点"
    (audit,) = rows(site.service.store.engine, t.audit, action="contact_revealed")
    assert (audit.actor_id, audit.object_id) == (zhao.counsellor.id, case_id)


async def test_a_colleague_does_not_see_a_case_that_somebody_serves_unless_it_rings(site: Site) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    case_id = await served_case(site, lin)
    url = f"/console/cases/{case_id}"
    assert (await wang.browser.get(url)).status_code == 404
    assert [row["may_open"] for row in (await wang.browser.get("/console/queue.json")).json()["rows"]] == [False]
    assert (await wang.act(case_id, "note", text="x")).status_code == 404
    await lin.act(case_id, "release")  # it rings again, for everybody
    assert (await wang.browser.get(url)).status_code == 200


async def test_a_volunteer_sees_and_takes_green_and_blue_only(site: Site) -> None:
    blue, orange = open_case(site.service, Level.LOW, "blue"), open_case(site.service, Level.HIGH, "orange")
    xu = site.seat("xu", "volunteer")
    listed = (await xu.browser.get("/console/queue.json")).json()["rows"]
    assert [(row["id"], row["may_open"], row["may_claim"]) for row in listed] == [
        (orange, False, False),
        (blue, False, True),
    ]
    assert (await xu.act(orange, "claim")).status_code == 404
    assert (await xu.browser.get(f"/console/cases/{blue}")).status_code == 404  # not before it is hers
    assert (await xu.act(blue, "claim")).status_code == 200
    assert (await xu.browser.get(f"/console/cases/{blue}")).status_code == 200
    assert (await xu.browser.get("/console/undelivered")).status_code == 404


async def test_a_volunteer_keeps_the_case_that_turns_red_under_her_hands(site: Site) -> None:
    case_id = open_case(site.service, Level.LOW)
    xu = site.seat("xu", "volunteer")
    assert (await xu.act(case_id, "claim")).status_code == 200
    (case,) = rows(site.service.store.engine, t.case_record, id=case_id)
    await say(site.service, case.conversation_id, EMERGENCY)
    (case,) = rows(site.service.store.engine, t.case_record, id=case_id)
    assert case.level >= Level.HIGH
    assert (await xu.act(case_id, "reply", reply_id="a" * 32, text="我在，请别走")).status_code == 200
    assert (await xu.act(case_id, "release")).status_code == 409  # the others are called, she stays until one comes
    assert (await xu.browser.get(f"/console/cases/{case_id}")).status_code == 200


async def test_a_volunteers_stream_tells_colours_and_no_more(site: Site) -> None:
    xu, service = site.seat("xu", "volunteer"), site.service
    lin = counsellor(service.store, service.writer, "lin")
    async with serving(site.app) as url, httpx.AsyncClient(base_url=url, timeout=WAIT_S) as browser:
        browser.cookies.set("xindeng_console", xu.cookie)
        async with browser.stream("GET", "/console/events") as stream:
            heard = sse_events(stream)
            blue = await asyncio.to_thread(open_case, service, Level.LOW, "blue")
            row = await next_row(heard, blue)
            assert row["level"] == 1
            await asyncio.to_thread(do, service.writer, lambda c: service.desk.claim(c, blue, lin, service.now()))
            while (row := await next_row(heard, blue))["state"] != "in_service":
                continue
            assert (row["hidden"], row["case_no"], row["owner"], row["may_claim"]) == (True, "", "", False)


async def next_row(heard: AsyncIterator[Any], case_id: str) -> dict[str, Any]:
    while True:
        event = await asyncio.wait_for(anext(heard), WAIT_S)
        if event.kind == "row" and (row := dict(json.loads(event.data)))["id"] == case_id:
            return row
