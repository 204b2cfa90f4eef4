"""How many trainings and supervisions somebody owes, and what to say ahead of time. No I/O.

Source: the county plan (every counsellor at least two trainings a year and one supervision a month). Who joins within
a year or month owes the part of it that is left, rounded half up: six months or more of a year are a full one of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from escalation.supervision.sampling import month_start
from records.trainings import Supervision, Training

_ZONE = ZoneInfo("Asia/Shanghai")
TRAINING_WARNING = timedelta(days=30)
SUPERVISION_WARNING = timedelta(days=7)


@dataclass(frozen=True)
class Duties:
    """What a deployment asks for."""

    trainings_a_year: int
    supervisions_a_month: int


@dataclass(frozen=True)
class Duty:
    """One duty within its year or month."""

    needed: int
    done: int
    until: datetime  # the end of the year or month
    is_near: bool  # something is missing and the end is near

    @property
    def missing(self) -> int:
        """How many are still to come."""
        return max(0, self.needed - self.done)


@dataclass(frozen=True)
class Standing:
    """How somebody stands, and what they and their supervisor are told."""

    training: Duty
    supervision: Duty
    warnings: tuple[str, ...]


def standing(
    joined_at: datetime, trainings: Sequence[Training], supervisions: Sequence[Supervision], duties: Duties,
    now: datetime,
) -> Standing:  # fmt: skip
    """One person's trainings and supervisions against what is asked for now."""
    year, next_year = year_start(now), year_start(now, 1)
    month, next_month = month_start(now), month_start(month_start(now) + timedelta(days=32))
    training = _duty(
        sum(year <= one.held_at <= now for one in trainings), owed(duties.trainings_a_year, year, next_year, joined_at),
        next_year, TRAINING_WARNING, now,
    )  # fmt: skip
    supervision = _duty(
        sum(month <= one.held_at <= now for one in supervisions),
        owed(duties.supervisions_a_month, month, next_month, joined_at), next_month, SUPERVISION_WARNING, now,
    )  # fmt: skip
    return Standing(training, supervision, (*_missing(training, supervision), *_expiring(trainings, now)))


def owed(count: int, begin: datetime, end: datetime, joined_at: datetime, left_at: datetime | None = None) -> int:
    """The part of a duty that is left to somebody who joined (or left) within its time, rounded half up."""
    left = (min(end, left_at or end) - max(begin, joined_at)) / (end - begin)
    return int(count * min(1.0, max(0.0, left)) + 0.5)


def year_start(now: datetime, later: int = 0) -> datetime:
    """The first day of this year (or a later one), 00:00 in Shanghai."""
    local = now.astimezone(_ZONE)
    return datetime(local.year + later, 1, 1, tzinfo=_ZONE)


def day(at: datetime) -> date:
    """The day of Shanghai."""
    return at.astimezone(_ZONE).date()


def _duty(done: int, needed: int, until: datetime, ahead: timedelta, now: datetime) -> Duty:
    left = day(until - timedelta(days=1)) - day(now)
    return Duty(needed, done, until, done < needed and left <= ahead)


def _missing(training: Duty, supervision: Duty) -> list[str]:
    found = []
    if training.is_near:
        found.append(f"今年还差 {training.missing} 次培训，请在12月31日前参加")
    if supervision.is_near:
        last = day(supervision.until - timedelta(days=1))
        found.append(f"这个月还差 {supervision.missing} 次督导，请在{last.month}月{last.day}日前约好")
    return found


def _expiring(trainings: Sequence[Training], now: datetime) -> list[str]:
    """Trainings that lose their force soon or have lost it; a newer one of the same topic takes its place."""
    newest: dict[str, Training] = {}
    for one in sorted(trainings, key=lambda one: one.held_at):
        newest[one.topic] = one
    found = []
    for one in newest.values():
        if one.expires_at is None or day(one.expires_at) - day(now) > TRAINING_WARNING:
            continue
        last = day(one.expires_at)
        gone = last < day(now)
        found.append(
            f"“{one.topic}”{last.year}年{last.month}月{last.day}日{'已经到期' if gone else '到期'}，请安排复训"
        )
    return found
