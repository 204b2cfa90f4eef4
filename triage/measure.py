"""Measures the screening on labelled messages, beside a plain keyword list: python -m triage.measure FILE.

The measures are those of the label guide: who was missed, who was alarmed for nothing, and how fast.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from triage.loading import load_rulebook
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


def measure_conversations(lines: Iterable[str], screener: Screener) -> tuple[Share, Share]:
    """Turns that should count as high in their conversation and do; turns that should not but do.

    A row has `turns` and `levels`; the expected level of the conversation is the highest so far.
    """
    reached: list[bool] = []
    alarmed: list[bool] = []
    for row in (json.loads(line) for line in lines if line.strip()):
        memory, expected = Memory(), 0
        for text, level in zip(row["turns"], row["levels"], strict=True):
            memory = screener.screen(text, memory, _ANY_TIME).memory
            expected = max(expected, level)
            (reached if expected >= Level.HIGH else alarmed).append(memory.level >= Level.HIGH)
    return _share(reached), _share(alarmed)


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


def tables(reports: dict[str, Report]) -> list[Table]:
    """The printed form, one column a screening."""
    overall = Table("measure", *reports, title="screening")
    for name, read in _ROWS.items():
        overall.add_row(name, *(read(each) for each in reports.values()))
    made = [overall]
    for title in ("by_category", "by_form"):
        table = Table(title, *(f"{name} {what}" for name in reports for what in ("recall>=3", "false>=3")))
        for rows in zip(*(getattr(each, title) for each in reports.values()), strict=True):
            table.add_row(rows[0][0], *(_percent(share) for row in rows for share in row[1:]))
        made.append(table)
    return made


def _percent(share: Share) -> str:
    return f"{share.value:.1%} ({share.part}/{share.whole})" if share.whole else "-"


def _low(share: Share) -> str:
    return f"{_percent(share)}, 95% above {share.interval[0]:.1%}"


_ROWS: dict[str, Callable[[Report], str]] = {
    "recall of level >= 3 at >= 3": lambda r: _low(r.recall_high),
    "recall of level 4 at >= 3": lambda r: _low(r.recall_emergency),
    "false alarms: >= 3 on 0-1": lambda r: _percent(r.false_high),
    "false alarms: >= 2 on 0": lambda r: _percent(r.false_medium),
    "under by two or more": lambda r: _percent(r.under_by_two),
    "exact level": lambda r: _percent(r.exact),
    "quadratic kappa": lambda r: f"{r.kappa:.3f}",
    "p50 ms": lambda r: f"{r.p50_ms:.3f}",
    "p99 ms": lambda r: f"{r.p99_ms:.3f}",
}


def main(argv: Sequence[str]) -> int:
    """Print the measures of one file of messages, or of conversations."""
    console = Console()
    if len(argv) != 1:
        console.print("usage: python -m triage.measure FILE")
        return 2
    lines = Path(argv[0]).read_text(encoding="utf-8").splitlines()
    screener = Screener(load_rulebook())
    if '"turns"' in lines[0]:
        reached, alarmed = measure_conversations(lines, screener)
        console.print(f"turns at >= 3 found: {_low(reached)}; false: {_percent(alarmed)}")
        return 0
    examples = parse_examples(lines)
    reports = {
        f"frames {screener.version}": measure(examples, lambda text: screener.judge(text).level),
        f"{len(KEYWORDS)} keywords": measure(examples, by_keywords),
    }
    for table in tables(reports):
        console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
