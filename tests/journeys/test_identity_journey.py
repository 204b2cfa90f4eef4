"""One person on two channels, words that do not arrive, and what people decide: in real browsers, in one process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from bot.channels import OutOfReach, SendRules
from bot.messages import Arrival
from tests.journeys.town import PHONE, Town, picture, running_town

pytestmark = pytest.mark.browser
LIMITED = SendRules(longest_bytes=2048, window=timedelta(hours=48), messages=5, kept_for_people=3)
HOW = "打了学校心理老师的电话，老师已在宿舍陪着"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    yield from running_town(tmp_path, LIMITED)


def reply(page: Page, text: str) -> None:
    page.locator("#reply-text").fill(text)
    page.locator("#reply button.main").click()


def test_one_person_on_two_channels_and_words_that_do_not_arrive(browser: Browser, town: Town) -> None:
    visitor = browser.new_context(viewport=PHONE, locale="zh-CN", has_touch=True).new_page()
    link_both_channels(visitor, town)
    lin = town.seat(browser, "林老师")
    lin.context.set_default_timeout(15_000)
    town.writes("我想死，已经想好了怎么做")
    lin.locator("#queue li.row button.claim").click()
    expect(lin.locator("#person-name")).to_have_text("小雨")
    expect(lin.locator("#person-channel")).to_have_text("微信公众号")
    expect(lin.locator("#others")).to_contain_text("网页")
    expect(lin.locator("#person-reach")).to_contain_text("还能发")
    last_message_is_announced(lin)
    words_that_do_not_arrive(browser, town, lin)


def link_both_channels(visitor: Page, town: Town) -> None:
    visitor.goto(town.url)
    expect(visitor.locator("#log")).to_contain_text("是机器人，不是真人")
    visitor.locator("#text").fill("绑定")
    visitor.locator("button.send").click()
    expect(visitor.locator("#log")).to_contain_text("您的绑定码是")
    code = visitor.locator("#log").inner_text().split("您的绑定码是：")[1][:8]
    town.writes(f"绑定 {code}")
    expect(visitor.locator("#log")).to_contain_text("您在“微信公众号”的对话绑定在一起")
    picture(visitor, "chat-linked")


def last_message_is_announced(lin: Page) -> None:
    """The platform allows five messages after theirs: two went to safety words and the welcome of the counsellor."""
    for number in range(2):
        expect(lin.locator("#reach-warning")).to_be_hidden()
        reply(lin, f"我在，第{number + 1}句")
        expect(lin.locator("#messages .from-counsellor:not(.pending)")).to_have_count(number + 1)
    expect(lin.locator("#reach-warning")).to_contain_text("最后一条")
    expect(lin.locator("#person-reach")).to_contain_text("还能发 1 条")
    lin.locator("#reply-text").fill("长" * 800)
    expect(lin.locator("#reach-warning")).to_contain_text("要分 2 条发，只剩 1 条")
    lin.locator("#reply-text").fill("我的值班电话在下面，现在就打给我，好吗？")
    expect(lin.locator("#reach-warning")).to_contain_text("最后一条")
    picture(lin, "case-last-message")


def words_that_do_not_arrive(browser: Browser, town: Town, lin: Page) -> None:
    zhao = town.seat(browser, "赵督导", "supervisor")
    town.wechat.answers = [OutOfReach("blocked")]
    lin.locator("#reply button.main").click()
    expect(lin.locator("#person-reach")).to_contain_text("这里已联系不上，请打电话或换渠道")
    expect(lin.locator("#reach-warning")).to_contain_text("列入“未送达”")
    expect(lin.locator("#lost")).to_be_visible()
    expect(zhao.locator("#strip")).to_contain_text("1 个个案的话没有送达来访者")
    expect(zhao.locator("#strip")).not_to_have_attribute("data-kind", "calm")
    expect(zhao.locator("#lost-count")).to_have_text("1")
    expect(zhao.locator("#queue li.row .lost")).to_be_visible()
    expect(zhao.locator("#queue li.row .rung")).to_contain_text("值班长")  # the next rung heard at once
    picture(zhao, "queue-undelivered")
    decide_about_the_person(zhao, town)
    lin.goto(f"{town.url}/console/undelivered")
    expect(lin.locator(".letter .words")).to_contain_text("现在就打给我")
    expect(lin.locator(".retry button")).to_be_disabled()
    picture(lin, "undelivered")
    lin.locator(".settle input").fill(HOW)
    lin.locator(".settle button").click()
    expect(lin.locator("#empty")).to_be_visible()
    expect(lin.locator("#lost-count")).to_be_hidden()
    expect(zhao.locator("#strip")).to_have_attribute("data-kind", "calm")
    expect(zhao.locator("#decisions")).to_contain_text(HOW)
    picture(zhao, "case-person")


def decide_about_the_person(zhao: Page, town: Town) -> None:
    """A plan that everybody sees, and a block that says what it does."""
    zhao.locator("#queue li.row a.open").click()
    zhao.locator("#contact-card > summary").click()
    zhao.locator("#plan-form textarea").fill("每天一次，每次20分钟；先问睡眠，再问今天最想说哪一件事。")
    zhao.locator("#plan-form button").click()
    expect(zhao.locator("#plan-text")).to_contain_text("先问睡眠")
    expect(zhao.locator("#plan-by")).to_contain_text("赵督导")
    zhao.locator("#block textarea").fill("反复发送骚扰图片，已提醒过一次")
    zhao.locator("#block button").click()
    expect(zhao.locator("#person-blocked")).to_be_visible()
    expect(zhao.locator("#unblock")).to_be_visible()
    expect(zhao.locator("#block")).to_be_hidden()


def test_a_page_left_open_says_when_the_seconds_that_the_platform_allows_are_over(browser: Browser, town: Town) -> None:
    lin = town.seat(browser, "林老师")
    lin.context.set_default_timeout(15_000)
    press = Arrival("wechat", "openid-1", "click-1", "text", "紧急求助", opens=(3, timedelta(seconds=8)))
    town.do(town.service.intake.arrive(press))
    lin.locator("#queue li.row button.claim").click()
    expect(lin.locator("#person-reach")).to_contain_text("要发请马上发")
    expect(lin.locator("#reach-warning")).to_contain_text("最后一条")
    expect(lin.locator("#person-reach")).to_contain_text("来访者写来才能发", timeout=15_000)
    expect(lin.locator("#reach-warning")).to_contain_text("列入“未送达”")


def test_what_is_typed_before_the_chat_page_is_ready_stays(browser: Browser, town: Town) -> None:
    visitor = browser.new_context(viewport=PHONE, locale="zh-CN", has_touch=True).new_page()
    with opened_without(visitor, town.url, "**/chat/chat.js"):
        visitor.locator("#text").fill("我睡不着")
        expect(visitor.locator("button.send")).to_be_disabled()
    visitor.locator("button.send").click()
    expect(visitor.locator("#log")).to_contain_text("我睡不着")


def test_a_case_page_takes_no_click_before_it_can_keep_what_is_typed(browser: Browser, town: Town) -> None:
    zhao = town.seat(browser, "赵督导", "supervisor")
    town.writes("我想死")
    case = zhao.locator("#queue li.row a.open").get_attribute("href")
    with opened_without(zhao, f"{town.url}{case}", "**/static/case.js"):
        box = zhao.locator("#contact-card > summary").bounding_box()
        assert box
        zhao.mouse.click(box["x"] + 5, box["y"] + 5)
        expect(zhao.locator("#plan-form")).to_be_hidden()
    zhao.locator("#contact-card > summary").click()
    expect(zhao.locator("#plan-form")).to_be_visible()


@contextlib.contextmanager
def opened_without(page: Page, url: str, script: str) -> Iterator[None]:
    """A page whose script is still on its way; it arrives at the end."""
    held: list[Route] = []
    page.route(script, lambda route: held.append(route))
    with page.expect_request(script):
        page.goto(url, wait_until="commit")
    yield
    held[0].continue_()


def test_a_name_that_is_markup_stays_text_on_every_page(browser: Browser, town: Town) -> None:
    lin = town.seat(browser, "林老师")
    lin.context.add_init_script("window.__xss = 0")
    town.writes("我想死", nickname="<img src=x onerror='window.__xss=1'>\u202e倒着")
    lin.locator("#queue li.row button.claim").click()
    expect(lin.locator("#person-name")).to_contain_text("<img src=x")
    for path in ("/console", "/console/undelivered"):
        with contextlib.suppress(TimeoutError):
            lin.goto(f"{town.url}{path}")
        assert lin.evaluate("window.__xss") == 0
