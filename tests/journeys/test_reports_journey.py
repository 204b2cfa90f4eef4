"""Statistics in real browsers: a supervisor freezes a month, a statistician takes the file without small numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from escalation.reports.periods import Period, day_of, period_of
from tests.journeys.town import Town, picture, running_town
from tests.report_samples import fill

pytestmark = pytest.mark.browser
HEIGHT = 768


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    for made in running_town(tmp_path):
        month = last_month(made)
        fill(made.service.store, made.service.writer, month.since - timedelta(days=70), 70 + len(list(month.days())))
        yield made


def last_month(town: Town) -> Period:
    now: datetime = town.service.now()
    return period_of("month", day_of(now)).before


def desk(town: Town, browser: Browser, name: str, *roles: str) -> Page:
    page = town.desk(browser, name, *roles)
    page.set_viewport_size({"width": 1366, "height": HEIGHT})
    page.set_default_timeout(20_000)
    return page


def test_a_month_is_looked_at_frozen_and_taken_away(browser: Browser, town: Town) -> None:
    month = last_month(town)
    supervisor = desk(town, browser, "赵督导", "supervisor")
    look(supervisor, town, month)
    freeze(supervisor, town, month)
    statistician = desk(town, browser, "沈统计", "statistician")
    take_away(statistician, town, month)
    look_in_the_dark(supervisor, town, month)


def look(page: Page, town: Town, month: Period) -> None:
    page.goto(f"{town.url}/console/reports")
    expect(page.locator("h1")).to_contain_text("统计")
    expect(page.locator("#connection")).to_contain_text("正常")
    page.get_by_label("统计期").select_option(month.code)
    page.get_by_role("button", name="看", exact=True).click()
    expect(page.locator("h1")).to_have_text(f"统计：{month.words}")
    expect(page.locator(".unusual li").first).to_contain_text("中位数是")
    expect(page.locator(".chart svg")).to_have_count(9)
    picture(page, "reports")
    for number, chart in enumerate(page.locator(".chart").all()):
        if number % 4 == 0:
            chart.scroll_into_view_if_needed()
            picture(page, f"reports-charts-{number}")
    table = page.locator(".chart details").first
    table.locator("summary").click()
    expect(table.locator("tbody tr")).to_have_count(7)
    page.locator("#all").scroll_into_view_if_needed()
    picture(page, "reports-all")


def freeze(page: Page, town: Town, month: Period) -> None:
    page.get_by_role("link", name="月报、季报、年报").click()
    expect(page.locator("aside h2")).to_have_text("预览")
    expect(page.locator(".report h1")).to_contain_text(f"{month.words}月报")
    picture(page, "monthly-preview")
    page.get_by_role("button", name="冻结为第1版").click()
    expect(page.locator("aside h2")).to_have_text("第1版，已冻结")
    expect(page.locator(".hash")).to_have_text(re.compile("^[0-9a-f]{64}$"))
    picture(page, "monthly-frozen")
    page.get_by_role("link", name="预览").click()
    page.get_by_label("更正的原因").fill("补录了三份纸面记录")
    page.get_by_role("button", name="冻结为第2版").click()
    expect(page.locator("aside")).to_contain_text("补录了三份纸面记录")


def take_away(page: Page, town: Town, month: Period) -> None:
    page.goto(f"{town.url}/console/reports?period={month.code}")
    expect(page.locator("nav.rooms a")).to_have_text(["统计"])
    expect(page.locator("body")).to_contain_text("显示为＊")
    picture(page, "reports-outside")
    page.get_by_role("link", name="月报、季报、年报").click()
    page.get_by_role("link", name="第2版").click()
    expect(page.locator(".report")).to_contain_text("对外")
    with page.expect_download() as download:
        page.get_by_role("button", name="导出 PDF").click()
    pages = PdfReader(download.value.path()).pages
    assert page.locator(".hash").inner_text() in pages[0].extract_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="导出 XLSX").click()
    assert Path(download.value.path()).read_bytes().startswith(b"PK")


def look_in_the_dark(page: Page, town: Town, month: Period) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{town.url}/console/reports?period={month.code}")
    expect(page.locator("#connection")).to_contain_text("正常")
    picture(page, "reports-dark")
