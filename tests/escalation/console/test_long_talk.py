"""A conversation of years on its case page: the newest messages at once, the older ones page by page, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

import server
from escalation.console.talk import LOOKS_BACK, ON_PAGE
from records.conversations import NewMessage
from settings import Settings
from tests.browsing import Seat, Site
from tests.building import NOW, Clock, do, open_case
from triage.risk import Level
from triage.screen import Screener

pytestmark = pytest.mark.anyio
LONG = 3 * ON_PAGE + 7


@pytest.fixture
def site(sqlite_settings: Settings, clock: Clock, compiled_rules: Screener) -> Any:
    app = server.build_app(sqlite_settings, now=clock, screener=compiled_rules)
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


def long_case(site: Site, **said: str) -> str:
    """A case whose conversation has LONG messages; `said` are the words of some, as m1="..."."""
    service = site.service
    case_id = open_case(service, Level.MEDIUM)

    def work(connection: sa.Connection) -> None:
        case = service.store.cases.get(connection, case_id)
        assert case is not None
        for seq in range(1, LONG + 1):
            text = said.get(f"m{seq}", f"第{seq}句")
            new = NewMessage(case.conversation_id, "visitor", "text", "web", f"x{seq}", text, NOW)
            service.store.conversations.add(connection, new, seq)
        service.store.conversations.change(connection, case.conversation_id, last_seq=LONG)

    do(service.writer, work)
    return case_id


async def seqs(seat: Seat, path: str) -> list[int]:
    answer = await seat.browser.get(path)
    assert answer.status_code == 200, answer.text
    return [message["seq"] for message in answer.json()["messages"]]


async def test_the_page_begins_with_the_newest_messages(site: Site) -> None:
    case_id, seat = long_case(site), site.seat("lin", "supervisor")
    assert await seqs(seat, f"/console/cases/{case_id}/state.json") == list(range(LONG - ON_PAGE + 1, LONG + 1))


async def test_page_by_page_every_older_message_is_read_once(site: Site) -> None:
    case_id, seat = long_case(site), site.seat("lin", "supervisor")
    found = await seqs(seat, f"/console/cases/{case_id}/state.json")
    while found[0] > 1:
        found = await seqs(seat, f"/console/cases/{case_id}/messages.json?before={found[0]}") + found
    assert found == list(range(1, LONG + 1))


@pytest.mark.parametrize("before", [1, 0, -5])
async def test_before_the_first_message_there_is_none(site: Site, before: int) -> None:
    case_id, seat = long_case(site), site.seat("lin", "supervisor")
    assert await seqs(seat, f"/console/cases/{case_id}/messages.json?before={before}") == []


async def test_a_screen_that_was_away_for_long_misses_no_message(site: Site) -> None:
    case_id, seat = long_case(site), site.seat("lin", "supervisor")
    assert await seqs(seat, f"/console/cases/{case_id}/state.json?after=10") == list(range(11, LONG + 1))


async def test_whoever_may_not_see_the_case_reads_no_older_messages(site: Site) -> None:
    case_id, seat = long_case(site), site.seat("lin", "admin")
    answer = await seat.browser.get(f"/console/cases/{case_id}/messages.json?before=100")
    assert answer.status_code == 404


async def test_words_picked_for_the_dispatcher_stay_however_far_back_they_are(site: Site) -> None:
    case_id, seat = long_case(site, m1="我在示例路1号"), site.seat("lin", "supervisor")
    (first,) = (await seat.browser.get(f"/console/cases/{case_id}/messages.json?before=2")).json()["messages"]
    await seat.act(case_id, "rescue/quote", slot="place", message=first["id"])

    shown = (await seat.browser.get(f"/console/cases/{case_id}/state.json")).json()

    (place,) = (line for line in shown["rescue"]["lines"] if line["slot"] == "place")
    assert [quote["text"] for quote in place["quotes"]] == ["我在示例路1号"]


@pytest.mark.parametrize(("place", "proposed"), [(LONG - LOOKS_BACK + 1, True), (LONG - LOOKS_BACK, False)])
async def test_answers_are_looked_for_in_the_last_messages(site: Site, place: int, proposed: bool) -> None:
    case_id, seat = long_case(site, **{f"m{place}": "我今年19岁"}), site.seat("lin", "supervisor")
    shown = (await seat.browser.get(f"/console/cases/{case_id}/state.json")).json()
    assert [one["seq"] for one in shown["record"]["proposals"]] == ([place] if proposed else [])
