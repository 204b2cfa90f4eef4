"""The record beside the running chat: two counsellors in one form, a killed browser, the plan that a person keeps."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from records import tables as t
from tests.building import rows
from tests.journeys.test_identity_journey import PHONE, Town, picture, town

__all__ = ["town"]  # the fixture
pytestmark = pytest.mark.browser
DESK = {"width": 1366, "height": 768}


@pytest.fixture
def person(browser: Browser, town: Town) -> Page:
    page = browser.new_context(viewport=PHONE, locale="zh-CN", has_touch=True).new_page()
    page.goto(town.url)
    expect(page.locator("#log")).to_contain_text("是机器人，不是真人")
    return page


def say(person: Page, text: str) -> None:
    person.locator("#text").fill(text)
    person.locator("button.send").click()


def at_case(browser: Browser, town: Town, name: str, *roles: str) -> Page:
    """A counsellor at the one case there is, in its record."""
    desk = town.seat(browser, name, *roles)
    desk.set_viewport_size(DESK)
    desk.locator("#queue li.row a.open").click()
    desk.wait_for_url("**/console/cases/*")
    expect(desk.locator("#connection")).to_contain_text("正常")
    desk.locator("#tab-record").click()
    return desk


def pick(desk: Page, field: str, code: str) -> None:
    desk.locator(f"#f-{field} .pick:has(input[value={code}])").click()


def value(town: Town, field: str) -> Any:
    with town.service.store.engine.connect() as connection:
        case_id = rows(town.service.store.engine, t.case_record)[0].id
        found = town.service.store.entries.current(connection, [case_id]).get(field)
    return found.value if found else None


def test_the_form_is_filled_beside_the_chat_and_two_people_never_overwrite_each_other(
    browser: Browser, town: Town, person: Page
) -> None:
    say(person, "我今年15岁，我一个人在宿舍。药就在我手边，我不想活了")
    expect(person.locator("#log")).to_contain_text("110")
    lin = at_case(browser, town, "林老师")
    lin.locator("#tab-respond").click()
    lin.locator("#claim button").click()
    lin.locator("#tab-record").click()
    expect(lin.locator("#reply")).to_be_visible()
    expect(lin.locator("#unasked")).to_contain_text("念头")
    picture(lin, "case-record")
    lin.locator("#proposals .quote").first.click()
    expect(lin.locator("#messages .message.called")).to_contain_text("15岁")
    while lin.locator("#proposals .take").count():
        before = lin.locator("#proposals .take").count()
        lin.locator("#proposals .take").first.press("Enter")
        expect(lin.locator("#proposals .take")).to_have_count(before - 1)
    assert value(town, "age_band") == "14_17"
    lin.locator("#unasked .jump").first.click()
    lin.locator("#ask-insert").click()
    expect(lin.locator("#reply-text")).not_to_have_value("")

    zhao = at_case(browser, town, "赵督导", "supervisor")
    box = "#f-companion .answer"
    expect(zhao.locator("#f-age_band .pick input:checked")).to_have_value("14_17")
    zhao.locator(box).fill("室友小周在路上")
    expect(lin.locator(box)).to_have_value("室友小周在路上")
    expect(lin.locator("#presence")).to_contain_text("赵督导")
    lin.context.set_offline(True)
    lin.locator(box).fill("宿管阿姨 李")
    zhao.locator(box).fill("室友小周，138开头")
    expect(zhao.locator("#f-companion .field-state")).to_contain_text("已保存")
    lin.context.set_offline(False)
    expect(lin.locator("#f-companion .clash")).to_contain_text("室友小周，138开头", timeout=20_000)
    expect(lin.locator("#f-companion .clash")).to_contain_text("宿管阿姨 李")
    lin.locator("#f-companion").scroll_into_view_if_needed()
    picture(lin, "case-record-clash")
    lin.locator("#f-companion .clash button", has_text="两段都留").click()
    both = "室友小周，138开头\n宿管阿姨 李"
    for page in (lin, zhao):
        expect(page.locator(box)).to_have_value(both)
    assert value(town, "companion") == both


def test_a_killed_browser_loses_at_most_half_a_second(browser: Browser, town: Town, person: Page) -> None:
    say(person, "我想死，已经想好了怎么做")
    lin = at_case(browser, town, "林老师")
    pick(lin, "plan", "vague")
    lin.locator("#f-location .answer").press_sequentially("城东路和人民路口的便利店", delay=60)
    time.sleep(0.7)  # the promise itself: half a second, and a little for the machine
    lin.context.close()
    assert value(town, "location") == "城东路和人民路口的便利店"
    assert value(town, "plan") == "vague"
    wang = at_case(browser, town, "王老师")
    expect(wang.locator("#f-location .answer")).to_have_value("城东路和人民路口的便利店")


def test_words_typed_without_a_network_survive_a_reload(browser: Browser, town: Town, person: Page) -> None:
    say(person, "我想死，已经想好了怎么做")
    lin = at_case(browser, town, "林老师")
    lin.route("**/record/*", lambda route: route.abort())
    lin.locator("#f-location .answer").fill("断网时写的地点")
    expect(lin.locator("#f-location .error")).to_contain_text("写的话还在")
    lin.unroute("**/record/*")
    lin.on("dialog", lambda dialog: dialog.accept())
    lin.reload()
    expect(lin.locator("#f-location .answer")).to_have_value("断网时写的地点")
    expect(lin.locator("#f-location .field-state")).to_contain_text("已保存")
    assert value(town, "location") == "断网时写的地点"


def test_a_plan_written_together_is_the_persons_own(browser: Browser, town: Town, person: Page) -> None:
    say(person, "我想死，已经想好了怎么做")
    lin = at_case(browser, town, "林老师")
    lin.locator("#tab-respond").click()
    lin.locator("#claim button").click()
    lin.locator("#tab-plan").click()
    lin.locator("[id='i-plan.signs']").fill("半夜睡不着，一直翻旧照片")
    lin.locator("[id='i-plan.own']").fill("去楼下走一圈，放那首歌")
    lin.locator("[id='i-plan.helpers']").fill("表姐，晚上也可以打")
    lin.locator("#plan-give button").click()
    lin.locator("#confirm button[value=yes]").click()
    expect(person.locator("#log")).to_contain_text("放那首歌")
    expect(lin.locator("#plan-count")).to_contain_text("1 版")
    picture(lin, "case-plan")
    say(person, "我的安全计划")
    expect(person.locator("#log")).to_contain_text("这是您自己的安全计划")
    lin.locator("#tab-respond").click()
    expect(lin.locator("#plan-known")).to_contain_text("来访者有自己的安全计划")


def test_closing_says_what_is_missing_and_leads_there(browser: Browser, town: Town, person: Page) -> None:
    say(person, "我想死，已经想好了怎么做")
    zhao = at_case(browser, town, "赵督导", "supervisor")
    zhao.locator("#tab-respond").click()
    zhao.locator("#claim button").click()
    zhao.locator("#finish > summary").click()
    zhao.locator("#close select").select_option("companion")
    zhao.locator("#close textarea").fill("室友到场陪伴，明早回访")
    zhao.locator("#close > button").click()
    zhao.locator("#confirm button[value=yes]").click()
    expect(zhao.locator("#close .error")).to_contain_text("记录单还差")
    picture(zhao, "case-closing-gaps")
    zhao.locator("#close-gap-list .jump").first.click()
    expect(zhao.locator("#f-ideation")).to_be_in_viewport()
    expect(zhao.locator("#panel-history")).to_contain_text("正在读取…")
    zhao.locator("#tab-history").click()
    expect(zhao.locator("#timeline")).to_contain_text("接手")
    picture(zhao, "case-timeline")
    zhao.goto(zhao.url + "/sheet")
    expect(zhao.locator(".a4")).to_contain_text("还不知道")
    picture(zhao, "case-sheet")
