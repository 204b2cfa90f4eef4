"""Counts of the house: complaints, notifications, drills, who was trained and supervised as owed. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from escalation.practice.plans import completion
from escalation.practice.scripts import PracticeRules
from escalation.record.form import Form
from escalation.reports.periods import Period, period_of
from escalation.reports.talks import ClaimBy
from escalation.reports.tally import Numbers, Tally
from escalation.shift.after_claim import Promised
from escalation.supervision.duty import Duties, owed
from escalation.supervision.review import REVIEWED_ROLES
from records.facts.kinds import Colleague, Complaint, DrillFact, NotificationFact

_SENT = ("sent", "acknowledged")


@dataclass(frozen=True)
class HouseRules:
    """What the house promises and asks for, by which it is counted."""

    form: Form
    claim_by: ClaimBy
    duties: Duties
    practice: PracticeRules
    promised: Promised


def count_complaints(complaints: Sequence[Complaint], period: Period) -> Tally:
    """Those made in the period, and sessions of the period that anybody complained of, whenever it was."""
    sessions = {(one.conversation_id, at) for one in complaints if (at := one.session_at) and period.holds(at)}
    return Tally(
        {
            "complaints": sum(period.holds(one.made_at) for one in complaints),
            "sessions_complained": len(sessions),
        }
    )


def count_notifications(due: Sequence[NotificationFact]) -> Tally:
    """Sent before their clock ran out, of all that were not given up before it did."""
    owing = [one for one in due if one.state in _SENT or not _ended_in_time(one)]
    return Tally(
        {
            "notifications": len(owing),
            "notifications_in_time": sum(one.state in _SENT and _ended_in_time(one) for one in owing),
        }
    )


def count_drills(drills: Sequence[DrillFact], rules: PracticeRules, now: datetime) -> Tally:
    """The same rate as on the page of drills, of those planned for the period."""
    found = completion(drills, rules, now)
    return Tally({"drills_planned": found.planned, "drills_done": found.done})


def count_growth(
    colleagues: Sequence[Colleague], period: Period, now: datetime, numbers: Numbers, duties: Duties
) -> Tally:  # fmt: skip
    """Who was trained as the year asks, up to the period's end; who was supervised, month by month."""
    until = min(period.until, now)
    team = [one for one in colleagues if REVIEWED_ROLES & set(one.roles) and one.joined_at < until]
    year = period_of("year", period.first)
    lasting = [one for one in team if _on_duty_long(one, year, numbers)]
    months = [
        (_part(one, duties.supervisions_a_month, month), _within(one.supervised, month, until))
        for month in _months(period) if month.since < until for one in team
    ]  # fmt: skip
    asked = [(needed, done) for needed, done in months if needed]
    return Tally(
        {
            "people_to_train": len(lasting),
            "people_trained": sum(
                _within(one.trained, year, until) >= _part(one, duties.trainings_a_year, year) for one in lasting
            ),
            "months_to_supervise": len(asked),
            "months_supervised": sum(done >= needed for needed, done in asked),
        }
    )


def _ended_in_time(one: NotificationFact) -> bool:
    return one.ended_at is not None and one.ended_at <= one.due_at


def _on_duty_long(who: Colleague, year: Period, numbers: Numbers) -> bool:
    end = min(year.until, who.left_at or year.until)
    return end - max(year.since, who.joined_at) >= numbers.on_duty


def _part(who: Colleague, count: int, time: Period) -> int:
    return owed(count, time.since, time.until, who.joined_at, who.left_at)


def _within(held: Sequence[datetime], time: Period, until: datetime) -> int:
    return sum(time.since <= at < min(time.until, until) for at in held)


def _months(period: Period) -> Iterator[Period]:
    month = period_of("month", period.first)
    while month.first < period.end:
        yield month
        month = month.after
