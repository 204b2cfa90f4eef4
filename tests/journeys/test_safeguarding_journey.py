"""Harm to a child is reported, a confidence is broken by two people, a complaint reaches somebody else; in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.town import Town, picture, running_town

pytestmark = pytest.mark.browser
SMALL_DESK = {"width": 1366, "height": 768}
DANGER = "我已经写好遗书，明天就跳楼"
HARM = "我读初二，爸爸昨晚又用皮带打我，背上都是伤"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    yield from running_town(tmp_path)


def seat(browser: Browser, town: Town, name: str, *roles: str) -> Page:
    page = town.seat(browser, name, *roles)
    page.set_viewport_size(SMALL_DESK)
    page.context.set_default_timeout(15_000)
    return page


def serve(browser: Browser, town: Town) -> Page:
    """Lin serves a child in danger and opens the tab."""
    lin = seat(browser, town, "林老师")
    town.writes(HARM)
    town.writes(DANGER)
    lin.locator("#queue li.row button.claim").click()
    expect(lin.locator("#reply")).to_be_visible()
    lin.locator("#tab-safeguarding").click()
    return lin


def open_form(page: Page, name: str) -> Locator:
    page.locator(f"#make-{name} > summary").click()
    form = page.locator(f"#make-{name} form")
    expect(form).to_be_visible()
    return form


def step(page: Page, title: str) -> Locator:
    page.locator("#matters summary", has_text=title).click()
    form = page.locator("#matters details[open] form")
    expect(form).to_be_visible()
    return form


def test_harm_to_a_child_is_flagged_and_reported(browser: Browser, town: Town) -> None:
    lin = serve(browser, town)
    expect(lin.locator("#harm-numbers")).to_contain_text("12309")
    form = open_form(lin, "harm")
    form.locator("button.main").click()
    expect(form.locator('.field[data-name="facts"] .error')).to_contain_text("请填")
    form.get_by_label("未成年人", exact=True).check()
    form.get_by_label("打、虐待、身体伤害").check()
    form.locator("[name=facts]").fill("孩子说父亲昨晚用皮带打，背上有伤，不是第一次")
    form.get_by_label(HARM).check()
    form.locator("button.main").click()
    expect(lin.locator("#matters .clocks")).to_contain_text("要报告")
    expect(lin.locator("#tab-safeguarding .tab-mark")).to_have_text("1")
    expect(lin.locator("#matters .written")).to_contain_text("皮带打我")
    form = step(lin, "报告了")
    form.get_by_label("公安（110或派出所）").check()
    form.locator("[name=who]").fill("城关派出所 王警官")
    form.locator("[name=receipt]").fill("JJ-2026-118")
    lin.locator("#harm-now").scroll_into_view_if_needed()
    picture(lin, "case-safeguarding")
    form.locator("button").click()
    expect(lin.locator("#matters .state")).to_have_text("已报告")
    expect(lin.locator("#tab-safeguarding .tab-mark")).to_be_hidden()


def test_a_confidence_is_broken_by_two_people_each_at_her_own_console(browser: Browser, town: Town) -> None:
    lin = serve(browser, town)
    form = open_form(lin, "breach")
    form.get_by_label("等第二人同意后再提供").check()
    form.get_by_label("紧急情况下，为保护本人或他人的生命健康所必需").check()
    form.locator("[name=why]").fill("说明天跳楼，写了遗书，父母不知道")
    form.get_by_label("问了，本人不同意").check()
    form.get_by_label("还没有告诉本人").check()
    form.locator("[name=not_told]").fill("告诉他会马上离家")
    form.get_by_label("监护人").check()
    form.locator("[name=who]").fill("母亲，电话由学校转接")
    form.get_by_label("什么危险", exact=True).last.fill("说明天要跳楼，请现在就陪着他")
    expect(form.locator(".letter-preview")).to_contain_text("请现在就陪着他")
    form.locator(".letter-preview").scroll_into_view_if_needed()
    picture(lin, "case-safeguarding-breach")
    form.locator("button.main").click()
    expect(lin.locator("#matters .state")).to_have_text("等第二人")
    expect(lin.locator("#matters summary", has_text="同意")).to_have_count(0)  # not her own

    zhao = seat(browser, town, "赵督导", "supervisor")
    expect(zhao.locator("#safeguarding-count")).to_have_text("1")
    zhao.goto(f"{town.url}/console/safeguarding")
    zhao.locator("#clocks a").click()
    agree = zhao.locator("#matters details[data-action=agree]")
    agree.locator("summary").click()
    agree.locator("button").click()
    expect(lin.locator("#matters .state")).to_have_text("第二人已同意，还没有提供")
    form = step(lin, "已经提供给对方")
    form.locator("[name=who]").fill("母亲本人接的，没有编号")
    form.locator("button").click()
    expect(lin.locator("#matters .clocks")).to_contain_text("要告诉本人")


def test_a_complaint_reaches_a_supervisor_and_not_whom_it_is_about(browser: Browser, town: Town) -> None:
    lin = serve(browser, town)
    zhao = seat(browser, town, "赵督导", "supervisor")
    zhao.goto(f"{town.url}/console/safeguarding")
    expect(zhao.locator("#nothing")).to_be_visible()
    town.writes("我要投诉刚才的老师，他说我矫情")
    expect(zhao.locator("#clocks .when")).to_contain_text("督导要联系投诉的人")
    expect(zhao.locator("#complaints-open-list .written")).to_contain_text("他说我矫情")
    expect(lin.locator("#matters .hidden-words")).to_contain_text("由投诉没有涉及的督导处理")
    expect(lin.locator("#matters .written div")).to_have_count(0)
    picture(zhao, "safeguarding")
    zhao.locator("#complaints summary", has_text="联系上了").click()
    form = zhao.locator("#complaints details[data-action=talk] form")
    form.locator("[name=said]").fill("道歉，听他说完，约定明天答复")
    form.locator("button").click()
    expect(zhao.locator("#complaints-open-list .state")).to_have_text("已联系上，等答复")
    zhao.locator("#complaints details[data-action=close] summary").click()
    form = zhao.locator("#complaints details[data-action=close] form")
    form.get_by_label("属实，要改", exact=True).check()
    form.locator("[name=answer]").fill("说了抱歉，林老师参加复盘")
    form.locator("button").click()
    expect(zhao.locator("#complaints-none")).to_be_visible()
    expect(zhao.locator("#nothing")).to_be_visible()


def test_a_mental_health_officer_sends_a_notification_that_another_person_agreed_to(
    browser: Browser, town: Town
) -> None:
    chen = town.desk(browser, "陈医生", "mh_officer")
    chen.set_viewport_size(SMALL_DESK)
    chen.goto(f"{town.url}/console/safeguarding")
    chen.locator("#notifications-new > summary").click()
    form = chen.locator("#notifications-new form")
    expect(form).to_be_visible()
    form.get_by_label("是在册的严重精神障碍患者").check()
    form.get_by_label("4级").check()
    form.locator("[name=by]").fill("城关卫生院 陈医生")
    form.get_by_label("在册严重精神障碍患者危险性评估3级及以上").check()
    form.locator("[name=rule]").fill("示例县精神卫生工作规划第五条")
    form.get_by_label("公安派出所").check()
    form.locator("[name=who]").fill("城关派出所 社区民警老王")
    form.get_by_label("患者姓名", exact=True).last.fill("示例甲")
    picture(chen, "safeguarding-notification")
    form.locator("button.main").click()
    expect(chen.locator("#notifications-open-list .state")).to_have_text("等第二人")
    zhao = seat(browser, town, "赵督导", "supervisor")
    zhao.goto(f"{town.url}/console/safeguarding")
    agree = zhao.locator("#notifications details[data-action=agree]")
    agree.locator("summary").click()
    agree.locator("button").click()
    expect(zhao.locator("#notifications-open-list .state")).to_have_text("第二人已同意，还没有通报")
