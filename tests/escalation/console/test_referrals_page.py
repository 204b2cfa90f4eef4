"""The tab and the page 转介 through the real application: making, agreeing, linking, what is open, who may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import server
from escalation.permissions import Alternative
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import PLAN, Clock, compiled_screener, rows

pytestmark = pytest.mark.anyio
FORM = {
    "id": "1" * 32, "kind": "er", "urgency": "now", "direction": "out", "method": "link", "reason": "需要急诊评估",
    "basis": "consent", "basis_words": "本人说愿意去", "call_back": "热线 000", "share:called": "小雨甲",
    "share:danger": "说想死，有计划",
}  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path), "HOTLINE_HOTLINE_NAME": "示例热线"})
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def place(site: Site, name: str = "演示县医院", **more: str) -> str:
    zhao = site.seat("editor", "supervisor")
    entry = {"name": name, "kinds": "er", "region": "演示县", "phones": "000-1", "checked": "yes", **more}
    answer = await zhao.post("/console/institutions/new/add", **entry)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def case_of(site: Site, seat: Seat) -> str:
    person = await site.visitor()
    await person.post(PLAN, "m1")
    await site.settle()
    case_id = site.case_of(person.conversation_id)
    await seat.act(case_id, "claim")
    return case_id


async def made(site: Site, lin: Seat, **changes: str) -> tuple[str, httpx.Response]:
    case_id = await case_of(site, lin)
    institution_id = await place(site, f"演示医院{case_id[:6]}")
    answer = await lin.act(case_id, "referrals", **{**FORM, "institution_id": institution_id, **changes})
    return case_id, answer


async def tab(seat: Seat, case_id: str) -> dict[str, Any]:
    return dict((await seat.browser.get(f"/console/cases/{case_id}/state.json")).json()["referral"])


async def page(seat: Seat) -> dict[str, Any]:
    return dict((await seat.browser.get("/console/referrals.json")).json())


async def test_the_tab_proposes_what_the_case_knows_and_offers_who_may_be_chosen(site: Site) -> None:
    lin = site.seat("lin")
    case_id = await case_of(site, lin)
    await place(site, "从未核实", checked="")
    await place(site, "刚刚核实")
    offers = (await lin.browser.get(f"/console/cases/{case_id}/offers.json", params={"kind": "er"})).json()
    assert ([one["name"] for one in offers["found"]], offers["left_out"]) == (["刚刚核实"], 1)
    known = (await tab(lin, case_id))["known"]
    assert known["level"] == "橙·高"
    assert lin.counsellor.display_name in known["call_back"]


async def test_what_the_record_says_is_proposed_and_shared_only_when_it_is_ticked(site: Site) -> None:
    lin = site.seat("lin")
    case_id = await case_of(site, lin)
    for field, value in {"plan": "specific", "companion": "室友小周，000-0000001"}.items():
        answer = await lin.post(f"/console/cases/{case_id}/record/{field}", value=value, missing="", based_on="0")
        assert answer.status_code == 200, answer.text
    known = (await tab(lin, case_id))["known"]
    assert (known["danger"], known["companion"]) == ("有具体的计划", "室友小周，000-0000001")
    preview = await lin.act(case_id, "referrals/preview", **{**FORM, "institution_id": await place(site)})
    assert "室友小周" not in preview.text


async def test_the_preview_is_what_the_partner_sees_and_nothing_is_kept(site: Site) -> None:
    lin = site.seat("lin")
    case_id = await case_of(site, lin)
    answer = await lin.act(case_id, "referrals/preview", **{**FORM, "institution_id": await place(site)})
    lines = dict(answer.json()["lines"])
    assert (lines["发出"], lines["称呼"], lines["目前的危险"]) == ("示例热线", "小雨甲", "说想死，有计划")
    assert FORM["basis_words"] not in answer.text
    assert rows(site.service.store.engine, t.referral) == []
    missing = await lin.act(case_id, "referrals/preview", **{**FORM, "reason": ""})
    assert (missing.status_code, "转介理由" in missing.json()["detail"]) == (409, True)


async def test_a_referral_shows_in_the_tab_and_on_the_page(site: Site) -> None:
    lin = site.seat("lin")
    case_id, answer = await made(site, lin)
    assert answer.json() == {"ok": True, "in_force": True}
    (one,) = (await tab(lin, case_id))["list"]
    assert (one["state_words"], one["urgency"]) == ("已发出，待对方确认", "立即")
    assert one["basis_words"] == FORM["basis_words"]
    assert [step["words"] for step in one["history"] if "提供给对方" in step["what"]] == ["称呼、目前的危险"]
    shown = await page(lin)
    assert [row["case_id"] for row in shown["rows"]] == [case_id]
    assert shown["summary"] == "本月转出 1 · 已确认 0 · 不能接收 0 · 到诊 0 · 已回转 0"
    assert "小雨甲" not in (await lin.browser.get("/console/referrals")).text


async def test_without_consent_a_second_person_agrees(site: Site) -> None:
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    case_id, answer = await made(site, lin, basis="emergency")
    assert answer.json()["in_force"] is False
    url = f"/console/referrals/{FORM['id']}/decision"
    assert (await lin.post(url, agree="yes")).status_code == 404
    assert (await zhao.browser.get("/console/referrals/count.json")).json() == {"tasks": 1}
    (row,) = (await zhao.browser.get("/console/queue.json")).json()["rows"]
    assert row["has_referral_task"] is True
    assert (await zhao.post(url, agree="yes")).json()["ok"] is True
    (one,) = (await tab(lin, case_id))["list"]
    assert (one["state"], one["second"]) == ("sent", zhao.counsellor.display_name)


async def test_a_link_is_told_once_and_only_to_whose_case_it_is(site: Site) -> None:
    lin = site.seat("lin")
    case_id, _ = await made(site, lin)
    assert (await site.seat("wang").post(f"/console/referrals/{FORM['id']}/link")).status_code == 409
    link = (await lin.post(f"/console/referrals/{FORM['id']}/link")).json()
    assert link["path"].startswith("/partner/r/")
    assert len(link["code"]) == 6
    state = (await lin.browser.get(f"/console/cases/{case_id}/state.json")).text
    assert "对方还没有打开" in state
    assert link["code"] not in state
    assert link["path"].rsplit("/", 1)[1] not in state


async def test_overdue_comes_first_and_a_call_is_noted(site: Site, clock: Clock) -> None:
    lin = site.seat("lin")
    await made(site, lin)
    await made(site, lin, id="2" * 32, urgency="usual")
    clock.forward(minutes=20)
    assert len((await page(lin))["rows"]) == 2  # whoever works stays signed in
    clock.forward(minutes=11)
    await server.sweep_once(site.service)
    first, second = (await page(lin))["rows"]
    assert (first["id"], first["is_overdue"], second["is_overdue"]) == (FORM["id"], True, False)
    (task,) = first["tasks"]
    assert (task["words"], task["for"]) == ("对方没有确认，请打电话", lin.counsellor.display_name)
    url = f"/console/referrals/tasks/{task['id']}"
    assert (await lin.post(url, note="")).status_code == 409
    assert (await lin.post(url, note="打了电话，半小时内看")).json()["ok"] is True
    answer = await lin.post(f"/console/referrals/{FORM['id']}/note", action="accept", who="李医生")
    assert answer.json()["ok"] is True
    (one, _) = (await page(lin))["rows"]
    assert one["tasks"] == []


async def test_the_letter_can_be_printed_and_the_look_is_in_the_audit(site: Site) -> None:
    lin = site.seat("lin")
    await made(site, lin)
    answer = await lin.browser.get(f"/console/referrals/{FORM['id']}/letter")
    assert (answer.status_code, "小雨甲" in answer.text) == (200, True)
    assert FORM["basis_words"] not in answer.text
    (audit,) = rows(site.service.store.engine, t.audit, action="referral_letter_view")
    assert audit.actor_id == lin.counsellor.id
    assert (await lin.browser.get(f"/console/referrals/{'0' * 32}/letter")).status_code == 404


async def test_a_number_that_was_named_is_no_referral(site: Site) -> None:
    lin = site.seat("lin")
    case_id = await case_of(site, lin)
    assert (await lin.act(case_id, "information", words="给了12356")).json()["ok"] is True
    shown = await tab(lin, case_id)
    assert ([one["words"] for one in shown["named"]], shown["list"]) == (["给了12356"], [])
    assert "本月转出 0" in (await page(lin))["summary"]


async def test_who_was_sent_to_us_waits_on_the_page_and_looking_is_in_the_audit(site: Site) -> None:
    lin = site.seat("lin")
    form = {"source": "school", "case_no": "", "sender": "王老师", "person": "小陈，微信", "why": "几天没睡"}
    assert (await lin.post("/console/referrals/incoming", **form)).json()["ok"] is True
    (one,) = (await page(lin))["expected"]
    assert (one["source"], one["words"]["person"]) == ("学校", "小陈，微信")
    url = f"/console/referrals/incoming/{one['id']}"
    assert (await lin.post(url, note="")).status_code == 409
    assert (await lin.post(url, note="约了明天")).json()["ok"] is True
    assert (await page(lin))["expected"] == []
    (audit,) = rows(site.service.store.engine, t.audit, action="referrals_view")
    assert audit.actor_id == lin.counsellor.id


async def test_who_may_see_cases_but_no_referrals_sees_none(site: Site) -> None:
    lin = site.seat("lin")
    case_id, _ = await made(site, lin)
    site.service.desk.permissions.actions["referral_view"] = (Alternative("supervisor"),)
    assert await tab(lin, case_id) == {
        "may": False,
        "decides": False,
        "list": [],
        "named": [],
        "incoming": [],
        "known": {},
    }
    assert (await lin.browser.get("/console/referrals")).status_code == 404
