"""A minor's case behind its gate, and a deletion that is asked for and answered: in real browsers, in one process."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from records import tables as t
from records.staff import Counsellor
from tests.building import EMERGENCY, do, rows
from tests.journeys.test_identity_journey import PHONE, Town, picture, town
from tests.record_samples import fill_record

__all__ = ["town"]
pytestmark = pytest.mark.browser
DESK = {"width": 1366, "height": 768}
WHY = "接班后要继续跟进转介，看上次约定了什么"


def write(visitor: Page, text: str) -> None:
    visitor.locator("#text").fill(text)
    visitor.locator("button.send").click()
    expect(visitor.locator("#log")).to_contain_text(text)


def test_a_minor_s_closed_case_opens_with_purpose_and_approval(browser: Browser, town: Town) -> None:
    visitor = browser.new_context(viewport=PHONE, locale="zh-CN").new_page()
    visitor.goto(town.url)
    write(visitor, "我今年15岁")
    write(visitor, EMERGENCY)
    zhao = town.seat(browser, "赵督导", "supervisor")
    zhao.set_viewport_size(DESK)
    wang = town.seat(browser, "王老师")
    wang.set_viewport_size(DESK)
    take_part(town, "王老师")
    serve_and_close(zhao, town)
    case_url = zhao.url
    wang.goto(case_url)
    expect(wang.locator("#gate")).to_contain_text("未成年人的个案")
    wang.locator("textarea[name=purpose]").fill(WHY)
    expect(wang.locator("#connection")).to_contain_text("正常")
    picture(wang, "law-gate")
    wang.locator("form[data-way=ask] button").click()
    expect(wang.locator("#gate .notice")).to_contain_text(WHY)
    zhao.goto(f"{town.url}/console/law")
    expect(zhao.locator("#connection")).to_contain_text("正常")
    expect(zhao.locator("#grants .purpose")).to_have_text(WHY)
    picture(zhao, "law-supervisor")
    zhao.locator("#grants button[value=yes]").click()
    expect(zhao.locator("#no-grants")).to_be_visible()
    expect(wang.locator("#messages")).to_contain_text("我今年15岁")  # opens by itself
    zhao.reload()
    expect(zhao.locator("#readings")).to_contain_text(WHY)


def colleague(town: Town, login: str) -> Counsellor:
    with town.service.store.engine.connect() as connection:
        found = town.service.store.staff.by_login(connection, login)
    assert found is not None
    return found


def take_part(town: Town, login: str) -> None:
    """Whoever had nothing to do with a case does not even see its gate."""
    who = colleague(town, login)
    (case,) = rows(town.service.store.engine, t.case_record)
    note = town.service.desk.note
    do(town.service.writer, lambda c: note(c, case.id, who, "交班前看过这个个案", town.service.now()))


def serve_and_close(zhao: Page, town: Town) -> None:
    zhao.locator("#queue li.row button.claim").click()
    expect(zhao.locator("#owner-line")).to_contain_text("您正在服务")
    zhao.locator("#tab-law").click()
    expect(zhao.locator("#minor-state")).to_have_text("未成年人")
    zhao.locator("#consent-form select[name=purpose]").select_option("follow_up")
    expect(zhao.locator("#consent-notice")).to_contain_text("过几天")
    zhao.locator("#consent-form button").click()
    expect(zhao.locator("#agreed-list")).to_contain_text("随访：同意")
    picture(zhao, "law-case")
    zhao.locator("#tab-respond").click()
    case_id = zhao.url.rsplit("/", 1)[1]
    fill_record(town.service, case_id, colleague(town, "赵督导"))
    zhao.reload()
    zhao.locator("#finish > summary").click()
    zhao.locator("#close select[name=disposition]").select_option("mistaken")  # calls would keep the case open
    zhao.locator("#close textarea").fill("是同学开玩笑，母亲在身边")
    zhao.locator("#close button").click()
    zhao.locator("#confirm button[value=yes]").click()
    expect(zhao.locator("#owner-line")).to_contain_text("已结案")


def test_a_deletion_is_asked_for_and_answered_and_a_copy_is_opened(browser: Browser, town: Town) -> None:
    visitor = browser.new_context(viewport=PHONE, locale="zh-CN").new_page()
    visitor.goto(town.url)
    write(visitor, "我的记录")
    write(visitor, "删除我的记录")
    expect(visitor.locator("#log")).to_contain_text("您要删除自己的记录")
    officer = privacy_officer(browser, town)
    expect(officer.locator("#wishes > li")).to_have_count(2)
    picture(officer, "law-officer")
    officer.locator("#wishes > li", has_text="要一份自己的记录").locator(".answer button").click()
    expect(visitor.locator("#log")).to_contain_text("您要的记录准备好了")
    link = visitor.locator("#log").inner_text().split("/my-records/")[1].split(" ")[0]
    reader = visitor.context.new_page()
    reader.goto(f"{town.url}/my-records/{link}")
    expect(reader.locator("dl")).to_contain_text("删除我的记录")
    picture(reader, "law-copy")
    officer.locator("#wishes > li", has_text="删除记录").locator(".answer button").click()
    expect(officer.locator("#wishes > li .due")).to_contain_text("已答复")
    expect(visitor.locator("#log")).to_contain_text("会在一天后全部删除")
    picture(visitor, "law-answered")


def privacy_officer(browser: Browser, town: Town) -> Page:
    page = town.desk(browser, "孙隐私专员", "privacy_officer")
    page.set_viewport_size(DESK)
    page.goto(f"{town.url}/console/law")
    return page
