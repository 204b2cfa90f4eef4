"""The shift in the console: who sees and may do what, over the routes of the real application."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import server
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site, serving, sse_events
from tests.building import EMERGENCY, LOW, WAIT_S, Clock, compiled_screener, rows

pytestmark = pytest.mark.anyio
SUMMARY = {"said": "失恋后三天没睡", "promised": "陪到室友回来", "next": "问室友几点到"}
CALL_ME = "转人工"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    app = server.build_app(load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def case_of(site: Site, text: str = EMERGENCY) -> str:
    person = await site.visitor()
    await person.post(text, secrets.token_hex(4))
    await site.settle()
    return site.case_of(person.conversation_id)


async def on_duty(site: Site, login: str, *roles: str) -> Seat:
    seat = site.seat(login, *roles)
    answer = await seat.post("/console/duty/begin")
    assert answer.json()["ok"] is True, answer.text
    return seat


async def duty(seat: Seat) -> dict[str, Any]:
    answer = await seat.browser.get("/console/duty.json")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def state(seat: Seat, case_id: str) -> dict[str, Any]:
    return dict((await seat.browser.get(f"/console/cases/{case_id}/state.json")).json()["colleagues"])


async def queue(seat: Seat) -> list[dict[str, Any]]:
    return list((await seat.browser.get("/console/queue.json")).json()["rows"])


async def test_one_click_begins_and_ends_the_shift_and_everybody_sees_it(site: Site) -> None:
    lin, zhang = await on_duty(site, "lin"), await on_duty(site, "zhang")
    await zhang.post("/console/duty/away")
    shown = await duty(lin)
    assert (shown["state"], shown["summary"][:4], shown["summary"][-4:]) == ("on", "在岗 1", "暂离 1")
    assert (await zhang.post("/console/duty/back")).status_code == 200
    assert (await zhang.post("/console/duty/end")).status_code == 200
    assert (await zhang.post("/console/duty/end")).status_code == 409
    assert (await zhang.post("/console/duty/dance")).status_code == 404


async def test_a_volunteer_sees_only_colour_and_waiting_time_of_others_cases(site: Site) -> None:
    red, blue = await case_of(site), await case_of(site, CALL_ME)
    xiao = await on_duty(site, "xiao", "volunteer")
    shown = {row["id"]: row for row in await queue(xiao)}
    assert {row["case_no"] for row in shown.values()} == {""}
    assert (shown[red]["level"], shown[red]["may_claim"]) == (4, False)
    assert shown[red]["raised_at"]
    assert (shown[blue]["level"], shown[blue]["may_claim"]) == (1, True)
    page = (await xiao.browser.get("/console")).text
    numbers = {row.case_no for row in rows(site.service.store.engine, t.case_record)}
    assert not any(number in page for number in numbers)
    assert re.search("/console/cases/[0-9a-f]", page) is None


async def test_a_volunteer_gets_a_404_for_every_case_but_an_own_one(site: Site) -> None:
    red, blue = await case_of(site), await case_of(site, CALL_ME)
    xiao = await on_duty(site, "xiao", "volunteer")
    for case_id in (red, blue):
        for path in ("", "/state.json", "/suggest.json"):
            assert (await xiao.browser.get(f"/console/cases/{case_id}{path}")).status_code == 404
        assert (await xiao.act(case_id, "note", text="看一眼")).status_code == 404
        assert (await xiao.act(case_id, "take-over")).status_code == 404
    assert (await xiao.act(red, "claim")).status_code == 404
    assert (await xiao.act(blue, "claim")).json()["ok"] is True
    assert (await xiao.browser.get(f"/console/cases/{blue}")).status_code == 200
    for path in ("/console/undelivered", "/console/floor", "/console/handovers"):
        assert (await xiao.browser.get(path)).status_code == 404


async def test_a_claim_beyond_the_limit_is_refused_with_a_name(site: Site) -> None:
    lin, zhang = await on_duty(site, "lin"), await on_duty(site, "zhang")
    assert (await lin.act(await case_of(site), "claim")).status_code == 200
    refused = await lin.act(await case_of(site), "claim")
    assert refused.status_code == 409
    assert zhang.counsellor.display_name in refused.json()["detail"]


async def test_a_transfer_goes_over_with_its_summary_first(site: Site) -> None:
    lin, zhang = await on_duty(site, "lin"), await on_duty(site, "zhang")
    case_id = await case_of(site)
    await lin.act(case_id, "claim")
    asked = await lin.act(case_id, "transfer", to=zhang.counsellor.id, **SUMMARY)
    assert asked.json()["ok"] is True
    (invitation,) = (await duty(zhang))["invitations"]
    assert {name: invitation[name] for name in SUMMARY} == SUMMARY
    assert (await duty(lin))["invitations"] == []
    assert (await state(lin, case_id))["request"]["is_open"] is True
    assert (await lin.post(f"/console/transfers/{invitation['id']}/accept")).status_code == 409
    assert (await zhang.post(f"/console/transfers/{invitation['id']}/accept")).json()["ok"] is True
    shown = await state(zhang, case_id)
    assert {name: shown["summary"][name] for name in SUMMARY} == SUMMARY
    assert [promise["text"] for promise in shown["promises"]] == [SUMMARY["promised"]]
    assert (await zhang.act(case_id, "promise/kept", promise=shown["promises"][0]["id"])).status_code == 200


async def test_a_refusal_comes_back_with_its_reason(site: Site) -> None:
    lin, zhang = await on_duty(site, "lin"), await on_duty(site, "zhang")
    case_id = await case_of(site)
    await lin.act(case_id, "claim")
    await lin.act(case_id, "transfer", to=zhang.counsellor.id, **SUMMARY)
    (invitation,) = (await duty(zhang))["invitations"]
    await zhang.post(f"/console/transfers/{invitation['id']}/decline", reason="手上有红色个案")
    request = (await state(lin, case_id))["request"]
    assert (request["is_open"], request["reason"]) == (False, "手上有红色个案")


async def test_whisper_join_and_relieve_are_for_those_who_lead(site: Site) -> None:
    lin, zhang = await on_duty(site, "lin"), await on_duty(site, "zhang")
    lead, chief = await on_duty(site, "lead", "duty_lead"), await on_duty(site, "chief", "supervisor")
    case_id = await case_of(site)
    await lin.act(case_id, "claim")
    for action in ("whisper", "join", "relieve"):
        assert (await zhang.act(case_id, action, text="在吗", reason="我来试试")).status_code == 404
    assert (await lead.act(case_id, "whisper", text="先问位置")).status_code == 404
    assert (await chief.act(case_id, "whisper", text="先问位置")).status_code == 200
    assert [one["text"] for one in (await state(lin, case_id))["whispers"]] == ["先问位置"]
    assert (await lead.act(case_id, "join")).status_code == 200
    reply = {"reply_id": secrets.token_hex(16), "text": "我也在"}
    assert (await lead.act(case_id, "reply", **reply)).status_code == 200
    assert (await chief.act(case_id, "relieve", reason="需要马上联系110")).status_code == 200
    assert (await state(lead, case_id))["companions"] == [lead.counsellor.display_name]


async def test_a_whisper_never_reaches_the_person(site: Site) -> None:
    person = await site.visitor()
    await person.post(EMERGENCY, "m1")
    await site.settle()
    case_id = site.case_of(person.conversation_id)
    lin, chief = await on_duty(site, "lin"), await on_duty(site, "chief", "supervisor")
    await lin.act(case_id, "claim")
    await chief.act(case_id, "whisper", text="先问位置")
    await site.settle()
    assert "先问位置" not in json.dumps(await person.messages(), ensure_ascii=False)


async def test_the_floor_shows_every_live_conversation_without_words(site: Site, clock: Clock) -> None:
    lin, chief = await on_duty(site, "lin"), await on_duty(site, "chief", "supervisor")
    case_id = await case_of(site)
    await lin.act(case_id, "claim")
    clock.forward(seconds=50)
    shown = (await chief.browser.get("/console/floor.json")).json()
    (live,) = shown["lives"]
    assert (live["case_id"], live["level"], live["owner"]) == (case_id, 4, lin.counsellor.display_name)
    assert live["unanswered_since"] == live["began_at"]
    person = next(one for one in shown["people"] if one["id"] == lin.counsellor.id)
    assert (person["load"], person["week"]) == ("1 个（红）", "本周 1 个橙红个案，0 分钟")
    page = await chief.browser.get("/console/floor")
    assert page.status_code == 200
    assert EMERGENCY not in page.text
    assert (await lin.browser.get("/console/floor")).status_code == 404


async def test_a_break_is_offered_to_whom_it_concerns(site: Site) -> None:
    lin, zhang = await on_duty(site, "lin"), await on_duty(site, "zhang")
    case_id = await case_of(site)
    await lin.act(case_id, "claim")
    await lin.act(case_id, "release")
    rest = (await duty(lin))["rest"]
    assert (await duty(zhang))["rest"] is None
    assert (await zhang.post(f"/console/rests/{rest['id']}", take="yes")).status_code == 409
    assert (await lin.post(f"/console/rests/{rest['id']}", take="yes")).status_code == 200
    assert [(await duty(lin))[name] for name in ("state", "rest")] == ["away", None]


async def test_the_roster_is_seen_by_all_and_made_by_leads(site: Site) -> None:
    lin, lead = site.seat("lin"), site.seat("lead", "duty_lead")
    form = {"who": lin.counsellor.id, "role": "seat", "date": "2026-11-30", "begins": "20:00", "ends": "04:00"}
    assert (await lin.post("/console/roster/shifts", **form)).status_code == 404
    assert (await lead.post("/console/roster/shifts", **form)).json()["ok"] is True
    for broken in ({"date": "tomorrow"}, {"begins": "25:00"}, {"who": ""}, {"role": "boss"}):
        assert (await lead.post("/console/roster/shifts", **{**form, **broken})).status_code == 409
    page = (await lin.browser.get("/console/roster?week=2026-12-02")).text
    assert "20:00–04:00" in page
    assert "没有人" in page
    assert "加一个班" not in page
    (row,) = rows(site.service.store.engine, t.roster)
    assert (await lead.post("/console/roster/copies", week="2026-12-07")).json()["ok"] is True
    assert (await lead.post(f"/console/roster/shifts/{row.id}/remove")).json()["ok"] is True
    assert len(rows(site.service.store.engine, t.roster)) == 2
    for week in ("", "yesterday", "9999-12-31", "0001-01-01"):
        assert (await lead.browser.get(f"/console/roster?week={week}")).status_code == 200


async def test_a_hand_over_is_signed_by_two_and_read_by_all_who_serve(site: Site) -> None:
    lead, incoming = await on_duty(site, "lead", "duty_lead"), await on_duty(site, "incoming", "duty_lead")
    await case_of(site)
    refused = await lead.post("/console/handovers/out/signature", remarks="耳机坏了")
    assert (refused.status_code, "没人接" in refused.json()["detail"]) == (409, True)
    signed = await lead.post("/console/handovers/out/signature", remarks="耳机坏了", reason="刚响铃，正在登录")
    assert signed.json()["ok"] is True
    (missing,) = (await duty(incoming))["unsigned"]
    url = f"/console/handovers/{missing['id']}"
    page = (await incoming.browser.get(url)).text
    assert "耳机坏了" in page
    assert "封存校验一致" in page
    assert (await lead.post(f"{url}/in/signature")).status_code == 409
    assert (await site.seat("lin").post(f"{url}/in/signature")).status_code == 404
    assert (await incoming.post(f"{url}/in/signature")).json()["ok"] is True
    assert (await duty(lead))["unsigned"] == []
    assert (await lead.post("/console/duty/end")).json()["ok"] is True
    assert (await lead.browser.get("/console/handovers")).status_code == 200
    assert (await lead.browser.get("/console/handovers/unknown")).status_code == 404
    assert len(rows(site.service.store.engine, t.audit, action="handover_view")) == 2


async def test_an_open_stream_keeps_presence_fresh_and_tells_of_colleagues(site: Site, clock: Clock) -> None:
    lin, zhang = site.seat("lin"), site.seat("zhang")
    async with serving(site.app) as url, httpx.AsyncClient(base_url=url, timeout=WAIT_S) as browser:
        browser.cookies.set("xindeng_console", lin.cookie)
        async with browser.stream("GET", "/console/events") as stream:
            heard = sse_events(stream)
            assert (await zhang.post("/console/duty/begin")).status_code == 200
            event = await asyncio.wait_for(anext(heard), WAIT_S)
            assert event.kind == "people"
            first = clock()
            assert rows(site.service.store.engine, t.presence, id=lin.counsellor.id)[0].seen_at == first
            for seconds in (19, 2):
                clock.forward(seconds=seconds)
                await zhang.post("/console/duty/away")
                while (await asyncio.wait_for(anext(heard), WAIT_S)).kind != "people":
                    pass
            (mine,) = rows(site.service.store.engine, t.presence, id=lin.counsellor.id)
            assert (mine.state, mine.seen_at) == ("off", clock())


async def test_a_volunteers_stream_carries_nothing_of_others_cases(site: Site) -> None:
    xiao = site.seat("xiao", "volunteer")
    async with serving(site.app) as url, httpx.AsyncClient(base_url=url, timeout=WAIT_S) as browser:
        browser.cookies.set("xindeng_console", xiao.cookie)
        async with browser.stream("GET", "/console/events") as stream:
            heard = sse_events(stream)
            await case_of(site)
            event = await asyncio.wait_for(anext(heard), WAIT_S)
            row = json.loads(event.data)
            assert (row["hidden"], row["case_no"], row["owner_id"], row["data"]) == (True, "", None, {})


async def test_what_a_page_asks_by_itself_keeps_no_console_signed_in(site: Site, clock: Clock) -> None:
    chief = await on_duty(site, "chief", "supervisor")
    for _ in range(9):
        clock.forward(seconds=200)
        assert (await chief.browser.get("/console/duty.json")).status_code == 200
        assert (await chief.browser.get("/console/floor.json")).status_code == 200
    clock.forward(seconds=1)
    assert (await chief.browser.get("/console/duty.json")).status_code == 401


async def test_small_talk_shows_no_over_limit_warning_and_an_overload_does(site: Site) -> None:
    lin = await on_duty(site, "lin")
    first, second = await case_of(site), await case_of(site, LOW + "，想死")
    await lin.act(first, "claim")
    assert (await state(lin, first))["over_limit"] == ""
    assert (await lin.act(second, "claim")).status_code == 200  # nobody else is here
    assert "超过了上限" in (await state(lin, first))["over_limit"]
