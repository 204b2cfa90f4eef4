"""Natural days, months, quarters and years begin and end at midnight in Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.reports.periods import KIND_WORDS, BadPeriod, period_of, read_period

DAYS = st.dates(date(2001, 1, 1), date(2098, 12, 31))


@pytest.mark.parametrize(
    ("code", "first", "end", "words"),
    [
        ("2026-11-03", date(2026, 11, 3), date(2026, 11, 4), "2026年11月3日"),
        ("2026-02", date(2026, 2, 1), date(2026, 3, 1), "2026年2月"),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1), "2026年12月"),
        ("2026-Q4", date(2026, 10, 1), date(2027, 1, 1), "2026年第4季度"),
        ("2028", date(2028, 1, 1), date(2029, 1, 1), "2028年"),
    ],
)
def test_a_name_is_a_period(code: str, first: date, end: date, words: str) -> None:
    period = read_period(code)
    assert (period.first, period.end, period.words, period.code) == (first, end, words, code)


@pytest.mark.parametrize(
    "code", ["", "2026-13", "2026-00", "2026-02-30", "2026-Q5", "26-11", "2026-11-03-1", "1999-01", "２０２６"]
)
def test_what_is_no_period_is_refused(code: str) -> None:
    with pytest.raises(BadPeriod, match="2026-11"):
        read_period(code)


def test_the_borders_are_midnights_of_shanghai() -> None:
    period = read_period("2026-11")
    first = datetime(2026, 10, 31, 16, tzinfo=UTC)
    last = datetime(2026, 11, 30, 16, tzinfo=UTC) - timedelta(microseconds=1)
    assert period.holds(first)
    assert period.holds(last)
    assert not period.holds(first - timedelta(microseconds=1))
    assert not period.holds(last + timedelta(microseconds=1))


@given(day=DAYS, kind=st.sampled_from(sorted(KIND_WORDS)))
def test_every_day_lies_in_one_period_of_a_kind_and_they_follow_each_other(day: date, kind: str) -> None:
    period = period_of(kind, day)
    assert period.first <= day < period.end
    assert (period.before.end, period.after.first) == (period.first, period.end)
    assert read_period(period.code) == period


@given(day=DAYS)
def test_three_months_are_a_quarter_and_four_quarters_a_year(day: date) -> None:
    year = period_of("year", day)
    quarter, month = period_of("quarter", year.first), period_of("month", year.first)
    assert (quarter.after.after.after.end, month.after.after.end) == (year.end, quarter.end)
