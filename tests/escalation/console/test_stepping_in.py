"""Assigning, climbing, calling for help and quiet notices over the routes of the real application."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import server
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import EMERGENCY, PLAN, Clock, compiled_screener, do, keys_said, rows
from triage.risk import Level

pytestmark = pytest.mark.anyio
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
    assert (await seat.post("/console/duty/begin")).status_code == 200
    return seat


async def duty(seat: Seat) -> dict[str, Any]:
    return dict((await seat.browser.get("/console/duty.json")).json())


async def part(seat: Seat, case_id: str) -> dict[str, Any]:
    return dict((await seat.browser.get(f"/console/cases/{case_id}/state.json")).json()["stepping_in"])


def sweep(site: Site) -> None:
    do(site.service.writer, lambda c: site.service.desks.shift.watch.sweep(c, site.service.now()))


async def test_a_lead_assigns_the_colleague_answers_and_the_queue_says_who_was_asked(site: Site) -> None:
    lead, zhang, lin = (
        await on_duty(site, "lead", "duty_lead"),
        await on_duty(site, "zhang"),
        await on_duty(site, "lin"),
    )
    case_id = await case_of(site)
    fields = {"to": zhang.counsellor.id, "note": "您熟悉这位来访者"}
    assert (await lin.act(case_id, "assign", **fields)).status_code == 404
    assert (await part(lead, case_id))["assign"] == {"may": True, "asked": None}
    assert (await lead.act(case_id, "assign", **fields)).json()["ok"] is True
    (row,) = (await lin.browser.get("/console/queue.json")).json()["rows"]
    assert row["asked"] == f"已指派{zhang.counsellor.display_name}，等答复"
    (asked,) = (await duty(zhang))["invitations"]
    assert (asked["kind"], asked["said"], asked["by"]) == ("assignment", fields["note"], lead.counsellor.display_name)
    assert (await zhang.post(f"/console/transfers/{asked['id']}/accept")).json()["ok"] is True
    shown = (await zhang.browser.get(f"/console/cases/{case_id}/state.json")).json()
    assert shown["is_owner"] is True
    assert shown["colleagues"]["summary"] is None
    assert (await duty(zhang))["invitations"] == []


async def test_the_next_rung_is_named_to_those_who_may_call_it(site: Site) -> None:
    lead, lin = await on_duty(site, "lead", "duty_lead"), await on_duty(site, "lin")
    case_id = await case_of(site)
    assert [(await part(seat, case_id))["escalate"] for seat in (lead, lin)] == ["值班长", ""]
    assert (await lin.act(case_id, "escalate")).status_code == 404
    assert (await lead.act(case_id, "escalate")).json()["ok"] is True
    assert (await part(lead, case_id))["escalate"] == "督导"
    (row,) = (await lin.browser.get("/console/queue.json")).json()["rows"]
    assert row["rung"] == "值班长"


async def test_the_owner_of_a_case_that_rings_again_may_let_it_climb(site: Site, clock: Clock) -> None:
    lin = await on_duty(site, "lin")
    case_id = await case_of(site)
    await lin.act(case_id, "claim")
    assert (await lin.act(case_id, "escalate")).status_code == 409
    for _ in range(2):
        clock.forward(seconds=20)
        sweep(site)
    assert (await lin.act(case_id, "escalate")).json()["ok"] is True


@pytest.mark.parametrize(("role", "text"), [("counsellor", EMERGENCY), ("volunteer", CALL_ME)])
async def test_help_is_called_answered_and_never_seen_by_the_person(site: Site, role: str, text: str) -> None:
    lin, chief = await on_duty(site, "lin", role), await on_duty(site, "chief", "supervisor")
    lead, case_id = await on_duty(site, "lead", "duty_lead"), await case_of(site, text)
    await lin.act(case_id, "claim")
    conversation_id = rows(site.service.store.engine, t.case_record)[0].conversation_id
    said = keys_said(site.service, conversation_id)
    assert (await part(lin, case_id))["help"]["may_ask"] is True
    assert (await lin.act(case_id, "help", why="不知道要不要报警")).json()["ok"] is True
    (call,) = (await duty(chief))["helps"]
    assert (call["case_id"], call["why"]) == (case_id, "不知道要不要报警")
    assert (await duty(lead))["helps"] == (await duty(lin))["helps"] == []
    assert (await lead.act(case_id, "help/answer", words="我来")).status_code == 404
    assert (await chief.act(case_id, "help/answer", words="我马上来看")).json()["ok"] is True
    shown = (await part(lin, case_id))["help"]["call"]
    assert (shown["answered_by"], shown["answer"]) == (chief.counsellor.display_name, "我马上来看")
    assert (await duty(chief))["helps"] == []
    assert keys_said(site.service, conversation_id) == said


async def test_clocks_after_the_claim_stand_on_the_case_and_on_the_floor(site: Site, clock: Clock) -> None:
    lin, chief = await on_duty(site, "lin"), await on_duty(site, "chief", "supervisor")
    case_id, since = await case_of(site), clock()
    await lin.act(case_id, "claim")
    word, assessment = (await part(lin, case_id))["clocks"]
    assert (word["start"], word["words"], word["since"]) == ("接手", "还没有对来访者说话", since.isoformat())
    assert assessment["words"] == "评估还差：念头、计划、已做的行动"
    (live,) = (await chief.browser.get("/console/floor.json")).json()["lives"]
    assert [one["what"] for one in live["clocks"]] == ["word", "assessment"]
    await lin.act(case_id, "reply", reply_id=secrets.token_hex(16), text="我在")
    assert [one["what"] for one in (await part(lin, case_id))["clocks"]] == ["assessment"]


async def test_an_overdue_assessment_reminds_owner_and_duty_lead_and_nobody_else(site: Site, clock: Clock) -> None:
    lin, lead = await on_duty(site, "lin"), await on_duty(site, "lead", "duty_lead")
    zhang, case_id = await on_duty(site, "zhang"), await case_of(site)
    await lin.act(case_id, "claim")
    clock.forward(seconds=20)
    await lin.act(case_id, "reply", reply_id=secrets.token_hex(16), text="我在")
    assert (await duty(lin))["reminders"] == []
    for _ in range(2):
        clock.forward(minutes=15)
        for seat in (lin, lead, zhang):
            await seat.browser.get("/console")  # nobody is signed out meanwhile
    owners = [[one["owner"] for one in (await duty(seat))["reminders"]] for seat in (lin, lead, zhang)]
    assert owners == [[""], [lin.counsellor.display_name], []]


async def test_supervisors_are_told_of_every_orange_and_red_leads_only_of_served_ones(site: Site, clock: Clock) -> None:
    chief, lead = await on_duty(site, "chief", "supervisor"), await on_duty(site, "lead", "duty_lead")
    lin = await on_duty(site, "lin")
    person = await site.visitor()
    await person.post(CALL_ME, "m1")
    await site.settle()
    served = site.case_of(person.conversation_id)
    await lin.act(served, "claim")
    clock.forward(seconds=30)
    waiting = await case_of(site, PLAN)
    await case_of(site, CALL_ME)
    assert [line["case_id"] for line in (await duty(chief))["rises"]["lines"]] == [waiting]
    assert (await duty(lead))["rises"] is None
    clock.forward(seconds=30)
    await person.post(EMERGENCY, "m2")
    await site.settle()
    assert [line["case_id"] for line in (await duty(chief))["rises"]["lines"]] == [served, waiting]
    (line,) = (await duty(lead))["rises"]["lines"]
    assert (line["served_by"], line["level"]) == (lin.counsellor.display_name, Level.EMERGENCY)
    assert (await duty(lin))["rises"] is None


async def test_what_was_put_away_stays_away_until_the_next(site: Site, clock: Clock) -> None:
    chief, lin = await on_duty(site, "chief", "supervisor"), await on_duty(site, "lin")
    await case_of(site)
    until = (await duty(chief))["rises"]["until"]
    assert (await lin.post("/console/rises/seen", until=until)).status_code == 404
    for broken in ("", "yesterday", "2026-12-01T02:00:00"):
        assert (await chief.post("/console/rises/seen", until=broken)).status_code == 422
    assert (await chief.post("/console/rises/seen", until=until)).json()["ok"] is True
    assert (await duty(chief))["rises"] is None
    clock.forward(seconds=5)
    await case_of(site, PLAN)
    assert len((await duty(chief))["rises"]["lines"]) == 1


async def test_no_words_of_anybody_travel_in_events(site: Site) -> None:
    lin, chief = await on_duty(site, "lin"), await on_duty(site, "chief", "supervisor")
    lead, case_id = await on_duty(site, "lead", "duty_lead"), await case_of(site)
    await lead.act(case_id, "assign", to=lin.counsellor.id, note="请接一下")
    await lin.act(case_id, "claim")
    await lin.act(case_id, "help", why="不知道要不要报警")
    await chief.act(case_id, "help/answer", words="我马上来看")
    told = json.dumps([row.data for row in rows(site.service.store.engine, t.event)], ensure_ascii=False)
    assert not any(words in told for words in ("请接一下", "不知道要不要报警", "我马上来看"))
