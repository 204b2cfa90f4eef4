"""Complaints, notifications, drills, trainings and supervisions, counted by hand and again in a slower way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.reports.indicators import inside
from escalation.reports.periods import ZONE, Period, read_period
from records.facts.kinds import Colleague, Complaint, DrillFact, Facts, NotificationFact, Session
from tests.escalation.reports.conftest import LATER, NOVEMBER, RULES, at, counted, definitions

DAY = timedelta(days=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=ZONE)


def on(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, tzinfo=ZONE)


def colleague(joined: datetime = LONG_AGO, left: datetime | None = None, *roles: str, **held: Any) -> Colleague:
    return Colleague(roles or ("counsellor",), joined, left, **held)


def detail(facts: Facts, indicator: str, period: Period = NOVEMBER, now: datetime = LATER) -> str:
    return inside(counted(facts, period, now), definitions()).figure(indicator).detail.split("，")[0]


TWICE = {"trained": (on(3, 1), on(11, 30))}
TEAM = Facts(
    colleagues=(
        colleague(**TWICE, supervised=(on(11, 1),)),  # both
        colleague(trained=(on(3, 1), on(12, 1)), supervised=(on(10, 31), on(12, 1))),  # neither within November
        colleague(trained=(on(12, 31, 2025), on(3, 1))),  # one of two
        colleague(on(7, 1), trained=(on(8, 1),), supervised=(on(11, 30),)),  # half a year: one of one
        colleague(on(7, 10), supervised=(on(11, 2),)),  # less than half a year: no training is asked
        colleague(LONG_AGO, on(7, 1), trained=(on(2, 1),)),  # left after half a year
        colleague(LONG_AGO, on(11, 20), **TWICE),  # left after most of November
        colleague(on(11, 20)),  # came for the shorter part of it
        colleague(on(12, 5), None, "counsellor", supervised=(on(12, 5),)),  # was not there yet
        colleague(LONG_AGO, None, "admin"),  # answers nobody
        colleague(LONG_AGO, None, "supervisor", "duty_lead", **TWICE),
    )
)
COMPLAINTS = Facts(
    sessions=tuple(Session(str(n), "web", at(hours=n)) for n in range(5)),
    complaints=(
        Complaint(at(hours=1), "a", at()),
        Complaint(at(hours=2), "a", at()),  # again about the same session
        Complaint(at(hours=5), "b", at(hours=1)),
        Complaint(NOVEMBER.until + DAY, "c", at(hours=2)),  # later, about a session of November
        Complaint(NOVEMBER.since, "d", NOVEMBER.since - DAY),  # about one of October
        Complaint(at()),  # by phone
    ),
)
DUE = at(days=1)
NOTIFICATIONS = Facts(
    notifications=(
        NotificationFact(DUE, "sent", DUE),
        NotificationFact(DUE, "acknowledged", at()),
        NotificationFact(DUE, "sent", DUE + timedelta(seconds=1)),  # late
        NotificationFact(DUE, "proposed"),  # forgotten
        NotificationFact(DUE, "withdrawn", at()),  # entered by mistake
        NotificationFact(DUE, "refused", DUE + timedelta(hours=1)),  # too late to have been none
        NotificationFact(LATER + DAY, "proposed"),  # its clock still runs
    )
)
DRILLS = Facts(
    drills=(
        DrillFact(at(), "done"), DrillFact(at(), "planned"), DrillFact(at(), "cancelled"),
        DrillFact(LATER - RULES.practice.token_after, "planned"),  # may still begin
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "indicator", "expected"),
    [
        (COMPLAINTS, "complaints", "3/5"),
        (TEAM, "training", "5/7"),
        (TEAM, "supervision", "3/7"),
        (NOTIFICATIONS, "notified", "2/5"),
        (DRILLS, "drills", "1/2"),
    ],
)
def test_an_indicator_of_the_house_is_what_a_hand_counts(facts: Facts, indicator: str, expected: str) -> None:
    assert detail(facts, indicator) == expected


def test_complaints_by_phone_are_counted_beside_the_share() -> None:
    assert counted(COMPLAINTS).counts["complaints"] == 5


def test_a_quarter_counts_every_month_of_everybody() -> None:
    team = Facts(colleagues=(colleague(supervised=(on(10, 1), on(10, 2), on(12, 31))), colleague(on(12, 1))))
    assert detail(team, "supervision", read_period("2026-Q4"), on(1, 5, 2027)) == "2/4"


def test_months_that_have_not_begun_ask_for_nothing() -> None:
    team = Facts(colleagues=(colleague(supervised=(on(1, 5),)),))
    assert detail(team, "supervision", read_period("2026"), on(2, 10)) == "1/2"


TIMES = st.integers(-30, 420).map(lambda days: on(1, 1) + days * DAY)


@given(
    people=st.lists(st.tuples(TIMES, st.none() | TIMES, st.lists(TIMES, max_size=4), st.lists(TIMES, max_size=9)), max_size=6),
    code=st.sampled_from(["2026", "2026-Q1", "2026-11", "2026-02", "2026-06-15"]),
    now=TIMES,
)  # fmt: skip
@settings(deadline=None)
def test_trainings_and_supervisions_again(
    people: Sequence[tuple[datetime, datetime | None, list[datetime], list[datetime]]], code: str, now: datetime
) -> None:
    period = read_period(code)
    until, days = min(period.until, now), [on(1, 1) + n * DAY for n in range(365)]
    asked_to_train = trained = asked = met = 0
    for joined, left, trainings, supervisions in people:
        there = [day for day in days if joined <= day and (left is None or day < left)]
        if joined < until and len(there) >= 181:
            asked_to_train += 1
            trained += len([at for at in trainings if on(1, 1) <= at < until]) >= int(2 * len(there) / 365 + 0.5)
        for month in {day.month for day in days if period.holds(day) and on(day.month, 1) < until}:
            of_month = [day for day in days if day.month == month]
            if joined < until and 2 * len(set(of_month) & set(there)) >= len(of_month):
                asked += 1
                met += any(at < until and (at.year, at.month) == (2026, month) for at in supervisions)
    team = [colleague(one[0], one[1], trained=one[2], supervised=one[3]) for one in people]
    counts = counted(Facts(colleagues=team), period, now).counts
    assert (counts["people_to_train"], counts["people_trained"]) == (asked_to_train, trained)
    assert (counts["months_to_supervise"], counts["months_supervised"]) == (asked, met)


STATES = st.sampled_from(["proposed", "approved", "sent", "acknowledged", "refused", "withdrawn"])


@given(notices=st.lists(st.tuples(STATES, st.integers(-3, 3)), max_size=12))
@settings(deadline=None)
def test_notifications_again(notices: Sequence[tuple[str, int]]) -> None:
    facts, in_time, all_ = [], 0, 0
    for state, hours in notices:
        ended = None if state in ("proposed", "approved") else DUE + timedelta(hours=hours)
        facts.append(NotificationFact(DUE, state, ended))
        given_up = state in ("refused", "withdrawn") and hours <= 0
        all_ += not given_up
        in_time += state in ("sent", "acknowledged") and hours <= 0
    counts = counted(Facts(notifications=facts)).counts
    assert (counts["notifications"], counts["notifications_in_time"]) == (all_, in_time)
