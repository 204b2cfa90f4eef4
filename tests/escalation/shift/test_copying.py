"""Who is told quietly that a case became orange or red, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation.shift import copying
from records.rises import Rise
from tests.building import NOW
from triage.risk import Level


def rise(case_id: str = "a", level: Level = Level.HIGH, *, by: str | None = None, served: str | None = None) -> Rise:
    return Rise(case_id, "no", level, NOW, by, served, False)


@pytest.mark.parametrize(
    ("role", "served", "told"),
    [
        ("supervisor", None, True), ("supervisor", "lin", True), ("duty_lead", None, False), ("duty_lead", "lin", True),
        ("counsellor", None, False), ("counsellor", "lin", False), ("volunteer", "lin", False),
    ],
)  # fmt: skip
def test_supervisors_are_told_of_all_leads_of_what_somebody_serves(role: str, served: str | None, told: bool) -> None:
    assert bool(copying.concerning([rise(served=served)], "me", (role,))) is told


@pytest.mark.parametrize("own", [rise(by="me"), rise(served="me")])
def test_nobody_is_told_of_what_they_did_or_serve_themselves(own: Rise) -> None:
    assert copying.concerning([own], "me", ("supervisor",)) == []
    assert copying.concerning([own, rise()], "me", ("supervisor",)) == []  # older, of the same case


def test_a_case_is_told_once_at_its_newest_level() -> None:
    rises = [rise(level=Level.EMERGENCY), rise(), rise("b")]
    assert copying.concerning(rises, "me", ("supervisor",)) == [rises[0], rises[2]]


def test_what_was_put_away_or_is_older_than_a_shift_stays_away() -> None:
    assert copying.since(None, NOW) == NOW - copying.LOOK_BACK
    assert copying.since(NOW - timedelta(days=2), NOW) == NOW - copying.LOOK_BACK
    assert copying.since(NOW - timedelta(hours=1), NOW) == NOW - timedelta(hours=1)
