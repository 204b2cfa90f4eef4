"""Every way to a minor's case passes the same gate, and nobody whom the case calls stands before it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation.cases import State
from records import tables as t
from tests.browsing import Site
from tests.building import do, rows
from tests.escalation.console.test_law_page import WHY, law, minor_case, site, status

__all__ = ["site"]
pytestmark = pytest.mark.anyio
FORM = {
    "id": "1" * 32, "kind": "er", "urgency": "now", "direction": "out", "method": "link", "reason": "需要急诊评估",
    "basis": "consent", "basis_words": "本人说愿意去", "call_back": "热线 000", "share:danger": "说想死，有计划",
}  # fmt: skip
PLACE = {"name": "演示县医院", "kinds": "er", "region": "演示县", "phones": "000-1", "checked": "yes"}
SHOWN = ("", "/state.json", "/timeline.json", "/sheet", "/sheet.pdf", "/suggest.json")


def close(site: Site, case_id: str) -> None:
    """The case ends, whatever the form asks for."""
    cases = site.service.store.cases
    with site.service.store.engine.connect() as connection:
        case = cases.get(connection, case_id)
    assert case is not None
    ended = {"state": State.CLOSED.value, "closed_at": site.service.now()}
    do(site.service.writer, lambda c: cases.change(c, case, **ended))


@pytest.mark.parametrize("way", SHOWN)
async def test_a_closed_case_is_shut_on_every_way_and_open_with_leave(site: Site, way: str) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    _, case_id = await minor_case(site, owner=lin, other=wang, is_closed=True)
    lead = site.seat("lead", "duty_lead")
    path = f"/console/cases/{case_id}{way}"
    assert (await wang.browser.get(path)).status_code == 404
    assert (await lead.browser.get(path)).status_code == 404
    assert (await lin.browser.get(path)).status_code == 200  # finishes the record
    await wang.post(f"/console/gate/{case_id}/ask", purpose=WHY)
    (grant,) = (await law(lead))["grants"]
    await lead.post(f"/console/law/grants/{grant['id']}/decision", agree="yes")
    assert (await wang.browser.get(path)).status_code == 200
    read = rows(site.service.store.engine, t.minor_access, by_id=wang.counsellor.id, passage="granted")
    assert [row.grant_id for row in read] == [grant["id"]]


async def test_a_letter_about_a_closed_case_is_shut_too(site: Site) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    _, case_id = await minor_case(site, owner=lin)
    there = (await site.seat("editor", "supervisor").post("/console/institutions/new/add", **PLACE)).json()["id"]
    made = await lin.act(case_id, "referrals", **FORM, institution_id=there)
    assert made.json()["ok"] is True
    path = f"/console/referrals/{FORM['id']}/letter"
    assert (await wang.browser.get(path)).status_code == 200  # a colleague reads it to decide
    close(site, case_id)
    assert (await wang.browser.get(path)).status_code == 404
    assert (await lin.browser.get(path)).status_code == 200
    assert [row.passage for row in rows(site.service.store.engine, t.minor_access)] == ["serving"]


async def test_what_is_read_in_a_drill_is_not_in_the_log(site: Site) -> None:
    lin = site.seat("lin")
    _, case_id = await minor_case(site, owner=lin)
    do(site.service.writer, lambda c: c.execute(t.case_record.update().values(is_drill=True)))
    assert await status(lin, case_id) == 200
    assert rows(site.service.store.engine, t.minor_access) == []


@pytest.mark.parametrize("deed", ["share", "note", "level", "reveal"])
async def test_nothing_is_done_about_a_closed_case_behind_the_gate(site: Site, deed: str) -> None:
    _, case_id = await minor_case(site, owner=site.seat("lin"), is_closed=True)
    assert (await site.seat("lead", "duty_lead").act(case_id, deed)).status_code == 404


async def test_danger_waits_for_no_leave(site: Site) -> None:
    """A colleague who took part may not read it now, but raises the alarm by what they know."""
    lin, wang = site.seat("lin"), site.seat("wang")
    _, case_id = await minor_case(site, owner=lin, other=wang)
    assert await status(wang, case_id) == 404
    assert (await wang.act(case_id, "note", text="同学刚打来电话，说人在天台")).status_code != 404


async def test_whoever_is_asked_to_take_it_over_or_hears_it_ring_reads_it(site: Site) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    _, case_id = await minor_case(site, owner=lin)
    assert await status(wang, case_id) == 404
    row = {"id": "tr", "case_id": case_id, "from_id": lin.counsellor.id, "to_id": wang.counsellor.id}
    now = site.service.now()
    row |= {"state": "asked", "asked_at": now, "answer_by": now + timedelta(minutes=5)}
    words = {f"{name}_sealed": b"" for name in ("said", "promised", "next")}
    do(site.service.writer, lambda c: c.execute(t.transfer.insert().values(district_id="local", **row, **words)))
    assert await status(wang, case_id) == 200
    assert await status(site.seat("zhang"), case_id) == 404
    assert [row.passage for row in rows(site.service.store.engine, t.minor_access)] == ["task"]


async def test_an_invited_expert_reads_while_the_case_is_open_and_the_log_says_so(site: Site) -> None:
    lin, expert = site.seat("lin"), site.seat("expert", "expert")
    _, case_id = await minor_case(site, owner=lin)
    invited = await lin.act(case_id, "share", **{"with": expert.counsellor.id, "days": "3", "reason": "请看一下风险"})
    assert invited.json()["ok"] is True
    path = f"/console/invited/{case_id}"
    assert (await expert.browser.get(path)).status_code == 200
    assert [row.passage for row in rows(site.service.store.engine, t.minor_access)] == ["invited"]
    close(site, case_id)
    assert (await expert.browser.get(path)).status_code == 404
    assert (await expert.post(f"{path}/opinion", text="建议转介")).status_code == 404
