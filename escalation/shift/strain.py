"""What a planned shift asks of its person and leaves open around it: said beside the entry, never forbidden. No I/O.

Pauses between shifts, hours and nights in a row are our own advice, not a rule of any document (domain part B.10).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from escalation.shift.exposure import week_start
from escalation.shift.roster import LEADING, SEATED, WEEK, gaps, long_runs, worked
from records.roster import Planned

_ZONE = ZoneInfo("Asia/Shanghai")
_NIGHT_ENDS = time(5)  # a shift with any time between midnight and then is a night
_HOUR = timedelta(hours=1)
AROUND = 2 * WEEK  # so much of the plan before and after a shift decides what is said of it


@dataclass(frozen=True)
class Strain:
    """How much this deployment advises at most."""

    longest: timedelta  # hours in a row
    rest: timedelta  # between two shifts
    week: timedelta  # hours from Monday to Sunday
    nights: int  # in a row


@dataclass(frozen=True)
class Advice:
    """One thing to think about. `kind`: long | rest | week | nights | seats | lead | alone."""

    kind: str
    words: str


def advice(one: Planned, plan: Iterable[Planned], rules: Strain, least_seats: int) -> list[Advice]:
    """What to think about beside one shift of a plan that holds it."""
    everything = [*plan]
    own = worked(other for other in everything if other.counsellor_id == one.counsellor_id)
    personal = [*_long(one, own, rules), *_rest(one, own, rules), *_week(one, own, rules), *_nights(one, own, rules)]
    return (personal if one in own else []) + _around(one, everything, least_seats)


def _long(one: Planned, own: Sequence[Planned], rules: Strain) -> list[Advice]:
    runs = [run for run in long_runs(own, rules.longest) if run.begins_at <= one.begins_at < run.ends_at]
    return [
        Advice("long", f"连续 {_hours(run.ends_at - run.begins_at)}（建议不超过 {_hours(rules.longest)}）")
        for run in runs
    ]


def _rest(one: Planned, own: Sequence[Planned], rules: Strain) -> list[Advice]:
    """A shift that touches another is one long shift, not a short pause."""
    before = max((other.ends_at for other in own if other.ends_at <= one.begins_at), default=None)
    after = min((other.begins_at for other in own if other.begins_at >= one.ends_at), default=None)
    pauses = [
        ("离上一个班", one.begins_at - before if before else rules.rest),
        ("离下一个班", after - one.ends_at if after else rules.rest),
    ]
    return [
        Advice("rest", f"{words}只有 {_hours(pause)}（建议至少 {_hours(rules.rest)}）")
        for words, pause in pauses
        if timedelta() < pause < rules.rest
    ]


def _week(one: Planned, own: Sequence[Planned], rules: Strain) -> list[Advice]:
    found = []
    for monday in sorted({week_start(one.begins_at), week_start(one.ends_at - timedelta(microseconds=1))}):
        parts = (min(other.ends_at, monday + WEEK) - max(other.begins_at, monday) for other in own)
        spent = sum((part for part in parts if part > timedelta()), timedelta())
        if spent > rules.week:
            found.append(Advice("week", f"这一周共 {_hours(spent)}（建议不超过 {_hours(rules.week)}）"))
    return found


def _nights(one: Planned, own: Sequence[Planned], rules: Strain) -> list[Advice]:
    mine = nights_of(one)
    if not mine:
        return []
    worked_at = {night for other in own for night in nights_of(other)}
    first, last = min(mine), max(mine)
    while first - timedelta(days=1) in worked_at:
        first -= timedelta(days=1)
    while last + timedelta(days=1) in worked_at:
        last += timedelta(days=1)
    number = (last - first).days + 1
    return [Advice("nights", f"连续 {number} 个夜班（建议不超过 {rules.nights} 个）")] if number > rules.nights else []


def nights_of(one: Planned) -> set[date]:
    """The mornings into which a shift goes on through the night."""
    begins, ends = one.begins_at.astimezone(_ZONE), one.ends_at.astimezone(_ZONE)
    days = [begins.date() + timedelta(days=number) for number in range((ends.date() - begins.date()).days + 1)]
    return {
        day
        for day in days
        if begins < datetime.combine(day, _NIGHT_ENDS, _ZONE) and ends > datetime.combine(day, time(), _ZONE)
    }


def _around(one: Planned, plan: Sequence[Planned], least_seats: int) -> list[Advice]:
    """What the hours of this shift still lack."""
    few = gaps(plan, one.begins_at, one.ends_at, least_seats)
    none = [gap for gap in few if not gap.seats]
    found = []
    if one.role == "volunteer" and none:
        found.append(Advice("alone", f"志愿者独自一人：{spans([(gap.begins_at, gap.ends_at) for gap in none])}"))
    elif one.role in SEATED and few:
        words = spans([(gap.begins_at, gap.ends_at) for gap in few])
        found.append(Advice("seats", f"坐席不到 {least_seats} 个：{words}"))
    unled = gaps(plan, one.begins_at, one.ends_at, 1, LEADING)
    if unled and one.role in SEATED | {"volunteer"}:
        found.append(Advice("lead", f"没有值班长：{spans([(gap.begins_at, gap.ends_at) for gap in unled])}"))
    return found


def spans(times: Sequence[tuple[datetime, datetime]]) -> str:
    """Hours as people say them; the first two of many."""
    words = [f"{begins.astimezone(_ZONE):%H:%M}–{ends.astimezone(_ZONE):%H:%M}" for begins, ends in times[:2]]
    return "、".join(words) + (f" 等 {len(times)} 段" if len(times) > 2 else "")


def _hours(span: timedelta) -> str:
    return f"{round(span / _HOUR, 1):g} 小时"
