"""Until when a partner answers: minutes, hours, working days as people in China count them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.referral.clocks import Promises, month_start, workdays_after
from escalation.referral.states import Stage

PROMISES = Promises(timedelta(minutes=30), timedelta(hours=4), 2, timedelta(days=7))
TUESDAY = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("urgency", "by"),
    [
        ("now", datetime(2026, 12, 1, 2, 30, tzinfo=UTC)),
        ("day", datetime(2026, 12, 1, 6, 0, tzinfo=UTC)),
        ("week", datetime(2026, 12, 3, 2, 0, tzinfo=UTC)),
        ("usual", datetime(2026, 12, 3, 2, 0, tzinfo=UTC)),
    ],
)
def test_each_urgency_has_its_own_time(urgency: str, by: datetime) -> None:
    assert PROMISES.ack_by(urgency, TUESDAY) == by


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (datetime(2026, 12, 3, 2, tzinfo=UTC), datetime(2026, 12, 7, 2, tzinfo=UTC)),  # Thursday -> Monday
        (datetime(2026, 12, 4, 2, tzinfo=UTC), datetime(2026, 12, 8, 2, tzinfo=UTC)),  # Friday -> Tuesday
        (datetime(2026, 12, 5, 2, tzinfo=UTC), datetime(2026, 12, 8, 2, tzinfo=UTC)),  # Saturday -> Tuesday
        (datetime(2026, 12, 4, 17, tzinfo=UTC), datetime(2026, 12, 7, 17, tzinfo=UTC)),  # in Shanghai it is Saturday
    ],
)
def test_weekends_do_not_count(since: datetime, until: datetime) -> None:
    assert workdays_after(since, 2) == until


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)), st.integers(1, 30))
def test_so_many_working_days_take_at_least_so_many_days_and_weeks_of_five(since: datetime, days: int) -> None:
    passed = (workdays_after(since, days) - since) / timedelta(days=1)
    assert days <= passed <= days + 2 * (days // 5 + 1)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("attended", ["", "yes", "no", "unknown"])
def test_something_is_awaited_as_long_as_nobody_knows_whether_they_arrived(stage: Stage, attended: str) -> None:
    due = PROMISES.due_at(stage, "now", attended, TUESDAY)
    waits_for_visit = stage in (Stage.RECEIVED, Stage.ACCEPTED) or (stage is Stage.RETURNED and attended == "unknown")
    wanted = {Stage.SENT: TUESDAY + timedelta(minutes=30)}.get(
        stage, TUESDAY + timedelta(days=7) if waits_for_visit else None
    )
    assert due == wanted


def test_a_month_begins_at_midnight_in_shanghai() -> None:
    assert month_start(datetime(2026, 11, 30, 17, tzinfo=UTC)) == datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert month_start(datetime(2026, 11, 30, 15, tzinfo=UTC)) == datetime(2026, 10, 31, 16, tzinfo=UTC)
