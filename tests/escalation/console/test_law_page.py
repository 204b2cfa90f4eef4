"""The gate before a minor's case, the tab 保护与同意 and the page 合规, through the whole application."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import server
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site, Visitor
from tests.building import EMERGENCY, Clock, compiled_screener, do, rows
from tests.record_samples import fill_record

pytestmark = pytest.mark.anyio
WHY = "督导抽查，看转介是否落实"
NOTHING_FOLLOWS = "mistaken"  # calls would keep the case open
PAGE = {"Accept": "text/html"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    app = server.build_app(
        load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), now=Clock(), screener=compiled_screener()
    )
    yield Site(app, app.state.service)
    await app.state.service.pipeline.drain()
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def minor_case(
    site: Site, *, owner: Seat | None = None, other: Seat | None = None, is_closed: bool = False
) -> tuple[Visitor, str]:
    """Somebody of fifteen in danger; served, or served and closed, by the owner, after another colleague took part."""
    person = await site.visitor()
    await person.post("我今年15岁", "m1")
    await person.post(EMERGENCY, "m2")
    await site.settle()
    case_id = site.case_of(person.conversation_id)
    if other:
        assert (await other.act(case_id, "note", text="交班前看过这个个案")).json()["ok"] is True
    if owner:
        await owner.act(case_id, "claim")
    if is_closed:
        zhao = site.seat("zhao", "supervisor")
        fill_record(site.service, case_id, zhao.counsellor)
        closed = await zhao.act(case_id, "close", disposition=NOTHING_FOLLOWS, summary="120已到场接手")
        assert closed.json()["ok"] is True
    return person, case_id


async def status(seat: Seat, case_id: str) -> int:
    return (await seat.browser.get(f"/console/cases/{case_id}")).status_code


async def law(seat: Seat) -> dict[str, Any]:
    answer = await seat.browser.get("/console/law.json")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_an_age_said_in_the_chat_marks_the_case(site: Site) -> None:
    lin = site.seat("lin")
    _, case_id = await minor_case(site, owner=lin)
    shown = (await lin.browser.get(f"/console/cases/{case_id}/state.json")).json()["law"]
    assert (shown["is_minor"], shown["minor_why"]) == (True, "来访者自己说的年龄")


async def test_whoever_serves_or_may_take_the_case_reads_it(site: Site) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    _, case_id = await minor_case(site)
    assert (await status(lin, case_id), await status(wang, case_id)) == (200, 200)
    await lin.act(case_id, "claim")
    assert (await status(lin, case_id), await status(wang, case_id)) == (200, 404)
    assert await status(site.seat("lead", "duty_lead"), case_id) == 200
    passages = sorted(row.passage for row in rows(site.service.store.engine, t.minor_access))
    assert passages == ["in_charge", "serving", "waiting", "waiting"]


async def test_a_shut_case_leads_a_browser_to_its_gate_and_tells_programs_nothing(site: Site) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    _, case_id = await minor_case(site, owner=lin, other=wang)
    led = await wang.browser.get(f"/console/cases/{case_id}", headers=PAGE)
    assert (led.status_code, led.headers["location"]) == (303, f"/console/gate/{case_id}")
    for path in ("state.json", "suggest.json"):
        answer = await wang.browser.get(f"/console/cases/{case_id}/{path}")
        assert answer.status_code == 404
        assert EMERGENCY not in answer.text
    gate = await wang.browser.get(f"/console/gate/{case_id}")
    assert "查阅目的" in gate.text
    assert EMERGENCY not in gate.text


async def test_with_purpose_and_approval_it_opens_for_some_hours_and_is_logged(site: Site) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    _, case_id = await minor_case(site, owner=lin, other=wang, is_closed=True)
    lead = site.seat("lead", "duty_lead")
    gate = f"/console/gate/{case_id}"
    assert (await wang.post(f"{gate}/ask", purpose="")).status_code == 409
    assert (await wang.post(f"{gate}/ask", purpose=WHY)).json()["ok"] is True
    assert (await wang.post(f"{gate}/ask", purpose=WHY)).status_code == 409
    assert WHY in (await wang.browser.get(gate)).text
    (grant,) = (await law(lead))["grants"]
    assert (grant["purpose"], grant["by"]) == (WHY, wang.counsellor.display_name)
    decision = f"/console/law/grants/{grant['id']}/decision"
    assert (await wang.post(decision, agree="yes")).status_code == 404
    assert (await lead.post(decision, agree="yes")).json()["ok"] is True
    assert (await lead.post(decision, agree="no")).status_code == 409
    assert (await wang.browser.get(gate)).headers["location"] == f"/console/cases/{case_id}"
    assert await status(wang, case_id) == 200
    site.service.now.forward(hours=4)
    with site.service.store.engine.connect() as connection:
        case = site.service.store.cases.get(connection, case_id)
        assert case is not None
        assert not site.service.desks.minors.gate(connection, case, wang.counsellor, site.service.now()).is_open
    officer = site.seat("officer", "privacy_officer")
    reading = (await law(officer))["readings"][0]
    assert (reading["passage"], reading["purpose"]) == ("经批准", WHY)
    export = await officer.browser.get("/console/law/minors.csv")
    lines = list(csv.reader(io.StringIO(export.text.lstrip("\ufeff"))))
    assert lines[-1][3:] == ["经批准", WHY]
    assert rows(site.service.store.engine, t.audit, action="minor_log_export")


async def test_nobody_approves_their_own_wish_and_a_refusal_opens_nothing(site: Site) -> None:
    zhao, other = site.seat("zhao", "supervisor"), site.seat("qian", "supervisor")
    _, case_id = await minor_case(site, owner=site.seat("lin"), is_closed=True)
    await zhao.post(f"/console/gate/{case_id}/ask", purpose=WHY)
    (grant,) = (await law(zhao))["grants"]
    assert grant["is_mine"]
    decision = f"/console/law/grants/{grant['id']}/decision"
    assert (await zhao.post(decision, agree="yes")).status_code == 409
    assert (await other.post(decision, agree="no")).json()["ok"] is True
    assert await status(zhao, case_id) == 404
    assert "没有批准" in (await zhao.browser.get(f"/console/gate/{case_id}")).text


async def test_in_danger_it_opens_at_once_and_a_supervisor_reviews_it(site: Site) -> None:
    lin, wang, zhao = site.seat("lin"), site.seat("wang"), site.seat("zhao", "supervisor")
    _, case_id = await minor_case(site, owner=lin, other=wang)
    opened = await wang.post(f"/console/gate/{case_id}/break", reason="林老师掉线，来访者在楼顶")
    assert opened.json()["ok"] is True
    assert await status(wang, case_id) == 200
    (task,) = (await law(zhao))["grants"]
    assert (task["is_broken"], task["is_late"]) == (True, False)
    site.service.now.forward(hours=25)
    (task,) = (await law(site.seat("sun", "supervisor")))["grants"]
    assert task["is_late"]
    review = f"/console/law/grants/{task['id']}/review"
    sun = site.seat("sun", "supervisor")
    assert (await site.seat("lead", "duty_lead").post(review, words="打开适当")).status_code == 404
    assert (await sun.post(review, words="当时确有危险，打开适当")).json()["ok"] is True
    assert (await law(sun))["grants"] == []


async def test_without_danger_the_glass_stays_whole(site: Site) -> None:
    wang = site.seat("wang")
    _, case_id = await minor_case(site, owner=site.seat("lin"), other=wang, is_closed=True)
    assert (await wang.post(f"/console/gate/{case_id}/break", reason="我想看看")).status_code == 409
    assert await status(wang, case_id) == 404


async def test_the_file_of_a_minor_is_behind_the_same_gate(site: Site) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    person, case_id = await minor_case(site, owner=lin)
    store = site.service.store
    (first, *_) = rows(store.engine, t.message, conversation_id=person.conversation_id, author="visitor")

    def keep(c: Any) -> str:
        file_id = store.attachments.expect(c, first.id, person.conversation_id, "web", "voice", "r", site.service.now())
        store.attachments.keep(c, file_id, store.attachments.seal(file_id, b"ID3 voice"), "audio/mpeg", 9)
        return file_id

    file_id = do(site.service.writer, keep)
    assert (await wang.browser.get(f"/console/files/{file_id}")).status_code == 404
    assert (await lin.browser.get(f"/console/files/{file_id}")).status_code == 200


async def test_people_mark_a_minor_and_only_those_in_charge_lift_it(site: Site) -> None:
    lin, lead = site.seat("lin"), site.seat("lead", "duty_lead")
    person = await site.visitor()
    await person.post(EMERGENCY, "m1")
    case_id = site.case_of(person.conversation_id)
    assert (await lin.act(case_id, "minor")).json()["ok"] is True
    assert (await lin.act(case_id, "minor")).status_code == 409
    assert (await lin.act(case_id, "minor/lift")).status_code == 404
    site.service.now.forward(minutes=1)
    assert (await lead.act(case_id, "minor/lift")).json()["ok"] is True
    await person.post("我今年15岁", "m2")  # a person decided: what is said later does not undo it
    shown = (await lin.browser.get(f"/console/cases/{case_id}/state.json")).json()["law"]
    assert not shown["is_minor"]
    assert len(rows(site.service.store.engine, t.case_flag)) == 2


async def test_consent_is_written_down_with_purpose_way_and_notice(site: Site) -> None:
    lin = site.seat("lin")
    _, case_id = await minor_case(site, owner=lin)
    for answer in ("given", "withdrawn"):
        done = await lin.act(case_id, "consent", purpose="follow_up", answer=answer, how="said")
        assert done.json()["ok"] is True
        site.service.now.forward(minutes=1)
    assert (await lin.act(case_id, "consent", purpose="gossip", answer="given", how="said")).status_code == 409
    (shown,) = (await lin.browser.get(f"/console/cases/{case_id}/state.json")).json()["law"]["consents"]
    assert (shown["purpose"], shown["answer"], shown["by"]) == ("随访", "撤回", lin.counsellor.display_name)
    assert len(rows(site.service.store.engine, t.consent)) == 2


async def test_a_supervisor_holds_what_the_law_wants_kept_and_releases_it(site: Site) -> None:
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    _, case_id = await minor_case(site, owner=lin)
    assert (await lin.act(case_id, "hold", reason="派出所调取")).status_code == 404
    assert (await zhao.act(case_id, "hold", reason="")).status_code == 409
    assert (await zhao.act(case_id, "hold", reason="派出所调取")).json()["ok"] is True
    shown = (await lin.browser.get(f"/console/cases/{case_id}/state.json")).json()["law"]
    assert (shown["hold"]["reason"], shown["may_hold"]) == ("派出所调取", False)
    assert (await zhao.act(case_id, "hold/release")).json()["ok"] is True
    assert (await zhao.act(case_id, "hold/release")).status_code == 409


async def test_a_linked_contact_is_the_same_minor(site: Site) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    person, _ = await minor_case(site, owner=lin)
    other = await site.visitor()
    await other.post(EMERGENCY, "m1")
    case_id = site.case_of(other.conversation_id)
    await wang.act(case_id, "note", text="交班前看过这个个案")
    await lin.act(case_id, "claim")
    assert await status(wang, case_id) == 200
    chats = [rows(site.service.store.engine, t.conversation, id=one.conversation_id)[0] for one in (person, other)]
    do(site.service.writer, lambda c: site.service.store.links.join(c, chats[0].contact_id, chats[1].contact_id))
    assert await status(wang, case_id) == 404


async def test_the_privacy_officer_answers_a_copy_and_the_person_opens_it(site: Site) -> None:
    officer = site.seat("officer", "privacy_officer")
    person = await site.visitor()
    await person.post("<b>我睡不着</b>", "m1")
    await person.post("我的记录", "m2")
    await site.settle()
    (wish,) = (await law(officer))["wishes"]
    assert (wish["what"], wish["channel"], wish["is_late"]) == ("要一份自己的记录", "网页", False)
    assert (await officer.post(f"/console/law/requests/{wish['id']}/answer")).json()["ok"] is True
    await site.settle()
    text = (await person.messages())[-1]["text"]
    path = f"/my-records/{text.split('/my-records/')[1].split(' ')[0]}"
    page = await site.browser().get(path)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "&lt;b&gt;我睡不着" in page.text
    assert (await site.browser().get(f"{path}/data")).json()["messages"]
    assert (await site.browser().get("/my-records/guess")).status_code == 404


async def test_a_late_wish_says_so(site: Site) -> None:
    person = await site.visitor()
    await person.post("删除我的记录", "m1")
    site.service.now.forward(days=30)
    (wish,) = (await law(site.seat("officer", "privacy_officer")))["wishes"]
    assert wish["is_late"]
    assert wish["going"].startswith("现在全部删除")


async def test_a_restricted_record_is_shut_for_everybody(site: Site) -> None:
    lin = site.seat("lin")
    _, case_id = await minor_case(site, owner=lin, is_closed=True)
    contact_id = rows(site.service.store.engine, t.case_record, id=case_id)[0].contact_id
    contacts = site.service.store.contacts
    do(site.service.writer, lambda c: contacts.change(c, contact_id, restricted_at=site.service.now()))
    for seat in (lin, site.seat("zhao", "supervisor")):
        assert await status(seat, case_id) == 404
        assert (await seat.browser.get(f"/console/gate/{case_id}")).status_code == 404
        assert (await seat.post(f"/console/gate/{case_id}/ask", purpose=WHY)).status_code == 409


async def test_each_sees_their_own_part_of_the_page(site: Site) -> None:
    person = await site.visitor()
    await person.post("删除我的记录", "m1")
    lead = await law(site.seat("lead", "duty_lead"))
    assert (lead["wishes"], lead["retention"], lead["readings"]) == ([], None, [])
    officer = await law(site.seat("officer", "privacy_officer"))
    assert len(officer["wishes"]) == 1
    assert officer["retention"]["rules"]
    assert (await site.seat("lin").browser.get("/console/law.json")).status_code == 404
    for role in ("duty_lead", "supervisor", "privacy_officer"):
        assert (await site.seat(role, role).browser.get("/console/law")).status_code == 200
    assert (await site.seat("o", "privacy_officer").post("/console/law/retention/records", seen="1")).status_code == 409
