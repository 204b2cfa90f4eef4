"""An orange case ends by two, a rescue against the person's will is confirmed by two; in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from records.staff import Counsellor
from tests.building import do
from tests.journeys.town import Town, picture, running_town
from tests.record_samples import fill_record

pytestmark = pytest.mark.browser
SMALL_DESK = {"width": 1366, "height": 768}
DANGER = "我已经写好遗书，明天就跳楼"
SUMMARY = "说了分手后的绝望，放弃了明天的打算；室友小周今晚陪着，药交给了小周；约定明天上午十点再联系。"
BACK = "请补上小周的电话，再和本人确认明天的时间"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    yield from running_town(tmp_path)


def seat(browser: Browser, town: Town, name: str, *roles: str) -> Page:
    page = town.seat(browser, name, *roles)
    page.set_viewport_size(SMALL_DESK)
    page.context.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    return page


def claimed(lin: Page, town: Town) -> str:
    """Lin serves somebody in danger; returns the case."""
    town.writes(DANGER)
    lin.locator("#queue li.row button.claim").click()
    expect(lin.locator("#reply")).to_be_visible()
    return lin.url.rsplit("/", 1)[1]


def colleague(town: Town, name: str) -> Counsellor:
    def work(connection: sa.Connection) -> Counsellor:
        return next(who for who in town.service.store.staff.all(connection) if who.display_name == name)

    found: Counsellor = do(town.service.writer, work)
    return found


def submit(lin: Page) -> None:
    lin.locator("#finish > summary").click()
    expect(lin.locator("#close-button")).to_have_text("提交结案")
    lin.locator("#close select").select_option("companion")
    lin.locator("#close textarea").fill(SUMMARY)
    picture(lin, "closing-form")
    lin.locator("#close-button").click()
    lin.locator("#confirm button[value=yes]").click()
    expect(lin.locator("#state")).to_have_text("待签结案")


def test_an_orange_case_is_submitted_sent_back_submitted_again_and_signed(browser: Browser, town: Town) -> None:
    lin = seat(browser, town, "林老师")
    zhao = seat(browser, town, "赵督导", "supervisor")
    case_id = claimed(lin, town)
    fill_record(town.service, case_id, colleague(town, "林老师"))
    lin.reload()
    submit(lin)
    expect(zhao.locator("#closing-count")).to_have_text("1")
    expect(zhao.locator("#counts [data-count=closing]")).to_have_text("1")
    zhao.locator(".rooms a", has_text="待签结案").click()
    card = zhao.locator("#closings .closing")
    expect(card.locator(".words")).to_contain_text("室友小周今晚陪着")
    picture(zhao, "closings")
    card.locator("form.return input").fill(BACK)
    card.locator("form.return button").click()
    expect(zhao.locator("#closings .closing")).to_have_count(0)
    expect(lin.locator("#closing-returned")).to_contain_text(BACK)
    expect(lin.locator("#reply")).to_be_visible()
    picture(lin, "closing-returned")
    submit_again(lin)
    expect(card).to_have_count(1)
    card.locator("a.open").click()
    expect(zhao.locator("#closing-summary")).to_contain_text("小周")
    picture(zhao, "closing-case")
    zhao.locator("#closing-sign button").click()
    expect(zhao.locator("#state")).to_have_text("随访中")
    zhao.locator("#tab-history").click()
    expect(zhao.locator("#timeline")).to_contain_text("督导签字，同意结案")


def submit_again(lin: Page) -> None:
    lin.locator("#close select").select_option("companion")
    lin.locator("#close textarea").fill(SUMMARY)
    lin.locator("#close-button").click()
    lin.locator("#confirm button[value=yes]").click()
    expect(lin.locator("#state")).to_have_text("待签结案")


def test_new_danger_brings_a_submitted_case_back_to_the_queue(browser: Browser, town: Town) -> None:
    lin = seat(browser, town, "林老师")
    case_id = claimed(lin, town)
    fill_record(town.service, case_id, colleague(town, "林老师"))
    lin.reload()
    submit(lin)
    town.writes("我不想活了")
    expect(lin.locator("#state")).to_have_text("待接手")
    expect(lin.locator("#closing-returned")).to_contain_text("要重新提交")
    picture(lin, "closing-overtaken")


def test_a_rescue_against_the_will_starts_at_once_and_is_confirmed_at_another_console(
    browser: Browser, town: Town
) -> None:
    lin = seat(browser, town, "林老师")
    zhao = seat(browser, town, "赵督导", "supervisor")
    claimed(lin, town)
    lin.locator("#tab-rescue").click()
    lin.locator("#rescue-start label", has_text="本人不同意").click()
    lin.locator("#rescue-start textarea[name=reason]").fill("在桥上，不愿离开，不肯说名字")
    picture(lin, "rescue-against-will")
    lin.locator("#rescue-start button.main").click()
    expect(lin.locator("#state")).to_have_text("救援中")
    expect(lin.locator("#rescue-confirm-form")).to_be_hidden()
    zhao.goto(f"{lin.url.partition('#')[0]}#tab-rescue")
    expect(zhao.locator("#rescue-confirm-words")).to_contain_text("在桥上，不愿离开")
    picture(zhao, "rescue-second-person")
    zhao.get_by_role("button", name="同意救援").click()
    expect(lin.locator("#rescue-confirm")).to_be_hidden()
    expect(lin.locator("#rescue-facts")).to_contain_text("第二人：赵督导")
    zhao.goto(f"{lin.url.partition('#')[0]}/sheet")
    expect(zhao.locator("main")).to_contain_text("谁决定救援")
    picture(zhao, "rescue-sheet")
