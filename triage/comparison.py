"""Two screenings on the same messages: what each found that the other missed, and whether that can be chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from triage.measure import Example
from triage.risk import Level


@dataclass(frozen=True, slots=True)
class Paired:
    """One question asked of both screenings about the same messages."""

    whole: int
    only_old: tuple[str, ...]  # ids where only the old one was right
    only_new: tuple[str, ...]  # ids where only the new one is right

    @property
    def difference(self) -> float:
        """Share that the new one gains; negative where it loses."""
        return (len(self.only_new) - len(self.only_old)) / self.whole if self.whole else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the difference (Wald, for paired shares)."""
        if not self.whole:
            return math.nan, math.nan
        apart = len(self.only_new) + len(self.only_old)
        half = 1.96 * math.sqrt(max(apart / self.whole - self.difference**2, 0.0) / self.whole)
        return self.difference - half, self.difference + half

    @property
    def chance(self) -> float:
        """How likely so uneven a split is if both were equally good (McNemar, exact, two-sided)."""
        low, apart = min(len(self.only_old), len(self.only_new)), len(self.only_old) + len(self.only_new)
        return min(1.0, 2.0 * sum(math.comb(apart, k) for k in range(low + 1)) / float(2**apart))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Old and new screening on one set."""

    found: Paired  # messages of level >= 3 called >= 3
    quiet: Paired  # messages of level 0-1 called below 3
    exact: Paired


def compare(examples: Sequence[Example], old: Callable[[str], Level], new: Callable[[str], Level]) -> Comparison:
    """Judge every example by both."""
    judged = [(example, old(example.text), new(example.text)) for example in examples]

    def paired(among: Callable[[Level], bool], right: Callable[[Level, Level], bool]) -> Paired:
        some = [(e.id, right(e.level, a), right(e.level, b)) for e, a, b in judged if among(e.level)]
        return Paired(
            len(some),
            tuple(id for id, was, now in some if was and not now),
            tuple(id for id, was, now in some if now and not was),
        )

    return Comparison(
        found=paired(lambda level: level >= Level.HIGH, lambda _, guess: guess >= Level.HIGH),
        quiet=paired(lambda level: level <= Level.LOW, lambda _, guess: guess < Level.HIGH),
        exact=paired(lambda _: True, lambda level, guess: level == guess),
    )
