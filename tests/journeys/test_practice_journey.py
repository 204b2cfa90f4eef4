"""Practice and drill in real browsers: a counsellor answers a practice caller; a planned drill is run and its result read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from records import tables as t
from tests.building import rows
from tests.journeys.town import Town, picture, running_town

pytestmark = pytest.mark.browser
SOON_MS = 20_000
TYPES_MS = 45_000  # a caller thinks and types


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    yield from running_town(tmp_path)


def test_a_counsellor_answers_a_practice_caller_and_nobody_else_hears_of_it(browser: Browser, town: Town) -> None:
    zhang = town.seat(browser, "张老师", "counsellor")
    lin = town.seat(browser, "林老师", "counsellor")
    for page in (lin, zhang):
        page.set_default_timeout(SOON_MS)
    lin.goto(f"{town.url}/console/practice")
    expect(lin.locator("#connection")).to_contain_text("正常", timeout=SOON_MS)
    picture(lin, "practice-choose")
    lin.get_by_role("button", name="和阿哲练习").click()
    lin.get_by_role("link", name="打开练习对话").click()
    expect(lin.locator("#practice-words")).to_contain_text("模拟来访者“阿哲”")
    expect(lin.locator("#messages")).to_contain_text("今晚就去死", timeout=TYPES_MS)
    expect(lin.locator("#level")).to_have_text("橙·高")
    say(lin, "我是值班的老师，我在。您是想自杀吗？")
    expect(lin.locator("#messages")).to_contain_text("你是真人吗", timeout=TYPES_MS)
    expect(lin.locator("#messages")).to_contain_text("是，我是认真的", timeout=TYPES_MS)
    expect(lin.locator("#strip-text")).to_contain_text("没有无人接手的紧急个案")
    picture(lin, "practice")
    expect(zhang.locator("#queue li.row")).to_have_count(0)
    expect(zhang.locator("#strip")).to_have_attribute("data-kind", "calm")
    lin.locator("#practice-end button").click()
    lin.locator("#confirm button[value=yes]").click()
    expect(lin.locator("#practice-words")).to_contain_text("练习已结束（自己结束）", timeout=SOON_MS)
    lin.goto(f"{town.url}/console/practice")
    expect(lin.locator("main")).to_contain_text("我练过的")


def test_a_planned_drill_is_run_against_the_live_service_and_its_result_is_read(browser: Browser, town: Town) -> None:
    lead, lin = town.seat(browser, "赵班长", "duty_lead"), town.seat(browser, "林老师", "counsellor")
    for page in (lead, lin):
        page.set_default_timeout(SOON_MS)
    token = plan(lead, town)
    expect(lin.locator("#drill-banner")).to_contain_text("将有演练", timeout=SOON_MS)
    running = subprocess.Popen(
        [sys.executable, "-m", "command", "drill", "--url", town.url, "--token", token, "--speed", "4", "--wait", "90"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "COLUMNS": "160"},
    )  # fmt: skip
    row = lin.locator("#queue li.row")
    expect(row).to_have_count(2, timeout=TYPES_MS)
    expect(row.first.locator(".drill")).to_have_text("演练")
    expect(lin.locator("#strip-text")).to_contain_text("（演练）")
    expect(lin.locator("#drill-banner")).to_contain_text("演练进行中")
    expect(lin.locator("#drill-count")).to_contain_text("2")
    picture(lin, "drill-queue")
    expect(lead.locator("#drills")).to_contain_text("演练进行中", timeout=SOON_MS)
    row.first.locator("button.claim").click()
    expect(lin.locator("#practice-words")).to_contain_text("不要打 120、110")
    say(lin, "我是值班的老师，您现在在哪里？")
    said, _ = running.communicate(timeout=150)
    assert running.returncode == 0, said
    assert "老师第一句话" in said
    expect(lead.locator("#drills")).to_contain_text("参加：林老师", timeout=SOON_MS)
    expect(lead.locator(".sums")).to_contain_text("1/2")
    expect(lead.locator("#drills h2")).to_contain_text(["要做的", "今年演练完成率"])
    lead.get_by_text("写发现的问题").click()
    lead.locator("textarea[name=words]").fill("夜班只有一个人在，第二位来访者没有人接。下次演练前先排好备班。")
    lead.get_by_role("button", name="保存").click()
    expect(lead.locator(".findings")).to_contain_text("备班")
    expect(lead.locator("#connection")).to_contain_text("正常")
    picture(lead, "drills")
    lin.goto(f"{town.url}/console")
    expect(lin.locator("#connection")).to_contain_text("正常")
    expect(row).to_have_count(0)
    assert {case.state for case in rows(town.service.store.engine, t.case_record)} == {"closed"}


def plan(lead: Page, town: Town) -> str:
    """Plan a drill with two callers for now; returns the token that the page shows."""
    lead.goto(f"{town.url}/console/drills")
    expect(lead.locator("#connection")).to_contain_text("正常")
    lead.locator("select[name=scenario]").select_option("flood")
    lead.locator("input[name=callers]").fill("2")
    lead.get_by_role("button", name="安排", exact=True).click()
    lead.get_by_text("怎样开始").click()
    picture(lead, "drills-planned")
    found = re.search(r"--token (\S+)", lead.locator(".command").inner_text())
    assert found
    lead.get_by_text("怎样开始").click()  # nobody is busy in the list
    return found[1]


def say(page: Page, words: str) -> None:
    page.locator("#reply-text").fill(words)
    page.locator("#reply button.main").click()
    expect(page.locator("#messages .from-counsellor:not(.pending)").last).to_contain_text(words, timeout=SOON_MS)
