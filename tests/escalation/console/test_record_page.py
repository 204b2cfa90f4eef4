"""The record, the plan, the timeline and the sheet through the console: who may, what is shown, what is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import server
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site, Visitor
from tests.building import Clock, compiled_screener, do, rows
from tests.record_samples import fill_record

pytestmark = pytest.mark.anyio
STORY = "我今年15岁，我一个人在宿舍。药就在我手边，我想死"
ATTACK = "</textarea><script>alert(1)</script>\u202e{{7*7}}"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    app = server.build_app(
        load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), now=Clock(), screener=compiled_screener()
    )
    made = Site(app, app.state.service)
    yield made
    await made.service.pipeline.drain()
    made.service.writer.close()
    made.service.store.engine.dispose()


async def person_with_case(site: Site, text: str = STORY) -> tuple[Visitor, str]:
    person = await site.visitor()
    await person.post(text, "m1")
    await site.settle()
    return person, site.case_of(person.conversation_id)


async def state(seat: Seat, case_id: str) -> dict[str, Any]:
    answer = await seat.browser.get(f"/console/cases/{case_id}/state.json")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def save(seat: Seat, case_id: str, field: str, value: str, based_on: int = 0, **more: str) -> dict[str, Any]:
    answer = await seat.act(case_id, f"record/{field}", value=value, based_on=str(based_on), **more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def timeline(seat: Seat, case_id: str, skip: int = 0) -> dict[str, Any]:
    answer = await seat.browser.get(f"/console/cases/{case_id}/timeline.json", params={"skip": skip})
    return dict(answer.json())


async def test_what_the_person_said_is_proposed_with_its_message_and_stored_only_when_accepted(site: Site) -> None:
    _, case_id = await person_with_case(site)
    lin = site.seat("lin")
    record = (await state(lin, case_id))["record"]
    found = {one["field"]: one for one in record["proposals"]}
    assert (found["age_band"]["value"], found["age_band"]["shown"]) == ("14_17", "14–17")
    assert found["location"]["shown"] == "宿舍"
    assert found["means_category"]["value"] == "medicine"
    assert all(one["seq"] > 0 and "15岁" in one["quote"] for one in found.values())
    assert record["values"] == {}
    assert rows(site.service.store.engine, t.record_entry) == []
    await save(lin, case_id, "age_band", "14_17", message_id=found["age_band"]["message_id"])
    record = (await state(lin, case_id))["record"]
    assert record["values"]["age_band"]["message_id"] == found["age_band"]["message_id"]
    assert "age_band" not in {one["field"] for one in record["proposals"]}


async def test_what_is_unasked_and_what_closing_lacks_follow_the_level_and_the_answers(site: Site) -> None:
    _, case_id = await person_with_case(site)
    lin = site.seat("lin")
    before = (await state(lin, case_id))["record"]
    await save(lin, case_id, before["unasked"][0], "yes" if before["unasked"][0] == "alone_now" else "none")
    after = (await state(lin, case_id))["record"]
    assert after["unasked"] == before["unasked"][1:]
    assert len(after["gaps"]) < len(before["gaps"])


async def test_a_second_writer_gets_the_first_ones_words_back(site: Site) -> None:
    _, case_id = await person_with_case(site)
    lin, wang = site.seat("lin"), site.seat("wang")
    await save(lin, case_id, "companion", "室友小周")
    second = await save(wang, case_id, "companion", "宿管李阿姨")
    assert second["saved"] is False
    assert (second["entry"]["value"], second["entry"]["by"]) == ("室友小周", lin.counsellor.display_name)


def long_ago(site: Site, case_id: str) -> None:
    """The case ended so long ago that new danger is a new case."""
    store, ended = site.service.store, site.service.now() - timedelta(days=100)

    def work(connection: sa.Connection) -> None:
        case = store.cases.get(connection, case_id)
        assert case is not None
        store.cases.change(connection, case, state="closed", closed_at=ended)

    do(site.service.writer, work)


async def test_what_is_already_known_needs_no_asking(site: Site) -> None:
    person, case_id = await person_with_case(site)
    lin = site.seat("lin", "counsellor", "supervisor")
    record = (await state(lin, case_id))["record"]
    assert record["known"]["channel"] == "网页"
    assert record["known"]["first_at"]
    assert record["known"]["reasons"]
    assert record["neighbours"] == []
    await lin.act(case_id, "claim")
    fill_record(site.service, case_id, lin.counsellor)
    assert (await lin.act(case_id, "close", disposition="calmed", summary="谈了睡眠，约定周五再谈")).status_code == 200
    long_ago(site, case_id)
    await person.post("我又想死了", "m2")
    await site.settle()
    (earlier,) = (await state(lin, site.case_of(person.conversation_id)))["record"]["neighbours"]
    assert (earlier["id"], earlier["disposition"], earlier["promised"]) == (
        case_id, "情绪平稳，约定再联系方式", "室友小周，在身边",
    )  # fmt: skip


async def test_words_in_the_record_are_text_on_the_page(site: Site) -> None:
    _, case_id = await person_with_case(site)
    lin = site.seat("lin")
    await save(lin, case_id, "location", ATTACK)
    await save(lin, case_id, "plan.own", ATTACK)
    for page in (f"/console/cases/{case_id}", f"/console/cases/{case_id}/sheet"):
        assert "<script>alert" not in (await lin.browser.get(page)).text


@pytest.mark.parametrize("based_on", ["", "-1", "x", "1e3", "9" * 20, "²"])
async def test_a_version_that_is_none_is_refused(site: Site, based_on: str) -> None:
    _, case_id = await person_with_case(site)
    answer = await site.seat().act(case_id, "record/plan", value="vague", based_on=based_on)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("action", "fields", "roles"),
    [
        ("redact/field", {"field": "location", "reason": "写到了别人"}, ("counsellor", "duty_lead")),
        ("redact/note", {"note": "x", "reason": "写到了别人"}, ("counsellor", "duty_lead")),
        ("merge", {"into": "x", "reason": "同一个人"}, ("counsellor",)),
        ("record/location", {"value": "x", "based_on": "0"}, ("editor", "admin", "statistician")),
        ("safety-plan", {}, ("editor", "admin")),
    ],
)
async def test_who_may_not_gets_a_404(site: Site, action: str, fields: dict[str, str], roles: tuple[str, ...]) -> None:
    _, case_id = await person_with_case(site)
    for role in roles:
        answer = await site.seat(role, role).act(case_id, action, **fields)
        assert (role, answer.status_code) == (role, 404)


async def test_a_supervisor_redacts_and_everybody_sees_the_mark(site: Site) -> None:
    _, case_id = await person_with_case(site)
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    await save(lin, case_id, "events", "金丝雀的身份证号")
    await lin.act(case_id, "note", text="金丝雀的住址")
    note = (await state(zhao, case_id))["notes"][0]
    assert (await zhao.act(case_id, "redact/field", field="events", reason="写到了别人")).status_code == 200
    assert (await zhao.act(case_id, "redact/note", note=note["id"], reason="写到了别人")).status_code == 200
    shown = await state(lin, case_id)
    assert "金丝雀" not in str(shown["record"]["values"]) + str(shown["notes"])
    assert (shown["notes"][0]["redacted_by"], shown["notes"][0]["redaction"]) == (
        zhao.counsellor.display_name, "写到了别人",
    )  # fmt: skip
    assert "金丝雀" not in str(await timeline(lin, case_id))


async def test_every_print_is_in_the_audit_and_in_the_timeline(site: Site) -> None:
    _, case_id = await person_with_case(site)
    lin = site.seat("lin")
    page = await lin.browser.get(f"/console/cases/{case_id}/sheet")
    assert "“我今年15岁，我一个人在宿舍。" in page.text
    pdf = await lin.browser.get(f"/console/cases/{case_id}/sheet.pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["cache-control"] == "no-store"
    found = rows(site.service.store.engine, t.audit, action="case_print")
    assert [(row.actor_id, row.object_id) for row in found] == [(lin.counsellor.id, case_id)] * 2
    words = [moment["words"] for moment in (await timeline(lin, case_id))["moments"]]
    assert words.count("打印了救援／转介单") == 2
    for unknown in ("sheet", "sheet.pdf", "timeline.json"):
        assert (await lin.browser.get(f"/console/cases/{'0' * 32}/{unknown}")).status_code == 404


async def test_a_long_timeline_comes_in_pages(site: Site) -> None:
    _, case_id = await person_with_case(site)
    lin = site.seat("lin")
    staff = site.service.store.staff
    do(
        site.service.writer,
        lambda c: [
            staff.audit(c, "case_view", site.service.now(), actor_id=lin.counsellor.id, object_id=case_id)
            for _ in range(230)
        ],
    )
    first = await timeline(lin, case_id)
    assert len(first["moments"]) == 100
    last = await timeline(lin, case_id, skip=200)
    assert len(last["moments"]) == first["total"] - 200
    assert (await timeline(lin, case_id, skip=-5))["moments"] == first["moments"]


async def test_a_plan_is_shown_first_in_the_persons_next_case(site: Site) -> None:
    person, case_id = await person_with_case(site)
    lin = site.seat("lin", "counsellor", "supervisor")
    await lin.act(case_id, "claim")
    await save(lin, case_id, "plan.signs", "睡不着，翻旧照片")
    await save(lin, case_id, "plan.own", "去楼下走一圈")
    assert (await lin.act(case_id, "safety-plan")).status_code == 200
    await site.settle()
    assert any("去楼下走一圈" in message["text"] for message in await person.messages())
    shown = await state(lin, case_id)
    assert "safety_plan" in {one["field"] for one in shown["record"]["proposals"]}
    fill_record(site.service, case_id, lin.counsellor)
    await lin.act(case_id, "close", disposition="calmed", summary="谈了睡眠，约定周五再谈")
    long_ago(site, case_id)
    await person.post("我又想死了", "m2")
    await site.settle()
    plan = (await state(site.seat("wang"), site.case_of(person.conversation_id)))["safety_plan"]
    assert "1. 我的预警信号\n睡不着，翻旧照片" in plan["text"]
    assert (plan["is_changed"], plan["versions"][0]["here"]) == (False, False)
    assert plan["values"]["plan.own"]["value"] == "去楼下走一圈"
