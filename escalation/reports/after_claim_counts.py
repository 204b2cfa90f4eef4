"""Counts of what is promised after a claim: the first word, and the assessment. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from escalation.reports.periods import Period
from escalation.reports.tally import Tally
from records.facts.kinds import CaseFact, Stretch
from triage.risk import Level

Promise = Mapping[Level, timedelta]
_ASSESSED = (Level.HIGH, Level.MEDIUM)


def count_first_words(stretches: Sequence[Stretch], period: Period, now: datetime, promise: Promise) -> Tally:
    """Claims by the level they met, and those where the person heard a first word in time, of whomever it was.

    Whose time still runs is not counted yet, nor who was put back into the queue before it had run out.
    """
    stays: dict[tuple[str, datetime], list[Stretch]] = defaultdict(list)
    for one in stretches:
        stays[one.case_id, one.claimed_at or one.began_at].append(one)
    owed, kept = dict.fromkeys(promise, 0), dict.fromkeys(promise, 0)
    for (_, claimed_at), stay in stays.items():
        first = next((one for one in stay if one.began_at == claimed_at), None)
        if first is None or first.level not in promise or not period.holds(claimed_at):
            continue
        by = claimed_at + promise[first.level]
        word = min((one.greeted_at for one in stay if one.greeted_at is not None), default=None)
        if word is None and (by > now or _is_over(stay, by)):
            continue
        owed[first.level] += 1
        kept[first.level] += word is not None and word <= by
    return Tally(
        {f"claims_{level.code}": number for level, number in owed.items()}
        | {f"claims_{level.code}_in_time": number for level, number in kept.items()}
    )


def _is_over(stay: Sequence[Stretch], by: datetime) -> bool:
    """Whether nobody served it any more when the time ran out."""
    return all(one.ended_at is not None and one.ended_at < by for one in stay)


def count_assessments(cases: Sequence[CaseFact], now: datetime, promise: Promise) -> Tally:
    """Cases by the level they had when somebody took them, and those whose danger was assessed in time."""
    counts: dict[str, int] = {}
    for level in _ASSESSED:
        own = [case for case in cases if _level_at_claim(case) == level and _owes(case, now, promise[level])]
        kept = [case for case in own if case.assessed_at is not None and case.assessed_at <= _by(case, promise[level])]
        counts |= {f"assessments_{level.code}": len(own), f"assessments_{level.code}_in_time": len(kept)}
    return Tally(counts)


def _level_at_claim(case: CaseFact) -> Level | None:
    claimed_at = case.claimed_at
    if claimed_at is None:
        return None
    return next((step.to for step in reversed(case.steps) if step.at <= claimed_at), None)


def _owes(case: CaseFact, now: datetime, promise: timedelta) -> bool:
    if case.assessed_at is not None:
        return True
    return case.level >= Level.MEDIUM and _by(case, promise) <= now


def _by(case: CaseFact, promise: timedelta) -> datetime:
    return (case.claimed_at or case.opened_at) + promise
