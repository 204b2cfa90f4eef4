"""The pages 演练 and 练习: who may plan and see what, what every screen is told, and who meets a practice caller."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import server
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import NOW, Clock, compiled_screener, do, rows

pytestmark = pytest.mark.anyio
SOON = {"scenario": "flood", "callers": "8", "date": "2026-12-01", "time": "10:20"}  # NOW is ten in Shanghai


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    app = server.build_app(load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def planned(seat: Seat, **more: str) -> None:
    answer = await seat.post("/console/drills/plans", **{**SOON, **more})
    assert answer.status_code == 200, answer.text


async def page(seat: Seat, path: str = "/console/drills") -> str:
    answer = await seat.browser.get(path)
    assert answer.status_code == 200
    return answer.text


async def json_of(seat: Seat, path: str) -> dict[str, Any]:
    return dict((await seat.browser.get(path)).json())


async def practised(seat: Seat, script: str = "plan") -> str:
    answer = await seat.post("/console/practice", script=script)
    assert answer.status_code == 200, answer.text
    return (await json_of(seat, "/console/queue.json"))["rows"][0]["id"]


async def begin(site: Site) -> str:
    (plan,) = rows(site.service.store.engine, t.drill_plan)
    token = site.service.desks.drills.token(plan.id)
    answer = await site.browser().post("/api/drill/runs", json={}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["proof"])


async def test_a_lead_plans_a_drill_and_reads_how_to_begin_it(site: Site) -> None:
    lead = site.seat("zhao", "duty_lead")
    await planned(lead)
    shown = await page(lead)
    (plan,) = rows(site.service.store.engine, t.drill_plan)
    assert "橙色、红色同时涌入，最多 8 位" in shown
    assert "2026年12月01日 10:20" in shown
    assert f"hotline drill --url http://hotline.test --token {plan.id}." in shown
    assert plan.planned_for == NOW + timedelta(minutes=20)


@pytest.mark.parametrize(
    "wrong", [{"callers": "many"}, {"date": ""}, {"time": "25:99"}, {"scenario": "party"}, {"callers": "0"}]
)
async def test_a_plan_that_makes_no_sense_is_refused_in_words(site: Site, wrong: dict[str, str]) -> None:
    answer = await site.seat("zhao", "duty_lead").post("/console/drills/plans", **{**SOON, **wrong})
    assert answer.status_code == 409
    assert answer.json()["detail"]
    assert rows(site.service.store.engine, t.drill_plan) == []


async def test_a_drill_that_surprises_is_the_supervisors_alone_until_it_begins(site: Site) -> None:
    lead, supervisor = site.seat("zhao", "duty_lead"), site.seat("wang", "supervisor")
    refused = await lead.post("/console/drills/plans", **SOON, announced="no")
    assert refused.status_code == 409
    await planned(supervisor, announced="no")
    assert ("同时涌入，最多" in await page(lead), "同时涌入，最多" in await page(supervisor)) == (False, True)
    assert (await json_of(lead, "/console/duty.json"))["drill"] == ""
    await begin(site)
    assert (await json_of(lead, "/console/duty.json"))["drill"] == ""
    assert "演练进行中" in await page(lead)  # who must be able to stop it


async def test_an_announced_drill_is_told_to_every_screen(site: Site, clock: Clock) -> None:
    lead, lin = site.seat("zhao", "duty_lead"), site.seat()
    await planned(lead)
    assert "将有演练" in (await json_of(lin, "/console/duty.json"))["drill"]
    await begin(site)
    assert "演练进行中" in (await json_of(lin, "/console/duty.json"))["drill"]
    assert (await lead.post("/console/drills/stop")).status_code == 200
    clock.forward(hours=2)
    assert (await json_of(site.seat(), "/console/duty.json"))["drill"] == ""


async def test_the_result_stands_beside_its_plan_with_the_rate_of_the_year(site: Site, clock: Clock) -> None:
    lead = site.seat("zhao", "duty_lead")
    await planned(lead)
    proof = await begin(site)
    clock.forward(minutes=25)
    results = [
        {"script": "edge", "seconds": {"stored": 0.25, "claim": 41}},
        {"script": "edge", "seconds": {"stored": 0.5}},
    ]
    answer = await site.browser().post(
        "/api/drill/results", json={"whole": True, "callers": results}, headers={"Authorization": f"Bearer {proof}"}
    )
    assert answer.status_code == 200
    shown = await page(lead)
    for words in ("已演练", "41.0 秒", "2/2", "1/2", "100.00%（1/1）", "没有人接手"):
        assert words in shown
    (plan,) = rows(site.service.store.engine, t.drill_plan)
    assert (await lead.post(f"/console/drills/plans/{plan.id}/findings", words="没人看见")).status_code == 200
    assert "没人看见" in await page(lead)


async def test_a_practice_case_is_in_nobody_elses_queue(site: Site) -> None:
    lin, zhang, supervisor = site.seat("lin"), site.seat("zhang"), site.seat("wang", "supervisor")
    case_id = await practised(lin)
    for other in (zhang, supervisor):
        assert (await json_of(other, "/console/queue.json"))["rows"] == []
    assert (await zhang.browser.get(f"/console/cases/{case_id}")).status_code == 404
    assert (await zhang.act(case_id, "claim")).status_code == 409
    (row,) = (await json_of(lin, "/console/queue.json"))["rows"]
    assert (row["is_drill"], row["is_practice"], row["ringing"], row["owner_id"]) == (
        True,
        True,
        False,
        lin.counsellor.id,
    )


async def test_the_case_says_that_nobody_real_is_there_and_ends_by_one_button(site: Site) -> None:
    lin = site.seat("lin")
    case_id = await practised(lin)
    shown = (await json_of(lin, f"/console/cases/{case_id}/state.json"))["practice"]
    assert "模拟来访者“阿哲”" in shown["words"]
    assert shown["may_end"] is True
    assert (await lin.act(case_id, "practice/end")).status_code == 200
    shown = (await json_of(lin, f"/console/cases/{case_id}/state.json"))["practice"]
    assert "练习已结束（自己结束）" in shown["words"]
    assert shown["may_end"] is False


async def test_a_real_case_has_no_such_words(site: Site) -> None:
    lin, person = site.seat("lin"), await site.visitor()
    await person.post("转人工", "m")
    await lin.act(site.case_of(person.conversation_id), "claim")
    shown = await json_of(lin, f"/console/cases/{site.case_of(person.conversation_id)}/state.json")
    assert shown["practice"] is None
    assert (await lin.act(site.case_of(person.conversation_id), "practice/end")).status_code == 404


async def test_the_own_page_shows_the_own_practices_alone(site: Site) -> None:
    lin, zhang = site.seat("lin"), site.seat("zhang")
    case_id = await practised(lin)
    assert f"/console/cases/{case_id}" in await page(lin, "/console/practice")
    assert case_id not in await page(zhang, "/console/practice")
    await lin.act(case_id, "practice/end")
    assert "自己结束" in await page(lin, "/console/practice")


async def test_a_volunteer_may_practise_with_any_caller(site: Site, clock: Clock) -> None:
    volunteer = site.seat("xiao", "volunteer")
    case_id = await practised(volunteer, "edge")
    service = site.service
    for _ in range(6):
        clock.forward(seconds=1)
        await service.practising.run_due()
    assert (await volunteer.browser.get(f"/console/cases/{case_id}")).status_code == 200
    (case,) = rows(service.store.engine, t.case_record)
    assert (case.level, case.practised_by) == (4, volunteer.counsellor.id)
    assert do(service.writer, lambda c: service.store.alerts.all_ringing(c)) == {}
