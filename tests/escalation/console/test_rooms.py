"""The header marks the room that a page belongs to, also on the pages under it."""

from __future__ import annotations

import re

import pytest

from escalation.console.access import ROOMS, room_of
from tests.browsing import Site
from tests.building import open_case
from tests.escalation.console.test_law_page import site
from triage.risk import Level

__all__ = ["site"]


@pytest.mark.parametrize("room", [href for href, _, _ in ROOMS])
def test_a_room_is_marked_on_its_own_page(room: str) -> None:
    assert room_of(room) == room


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("/console/library/drafts/x", "/console/library"),
        ("/console/growth/reviews/x", "/console/growth"),
        ("/console/reports/monthly", "/console/reports"),
        ("/console/cases/x", "/console"),
        ("/console/account", ""),
        ("/console/accounts", "/console/accounts"),
        ("/console/lawless", ""),
    ],
)
def test_a_page_under_it_is_marked_too(path: str, room: str) -> None:
    assert room_of(path) == room


@pytest.mark.anyio
async def test_the_header_of_a_page_has_one_mark(site: Site) -> None:
    supervisor, case_id = site.seat("zhao", "supervisor"), open_case(site.service, Level.LOW, "小雨")
    for path, room in (
        ("/console/supervision/team", "/console/supervision"),
        (f"/console/cases/{case_id}", "/console"),
    ):
        text = (await supervisor.browser.get(path)).text
        header = text[text.index("<header") : text.index("</header>")]
        assert re.findall(r'<a href="([^"]+)" aria-current="page"', header) == [room]
