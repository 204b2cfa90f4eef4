"""Rescue and follow-up through the console: who may, what is shown, what every screen hears, what the person reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import server
from records import tables as t
from records.ledger import Allowance
from settings import load_settings
from tests.browsing import Seat, Site, Visitor
from tests.building import EMERGENCY, Clock, compiled_screener, do, rows
from tests.record_samples import fill_record

pytestmark = pytest.mark.anyio
RECORD = {"disposition": "calmed", "summary": "谈了睡眠，约定明天再联系"}
ANSWERS = {
    "ideas": "20", "hopelessness_missing": "not_asked", "acts": "none", "help_family": "yes",
    "obstacles": "路远", "level": "low",
}  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path), "HOTLINE_CALLBACK_PHONE": "0000-7654321"})
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def crisis(site: Site) -> tuple[Visitor, str]:
    person = await site.visitor()
    await person.post(EMERGENCY, "m1")
    await site.settle()
    return person, site.case_of(person.conversation_id)


async def followed(site: Site, chief: Seat) -> tuple[Visitor, str]:
    """Somebody whose case has its record and who is called back."""
    person, case_id = await crisis(site)
    await chief.act(case_id, "claim")
    fill_record(site.service, case_id, chief.counsellor)
    assert (await chief.act(case_id, "close", **RECORD)).json()["ok"]
    await site.settle()
    return person, case_id


async def shown(seat: Seat, case_id: str) -> dict[str, Any]:
    answer = await seat.browser.get(f"/console/cases/{case_id}/state.json")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def tasks(seat: Seat, case_id: str) -> list[dict[str, Any]]:
    return [task for task in (await shown(seat, case_id))["care"]["tasks"] if task["is_open"]]


async def queue(seat: Seat) -> list[dict[str, Any]]:
    return list((await seat.browser.get("/console/queue.json")).json()["rows"])


def sweep(site: Site) -> None:
    service = site.service
    do(service.writer, lambda c: service.desks.watch.sweep(c, service.now()))


async def test_a_rescue_goes_its_way(site: Site) -> None:
    _, case_id = await crisis(site)
    lin, chief = site.seat("lin"), site.seat("chief", "supervisor")
    await lin.act(case_id, "claim")
    message = next(m["id"] for m in (await shown(lin, case_id))["messages"] if m["author"] == "visitor")
    for seat, action, fields in (
        (lin, "rescue/start", {"basis": "act", "reason": "已服药，意识模糊"}),
        (lin, "rescue/quote", {"slot": "happened", "message": message}),
        (lin, "rescue/call", {"whom": "ambulance", "said": "地址和情况", "reference": "A-7"}),
        (lin, "rescue/arrive", {"how": "急救来电，已见到本人"}),
    ):
        answer = await seat.act(case_id, action, **fields)
        assert (action, answer.json()) == (action, {"ok": True, "in_force": True})
    rescue = (await shown(lin, case_id))["rescue"]
    assert rescue["open"]["arrival"] == "急救来电，已见到本人"
    assert [quote["text"] for line in rescue["lines"] for quote in line["quotes"]] == [EMERGENCY]
    assert any("0000-7654321" in line["say"] for line in rescue["lines"])
    assert any(lin.counsellor.display_name in line["say"] for line in rescue["lines"])
    assert [call["reference"] for call in rescue["calls"]] == ["A-7"]
    end = {"outcome": "hospital", "note": "医院急诊回电"}
    assert (await lin.act(case_id, "rescue/end", **end)).json()["in_force"] is False
    assert (await chief.act(case_id, "rescue/end", **end)).json()["in_force"] is True
    assert (await shown(lin, case_id))["row"]["state"] == "in_service"


async def test_the_queue_is_loud_until_arrival_is_confirmed(site: Site, clock: Clock) -> None:
    _, case_id = await crisis(site)
    lin = site.seat("lin")
    assert [row["care"]["kind"] for row in await queue(lin)] == ["decide"]
    await lin.act(case_id, "claim")
    await lin.act(case_id, "rescue/start", basis="act", reason="已服药，意识模糊")
    (row,) = await queue(lin)
    assert (row["care"]["words"], row["care"]["since"]) == ("救援：还没有确认到达", clock().isoformat())
    await lin.act(case_id, "rescue/arrive", how="急救来电，已见到本人")
    assert [row["care"] for row in await queue(lin)] == [None]


async def test_a_followed_case_leaves_the_queue_and_comes_back_when_it_is_overdue(site: Site, clock: Clock) -> None:
    chief = site.seat("chief", "supervisor")
    _, case_id = await followed(site, chief)
    assert await queue(chief) == []
    clock.forward(hours=25)
    sweep(site)
    chief = site.seat("chief", "supervisor")
    (row,) = await queue(chief)
    assert (row["id"], row["in_queue"], row["care"]["words"]) == (case_id, True, "随访超期，已升级到：全体坐席")
    assert (await chief.browser.get("/console/follow-ups/count.json")).json() == {"overdue": 1}


async def test_the_page_shows_the_overdue_first_and_no_words_of_people(site: Site, clock: Clock) -> None:
    chief = site.seat("chief", "supervisor")
    await followed(site, chief)
    listed = (await chief.browser.get("/console/follow-ups.json")).json()["rows"]
    assert [(row["words"], row["standing"], row["is_mine"]) for row in listed] == [
        ("24小时随访", "today", True), ("7天随访", "coming", True), ("30天随访", "coming", True),
    ]  # fmt: skip
    clock.forward(hours=25)
    chief = site.seat("chief", "supervisor")
    page = await chief.browser.get("/console/follow-ups")
    assert page.status_code == 200
    assert EMERGENCY not in page.text
    listed = (await chief.browser.get("/console/follow-ups.json")).json()["rows"]
    assert [row["standing"] for row in listed] == ["overdue", "coming", "coming"]


async def test_the_answer_to_our_words_is_screened_as_ever_and_shown(site: Site, clock: Clock) -> None:
    chief = site.seat("chief", "supervisor")
    person, case_id = await followed(site, chief)
    (task, *_) = await tasks(chief, case_id)
    assert (await chief.act(case_id, "follow-up/write", task=task["id"])).json()["ok"]
    await site.settle()
    asked = (await person.messages())[-1]["text"]
    assert asked == "您好，这里是服务中心，回访一下您上次咨询的情况，方便的时候回复一个字就好。"
    clock.forward(minutes=10)
    await person.post("嗯，好多了", "m2")
    await site.settle()
    sweep(site)
    (task, *_) = await tasks(chief, case_id)
    assert task["attempts"][0]["result"] == "已联系到本人"
    state = await shown(chief, case_id)
    assert (state["row"]["state"], state["messages"][-1]["author"]) == ("follow_up", "bot")
    answer = await chief.act(case_id, "follow-up/finish", task=task["id"], **ANSWERS)
    assert answer.json()["ok"], answer.text
    done = next(one for one in (await shown(chief, case_id))["care"]["tasks"] if one["state"] == "done")
    assert (done["heard"]["ideas"], done["heard"]["hopelessness"], done["heard"]["help"]) == (
        "20",
        "未问到",
        "家人陪伴",
    )


async def test_danger_in_the_answer_opens_the_case_again_and_says_who_is_called(site: Site, clock: Clock) -> None:
    chief = site.seat("chief", "supervisor")
    person, case_id = await followed(site, chief)
    clock.forward(minutes=10)
    await person.post("我还是想死", "m2")
    await site.settle()
    state = await shown(chief, case_id)
    assert (state["row"]["state"], state["row"]["ringing"]) == ("new", True)
    assert [one["ended"] for one in state["care"]["reopenings"]] == ["情绪平稳，约定再联系方式"]


async def test_who_asks_for_a_person_in_a_follow_up_is_told_that_people_are_called_now(site: Site) -> None:
    person, case_id = await followed(site, site.seat("chief", "supervisor"))
    await person.post("转人工", "m2")
    await site.settle()
    keys = [row.key for row in rows(site.service.store.engine, t.outbox, conversation_id=person.conversation_id)]
    assert "handover.called" in keys
    assert "handover.already_called" not in keys
    assert site.case_of(person.conversation_id) == case_id


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("follow-up/consent", {"answer": "maybe"}),
        ("follow-up/write", {"task": "unknown"}),
        ("follow-up/try", {"task": "unknown", "way": "phone", "result": "reached"}),
        ("follow-up/finish", {"task": "unknown", **ANSWERS}),
        ("follow-up/end", {"task": "unknown", "how": "lose", "reason": "联系不上"}),
        ("rescue/start", {"basis": "", "reason": "已服药"}),
        ("rescue/end", {"outcome": "hospital", "note": "医院急诊回电"}),
        ("rescue/contact/remove", {"contact": "unknown"}),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(site: Site, action: str, fields: dict[str, str]) -> None:
    _, case_id = await crisis(site)
    answer = await site.seat("lin").act(case_id, action, **fields)
    assert answer.status_code == 409
    assert answer.json()["detail"]


@pytest.mark.parametrize("wrong", [{"level": "purple"}, {"next_on": "morgen"}])
async def test_a_level_or_day_that_is_none_is_refused(site: Site, wrong: dict[str, str]) -> None:
    _, case_id = await crisis(site)
    answer = await site.seat("lin").act(case_id, "follow-up/finish", **{**ANSWERS, **wrong})
    assert answer.status_code == 422


async def test_only_a_supervisor_decides_about_a_refusal_in_danger(site: Site) -> None:
    _, case_id = await crisis(site)
    lin, chief = site.seat("lin"), site.seat("chief", "supervisor")
    await lin.act(case_id, "follow-up/consent", answer="refused")
    decision = {"answer": "go_on", "reason": "个人信息保护法第十三条"}
    assert (await lin.act(case_id, "follow-up/decide", **decision)).status_code == 404
    assert (await chief.act(case_id, "follow-up/decide", **decision)).json()["ok"]
    assert (await shown(lin, case_id))["care"]["consent"] == "given"


async def test_while_a_platforms_window_is_open_it_says_what_must_be_agreed(site: Site, clock: Clock) -> None:
    person, case_id = await crisis(site)
    service, lin = site.service, site.seat("lin")
    assert (await shown(lin, case_id))["care"]["window"] == ""
    until = clock.forward(hours=0)
    contact_id = rows(service.store.engine, t.conversation, id=person.conversation_id)[0].contact_id
    do(service.writer, lambda c: service.store.contacts.change(c, contact_id, channel="wechat"))
    do(
        service.writer,
        lambda c: service.store.ledger.refill(c, person.conversation_id, Allowance(5, clock.forward(hours=48)), until),
    )
    clock.time = until
    words = (await shown(lin, case_id))["care"]["window"]
    assert words == "微信 48 小时后就不能主动联系，请在 12-03 10:00 前征得同意，并约好电话或让他先写一个字"


async def test_the_administrator_sees_neither_page_nor_number(site: Site) -> None:
    admin = site.seat("root", "admin")
    for path in ("/console/follow-ups", "/console/follow-ups.json", "/console/follow-ups/count.json"):
        assert (await admin.browser.get(path)).status_code == 404
