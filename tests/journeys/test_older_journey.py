"""A conversation of years on the counsellor's screen: it opens at its end, and goes back page by page."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, expect

from escalation.console.talk import ON_PAGE
from records import tables as t
from records.conversations import NewMessage
from tests.building import NOW, do, rows
from tests.journeys.test_identity_journey import Town, picture, town

__all__ = ["town"]  # the fixture
pytestmark = pytest.mark.browser
MORE = 2 * ON_PAGE


def says_much(town: Town) -> None:
    """MORE messages after those that are there, the first of them with an address."""
    store, (talk,) = town.service.store, rows(town.service.store.engine, t.conversation)

    def work(connection: sa.Connection) -> None:
        for number in range(1, MORE + 1):
            text = "我在示例路1号" if number == 1 else f"后来的第{number}句"
            new = NewMessage(talk.id, "visitor", "text", "wechat", f"later-{number}", text, NOW)
            store.conversations.add(connection, new, talk.last_seq + number)
        store.conversations.change(connection, talk.id, last_seq=talk.last_seq + MORE)

    do(town.service.writer, work)


def test_older_messages_come_when_somebody_wants_them(browser: Browser, town: Town) -> None:
    town.writes("我想死，今晚就跳楼")
    lin = town.seat(browser, "林老师", "counsellor", "supervisor")
    says_much(town)
    lin.locator("#queue li.row a.open").click()
    lin.wait_for_url("**/console/cases/*")
    messages = lin.locator("#messages li.message")
    expect(messages).to_have_count(ON_PAGE)
    expect(messages.last).to_be_in_viewport()
    expect(lin.locator("#connection")).to_contain_text("正常")
    picture(lin, "case-older")

    top = messages.first
    top.scroll_into_view_if_needed()
    words = top.inner_text()
    lin.locator("#older").click()

    expect(messages).to_have_count(2 * ON_PAGE)
    expect(lin.locator("#messages li.message", has_text=words.splitlines()[-1]).first).to_be_in_viewport()

    lin.locator("#older").click()
    expect(messages.first).to_contain_text("我想死，今晚就跳楼")
    expect(lin.locator("#older")).to_be_hidden()


def test_what_is_looked_for_in_a_rescue_is_found_however_far_back_it_is(browser: Browser, town: Town) -> None:
    town.writes("我想死，今晚就跳楼")
    lin = town.seat(browser, "林老师", "counsellor", "supervisor")
    says_much(town)
    lin.locator("#queue li.row a.open").click()
    lin.wait_for_url("**/console/cases/*")
    expect(lin.locator("#connection")).to_contain_text("正常")
    lin.locator("#tab-rescue").click()
    lin.locator("#rescue-script > summary").click()

    lin.locator("#rescue-search").fill("示例路1号")

    expect(lin.locator("#rescue-found li")).to_contain_text("我在示例路1号")
