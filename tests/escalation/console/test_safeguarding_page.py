"""The page 保护 and the tab 报告与突破: who sees what, what is refused in words beside its field, what is in the audit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import server
from escalation.cases import State
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import Clock, compiled_screener, do, open_case, rows
from tests.escalation.guard import MADE, STEPS
from triage.risk import Level

pytestmark = pytest.mark.anyio
PAGE = "/console/safeguarding"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("safeguarding"))})
    app = server.build_app(settings, now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


def case_of(site: Site, seat: Seat, name: str) -> str:
    """A case that this counsellor serves."""
    case_id = open_case(site.service, Level.LOW, name)
    do(site.service.writer, lambda c: site.service.desk.claim(c, case_id, seat.counsellor, site.service.now()))
    return case_id


async def tab(seat: Seat, case_id: str) -> dict[str, Any]:
    return dict((await seat.browser.get(f"/console/cases/{case_id}/state.json")).json()["safeguarding"])


async def page(seat: Seat) -> dict[str, Any]:
    return dict((await seat.browser.get(f"{PAGE}.json")).json())


async def flag(seat: Seat, case_id: str) -> str:
    answer = await seat.act(case_id, "safeguarding/harm", **MADE["report"])
    assert answer.json() == {"ok": True, "in_force": True}
    return str((await tab(seat, case_id))["matters"][0]["id"])


async def step(seat: Seat, case_id: str, door: str, matter: str, action: str) -> httpx.Response:
    path = f"/console/cases/{case_id}/safeguarding/{door}"
    return await seat.post(path, matter=matter, action=action, **STEPS[action])


async def test_a_report_goes_its_way_through_the_tab(site: Site) -> None:
    lin = site.seat("lin")
    case_id = case_of(site, lin, "report")
    made = await flag(lin, case_id)
    (matter,) = (await tab(lin, case_id))["matters"]
    assert set(matter["may"]) == {"report", "decline"}
    assert matter["clocks"][0]["words"] == "要报告"
    assert (await step(lin, case_id, "step", made, "report")).status_code == 200
    (matter,) = (await tab(lin, case_id))["matters"]
    assert (matter["state_words"], matter["clocks"]) == ("已报告", [])


async def test_what_is_missing_is_answered_field_by_field(site: Site) -> None:
    lin = site.seat("lin")
    answer = await lin.act(case_of(site, lin, "missing"), "safeguarding/harm", whom="minor")
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"harm", "facts"}


async def test_the_second_person_decides_in_an_own_session(site: Site) -> None:
    lin, lead = site.seat("lin"), site.seat("lead", "duty_lead")
    case_id = case_of(site, lin, "second")
    made = await flag(lin, case_id)
    await step(lin, case_id, "step", made, "decline")
    assert (await step(lin, case_id, "decision", made, "agree")).status_code == 404  # a counsellor is no second
    assert "agree" in (await tab(lead, case_id))["matters"][0]["may"]
    assert (await step(lead, case_id, "decision", made, "agree")).status_code == 200


async def test_a_lead_is_not_the_second_of_an_own_wish(site: Site) -> None:
    lead = site.seat("lead", "duty_lead")
    case_id = case_of(site, lead, "own")
    made = await flag(lead, case_id)
    await step(lead, case_id, "step", made, "decline")
    assert "agree" not in (await tab(lead, case_id))["matters"][0]["may"]
    assert (await step(lead, case_id, "decision", made, "agree")).status_code == 409


@pytest.mark.parametrize(("door", "action"), [("step", "agree"), ("step", "excuse"), ("decision", "report")])
async def test_a_door_takes_only_its_own_actions(site: Site, door: str, action: str) -> None:
    lead = site.seat("lead", "duty_lead")
    case_id = case_of(site, lead, f"door-{door}-{action}")
    made = await flag(lead, case_id)
    assert (await step(lead, case_id, door, made, action)).status_code == 422


async def test_a_volunteer_may_flag_harm_and_nothing_more(site: Site) -> None:
    volunteer = site.seat("volunteer", "volunteer")
    case_id = case_of(site, volunteer, "volunteer")
    made = await flag(volunteer, case_id)
    assert (await tab(volunteer, case_id))["may"] == {"harm": True, "breach": False, "complaint": True}
    assert (await step(volunteer, case_id, "step", made, "report")).status_code == 404


async def test_the_page_has_every_clock_the_first_due_first_and_no_words_of_people(site: Site) -> None:
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    case_id = case_of(site, lin, "page")
    await lin.act(case_id, "safeguarding/breach", **MADE["breach"])
    made = await flag(lin, case_id)
    rows_shown = (await page(zhao))["rows"]
    assert [row["due_at"] for row in rows_shown] == sorted(row["due_at"] for row in rows_shown)
    assert made in {row["matter"] for row in rows_shown}
    assert "皮带" not in json.dumps(rows_shown, ensure_ascii=False)
    count = (await zhao.browser.get(f"{PAGE}/count.json")).json()["tasks"]
    assert count == len(rows_shown)


async def test_a_drill_counts_nowhere(site: Site) -> None:
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    before = (await zhao.browser.get(f"{PAGE}/count.json")).json()["tasks"]
    case_id = case_of(site, lin, "drill")
    case = rows(site.service.store.engine, t.case_record, id=case_id)[0]
    assert case.state == State.IN_SERVICE
    with site.service.store.engine.connect() as connection:
        found = site.service.store.cases.get(connection, case_id)
    assert found is not None
    do(site.service.writer, lambda c: site.service.store.cases.change(c, found, is_drill=True))
    await flag(lin, case_id)
    assert (await zhao.browser.get(f"{PAGE}/count.json")).json()["tasks"] == before


async def test_whom_a_complaint_is_about_sees_that_there_is_one_and_not_a_word(site: Site) -> None:
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    qian = site.seat("qian", "supervisor")
    case_id = case_of(site, lin, "complaint")
    named = {f"about:{qian.counsellor.id}": "yes", f"about:{lin.counsellor.id}": "yes"}
    answer = await zhao.act(case_id, "safeguarding/complaint", **MADE["complaint"], **named)
    assert answer.status_code == 200
    made = rows(site.service.store.engine, t.matter, case_id=case_id)[0].id
    assert "矫情" in json.dumps((await page(zhao))["lists"], ensure_ascii=False)
    for concerned in (lin, qian):
        (matter,) = (await tab(concerned, case_id))["matters"]
        assert (matter["is_hidden"], matter["lines"], matter["may"]) == (True, [], [])
    assert "矫情" not in json.dumps((await page(qian))["lists"], ensure_ascii=False)
    refused = await qian.post(f"{PAGE}/complaints/step", matter=made, action="talk", **STEPS["talk"])
    assert (refused.status_code, "涉及您本人" in refused.json()["detail"]) == (409, True)
    assert (await lin.post(f"{PAGE}/complaints/step", matter=made, action="talk", **STEPS["talk"])).status_code == 404
    done = await zhao.post(f"{PAGE}/complaints/step", matter=made, action="talk", **STEPS["talk"])
    assert done.status_code == 200


async def test_a_complaint_by_phone_needs_no_case_and_a_wrong_number_is_refused(site: Site) -> None:
    zhao = site.seat("zhao", "supervisor")
    assert (await zhao.post(f"{PAGE}/complaints", **MADE["complaint"])).status_code == 200
    wrong = await zhao.post(f"{PAGE}/complaints", case_no="local-0", **MADE["complaint"])
    assert (wrong.status_code, set(wrong.json()["errors"])) == (422, {"case_no"})


async def test_an_officer_for_mental_health_sees_notifications_and_nothing_of_cases(site: Site) -> None:
    chen, lin = site.seat("chen", "mh_officer"), site.seat("lin")
    await flag(lin, case_of(site, lin, "officer"))
    assert (await chen.post(f"{PAGE}/notifications", **MADE["notification"])).status_code == 200
    shown = await page(chen)
    assert {row["kind"] for row in shown["rows"]} == {"notification"}
    assert set(shown["lists"]) == {"notification"}
    assert shown["staff"] == []


async def test_a_duty_lead_sees_no_notification(site: Site) -> None:
    chen, lead = site.seat("chen", "mh_officer"), site.seat("lead", "duty_lead")
    await chen.post(f"{PAGE}/notifications", **MADE["notification"])
    shown = await page(lead)
    assert "notification" not in {row["kind"] for row in shown["rows"]}
    assert set(shown["lists"]) == {"complaint"}
    assert (await lead.post(f"{PAGE}/notifications", **MADE["notification"])).status_code == 404


async def test_opening_the_page_is_in_the_audit(site: Site) -> None:
    zhao = site.seat("zhao", "supervisor")
    await zhao.browser.get(PAGE)
    assert len(rows(site.service.store.engine, t.audit, action="safeguarding_view", actor_id=zhao.counsellor.id)) == 1
