"""What counting brings: plain counts by name, splits of a total, and measured values. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil


@dataclass(frozen=True)
class Numbers:
    """The reviewed numbers of the definitions."""

    pause: timedelta  # who writes after it comes anew
    queue_again: timedelta  # who asks again so soon asked once
    repeat_sessions: int  # so many sessions ...
    repeat: timedelta  # ... within so long is coming again and again
    eased_by: int  # points of 100 that distress must fall
    record_due: timedelta  # a case given back to the bot needs its record by then
    late: timedelta
    ahead: timedelta
    on_duty: timedelta  # so long of a year, and its trainings count
    least_shown: int  # smaller counts are not shown outside


@dataclass(frozen=True)
class Spread:
    """Measured values in a few numbers; of none there is nothing to say."""

    count: int
    mean: float
    median: float
    p90: float


@dataclass(frozen=True)
class Tally:
    """Everything that was counted in a period."""

    counts: Mapping[str, int] = field(default_factory=dict)
    splits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    spreads: Mapping[str, Spread] = field(default_factory=dict)

    def __or__(self, other: Tally) -> Tally:
        """Both; no name may stand in both."""
        return Tally(
            {**self.counts, **other.counts}, {**self.splits, **other.splits}, {**self.spreads, **other.spreads}
        )  # fmt: skip


def spread(values: Iterable[float]) -> Spread:
    """Mean, median and 90th percentile (the smallest value that so many do not exceed)."""
    ordered = sorted(values)
    if not ordered:
        return Spread(0, 0.0, 0.0, 0.0)
    return Spread(len(ordered), sum(ordered) / len(ordered), _at(ordered, 0.5), _at(ordered, 0.9))


def split(keys: Iterable[str], known: Sequence[str]) -> dict[str, int]:
    """How often each key stands; those of `known` first and in their order, also when there are none."""
    found = Counter(keys)
    return {key: found.pop(key, 0) for key in known} | dict(sorted(found.items()))


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
