"""A shift in real browsers: transfer, whisper and join, a browser that closes, a volunteer, a hand-over, a flood."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import pytest
import sqlalchemy as sa
from playwright.async_api import Page, expect

from escalation.alarm import Danger
from records import tables as t
from tests.building import EMERGENCY, PLAN, do, rows, say, visitor
from tests.journeys.house import House, claim_first, open_house, picture, reply
from triage.risk import Level

pytestmark = [pytest.mark.browser, pytest.mark.anyio]
_FLOOD = 1000


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as found:
        yield found


async def test_a_case_is_passed_on_watched_over_and_taken_from_a_browser_that_closed(house: House) -> None:
    lin, zhang = await house.on_duty("林老师"), await house.on_duty("张老师")
    await expect(zhang.locator("#people-summary")).to_contain_text("在岗 2")
    person = await house.person("小雨", PLAN)
    await claim_first(lin)
    await reply(lin, "我在，您慢慢说")
    await passed_on(lin, zhang)
    chief = await house.on_duty("赵督导", "supervisor")
    await whispered_and_joined(chief, zhang, house)
    heard = [row.key for row in rows(house.service.store.engine, t.outbox, conversation_id=person)]
    assert "handover.second_joined" in heard
    await closed_and_taken_over(zhang, lin, chief, house, person)


async def passed_on(lin: Page, zhang: Page) -> None:
    await lin.locator("#tab-colleagues").click()
    await lin.locator("#transfer-to").select_option(index=1)
    await lin.locator("#transfer [name=said]").fill("失恋后三天没睡，说过不想活；现在在宿舍，一个人。")
    await lin.locator("#transfer [name=promised]").fill("陪到室友七点回来")
    await lin.locator("#transfer [name=next]").fill("先问室友到了没有，再一起写安全计划")
    await picture(lin, "case-transfer")
    await lin.locator("#transfer button").click()
    await expect(lin.locator("#request-words")).to_contain_text("等对方答复")
    card = zhang.locator(".call.invitation")
    await expect(card).to_contain_text("请您接手")
    await expect(card).to_contain_text("陪到室友七点回来")
    await picture(zhang, "queue-invitation")
    await card.get_by_text("接过来").click()
    await expect(zhang.locator("#owner-line")).to_contain_text("您正在服务")
    await expect(zhang.locator("#summary-next")).to_contain_text("先问室友到了没有")
    await expect(lin.locator("#owner-line")).to_contain_text("张老师")
    await expect(lin.locator("#reply")).to_be_hidden()
    await expect(lin.locator(".call.happened")).to_contain_text("已经接过")
    await picture(zhang, "case-handed-over")


async def whispered_and_joined(chief: Page, zhang: Page, house: House) -> None:
    await chief.goto(f"{house.url}/console/floor")
    line = chief.locator("#lives tr")
    await expect(line).to_contain_text("张老师")
    await expect(line).to_contain_text("来访者等老师")
    await picture(chief, "floor")
    await line.locator("a").click()
    await expect(chief.locator("#connection")).to_contain_text("正常")
    await expect(chief.locator("#reply")).to_be_hidden()
    await chief.locator("#tab-colleagues").click()
    await chief.locator("#whisper textarea").fill("先问她身边有没有药，再问室友的电话")
    await chief.locator("#whisper button").click()
    await expect(zhang.locator("#whisper-list")).to_contain_text("先问她身边有没有药")
    await picture(zhang, "case-whisper")
    await chief.locator("#join button").click()
    await chief.locator("#confirm button[value=yes]").click()
    await expect(chief.locator("#reply")).to_be_visible()
    await reply(chief, "我是赵老师，也在这里陪您")
    await reply(zhang, "我们两个人都在")
    await expect(zhang.locator("#companions")).to_contain_text("赵督导")
    await chief.locator("#leave button").click()
    await expect(chief.locator("#reply")).to_be_hidden()


async def closed_and_taken_over(zhang: Page, lin: Page, chief: Page, house: House, person: str) -> None:
    await say(house.service, person, "老师你还在吗，我很难受")
    await zhang.context.close()
    await lin.goto(f"{house.url}/console")
    house.clock.ahead += timedelta(seconds=100)
    await chief.goto(f"{house.url}/console/floor")
    await expect(chief.locator("#lives .notes")).to_contain_text("已提醒老师")
    house.clock.ahead += timedelta(seconds=31)
    row = lin.locator("#queue li.row")
    await expect(row.locator(".relief")).to_contain_text("老师没有回应")
    await expect(lin.locator("#strip")).to_contain_text("1 个个案的老师没有回应")
    await expect(lin.locator("#strip")).not_to_have_attribute("data-kind", "calm")
    await picture(lin, "queue-owner-silent")
    await row.locator("button.claim").click()
    await expect(lin.locator("#owner-line")).to_contain_text("您正在服务")
    await expect(lin.locator("#strip")).to_have_attribute("data-kind", "calm")
    heard = [row.key for row in rows(house.service.store.engine, t.outbox, conversation_id=person)]
    assert heard.count("handover.owner_silent") == 1
    assert heard[-1] == "handover.person_changed"


async def test_a_volunteer_sees_colours_keeps_a_rising_case_until_it_is_taken_and_is_thanked(house: House) -> None:
    xiao, lin = await house.on_duty("小志", "volunteer"), await house.on_duty("林老师")
    person = await house.person("blue", "转人工")
    await house.person("red", EMERGENCY)
    red = xiao.locator("#queue li.row[data-level='4']")
    await expect(red.locator(".clock")).not_to_be_empty()
    await expect(red.locator(".case-no")).to_be_empty()
    assert await red.locator("a[href]").count() == 0
    await expect(red.locator("button.claim")).to_be_hidden()
    await picture(xiao, "queue-volunteer")
    await xiao.locator("#queue li.row:not([data-level='4']) button.claim").click()
    await expect(xiao.locator("#owner-line")).to_contain_text("您正在服务")
    await say(house.service, person, PLAN)
    await expect(lin.locator("#queue li.row .relief", has_text="志愿者在陪")).to_be_visible()
    await reply(xiao, "我在，您别一个人待着，老师马上来")
    await lin.locator("#queue li.row", has_text="志愿者在陪").locator("button.claim").click()
    await expect(lin.locator("#owner-line")).to_contain_text("您正在服务")
    await expect(xiao.locator("#happened")).to_contain_text("谢谢您陪来访者到现在")
    await expect(xiao.locator("#reply")).to_be_hidden()
    await expect(xiao.locator(".call.happened")).to_contain_text("您做得很好")
    await picture(xiao, "case-volunteer-thanked")


async def test_a_lead_plans_hands_over_and_goes_home_when_both_have_signed(house: House) -> None:
    lead, incoming = await house.on_duty("王值班长", "duty_lead"), await house.on_duty("李值班长", "duty_lead")
    await house.person("小雨", EMERGENCY)
    await lead.goto(f"{house.url}/console/roster")
    await planned_with_advice(lead)
    await lead.goto(f"{house.url}/console/handovers")
    lead.on("dialog", lambda dialog: dialog.accept())
    await lead.locator(".sign [name=remarks]").fill("2 号机耳机坏了，已报修")
    await lead.locator(".sign button").click()
    await expect(lead.locator(".sign .error")).to_contain_text("没人接")
    await lead.locator(".sign [name=reason]").fill("刚响铃，李老师正在接")
    await lead.locator(".sign button").click()
    await expect(lead.locator(".missing")).to_have_text("等接班签字")
    await expect(lead.locator("main")).to_contain_text("红色：要决定是否救援")
    await picture(lead, "handover-out")
    await lead.locator("#duty-end").click()
    await lead.locator("#duty-dialog button[value=yes]").click()
    await expect(lead.locator("#duty-words")).to_contain_text("接班的值班长还没有签字")
    await lead.locator("#duty-dialog button[value=no]").click()
    await expect(incoming.locator(".call.unsigned")).to_contain_text("还没有人签字接班")
    await incoming.locator(".call.unsigned a").click()
    incoming.on("dialog", lambda dialog: dialog.accept())
    await expect(incoming.locator(".frozen")).to_contain_text("2 号机耳机坏了")
    await incoming.locator(".sign button").click()
    await expect(incoming.locator(".frozen .entries").last).to_contain_text("接班：李值班长")
    await expect(incoming.locator(".frozen")).to_contain_text("封存校验一致")
    await picture(incoming, "handover-signed")
    await lead.locator("#duty-end").click()
    await lead.locator("#duty-dialog button[value=yes]").click()
    await expect(lead.locator("#duty-state")).to_have_text("未值班")


async def planned_with_advice(lead: Page) -> None:
    """Today's shift until four, then one at eight in the evening: what to think about stands there before it is saved."""
    form = lead.locator("form.plan")
    await form.locator("[name=who]").select_option(index=1)
    await expect(lead.locator("#advice")).to_contain_text("没有值班长：08:00–16:00")
    await form.locator("button").click()
    await expect(lead.locator(".planned")).to_have_count(1)
    await form.locator("[name=who]").select_option(index=1)
    await form.locator("[name=begins]").fill("20:00")
    await form.locator("[name=ends]").fill("23:00")
    await expect(lead.locator("#advice")).to_contain_text("离上一个班只有 4 小时（建议至少 10 小时）")
    await picture(lead, "roster-written")
    await form.locator("button").click()
    await expect(lead.locator(".planned .advice").last).to_contain_text("离上一个班只有 4 小时")
    await expect(lead.locator(".warnings")).to_contain_text("只有 1 个坐席")
    await expect(lead.locator("main .holes")).to_contain_text("没有值班长")
    await expect(lead.locator("#roster-holes")).to_contain_text("没有值班长，警报会改叫其他值班长")
    await picture(lead, "roster")


