"""The clock in working days, and what a deletion may take: the rule alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.law.retention import ZONE
from escalation.law.rights import Matter, Outcome, load_rights, what_goes
from escalation.workdays import load_workdays
from tests.building import NOW

RIGHTS = load_rights(load_workdays())
FLOOR = RIGHTS.floor
ANY_TIME = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))
MATTERS = st.lists(
    st.builds(Matter, st.booleans(), st.none() | st.integers(0, 3000).map(lambda days: NOW - timedelta(days=days)))
)


def test_fifteen_working_days_are_three_weeks_without_holidays() -> None:
    tuesday = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    assert RIGHTS.due(tuesday) == datetime(2026, 12, 23, 0, 0, tzinfo=ZONE)  # the end of Tuesday the 22nd


@given(ANY_TIME)
def test_the_deadline_ends_a_working_day_and_never_comes_early(asked_at: datetime) -> None:
    due = RIGHTS.due(asked_at)
    first = asked_at.astimezone(ZONE).date()
    last = due.astimezone(ZONE).date() - timedelta(days=1)
    between = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    assert sum(RIGHTS.workdays.is_worked(day) for day in between) == RIGHTS.working_days
    assert RIGHTS.workdays.is_worked(last)


def test_the_days_of_a_holiday_do_not_count_and_worked_weekends_do() -> None:
    before_new_year = datetime(2026, 2, 9, 2, 0, tzinfo=UTC)  # the 14th and the 28th are worked, 15th to 23rd free
    assert RIGHTS.due(before_new_year) == datetime(2026, 3, 7, 0, 0, tzinfo=ZONE)


def test_a_clock_of_nothing_is_refused(tmp_path: Path) -> None:
    text = (
        Path("escalation/law/person_rights.toml")
        .read_text(encoding="utf-8")
        .replace("working_days = 15", "working_days = 0")
    )
    (tmp_path / "person_rights.toml").write_text(text)
    with pytest.raises(ValueError, match="at least 1"):
        load_rights(RIGHTS.workdays, tmp_path / "person_rights.toml")


@pytest.mark.parametrize("purpose", RIGHTS.purposes.values(), ids=lambda purpose: purpose.id)
def test_every_purpose_has_a_notice_a_source_and_waits_for_a_lawyer(purpose) -> None:
    assert purpose.notice
    assert purpose.basis
    assert purpose.review == "pending"


@given(MATTERS, st.booleans())
def test_nothing_goes_while_help_is_under_way_or_the_law_holds_it(matters: list[Matter], is_held: bool) -> None:
    outcome = what_goes(matters, is_held=is_held, floor=FLOOR, now=NOW).outcome
    assert (outcome is Outcome.WAITS) == any(matter.is_open for matter in matters)
    assert (outcome in (Outcome.PARTLY, Outcome.ALL)) == (not is_held and not any(m.is_open for m in matters))


@given(MATTERS)
def test_a_record_under_the_floor_never_goes(matters: list[Matter]) -> None:
    going = what_goes(matters, is_held=False, floor=FLOOR, now=NOW)
    if going.outcome is Outcome.ALL:
        assert all(matter.closed_at is None or matter.closed_at + FLOOR <= NOW for matter in matters)
    if going.outcome is Outcome.PARTLY:
        assert going.stays_until is not None
        assert going.stays_until > NOW
        assert "年" in going.words
