"""The mixed load itself, for a few seconds: what it counts as wrong, and that a short one is clean."""

from __future__ import annotations

import pytest
from rich.console import Console

from tests.browsing import Site
from tests.building import CRISIS
from tests.faults.mixed_load import Load, Sent, faults, run

pytestmark = pytest.mark.anyio


async def test_a_short_load_on_all_channels_loses_and_doubles_nothing() -> None:
    load, wrong = await run(0.05, 8.0, 3, Console(quiet=True))
    assert wrong == []
    assert {message.channel for message in load.sent} == set(load.rigs)


async def test_a_lost_message_and_a_missing_case_are_named(small_service) -> None:
    site = Site(None, small_service)  # type: ignore[arg-type]  # only the rows are looked at
    load = Load({}, [Sent("fake", "p", CRISIS, 0.0)])
    assert faults(site, load, all_heard=False) == [
        "1 people heard nothing",
        "1 messages were sent, 0 are stored",
        "1 people were in danger, there are 0 cases",
    ]
