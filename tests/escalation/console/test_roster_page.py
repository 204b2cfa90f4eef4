"""The roster in the console: what to think about beside each shift, and the red line for hours that nobody leads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import server
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import Clock, compiled_screener

pytestmark = pytest.mark.anyio
TUESDAY = "2026-12-01"  # of the tests' clock, at ten


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    app = server.build_app(load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


def form(
    who: Seat, role: str = "seat", begins: str = "08:00", ends: str = "16:00", date: str = TUESDAY
) -> dict[str, str]:
    return {"who": who.counsellor.id, "role": role, "date": date, "begins": begins, "ends": ends}


async def advised(lead: Seat, **fields: str) -> list[str]:
    answer = await lead.browser.get("/console/roster/advice.json", params=fields)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["words"])


async def holes(seat: Seat) -> list[str]:
    return list((await seat.browser.get("/console/duty.json")).json()["holes"])


async def test_what_to_think_about_is_said_while_the_shift_is_written_and_beside_it_afterwards(site: Site) -> None:
    lin, lead = site.seat("lin"), site.seat("lead", "duty_lead")
    assert (await lead.post("/console/roster/shifts", **form(lin))).json()["ok"] is True
    night = form(lin, begins="00:00", ends="08:00", date="2026-12-02")
    wanted = ["离上一个班只有 8 小时（建议至少 10 小时）", "坐席不到 2 个：00:00–08:00", "没有值班长：00:00–08:00"]
    assert await advised(lead, **night) == wanted
    assert (await lead.post("/console/roster/shifts", **night)).json()["ok"] is True  # advice forbids nothing
    page = (await lin.browser.get("/console/roster")).text
    assert all(f"<li>{words}</li>" in page for words in wanted)


async def test_a_form_that_is_not_filled_in_is_met_with_silence_and_one_that_cannot_be_with_its_reason(
    site: Site,
) -> None:
    lin, lead = site.seat("lin"), site.seat("lead", "duty_lead")
    assert await advised(lead) == []
    assert await advised(lead, **{**form(lin), "who": ""}) == []
    assert await advised(lead, **{**form(lin), "date": "tomorrow"}) == ["请填写日期、开始和结束的时间"]
    await lead.post("/console/roster/shifts", **form(lin))
    assert await advised(lead, **form(lin)) == ["这位同事这段时间已经排班了"]


async def test_only_who_plans_is_advised(site: Site) -> None:
    lin = site.seat("lin")
    assert (await lin.browser.get("/console/roster/advice.json", params=form(lin))).status_code == 404


async def test_every_header_and_the_roster_say_which_hours_nobody_leads_or_is_on_call(site: Site) -> None:
    lin, lead = site.seat("lin"), site.seat("lead", "duty_lead")
    assert await holes(lin) == []
    assert "缺值班长" not in (await lin.browser.get("/console/roster")).text
    await lead.post("/console/roster/shifts", **form(lead, "lead"))
    lines = [
        "周二 12-01 10:00 到 22:00 没有人听班，也没有设置外部值守",
        "周二 12-01 16:00 到 22:00 没有值班长，警报会改叫其他值班长",
    ]
    assert await holes(lin) == lines
    page = (await lin.browser.get("/console/roster")).text
    assert "周二 12-01 16:00 到 周一 12-07 00:00 没有值班长，警报会改叫其他值班长" in page
    await lead.post("/console/roster/shifts", **form(lead, "lead", "16:00", "23:00"))
    await lead.post("/console/roster/shifts", **form(lin, "oncall", "09:00", "23:00"))
    assert await holes(lin) == []


async def test_many_holes_are_two_and_a_number_in_the_header(site: Site) -> None:
    lead = site.seat("lead", "duty_lead")
    for hour in (11, 13, 15):
        await lead.post("/console/roster/shifts", **form(lead, "lead", f"{hour}:00", f"{hour + 1}:00"))
    found = await holes(lead)
    assert (len(found), found[-1]) == (3, "另有 3 处")
