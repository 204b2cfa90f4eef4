"""Planned shifts: times that nobody fills, runs that are too long, and last week's once more. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from escalation.cases import NotAllowed
from records.roster import Planned

ROLE_WORDS = {
    "seat": "坐席",
    "lead": "值班长",
    "supervisor": "督导",
    "volunteer": "志愿者",
    "oncall": "听班（随叫）",
}
SEATED = frozenset({"seat", "lead"})  # who counts as a seat: volunteers never sit alone
LEADING = frozenset({"lead"})
ON_CALL = frozenset({"oncall"})  # at home: no hours of work
WEEK = timedelta(days=7)
_LONGEST_ENTRY = timedelta(hours=24)


@dataclass(frozen=True)
class Gap:
    """A time with too few people; none at all where `seats` is 0."""

    begins_at: datetime
    ends_at: datetime
    seats: int


@dataclass(frozen=True)
class LongRun:
    """Somebody planned for too many hours in a row."""

    counsellor_id: str
    begins_at: datetime
    ends_at: datetime


def check(planned: Planned, others: Iterable[Planned]) -> None:
    """Whether a shift can be planned beside the others; raise NotAllowed in words."""
    if planned.role not in ROLE_WORDS:
        raise NotAllowed("请选择岗位")
    if not timedelta() < planned.ends_at - planned.begins_at <= _LONGEST_ENTRY:
        raise NotAllowed("结束时间要晚于开始时间，一个班最多 24 小时")
    if any(_overlap(planned, other) for other in others if other.counsellor_id == planned.counsellor_id):
        raise NotAllowed("这位同事这段时间已经排班了")


def gaps(
    plan: Iterable[Planned], begins_at: datetime, ends_at: datetime, least: int, duties: Collection[str] = SEATED
) -> list[Gap]:
    """Times between two moments with fewer than `least` people in these duties, in order."""
    seated = [entry for entry in plan if entry.role in duties]
    edges = {begins_at, ends_at} | {at for entry in seated for at in (entry.begins_at, entry.ends_at)}
    inside = sorted(at for at in edges if begins_at <= at <= ends_at)
    found: list[Gap] = []
    for start, end in zip(inside, inside[1:], strict=False):
        seats = len({entry.counsellor_id for entry in seated if entry.begins_at <= start and entry.ends_at >= end})
        if seats >= least:
            continue
        if found and found[-1].ends_at == start and found[-1].seats == seats:
            found[-1] = replace(found[-1], ends_at=end)
        else:
            found.append(Gap(start, end, seats))
    return found


def long_runs(plan: Iterable[Planned], longest: timedelta) -> list[LongRun]:
    """Who is planned for more than the allowed hours without a pause; shifts that touch count as one."""
    runs: list[LongRun] = []
    for entry in sorted(worked(plan), key=lambda one: (one.counsellor_id, one.begins_at)):
        last = runs[-1] if runs else None
        if last and last.counsellor_id == entry.counsellor_id and entry.begins_at <= last.ends_at:
            runs[-1] = replace(last, ends_at=max(last.ends_at, entry.ends_at))
        else:
            runs.append(LongRun(entry.counsellor_id, entry.begins_at, entry.ends_at))
    return [run for run in runs if run.ends_at - run.begins_at > longest]


def worked(plan: Iterable[Planned]) -> list[Planned]:
    """Shifts that are hours of work, in order."""
    return sorted((one for one in plan if one.role not in ON_CALL), key=lambda one: one.begins_at)


def copied(plan: Iterable[Planned], already: Sequence[Planned]) -> list[Planned]:
    """The same shifts a week later, without those that somebody has planned by hand meanwhile."""
    later = [replace(one, id="", begins_at=one.begins_at + WEEK, ends_at=one.ends_at + WEEK) for one in plan]
    return [
        one
        for one in later
        if not any(other.counsellor_id == one.counsellor_id and _overlap(one, other) for other in already)
    ]


def _overlap(one: Planned, other: Planned) -> bool:
    return one.begins_at < other.ends_at and other.begins_at < one.ends_at
