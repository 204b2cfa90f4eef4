"""Two counsellors press 接手 in the same instant, again and again: each time one has the case and the other reads who."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from records import tables as t
from records.staff import Counsellor
from tests.building import do, open_case, rows
from tests.journeys.town import Town, running_town
from triage.risk import Level

pytestmark = pytest.mark.browser
ROUNDS = int(os.environ.get("RACE_ROUNDS", "10"))  # 200 for the figure in the README
PRESS = """([id, at]) => new Promise((done) => setTimeout(() => {
  const row = document.querySelector(`#queue li.row[data-id="${id}"]`);
  row.querySelector("button.claim").click();
  done(Date.now() - at);
}, at - Date.now()))"""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    yield from running_town(tmp_path)


def press_together(pages: dict[str, Page], case_id: str) -> None:
    """Both browsers are told one instant of the clock that they share."""
    at = pages["林老师"].evaluate("Date.now() + 300")
    for page in pages.values():
        page.evaluate(f"args => {{ ({PRESS})(args) }}", [case_id, at])


def test_of_two_who_press_at_once_one_has_the_case_and_the_other_reads_who(browser: Browser, town: Town) -> None:
    pages = {name: town.seat(browser, name) for name in ("林老师", "王老师")}
    for page in pages.values():
        page.set_default_timeout(20_000)
    case_id = open_case(town.service, Level.HIGH)
    staff = {one.id: one for one in everybody(town)}
    for _ in range(ROUNDS):
        for page in pages.values():
            expect(page.locator(f'#queue li.row[data-id="{case_id}"] button.claim')).to_be_visible(timeout=20_000)
        press_together(pages, case_id)
        winner, loser = winner_and_loser(pages, case_id)
        (case,) = rows(town.service.store.engine, t.case_record)
        assert staff[case.owner_id].display_name == winner
        expect(pages[loser].locator(f'#queue li.row[data-id="{case_id}"]')).to_contain_text(winner)
        expect(pages[winner].locator("#owner-line")).to_contain_text("您正在服务这个个案")
        put_back(town, case_id, staff[case.owner_id])
        pages[winner].goto(f"{town.url}/console")
    stints = rows(town.service.store.engine, t.stint)
    assert len(stints) == ROUNDS  # nobody held it beside the winner, not even for a moment


def put_back(town: Town, case_id: str, owner: Counsellor) -> None:
    do(town.service.writer, lambda c: town.service.desks.desk.release(c, case_id, owner, town.service.now()))


def everybody(town: Town) -> list[Counsellor]:
    with town.service.store.engine.connect() as connection:
        return town.service.store.staff.all(connection)


def winner_and_loser(pages: dict[str, Page], case_id: str) -> tuple[str, str]:
    """The page that went on to the case, and the one that stayed in the queue."""
    first, second = pages
    for _ in range(400):
        for winner, loser in ((first, second), (second, first)):
            if case_id in pages[winner].url:
                assert case_id not in pages[loser].url
                return winner, loser
        pages[first].wait_for_timeout(50)
    raise AssertionError("nobody got the case")
