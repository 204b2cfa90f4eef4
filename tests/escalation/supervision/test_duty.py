"""Trainings and supervisions against what is asked for: pro rata, and said ahead of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.supervision.duty import Duties, Standing, owed, standing, year_start
from records.trainings import Supervision, Training

DUTIES = Duties(2, 1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
YEAR, NEXT_YEAR = year_start(datetime(2026, 6, 1, tzinfo=UTC)), year_start(datetime(2026, 6, 1, tzinfo=UTC), 1)


def at(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, 2, tzinfo=UTC)


def training(held_at: datetime, topic: str = "危机干预", expires_at: datetime | None = None) -> Training:
    return Training("t", "lin", topic, 180, held_at, None, expires_at)


def supervision(held_at: datetime) -> Supervision:
    return Supervision("lin", "group", 60, held_at, "chief")


def stands(
    now: datetime, *trainings: Training, joined: datetime = LONG_AGO, met: tuple[datetime, ...] = ()
) -> Standing:
    return standing(joined, trainings, [supervision(one) for one in met], DUTIES, now)


@pytest.mark.parametrize(
    ("joined", "needed"),
    [(LONG_AGO, 2), (at(1, 2), 2), (at(3, 1), 2), (at(6, 30), 1), (at(9, 1), 1), (at(11, 1), 0), (at(12, 30), 0)],
)
def test_who_joins_within_a_year_owes_the_part_that_is_left(joined: datetime, needed: int) -> None:
    assert stands(at(12, 31), joined=joined).training.needed == needed


@pytest.mark.parametrize(("joined", "needed"), [(at(12, 1), 1), (at(12, 14), 1), (at(12, 20), 0)])
def test_who_joins_late_in_a_month_owes_no_supervision_in_it(joined: datetime, needed: int) -> None:
    assert stands(at(12, 28), joined=joined).supervision.needed == needed


@pytest.mark.parametrize(
    ("now", "words"),
    [(at(11, 20), ()), (at(12, 5), ("今年还差 2 次培训，请在12月31日前参加",)),
     (at(12, 27), ("今年还差 2 次培训，请在12月31日前参加", "这个月还差 1 次督导，请在12月31日前约好")),
     (at(2, 20), ()), (at(2, 24), ("这个月还差 1 次督导，请在2月28日前约好",))],
)  # fmt: skip
def test_what_is_missing_is_said_thirty_and_seven_days_ahead(now: datetime, words: tuple[str, ...]) -> None:
    assert stands(now).warnings == words


def test_what_was_done_is_not_asked_for_again() -> None:
    done = stands(at(12, 27), training(at(3, 1)), training(at(9, 1), "自杀评估"), met=(at(12, 2),))
    assert (done.training.missing, done.supervision.missing, done.warnings) == (0, 0, ())


def test_last_year_and_last_month_do_not_count() -> None:
    found = stands(at(12, 27), training(at(12, 31, 2025)), met=(at(11, 29),))
    assert (found.training.done, found.supervision.done) == (0, 0)


@pytest.mark.parametrize(
    ("expires", "words"),
    [(at(8, 15), "“危机干预”2026年8月15日到期，请安排复训"), (at(7, 1), "“危机干预”2026年7月1日已经到期，请安排复训"),
     (at(12, 1), "")],
)  # fmt: skip
def test_a_training_that_expires_is_said_thirty_days_ahead(expires: datetime, words: str) -> None:
    found = stands(at(7, 20), training(at(3, 1), expires_at=expires), training(at(3, 2), "伦理"))
    assert found.warnings == ((words,) if words else ())


def test_a_newer_training_of_the_same_topic_takes_the_place_of_an_expired_one() -> None:
    old, new = training(at(3, 1, 2024), expires_at=at(3, 1)), training(at(3, 5), expires_at=at(3, 5, 2028))
    assert stands(at(7, 20), old, new).warnings == ()


@given(st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)), st.integers(0, 12))
def test_nobody_owes_less_than_nothing_or_more_than_everybody(joined: datetime, count: int) -> None:
    later = joined + timedelta(days=20)
    assert 0 <= owed(count, YEAR, NEXT_YEAR, later) <= owed(count, YEAR, NEXT_YEAR, joined) <= count
