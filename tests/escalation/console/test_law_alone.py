"""The page 合规 of a privacy officer, who sees no queue: it asks from time to time, and signs out when left alone."""

from __future__ import annotations

from datetime import datetime

import pytest

from records import tables as t
from tests.browsing import Site
from tests.building import rows
from tests.escalation.console.test_law_page import site

__all__ = ["site"]
pytestmark = pytest.mark.anyio


def seen_at(site: Site) -> datetime:
    (session,) = rows(site.service.store.engine, t.staff_session)
    return datetime.fromisoformat(str(session.seen_at))


async def test_what_the_page_asks_by_itself_keeps_no_session_open(site: Site) -> None:
    officer = site.seat("officer", "privacy_officer")
    before = seen_at(site)
    site.service.now.forward(minutes=10)
    assert (await officer.browser.get("/console/law.json?timer=true")).status_code == 200
    assert seen_at(site) == before
    assert (await officer.browser.get("/console/law.json")).status_code == 200
    assert seen_at(site) > before


async def test_it_has_no_alarms_of_cases(site: Site) -> None:
    page = await site.seat("officer", "privacy_officer").browser.get("/console/law")
    assert page.status_code == 200
    assert 'id="strip"' not in page.text
