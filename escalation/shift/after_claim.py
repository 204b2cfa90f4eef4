"""What whoever takes a case owes: a first word to the person, then the assessment. No I/O; `now` is passed in.

The clock of the first word runs anew for each who takes it while nobody has spoken yet; that of the assessment goes on
when the case is passed on. A level that rises starts both: nobody is late for a danger that was not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from escalation.shift.volunteers import may_take
from records.stints import Live
from triage.risk import Level


class What(StrEnum):
    """What is owed."""

    WORD = "word"
    ASSESSMENT = "assessment"


@dataclass(frozen=True)
class Promised:
    """How soon after a claim, for the levels where it is promised."""

    word: Mapping[Level, timedelta]
    assessment: Mapping[Level, timedelta]


@dataclass(frozen=True)
class Clock:
    """Something owed since a moment, by another."""

    what: What
    since: datetime
    by: datetime

    def is_late(self, now: datetime) -> bool:
        """Whether its time is over."""
        return now >= self.by


def word(live: Live, promised: Promised) -> Clock | None:
    """The first word, while no counsellor has said one."""
    if live.stint.greeted_at is not None or live.level not in promised.word:
        return None
    since = _later(live.stint.began_at, live.risen_at)
    return Clock(What.WORD, since, since + promised.word[live.level])


def assessment(live: Live, promised: Promised) -> Clock | None:
    """The assessment, while it is not complete; a volunteer beside a case that has risen owes none."""
    if live.assessed_at is not None or live.level not in promised.assessment:
        return None
    if not may_take(live.owner_roles, live.level):
        return None
    since = _later(live.stint.claimed_at, live.risen_at)
    return Clock(What.ASSESSMENT, since, since + promised.assessment[live.level])


def clocks(live: Live, promised: Promised) -> list[Clock]:
    """What is owed now."""
    return [clock for clock in (word(live, promised), assessment(live, promised)) if clock is not None]


def needs_reminder(live: Live, promised: Promised, now: datetime) -> bool:
    """Whether owner and lead are to be told that the assessment is overdue: once, and nobody loses a case for it."""
    clock = assessment(live, promised)
    return live.stint.reminded_at is None and clock is not None and clock.is_late(now)


def _later(at: datetime, risen_at: datetime | None) -> datetime:
    return at if risen_at is None else max(at, risen_at)
