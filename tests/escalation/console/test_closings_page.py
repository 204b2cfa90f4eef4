"""The page 待签结案: what waits, for who may sign; and a volunteer's own record, without what rescuers need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import server
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import compiled_screener, rows
from tests.record_samples import fill_record

pytestmark = pytest.mark.anyio
DANGER = "我已经写好遗书，明天就跳楼"  # orange
RECORD = {"disposition": "companion", "summary": "室友陪着，药交给了室友，约定明天再联系"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app = server.build_app(load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), screener=compiled_screener())
    made = Site(app, app.state.service)
    yield made
    made.service.writer.close()
    made.service.store.engine.dispose()


async def served(site: Site, who: Seat, text: str = DANGER) -> str:
    person = await site.visitor()
    await person.post(text, "m1")
    await site.settle()
    case_id = site.case_of(person.conversation_id)
    assert (await who.act(case_id, "claim")).status_code == 200
    return case_id


async def submitted(site: Site, lin: Seat) -> str:
    case_id = await served(site, lin)
    fill_record(site.service, case_id, lin.counsellor)
    answer = await lin.act(case_id, "closing/submit", **RECORD)
    assert answer.status_code == 200, answer.text
    return case_id


async def listed(seat: Seat) -> list[dict[str, Any]]:
    return list((await seat.browser.get("/console/closings.json")).json()["closings"])


async def state(seat: Seat, case_id: str) -> Any:
    return (await seat.browser.get(f"/console/cases/{case_id}/state.json")).json()


async def test_the_list_shows_who_submitted_what_to_supervisors_alone(site: Site) -> None:
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    case_id = await submitted(site, lin)
    (one,) = await listed(zhao)
    assert (one["case_id"], one["by"], one["summary"]) == (case_id, lin.counsellor.display_name, RECORD["summary"])
    assert one["disposition"] == "已有具体的人陪伴"
    assert (await zhao.browser.get("/console/closings")).status_code == 200
    for seat in (lin, site.seat("lead", "duty_lead"), site.seat("root", "admin")):
        assert (await seat.browser.get("/console/closings.json")).status_code == 404
    assert {row.object_id for row in rows(site.service.store.engine, t.audit, action="closing_view")} == {case_id}


async def test_without_a_complete_record_nothing_is_submitted(site: Site) -> None:
    lin = site.seat("lin")
    case_id = await served(site, lin)
    answer = await lin.act(case_id, "closing/submit", **RECORD)
    assert answer.status_code == 409
    assert "记录单还差" in answer.text


async def test_only_a_supervisor_signs_and_the_page_of_the_case_says_so(site: Site) -> None:
    lin, zhao, wang = site.seat("lin"), site.seat("zhao", "supervisor"), site.seat("wang")
    case_id = await submitted(site, lin)
    assert (await wang.act(case_id, "closing/sign")).status_code == 404
    assert (await lin.act(case_id, "closing/sign")).status_code == 404
    seen = (await state(lin, case_id))["closing"], (await state(zhao, case_id))["closing"]
    assert [one["may_sign"] for one in seen] == [False, True]
    assert (await zhao.act(case_id, "closing/sign")).status_code == 200
    assert (await state(zhao, case_id))["row"]["state"] == "follow_up"
    assert await listed(zhao) == []


async def test_what_is_sent_back_says_why(site: Site) -> None:
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    case_id = await submitted(site, lin)
    assert (await zhao.act(case_id, "closing/return", words="请补上室友的电话")).status_code == 200
    shown = (await state(zhao, case_id))["closing"]
    assert (shown["waits"], shown["returned"]["words"]) == (False, "请补上室友的电话")


async def test_in_the_queue_it_comes_last_and_does_not_ring(site: Site) -> None:
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    closing = await submitted(site, lin)
    talk = await served(site, site.seat("wang"), "转人工")
    found = (await zhao.browser.get("/console/queue.json")).json()["rows"]
    assert [row["id"] for row in found] == [talk, closing]
    assert [row["ringing"] for row in found] == [False, False]


async def test_a_volunteer_writes_the_record_of_her_case_and_closes_it(site: Site) -> None:
    xu = site.seat("xu", "volunteer")
    case_id = await served(site, xu, "转人工")
    saved = await xu.act(case_id, "record/problems", value="mood", based_on="0")
    assert saved.json()["saved"] is True
    answer = await xu.act(case_id, "close", disposition="calmed", summary="说了考试的压力，愿意找同学")
    assert answer.status_code == 200, answer.text
    assert (await state(xu, case_id))["row"]["state"] == "closed"


@pytest.mark.parametrize("field", ["location", "phone", "third_place", "rescue_reached", "plan.signs"])
async def test_a_volunteer_neither_sees_nor_writes_what_rescuers_need(site: Site, field: str) -> None:
    xu = site.seat("xu", "volunteer")
    case_id = await served(site, xu, "转人工")
    refused = await xu.act(case_id, f"record/{field}", value="三号楼", based_on="0")
    assert refused.status_code == 409
    page = (await xu.browser.get(f"/console/cases/{case_id}")).text
    assert f'id="f-{field}"' not in page or field.startswith("plan.")
    shown = await state(xu, case_id)
    assert (shown["rescue"]["near"], shown["rescue"]["calls"], shown["rescue"]["lines"]) == ([], [], [])


async def test_a_volunteer_whose_case_has_risen_writes_no_record_any_more(site: Site) -> None:
    xu = site.seat("xu", "volunteer")
    case_id = await served(site, xu, "转人工")
    assert (await xu.act(case_id, "level", level="medium", reason="说了不想活")).status_code == 200
    assert (await xu.act(case_id, "record/problems", value="mood", based_on="0")).status_code == 404
    assert (await state(xu, case_id))["record"]["may_edit"] is False
