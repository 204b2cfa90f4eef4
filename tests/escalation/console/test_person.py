"""The person on the case page: shown as text, with what the platform allows; decided about by those who may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import server
from bot.channels import SendRules
from bot.messages import Arrival
from records import tables as t
from settings import load_settings
from tests.browsing import Site
from tests.building import CRISIS, EMERGENCY, Clock, FakeChannel, compiled_screener, connect, do, rows

pytestmark = pytest.mark.anyio
LIMITED = SendRules(longest_bytes=2048, window=timedelta(hours=48), messages=5, kept_for_people=3)
REASON = "多次发送骚扰内容，已提醒一次"
ATTACK = "<script>alert(1)</script>\u202e'\"{{7*7}}\ud83d"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    app = server.build_app(
        load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), now=Clock(), screener=compiled_screener()
    )
    made = Site(app, app.state.service)
    connect(made.service, FakeChannel("wechat", rules=LIMITED))
    yield made
    await made.service.pipeline.drain()
    made.service.writer.close()
    made.service.store.engine.dispose()


async def case_of(site: Site, address: str = "openid-1", text: str = CRISIS, **more: Any) -> str:
    """Somebody writes on the platform; returns the id of their case."""
    arrival = Arrival("wechat", address, f"{address} {text}", "text", text, **more)
    (arrived,) = await site.service.intake.arrive(arrival)
    await site.settle()
    return site.case_of(arrived.conversation_id)


async def person_of(site: Site, case_id: str) -> dict[str, Any]:
    seat = site.seat()
    await seat.act(case_id, "reveal", why="contact")
    answer = await seat.browser.get(f"/console/cases/{case_id}/state.json")
    return dict(answer.json()["person"])


def contact_id(site: Site, case_id: str) -> str:
    return str(rows(site.service.store.engine, t.case_record, id=case_id)[0].contact_id)


async def test_the_page_says_who_where_from_and_what_the_platform_allows(site: Site) -> None:
    case_id = await case_of(site, nickname="小雨", scene="school-7")
    person = await person_of(site, case_id)
    assert (person["name"], person["channel"], person["scene"]) == ("小雨", "微信公众号", "school-7")
    assert (person["reach"], person["is_open"], person["left"]) == ("还能发 4 条，到 12-03 10:00", True, 4)
    assert person["closes_in_s"] == 48 * 3600
    assert person["bubble_bytes"] == 2048
    assert (person["is_blocked"], person["plan"], person["others"], person["decisions"]) == (False, None, [], [])


async def test_a_name_is_text_whatever_it_says(site: Site) -> None:
    case_id = await case_of(site, nickname=ATTACK * 9)
    page = (await site.seat().browser.get(f"/console/cases/{case_id}")).text
    assert "<script>alert" not in page
    assert (await person_of(site, case_id))["name"] == (ATTACK * 9).replace("\ud83d", "\ufffd")[:60]


async def test_somebody_out_of_reach_is_shown_as_such(site: Site) -> None:
    case_id = await case_of(site)
    await site.service.intake.arrive(Arrival("wechat", "openid-1", "e1", "left"))
    person = await person_of(site, case_id)
    assert not person["is_open"]
    assert "这里已联系不上，请打电话或换渠道" in person["reach"]
    assert (person["left"], person["closes_in_s"]) == (0, None)


async def test_a_visitor_of_the_web_page_has_no_name_and_no_limit(site: Site) -> None:
    visitor = await site.visitor()
    await visitor.post(EMERGENCY, "m1")
    person = await person_of(site, site.case_of(visitor.conversation_id))
    assert (person["name"], person["channel"], person["left"], person["is_open"]) == ("", "网页", None, True)
    assert person["closes_in_s"] is None


async def test_linked_conversations_lead_to_their_open_case(site: Site) -> None:
    one = await case_of(site, "openid-1", nickname="小雨")
    other = await case_of(site, "openid-2", EMERGENCY)
    visitor = await site.visitor()
    await visitor.post("绑定", "m1")
    await site.settle()
    calm = rows(site.service.store.engine, t.conversation, id=visitor.conversation_id)[0].contact_id
    links = site.service.store.links
    for contact in (contact_id(site, other), calm):
        do(site.service.writer, lambda c, contact=contact: links.join(c, contact_id(site, one), contact))
    found = {item["channel"]: item for item in (await person_of(site, one))["others"]}
    assert found["微信公众号"]["case_id"] == other
    assert found["微信公众号"]["level"] == 4
    assert found["网页"]["case_id"] is None
    assert {item["name"] for item in (await person_of(site, other))["others"]} == {"小雨", ""}


@pytest.mark.parametrize("role", ["duty_lead", "supervisor"])
async def test_leads_block_and_unblock_with_a_reason(site: Site, role: str) -> None:
    case_id = await case_of(site)
    lead = site.seat("lead", role)
    assert (await lead.act(case_id, "block", reason="")).status_code == 409
    assert (await lead.act(case_id, "block", reason=REASON)).json()["ok"] is True
    person = await person_of(site, case_id)
    assert person["is_blocked"]
    (decision,) = person["decisions"]
    assert (decision["what"], decision["reason"], decision["by"]) == ("屏蔽", REASON, lead.counsellor.display_name)
    assert (await lead.act(case_id, "unblock", reason="已道歉，再观察")).json()["ok"] is True
    assert not (await person_of(site, case_id))["is_blocked"]
    actions = [row.action for row in rows(site.service.store.engine, t.audit, object_id=contact_id(site, case_id))]
    assert actions == ["contact_blocked", "contact_unblocked"]


async def test_a_counsellor_alone_blocks_nobody(site: Site) -> None:
    case_id = await case_of(site)
    for action in ("block", "unblock"):
        assert (await site.seat().act(case_id, action, reason=REASON)).status_code == 404
    assert not (await person_of(site, case_id))["is_blocked"]


async def test_whoever_writes_cases_keeps_the_plan_and_everybody_sees_it(site: Site) -> None:
    case_id = await case_of(site)
    lin = site.seat("lin")
    assert (await lin.act(case_id, "plan", text="每天一次，20分钟")).json()["ok"] is True
    plan = (await person_of(site, case_id))["plan"]
    assert (plan["text"], plan["by"]) == ("每天一次，20分钟", lin.counsellor.display_name)
    clock = site.service.now
    assert isinstance(clock, Clock)
    clock.forward(minutes=1)
    assert (await lin.act(case_id, "plan", text="")).json()["ok"] is True
    assert (await person_of(site, case_id))["plan"] is None
