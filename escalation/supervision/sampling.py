"""Which ended cases are looked at: by level, by share, at least one a month for everybody. Nobody picks. No I/O.

Whether a case is drawn follows from its ticket, a keyed hash of its id: the same at every run, guessed by nobody.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from records.reviews import Served
from triage.risk import Level

_ZONE = ZoneInfo("Asia/Shanghai")
Ticket = Callable[[str], float]  # case -> a number from 0 to 1


class BadSampling(Exception):
    """The sampling rules cannot be used."""


@dataclass(frozen=True)
class Sampling:
    """The rules, as data."""

    share: Mapping[Level, float]
    within: Mapping[Level, timedelta]
    monthly_least: int
    monthly_from_day: int
    every: timedelta
    look_back: timedelta
    why: Mapping[str, str]  # code -> words


@dataclass(frozen=True)
class Ended:
    """One case whose handling has ended, and who did most of it."""

    case_id: str
    counsellor_id: str
    level: Level
    ended_at: datetime
    is_drill: bool


@dataclass(frozen=True)
class Drawn:
    """A case that is to be looked at, and why."""

    case: Ended
    why: str
    due_by: datetime


def load_sampling(path: Path = Path(__file__).parent / "sampling.toml") -> Sampling:
    """Read and check the rules; raise BadSampling that says what cannot be used."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        rules = Sampling(
            share={level: float(raw["share"][level.code]) for level in Level},
            within={level: timedelta(hours=raw["within_h"][level.code]) for level in Level},
            monthly_least=int(raw["monthly"]["least"]), monthly_from_day=int(raw["monthly"]["from_day"]),
            every=timedelta(minutes=raw["clock"]["every_min"]),
            look_back=timedelta(days=raw["clock"]["look_back_days"]), why=dict(raw["why"]),
        )  # fmt: skip
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadSampling(f"{path}: {error!r}") from error
    if not all(0 <= share <= 1 for share in rules.share.values()):
        raise BadSampling(f"{path}: a share lies between 0 and 1")
    if not 1 <= rules.monthly_from_day <= 28:
        raise BadSampling(f"{path}: from_day is a day that every month has")
    if missing := {"all", "share", "monthly", "chosen"} - set(rules.why):
        raise BadSampling(f"{path}: no words for {sorted(missing)}")
    return rules


def ended_cases(served: Iterable[Served]) -> list[Ended]:
    """Each case with its highest level and the one who spent most time with it."""
    by_case: dict[str, list[Served]] = {}
    for stretch in served:
        by_case.setdefault(stretch.case_id, []).append(stretch)
    return [_ended(case_id, stretches) for case_id, stretches in by_case.items()]


def _ended(case_id: str, stretches: Sequence[Served]) -> Ended:
    spent: dict[str, timedelta] = {}
    for one in stretches:
        spent[one.counsellor_id] = spent.get(one.counsellor_id, timedelta()) + (one.ended_at - one.began_at)
    return Ended(
        case_id, max(spent, key=lambda who: spent[who]), max(one.peak for one in stretches),
        max(one.ended_at for one in stretches), any(one.is_drill for one in stretches),
    )  # fmt: skip


def draw(
    cases: Sequence[Ended], reviewed: Mapping[str, int], rules: Sampling, ticket: Ticket, now: datetime
) -> list[Drawn]:
    """What is to be looked at; `reviewed` counts each counsellor's reviews of this month. Drills never are."""
    real = [case for case in cases if not case.is_drill]
    drawn = [
        drawn_as(case, "all" if rules.share[case.level] >= 1 else "share", rules)
        for case in real
        if ticket(case.case_id) < rules.share[case.level]
    ]
    return drawn + _monthly(real, drawn, reviewed, rules, ticket, now)


def drawn_as(case: Ended, why: str, rules: Sampling) -> Drawn:
    """A case with the time by which it is looked at."""
    return Drawn(case, why, case.ended_at + rules.within[case.level])


def month_start(now: datetime) -> datetime:
    """The first day of this month, 00:00 in Shanghai."""
    return now.astimezone(_ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _monthly(
    cases: Sequence[Ended], drawn: Sequence[Drawn], reviewed: Mapping[str, int], rules: Sampling, ticket: Ticket,
    now: datetime,
) -> list[Drawn]:  # fmt: skip
    """What those still lack in whose month nothing, or too little, was drawn."""
    if now.astimezone(_ZONE).day < rules.monthly_from_day:
        return []
    begin, taken = month_start(now), {one.case.case_id for one in drawn}
    mine: dict[str, list[Ended]] = {}
    for case in cases:
        if case.ended_at >= begin and case.case_id not in taken:
            mine.setdefault(case.counsellor_id, []).append(case)
    found = []
    for who, left in mine.items():
        have = reviewed.get(who, 0) + sum(one.case.counsellor_id == who and one.case.ended_at >= begin for one in drawn)
        lowest = sorted(left, key=lambda case: ticket(case.case_id))[: max(0, rules.monthly_least - have)]
        found += [drawn_as(case, "monthly", rules) for case in lowest]
    return found
