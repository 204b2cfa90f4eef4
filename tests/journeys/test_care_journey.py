"""From a crisis through rescue and record to the call the day after: real Chromium against the whole application.

The clock is moved by hand, so the application runs inside this process.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

import server
from records.staff import Counsellor
from settings import load_settings
from tests.browsing import Seat, Site, serving
from tests.building import Clock, compiled_screener, do
from tests.journeys.conftest import FLAGS, need_chromium
from tests.record_samples import fill_record

_DATES_ON_ONE_LINE = """() => [...document.querySelectorAll(".task-line .due")].every((one) => {
  const words = document.createRange();
  words.selectNodeContents(one);
  const tops = [...words.getClientRects()].map((line) => line.top);
  return tops.length && Math.max(...tops) - Math.min(...tops) < 10;
})"""
pytestmark = [pytest.mark.browser, pytest.mark.anyio]
_PICTURES = os.environ.get("JOURNEY_PICTURES")  # a folder: keep screenshots there
_DESK = {"width": 1366, "height": 768}
_PHONE = {"width": 390, "height": 844}
_SAID = ("我刚刚吞了一瓶安眠药", "我在城东大学三号宿舍楼402，室友都回家了，就我一个人")
_ANSWERS = {
    "ideas": "10", "hopelessness": "20", "acts": "none", "help_hospital": "yes", "obstacles_missing": "not_asked",
    "level": "low",
}  # fmt: skip


@dataclass
class Town:
    """The application, its clock, and a browser."""

    site: Site
    clock: Clock
    browser: Browser
    url: str

    async def seat(self, name: str, *roles: str) -> tuple[Page, Seat]:
        """Somebody who signed in a moment ago: a page, and the same hands without one."""
        seat, service = self.site.seat(name, *roles), self.site.service
        do(service.writer, lambda c: service.store.staff.change(c, seat.counsellor.id, display_name=name))
        return await self.page_of(seat), seat

    async def page_of(self, seat: Seat) -> Page:
        context = await self.browser.new_context(viewport=_DESK, locale="zh-CN")
        await context.add_cookies([{"name": "xindeng_console", "value": seat.cookie, "url": self.url}])
        context.set_default_timeout(15_000)
        page = await context.new_page()
        await page.goto(f"{self.url}/console")
        await expect(page.locator("#connection")).to_contain_text("正常")
        return page


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    need_chromium()
    settings = load_settings(
        {
            "HOTLINE_DATA_DIR": str(tmp_path), "HOTLINE_HOTLINE_NAME": "示例县心理援助热线", "HOTLINE_SWEEP_S": "0.1",
            "HOTLINE_CALLBACK_PHONE": "0000-7654321",
        }
    )  # fmt: skip
    clock = Clock(datetime.now(UTC))
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    async with serving(app) as url, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=need_chromium(), args=FLAGS)
        yield Town(Site(app, app.state.service), clock, chromium, url)
        await chromium.close()


async def picture(page: Page, name: str) -> None:
    if _PICTURES:
        await page.screenshot(path=Path(_PICTURES) / f"{name}.png")


async def test_from_the_crisis_to_the_last_call(town: Town) -> None:
    visitor = await (await town.browser.new_context(viewport=_PHONE, locale="zh-CN", has_touch=True)).new_page()
    await visitor.goto(town.url)
    lin, _ = await town.seat("林老师")
    lead, _ = await town.seat("周班长", "duty_lead")
    chief, chief_seat = await town.seat("赵督导", "supervisor")
    for text in _SAID:
        await visitor.locator("#text").fill(text)
        await visitor.locator("button.send").click()
    await lin.locator("#queue li.row button.claim").click()
    await expect(lin.locator("#reply")).to_be_visible()  # the press below belongs to the page of the case
    for page in (lin, lead, chief):
        await page.locator("#sound").click()
    await rescue_starts(lin, chief)
    await the_rescue_rings(lin, lead, chief)
    case_url = lin.url
    await arrival_and_outcome(lin, chief, case_url)
    await rings(lin, "")
    await rings(lead, "")
    case_id = case_url.rsplit("/", 1)[1].partition("#")[0]
    await asyncio.to_thread(fill_record, town.site.service, case_id, chief_seat.counsellor)
    await the_supervisor_closes(chief)
    town.clock.forward(hours=25)
    await the_day_after(town, visitor, chief_seat.counsellor, case_url)


async def rescue_starts(lin: Page, chief: Page) -> None:
    """The red clock asks for a decision; the dispatcher hears the person's own words."""
    await expect(lin.locator("#care")).to_contain_text("要决定是否救援")
    await lin.locator("#tab-rescue").click()
    await expect(lin.locator("#rescue-clock")).to_contain_text("5 分钟内要决定")
    await lin.locator("#rescue-start label", has_text="正在进行的自杀行为").click()
    await lin.locator("#rescue-start textarea[name=reason]").fill("已吞服一瓶安眠药，独自在宿舍")
    await lin.locator("#rescue-start button.main").click()
    await expect(lin.locator("#rescue-clock")).to_contain_text("还没有确认到达")
    await expect(lin.locator("#state")).to_have_text("救援中")
    found = lin.locator("#rescue-found li", has_text="三号宿舍楼")
    for slot in ("在哪里", "身边有谁"):
        await found.get_by_role("button", name=slot).click()
        await expect(found.get_by_role("button", name=slot)).to_have_attribute("aria-pressed", "true")
    await expect(lin.locator("#rescue-lines blockquote")).to_have_count(2)
    await expect(lin.locator("#rescue-lines")).to_contain_text("0000-7654321")
    await lin.locator(".desk").evaluate("(side) => side.scrollTo(0, 0)")
    await picture(lin, "case-rescue")
    await lin.locator("#reply-text").fill("我在，救护车已经在路上，先别睡，和我说话。")
    await lin.locator("#reply button.main").click()
    await expect(lin.locator("#messages .from-counsellor:not(.pending)")).to_have_count(1)
    call = lin.locator("#rescue-call")
    await call.locator("select[name=whom]").select_option("ambulance")
    await call.locator("input[name=reference]").fill("A-20261201-7")
    await call.locator("textarea[name=said]").fill("地址、服药情况、回拨电话")
    await call.locator("button").click()
    await expect(lin.locator("#rescue-calls")).to_contain_text("受理编号 A-20261201-7")
    await expect(chief.locator("#queue li.row .care")).to_contain_text("救援：还没有确认到达")
    await expect(chief.locator("#strip")).to_contain_text("1 个救援还没有确认到达")
    await expect(chief.locator("#strip")).to_have_attribute("data-kind", "red")
    await picture(chief, "queue-rescue")


