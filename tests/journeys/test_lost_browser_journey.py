"""A browser that is killed while somebody types: everything is there at the next computer."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserType, Error, Page, expect

from tests.journeys.conftest import FLAGS, need_chromium
from tests.journeys.test_identity_journey import Town, town

__all__ = ["town"]  # the fixture
pytestmark = pytest.mark.browser
DESK = {"width": 1366, "height": 768}
MOST_LOST = 20  # characters: what is typed in a second and a half
PLACE = "城东路和人民路口的便利店门口，旁边有一家药店，靠近桥头"
REPLY = "我在这里，您先坐下来，把手里的东西放到桌子那一头，慢慢说给我听"
SUMMARY = "来访者愿意等室友回来，已把药交给宿管阿姨，约定晚上八点再联系"


@pytest.fixture
def own_browser(chromium: BrowserType) -> Iterator[tuple[Browser, str]]:
    """A Chromium of its own, with the mark by which its process is found."""
    mark = f"--user-agent-mark={uuid4().hex}"
    running = chromium.launch(executable_path=need_chromium(), args=[*FLAGS, mark])
    yield running, mark
    with contextlib.suppress(Error):
        running.close()


def kill(mark: str) -> None:
    """As the system does it when memory is short: no goodbye."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode(errors="replace")
            if mark in words and "--type=" not in words:
                os.kill(int(folder.name), signal.SIGKILL)


def at_case(browser: Browser, town: Town, name: str) -> Page:
    desk = town.seat(browser, name)
    desk.set_viewport_size(DESK)
    desk.context.set_default_timeout(20_000)
    desk.locator("#queue li.row a.open").click()
    desk.wait_for_url("**/console/cases/*")
    expect(desk.locator("#connection")).to_contain_text("正常", timeout=20_000)
    return desk


def is_nearly_all(found: str, typed: str) -> bool:
    return typed.startswith(found) and len(found) >= len(typed) - MOST_LOST


def test_a_browser_killed_in_the_middle_of_a_word_loses_nothing(
    browser: Browser, own_browser: tuple[Browser, str], town: Town
) -> None:
    town.writes("我想死，已经想好了怎么做")
    running, mark = own_browser
    lin = at_case(running, town, "林老师")
    lin.locator("#claim button").click()
    expect(lin.locator("#reply")).to_be_visible()
    lin.locator("#reply-text").press_sequentially(REPLY, delay=40)
    lin.locator("#notes-card > summary").click()
    lin.locator("#note-form textarea").fill(SUMMARY)
    lin.locator("#tab-record").click()
    lin.locator("#f-location .answer").press_sequentially(PLACE, delay=60)
    kill(mark)

    again = at_case(browser, town, "林老师")
    expect(again.locator("#reply-text")).to_have_value(REPLY)
    expect(again.locator("#note-form textarea")).to_have_value(SUMMARY)
    again.locator("#tab-record").click()
    expect(again.locator("#f-location .answer")).not_to_have_value("")
    assert is_nearly_all(again.locator("#f-location .answer").input_value(), PLACE)
    again.locator("#reply button.main").click()
    expect(again.locator("#messages .from-counsellor:not(.pending)")).to_have_count(1)
    expect(again.locator("#reply-text")).to_have_value("")
    third = at_case(browser, town, "林老师")
    expect(third.locator("#reply-text")).to_have_value("")  # what was sent is no draft
    expect(third.locator("#note-form textarea")).to_have_value(SUMMARY)
