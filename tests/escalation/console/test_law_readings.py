"""Who read of a minor, for the yearly audit: where no purpose had to be written it says so, and whom to ask."""

from __future__ import annotations

import csv
import io

import pytest

from tests.browsing import Site
from tests.escalation.console.test_law_page import law, minor_case, site, status

__all__ = ["site"]
pytestmark = pytest.mark.anyio


async def test_a_reading_without_a_purpose_says_why_and_whom_to_ask(site: Site) -> None:
    lin, zhao, officer = site.seat("lin"), site.seat("zhao", "supervisor"), site.seat("officer", "privacy_officer")
    _, case_id = await minor_case(site, owner=lin)
    for seat in (lin, zhao):
        assert await status(seat, case_id) == 200
    readings = {one["by"]: one["purpose"] for one in (await law(officer))["readings"]}
    for seat, right in ((lin, "正在服务"), (zhao, "负责人")):
        name = seat.counsellor.display_name
        assert readings[name] == f"未填（{right}，看之前不用写）；审计要问时，由{name}说明"
    export = await officer.browser.get("/console/law/minors.csv")
    for line in list(csv.reader(io.StringIO(export.text.lstrip("\ufeff"))))[1:]:
        assert line[4].startswith("未填")