async def rings(page: Page, sound: str) -> None:
    await expect(page.locator("body")).to_have_attribute("data-ringing", sound)


async def the_rescue_rings(lin: Page, lead: Page, chief: Page) -> None:
    """For whose case it is and for the duty lead; everybody else sees it."""
    for page, sound in ((lin, "red"), (lead, "red"), (chief, "")):
        await rings(page, sound)
        await expect(page.locator("#strip")).to_have_attribute("data-kind", "red")
    await lin.locator("#mute").click()
    await rings(lin, "")
    await lin.locator("#mute").click()


async def arrival_and_outcome(lin: Page, chief: Page, case_url: str) -> None:
    await lin.locator("#rescue-arrive input").fill("急救人员来电，已在402见到本人")
    await lin.locator("#rescue-arrive button").click()
    await expect(lin.locator("#rescue-arrive")).to_be_hidden()
    await expect(chief.locator("#queue li.row .care")).to_be_hidden()
    await lin.locator("#rescue-end > summary").click()
    await lin.locator("#rescue-end select").select_option("hospital")
    await lin.locator("#rescue-end textarea").fill("市一院急诊回电，已收治")
    await lin.locator("#rescue-end button").click()
    await expect(lin.locator("#rescue-proposed")).to_contain_text("等督导确认")
    await chief.goto(f"{case_url}#tab-rescue")
    await expect(chief.locator("#rescue-proposed")).to_contain_text("市一院急诊回电")
    await chief.locator("#rescue-end > summary").click()
    await chief.locator("#rescue-end select").select_option("hospital")
    await chief.locator("#rescue-end textarea").fill("已向市一院急诊核实")
    await chief.locator("#rescue-end button").click()
    await expect(chief.locator("#state")).to_have_text("服务中")


