"""In real browsers: a lead assigns, the clock of the first word runs out, a counsellor is helped by a supervisor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from records import tables as t
from tests.building import PLAN, rows
from tests.journeys.house import House, open_house, picture, reply

pytestmark = [pytest.mark.browser, pytest.mark.anyio]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as found:
        yield found


async def test_a_case_is_assigned_its_first_word_is_late_and_a_supervisor_helps(house: House) -> None:
    lead, zhang = await house.on_duty("王值班长", "duty_lead"), await house.on_duty("张老师")
    chief = await house.on_duty("赵督导", "supervisor")
    person = await house.person("小雨", PLAN)
    await assigned(lead, zhang)
    await late_with_the_first_word(zhang, lead, chief, house)
    await helped(zhang, chief)
    heard = [row.key for row in rows(house.service.store.engine, t.outbox, conversation_id=person)]
    assert heard.count("handover.owner_silent") == 1


async def assigned(lead: Page, zhang: Page) -> None:
    await lead.locator("#queue li.row a.open").click()
    await expect(lead.locator("#escalate-words")).to_contain_text("值班长")
    await lead.locator("#assign-to").select_option(label="张老师（手上 0 个）")
    await lead.locator("#assign [name=note]").fill("您上周陪过她，请您接")
    await picture(lead, "case-assign")
    await lead.locator("#assign button").click()
    await expect(lead.locator("#assigned-words")).to_contain_text("已指派张老师，等答复")
    await expect(zhang.locator("#queue li.row .asked")).to_have_text("已指派张老师，等答复")
    card = zhang.locator(".call.invitation")
    await expect(card).to_contain_text("王值班长 指派您接手还没有人服务的")
    await expect(card).to_contain_text("您上周陪过她")
    await expect(zhang.locator("#strip")).not_to_have_attribute("data-kind", "calm")
    await picture(zhang, "queue-assigned")
    await card.get_by_text("接过来").click()
    await expect(zhang.locator("#owner-line")).to_contain_text("您正在服务")
    await expect(lead.locator(".call.happened")).to_contain_text("已经接手您指派的")


async def late_with_the_first_word(zhang: Page, lead: Page, chief: Page, house: House) -> None:
    clocks = zhang.locator("#claim-clocks")
    await expect(clocks).to_contain_text("还没有对来访者说话")
    await expect(clocks).to_contain_text("评估还差：念头、计划、已做的行动")
    await picture(zhang, "case-clocks")
    house.clock.ahead += timedelta(seconds=16)
    await expect(zhang.locator(".call.warning")).to_contain_text("您还没有对来访者说话")
    await picture(zhang, "case-first-word-warning")
    house.clock.ahead += timedelta(seconds=45)
    await zhang.reload()
    await expect(clocks.locator(".late")).to_contain_text("还没有对来访者说话（超时）")
    await lead.goto(f"{house.url}/console")
    await expect(lead.locator("#queue li.row .relief")).to_contain_text("老师没有回应")
    await chief.goto(f"{house.url}/console/floor")
    await expect(chief.locator("#lives .owed .late")).to_contain_text("还没有对来访者说话（超时）")
    await expect(chief.locator(".call.rises")).to_contain_text("升为橙、红的个案")
    await picture(chief, "floor-clocks")
    await chief.locator(".call.rises button").click()
    await expect(chief.locator(".call.rises")).to_have_count(0)
    await reply(zhang, "我是张老师，我在，您现在安全吗？")
    await expect(zhang.locator("#strip")).to_have_attribute("data-kind", "calm")
    await expect(clocks).not_to_contain_text("还没有对来访者说话")


async def helped(zhang: Page, chief: Page) -> None:
    await zhang.locator("#help-ask summary").click()
    await zhang.locator("#help-ask [name=why]").fill("她不肯说在哪里，要不要报警？")
    await zhang.locator("#help-ask button").click()
    await expect(zhang.locator("#help-words")).to_contain_text("已呼叫督导，等答复")
    card = chief.locator(".call.help")
    await expect(card).to_contain_text("她不肯说在哪里，要不要报警？")
    await picture(chief, "floor-help")
    await card.locator("input").fill("我马上来看，先问她身边有没有人")
    await card.get_by_text("我来帮忙").click()
    await expect(card).to_have_count(0)
    await expect(zhang.locator("#help-words")).to_contain_text("先问她身边有没有人")
    await picture(zhang, "case-helped")
