"""Days unlike the same weekday of the weeks before: median and median absolute deviation. No I/O.

Says how much and compared with what, never why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

_WEEK = timedelta(weeks=1)
_TO_DEVIATION = 1.4826  # of a normal distribution
_LEAST_SPREAD = 1.0  # weeks that were all alike still differ by one
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Unusual:
    """The reviewed numbers: what counts as unlike."""

    weeks: int
    least_weeks: int
    times: float
    least_apart: int


@dataclass(frozen=True)
class Anomaly:
    """One day, and what it is compared with."""

    day: date
    count: int
    usual: float
    weeks: int

    def words(self, *, least_shown: int = 0) -> str:
        """What the data says; a usual number below `least_shown` is not told."""
        weekday = f"前{self.weeks}个星期{_WEEKDAYS[self.day.weekday()]}"
        if self.usual < least_shown:
            return f"{self.count}，比{weekday}的中位数{'多' if self.count > self.usual else '少'}"
        compared = f"{self.count}，{weekday}的中位数是 {self.usual:g}"
        if not self.usual:
            return compared
        return f"{compared}，是平常的 {self.count / self.usual:.1f} 倍"


def unlike(by_day: Mapping[str, int], first: date, end: date, rules: Unusual) -> list[Anomaly]:
    """Days before `end` that stand out, oldest first. What lies before the first day with anything is no zero."""
    began = min((date.fromisoformat(day) for day in by_day), default=end)
    found = []
    for number in range((end - first).days):
        day = first + timedelta(days=number)
        before = [day - _WEEK * week for week in range(1, rules.weeks + 1)]
        counts = [by_day.get(str(one), 0) for one in before if one >= began]
        if len(counts) >= rules.least_weeks and _stands_out(by_day.get(str(day), 0), counts, rules):
            found.append(Anomaly(day, by_day.get(str(day), 0), median(counts), len(counts)))
    return found


def _stands_out(count: int, before: list[int], rules: Unusual) -> bool:
    usual = median(before)
    apart = abs(count - usual)
    deviation = max(_LEAST_SPREAD, median(abs(one - usual) for one in before)) * _TO_DEVIATION
    return apart >= rules.least_apart and apart > rules.times * deviation