async def test_a_thousand_crises_leave_the_queue_usable_by_keyboard(
    house: House, record_property: Callable[[str, object], None]
) -> None:
    lin = await house.on_duty("林老师")
    service, now = house.service, house.clock()
    people = [visitor(service.store, service.writer, f"person-{number}", now=now) for number in range(_FLOOD)]

    def flood(connection: sa.Connection, some: list[str]) -> None:
        for place, conversation_id in enumerate(some):
            conversation = service.store.conversations.get(connection, conversation_id)
            assert conversation is not None
            level = Level.EMERGENCY if place % 10 else Level.HIGH
            service.alarm.raise_case(connection, conversation, Danger(level, "risk", "m", ("rule",)), now)

    started = perf_counter()
    for start in range(0, _FLOOD, 100):
        do(service.writer, lambda c, some=people[start : start + 100]: flood(c, some))
    await expect(lin.locator("[data-count='new-4']")).to_have_text("900", timeout=60_000)
    shown_s = perf_counter() - started
    await expect(lin.locator("#queue li.more").first).to_contain_text("还有 870 个红色在等")
    assert await lin.locator("#queue li.row").count() == 60
    await expect(lin.locator("#strip")).to_contain_text("900 个个案无人接手")
    await picture(lin, "queue-flood")
    started = perf_counter()
    await lin.keyboard.press("j")
    await lin.keyboard.press("c")
    await expect(lin.locator("#owner-line")).to_contain_text("您正在服务")
    record_property("flood_shown_s", round(shown_s, 2))
    record_property("claim_by_key_s", round(perf_counter() - started, 2))
    await lin.goto(f"{house.url}/console")
    await expect(lin.locator("[data-count='new-4']")).to_have_text("899")
