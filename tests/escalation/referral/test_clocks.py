"""Until when a partner answers: minutes, hours, working days as people in China count them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from escalation.referral.clocks import Promises, month_start
from escalation.referral.states import Stage
from escalation.workdays import load_workdays

PROMISES = Promises(timedelta(minutes=30), timedelta(hours=4), 2, timedelta(days=7), load_workdays())
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


def test_a_holiday_gives_the_partner_time_until_people_work_again() -> None:
    last_before = datetime(2026, 9, 30, 2, 0, tzinfo=UTC)
    assert PROMISES.ack_by("usual", last_before) == datetime(2026, 10, 9, 2, 0, tzinfo=UTC)


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
