"""Measures a screening on labelled messages and conversations: who was missed, who was alarmed for nothing.

The measures are those of the label guide. Nothing here prints; `hotline eval screening` does.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from triage.memory import Memory
from triage.risk import Level
from triage.screen import Screener

# The list that a first version of such a service usually has; kept only for comparison.
KEYWORDS = (
    *("自杀", "想死", "去死", "不想活", "活着没意思", "活不下去", "轻生", "寻死", "结束生命", "自残"),
    *("割腕", "跳楼", "上吊", "安眠药", "农药", "烧炭", "遗书", "遗言", "跳河", "吞药"),
    *("解脱", "生无可恋", "杀了", "杀人", "捅死", "家暴", "强奸", "幻听", "救命", "一了百了"),
)
_GRADES = len(Level)
_Z95 = 1.959964
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled message."""

    id: str
    text: str
    level: Level
    categories: tuple[str, ...]
    form: str


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with a 95% Wilson interval."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """The share; of nothing it is not a number."""
        return self.part / self.whole if self.whole else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper 95% bound."""
        if not self.whole:
            return (math.nan, math.nan)
        n, p, z = self.whole, self.value, _Z95
        middle = p + z * z / (2 * n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


@dataclass(frozen=True, slots=True)
class Report:
    """All measures of one screening on one set."""

    recall_high: Share  # level >= 3 predicted >= 3
    recall_emergency: Share  # level 4 predicted >= 3
    false_high: Share  # level 0-1 predicted >= 3
    false_medium: Share  # level 0 predicted >= 2
    under_by_two: Share  # predicted two or more below the label
    exact: Share
    kappa: float  # quadratic-weighted
    by_category: tuple[tuple[str, Share, Share], ...]  # name, recall_high, false_high
    by_form: tuple[tuple[str, Share, Share], ...]
    p50_ms: float
    p99_ms: float


def parse_examples(lines: Iterable[str]) -> tuple[Example, ...]:
    """Read JSON lines of the development or test set."""
    rows = (json.loads(line) for line in lines if line.strip())
    return tuple(
        Example(row["id"], row["text"], Level(row["level"]), tuple(row.get("categories", ())), row.get("form", ""))
        for row in rows
    )


def by_keywords(text: str) -> Level:
    """The baseline: any keyword is high."""
    return Level.HIGH if any(word in text for word in KEYWORDS) else Level.NONE


def measure(examples: Sequence[Example], judge: Callable[[str], Level]) -> Report:
    """Judge every example and count; times are of a second pass, as in a service that has been running."""
    predicted = [judge(example.text) for example in examples]
    times_ms = []
    for example in examples:
        start = time.thread_time()  # computing time: a busy machine must not look like slow rules
        judge(example.text)
        times_ms.append((time.thread_time() - start) * 1000)
    return report(examples, predicted, times_ms)


def report(examples: Sequence[Example], predicted: Sequence[Level], times_ms: Sequence[float]) -> Report:
    """The measures of given predictions."""
    pairs = list(zip(examples, predicted, strict=True))
    categories = sorted({name for example in examples for name in example.categories})
    forms = sorted({example.form for example in examples})
    return Report(
        recall_high=_recall(pairs),
        recall_emergency=_recall([(e, p) for e, p in pairs if e.level == Level.EMERGENCY]),
        false_high=_false(pairs),
        false_medium=_share([p >= Level.MEDIUM for e, p in pairs if e.level == Level.NONE]),
        under_by_two=_share([e.level - p >= 2 for e, p in pairs]),
        exact=_share([e.level == p for e, p in pairs]),
        kappa=quadratic_kappa([(e.level, p) for e, p in pairs]),
        by_category=_groups(pairs, categories, lambda example: example.categories),
        by_form=_groups(pairs, forms, lambda example: (example.form,)),
        p50_ms=percentile(times_ms, 0.50),
        p99_ms=percentile(times_ms, 0.99),
    )


@dataclass(frozen=True, slots=True)
class TurnReport:
    """All measures of one screening on conversations, turn by turn."""

    reached: Share  # turns where the conversation is of level >= 3 and counts as such
    reached_in_time: Share  # conversations that reach level 3 and were found not later than at that turn
    alarmed: Share  # turns of level 0-1 that count as >= 3
    disturbed: Share  # conversations that never rise above 1 and counted as >= 3 at any turn
    kappa: float


def measure_conversations(lines: Iterable[str], screener: Screener, *, remembers: bool = True) -> TurnReport:
    """Follow each conversation. A row has `turns` and `levels`: the level after each turn.

    Without memory every message stands alone: what the memory is worth.
    """
    turns: list[tuple[int, int]] = []
    in_time: list[bool] = []
    disturbed: list[bool] = []
    for row in (json.loads(line) for line in lines if line.strip()):
        pairs = list(zip(row["levels"], _followed(row["turns"], screener, remembers), strict=True))
        turns += pairs
        dangerous = next((at for at, (level, _) in enumerate(pairs) if level >= Level.HIGH), None)
        if dangerous is not None:
            in_time.append(any(guess >= Level.HIGH for _, guess in pairs[: dangerous + 1]))
        elif max(level for level, _ in pairs) <= Level.LOW:
            disturbed.append(any(guess >= Level.HIGH for _, guess in pairs))
    return TurnReport(
        reached=_share([guess >= Level.HIGH for level, guess in turns if level >= Level.HIGH]),
        reached_in_time=_share(in_time),
        alarmed=_share([guess >= Level.HIGH for level, guess in turns if level <= Level.LOW]),
        disturbed=_share(disturbed),
        kappa=quadratic_kappa(turns),
    )


def _followed(texts: Sequence[str], screener: Screener, remembers: bool) -> list[Level]:
    memory, levels = Memory(), []
    for text in texts:
        assessment = screener.screen(text, memory if remembers else Memory(), _ANY_TIME)
        memory = assessment.memory
        levels.append(memory.level if remembers else assessment.screening.level)
    return levels


Pairs = Sequence[tuple[Example, Level]]


def _share(claims: Sequence[bool]) -> Share:
    return Share(sum(claims), len(claims))


def _recall(pairs: Pairs) -> Share:
    return _share([p >= Level.HIGH for e, p in pairs if e.level >= Level.HIGH])


def _false(pairs: Pairs) -> Share:
    return _share([p >= Level.HIGH for e, p in pairs if e.level <= Level.LOW])


def _groups(
    pairs: Pairs, names: Sequence[str], of: Callable[[Example], tuple[str, ...]]
) -> tuple[tuple[str, Share, Share], ...]:
    found = []
    for name in names:
        some = [(e, p) for e, p in pairs if name in of(e)]
        found.append((name, _recall(some), _false(some)))
    return tuple(found)


def quadratic_kappa(pairs: Sequence[tuple[int, int]]) -> float:
    """Agreement beyond chance where a miss by two levels weighs four times a miss by one."""
    if not pairs:
        return math.nan
    said = [sum(1 for label, _ in pairs if label == grade) for grade in range(_GRADES)]
    heard = [sum(1 for _, guess in pairs if guess == grade) for grade in range(_GRADES)]
    seen = sum((label - guess) ** 2 for label, guess in pairs)
    chance = sum(said[i] * heard[j] * (i - j) ** 2 for i in range(_GRADES) for j in range(_GRADES))
    return 1.0 - seen * len(pairs) / chance if chance else 1.0


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
