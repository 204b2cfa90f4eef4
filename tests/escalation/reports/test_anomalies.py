"""A day is unlike when it is far from the same weekday before; the words say no more than that."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from escalation.reports.anomalies import Anomaly, Unusual, unlike

RULES = Unusual(weeks=8, least_weeks=4, times=3.0, least_apart=5)
DAY = date(2026, 11, 10)  # a Tuesday


def history(*counts: int, today: int) -> dict[str, int]:
    """So many on the same weekday of the weeks before, the nearest first."""
    return {str(DAY - timedelta(weeks=n)): count for n, count in enumerate((today, *counts))}


def found(by_day: dict[str, int]) -> list[Anomaly]:
    return unlike(by_day, DAY, DAY + timedelta(days=1), RULES)


@pytest.mark.parametrize(
    ("before", "today", "is_unlike"),
    [
        ((4, 5, 4, 6, 5, 4, 5, 5), 12, True),
        ((4, 5, 4, 6, 5, 4, 5, 5), 9, False),  # four more
        ((10, 10, 10, 10, 10, 10, 10, 10), 15, True),
        ((10, 10, 10, 10, 10, 10, 10, 10), 5, True),  # fewer counts too
        ((0, 20, 0, 20, 0, 20, 0, 20), 40, False),  # a wild weekday
        ((4, 5, 4), 50, False),  # too few weeks to compare with
        ((4, 5, 4, 100, 5, 4, 5, 5), 14, True),  # one strange week does not hide another
    ],
)
def test_far_from_the_usual(before: tuple[int, ...], today: int, is_unlike: bool) -> None:
    assert bool(found(history(*before, today=today))) is is_unlike


def test_weeks_before_the_first_day_are_not_zeros() -> None:
    assert found(history(9, 9, 9, today=30)) == []
    (one,) = found(history(9, 9, 9, 9, today=30))
    assert (one.usual, one.weeks) == (9, 4)


def test_the_words_name_the_numbers_and_nothing_else() -> None:
    assert Anomaly(DAY, 12, 4, 8).words() == "12，前8个星期二的中位数是 4，是平常的 3.0 倍"
    assert Anomaly(DAY, 12, 0, 8).words() == "12，前8个星期二的中位数是 0"


def test_outside_a_small_usual_number_is_not_told() -> None:
    assert Anomaly(DAY, 12, 4, 8).words(least_shown=5) == "12，比前8个星期二的中位数多"
