"""Which days are worked, and how far so many of them reach; files that cannot be are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.workdays import PATH, Workdays, load_workdays

SHIPPED = load_workdays()
WEEKENDS_ALONE = Workdays(frozenset(), frozenset(), frozenset())
YEAR = """
[2027]
source = "a notice"
review = "pending"
free = [[2026-12-31, 2027-01-03]]
worked = [2027-01-09]
"""


@pytest.mark.parametrize(
    ("day", "is_worked"),
    [
        ("2026-01-01", False), ("2026-01-02", False), ("2026-01-04", True), ("2026-02-13", True), ("2026-02-14", True),
        ("2026-02-16", False), ("2026-02-23", False), ("2026-02-24", True), ("2026-02-28", True), ("2026-04-06", False),
        ("2026-05-05", False), ("2026-05-09", True), ("2026-06-19", False), ("2026-09-20", True), ("2026-09-25", False),
        ("2026-10-07", False), ("2026-10-08", True), ("2026-10-10", True), ("2026-10-11", False), ("2026-11-23", True),
    ],
)  # fmt: skip
def test_2026_is_as_the_notice_says(day: str, is_worked: bool) -> None:
    assert SHIPPED.is_worked(date.fromisoformat(day)) is is_worked


def test_a_worked_weekend_gives_back_a_day_of_every_long_holiday() -> None:
    year = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    free_weekdays = sum(day.weekday() < 5 and not SHIPPED.is_worked(day) for day in year)
    assert free_weekdays - len(SHIPPED.worked) == 13  # days off by law, of which those on weekends are given elsewhere


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (datetime(2026, 12, 3, 2, tzinfo=UTC), datetime(2026, 12, 7, 2, tzinfo=UTC)),  # Thursday -> Monday
        (datetime(2026, 12, 4, 2, tzinfo=UTC), datetime(2026, 12, 8, 2, tzinfo=UTC)),  # Friday -> Tuesday
        (datetime(2026, 12, 5, 2, tzinfo=UTC), datetime(2026, 12, 8, 2, tzinfo=UTC)),  # Saturday -> Tuesday
        (datetime(2026, 12, 4, 17, tzinfo=UTC), datetime(2026, 12, 7, 17, tzinfo=UTC)),  # in Shanghai it is Saturday
        (datetime(2026, 9, 30, 2, tzinfo=UTC), datetime(2026, 10, 9, 2, tzinfo=UTC)),  # over the National Day
        (datetime(2026, 10, 9, 2, tzinfo=UTC), datetime(2026, 10, 12, 2, tzinfo=UTC)),  # Saturday the 10th is worked
    ],
)
def test_two_working_days_later(since: datetime, until: datetime) -> None:
    assert SHIPPED.after(since, 2) == until


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)), st.integers(1, 30))
def test_so_many_working_days_take_at_least_so_many_days_and_weeks_of_five(since: datetime, days: int) -> None:
    passed = (WEEKENDS_ALONE.after(since, days) - since) / timedelta(days=1)
    assert days <= passed <= days + 2 * (days // 5 + 1)


@given(st.dates(date(2025, 12, 1), date(2027, 2, 1)), st.integers(1, 30))
def test_a_clock_ends_on_a_worked_day_and_has_counted_each_one(day: date, number: int) -> None:
    last = SHIPPED.later(day, number)
    between = [day + timedelta(days=one) for one in range(1, (last - day).days + 1)]
    assert sum(map(SHIPPED.is_worked, between)) == number
    assert SHIPPED.is_worked(last)


@pytest.mark.parametrize(
    ("now", "missing"),
    [
        (datetime(2026, 6, 1, tzinfo=UTC), []),
        (datetime(2026, 11, 16, 15, tzinfo=UTC), []),
        (datetime(2026, 11, 16, 16, tzinfo=UTC), [2027]),  # in Shanghai the 17th: fifteen days may reach over New Year
        (datetime(2026, 12, 31, 16, tzinfo=UTC), [2027]),
        (datetime(2027, 11, 30, tzinfo=UTC), [2027, 2028]),
    ],
)
def test_it_says_which_years_a_clock_would_run_through_without_holidays(now: datetime, missing: list[int]) -> None:
    assert SHIPPED.missing(now) == missing


def test_a_deployment_adds_a_year_and_corrects_a_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "holidays.toml"
    own.write_text(YEAR + YEAR.replace("2027", "2026").replace("2026-12-31", "2025-12-31").replace("01-09", "01-10"))
    workdays = load_workdays(own)
    assert workdays.years == {2026, 2027}
    assert not workdays.is_worked(date(2026, 12, 31))
    assert workdays.is_worked(date(2027, 1, 9))
    assert workdays.is_worked(date(2026, 10, 1))  # the deployment's year takes the place of the shipped one


@pytest.mark.parametrize(
    "change",
    [
        ("2027-01-09", "2027-01-08"), ("2027-01-09", "2027-01-02"), ("2026-12-31", "2027-01-04"),
        ("2026-12-31", "2026-11-01"), ("[2027]", "[2029]"), ("[2027]", "[next]"), ('"a notice"', '""'),
        ("worked", "work"), ("[[2026-12-31, 2027-01-03]]", "[2027-01-01]"), ("2027-01-09]", '"2027-01-09"]'),
    ],
)  # fmt: skip
def test_a_year_that_cannot_be_is_refused_with_its_file(tmp_path: Path, change: tuple[str, str]) -> None:
    own = tmp_path / "holidays.toml"
    own.write_text(YEAR.replace(*change))
    with pytest.raises(ValueError, match=r"holidays\.toml"):
        load_workdays(own)


def test_every_shipped_year_names_its_source_and_waits_for_a_reader() -> None:
    assert PATH.read_text(encoding="utf-8").count('review = "pending"') == len(SHIPPED.years)