async def the_supervisor_closes(chief: Page) -> None:
    await chief.locator("#tab-care").click()
    await expect(chief.locator("#care-planned")).to_contain_text("24小时")
    await expect(chief.locator("#care-tasks")).to_contain_text("团队复盘")
    await chief.locator("#tab-respond").click()
    await chief.locator("#finish > summary").click()
    await chief.locator("#close select").select_option("rescue")
    await chief.locator("#close textarea").fill("服药后由120送医，家属已到医院")
    await chief.locator("#close > button").click()
    await chief.locator("#confirm button.main").click()
    await expect(chief.locator("#state")).to_have_text("随访中")
    await chief.locator("#tab-care").click()
    await expect(chief.locator("#care-tasks .task")).to_have_count(5)
    await picture(chief, "case-care")


async def the_day_after(town: Town, visitor: Page, chief: Counsellor, case_url: str) -> None:
    """Overdue by now: every seat sees it; then the person is asked, answers, and what was heard is kept."""
    wang, hands = await town.seat("王老师")
    await expect(wang.locator("#late-count")).to_have_text("2")  # the call, and the team's debrief
    await expect(wang.locator("#queue li.row .care")).to_contain_text("随访超期")
    await wang.locator(".rooms a", has_text="随访").click()
    await expect(wang.locator('.group[data-group="overdue"] .task-line')).to_have_count(2)
    await wang.wait_for_function(_DATES_ON_ONE_LINE)
    await picture(wang, "follow-ups")
    await wang.locator("label", has_text="一周").click()
    await expect(wang.locator("#week .day")).to_have_count(7)
    await picture(wang, "follow-ups-week")
    await wang.goto(f"{case_url}#tab-care")
    await wang.locator("#care-tasks .task", has_text="24小时").click()
    await wang.locator("#care-write button").click()
    await expect(visitor.locator("#log")).to_contain_text("您好，这里是服务中心，回访一下您上次咨询的情况")
    await expect(wang.locator("#care-attempts")).to_contain_text("已发出，等回复")
    town.clock.forward(minutes=5)
    await visitor.locator("#text").fill("我在医院，好一些了")
    await visitor.locator("button.send").click()
    await expect(wang.locator("#care-attempts")).to_contain_text("已联系到本人")
    await wang.locator("#care-form > summary").click()
    form = wang.locator("#care-form form")
    await form.locator("input[name=ideas]").fill("15")
    await form.locator("select[name=hopelessness_missing]").select_option("not_asked")
    await form.locator("select[name=acts]").select_option("none")
    await form.locator("label", has_text="家人陪伴").click()
    await form.locator("input[name=obstacles]").fill("怕同学知道")
    await form.locator("label", has_text="蓝·低").click()
    await picture(wang, "case-follow-up-form")
    await form.locator("button.main").click()
    await expect(wang.locator("#care-tasks")).to_contain_text("意念 15")
    await the_other_calls(town, wang, hands, case_url)


async def the_other_calls(town: Town, wang: Page, hands: Seat, case_url: str) -> None:
    case_id = case_url.rsplit("/", 1)[1].split("#")[0]
    state = (await hands.browser.get(f"/console/cases/{case_id}/state.json")).json()
    left = [task["id"] for task in state["care"]["tasks"] if task["is_open"] and task["kind"] == "safety"]
    assert len(left) == 3
    for task in left:
        answer = await hands.act(case_id, "follow-up/finish", task=task, **_ANSWERS)
        assert answer.status_code == 200, answer.text
    await expect(wang.locator("#state")).to_have_text("已结案")
    await wang.locator("#tab-history").click()
    await expect(wang.locator("#timeline")).to_contain_text("完成了一次随访")
