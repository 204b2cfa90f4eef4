"""Indicators as data: which counts are divided by which, and what becomes of them for those inside and outside."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from escalation.reports.anomalies import Unusual
from escalation.reports.suppression import Sum, hide
from escalation.reports.tally import Numbers, Tally
from knowledge.shares import Share

_FILE = Path(__file__).parent / "indicators.toml"
NO_DATA, HIDDEN, ABSENT_WORDS = "无数据", "＊", "尚未采集"
_KINDS = {  # kind -> the keys that its row needs besides the common ones
    "share": {"part", "whole", "whole_words"},
    "spread": {"of", "n", "unit"},
    "count": {"part"},
    "absent": {"why"},
}
_COMMON = {"id", "name", "kind", "part_words", "status"}
_STATUS = ("V", "GK", "PD")


class BadIndicators(Exception):
    """The definitions of the indicators cannot be used."""


@dataclass(frozen=True)
class Indicator:
    """One row of the definitions."""

    id: str
    name: str
    kind: str
    part_words: str
    status: str
    part: str = ""
    whole: str = ""
    whole_words: str = ""
    of: str = ""
    n: str = ""
    unit: str = ""
    why: str = ""


@dataclass(frozen=True)
class Definitions:
    """All of them, and how counts hang together."""

    numbers: Numbers
    indicators: tuple[Indicator, ...]
    sums: tuple[Sum, ...]
    rests: tuple[tuple[str, tuple[str, ...]], ...]  # a whole and parts that leave something over
    totals: Mapping[str, str]  # split -> the count that its parts add up to
    overlaps: Mapping[str, str]  # split -> the count that each of its parts is a part of
    unusual: Unusual
    digest: str

    def by_id(self, indicator_id: str) -> Indicator:
        """One of them."""
        return next(each for each in self.indicators if each.id == indicator_id)


@dataclass(frozen=True)
class Figure:
    """What an indicator came to. `value` is None when there is nothing to show, and `words` say why."""

    indicator: Indicator
    words: str
    detail: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None
    median: float | None = None
    p90: float | None = None


@dataclass(frozen=True)
class View:
    """A tally as somebody may see it."""

    tally: Tally
    definitions: Definitions
    hidden: frozenset[str] = frozenset()
    is_outside: bool = False

    def count(self, name: str) -> int | None:
        """A count; None when it is hidden."""
        return None if name in self.hidden else self.tally.counts[name]

    def cell(self, split: str, key: str) -> int | None:
        """A part of a split; None when it is hidden."""
        return None if cell_name(split, key) in self.hidden else self.tally.splits[split].get(key, 0)

    def figure(self, indicator_id: str) -> Figure:
        """An indicator with its words."""
        each = self.definitions.by_id(indicator_id)
        return {"share": self._share, "spread": self._spread, "count": self._number, "absent": _absent}[each.kind](each)

    def _share(self, each: Indicator) -> Figure:
        part, whole = self.count(each.part), self.count(each.whole)
        if whole == 0:
            return Figure(each, NO_DATA, "0/0")
        if part is None or whole is None:
            return Figure(each, HIDDEN, f"{_shown(part)}/{_shown(whole)}")
        share = Share(part, whole)
        low, high = share.interval()
        detail = f"{part}/{whole}，95%区间 {low:.2%}–{high:.2%}"
        return Figure(each, f"{share.value:.2%}", detail, share.value, (low, high))

    def _spread(self, each: Indicator) -> Figure:
        count, found = self.count(each.n), self.tally.spreads[each.of]
        if count is None:
            return Figure(each, HIDDEN, f"n={HIDDEN}")
        if not count:
            return Figure(each, NO_DATA, "n=0")
        words = f"平均 {found.mean:.1f}，中位 {found.median:.1f}，P90 {found.p90:.1f} {each.unit}"
        return Figure(each, words, f"n={count}", found.mean, None, found.median, found.p90)

    def _number(self, each: Indicator) -> Figure:
        count = self.count(each.part)
        return Figure(each, _shown(count), "", count)


def inside(tally: Tally, definitions: Definitions) -> View:
    """For those who may see every number."""
    return View(tally, definitions)


def outside(tally: Tally, definitions: Definitions) -> View:
    """Without small numbers, and without what would give them away."""
    counts = _all_counts(tally)
    sums = [*definitions.sums]
    for name, total in definitions.totals.items():
        sums.append(Sum(total, tuple(cell_name(name, key) for key in tally.splits[name])))
    shares = [(each.whole, (each.part,)) for each in definitions.indicators if each.kind == "share"]
    overlapping = [
        (whole, (cell_name(name, key),)) for name, whole in definitions.overlaps.items() for key in tally.splits[name]
    ]
    for whole, parts in (*definitions.rests, *shares, *overlapping):
        rest = "−".join((whole, *parts))
        counts[rest] = tally.counts[whole] - sum(counts[part] for part in parts)
        sums.append(Sum(whole, (*parts, rest)))
    return View(tally, definitions, hide(counts, sums, definitions.numbers.least_shown), is_outside=True)


def _all_counts(tally: Tally) -> dict[str, int]:
    """Counts, and parts of splits by their names."""
    cells = {cell_name(name, key): n for name, split in tally.splits.items() for key, n in split.items()}
    return {**tally.counts, **cells}


def cell_name(split: str, key: str) -> str:
    """How a part of a split is called among the counts."""
    return f"{split}:{key}"


def load_numbers(path: Path = _FILE) -> Numbers:
    """The reviewed numbers that counting needs; the rest is checked by load_definitions."""
    return _numbers(tomllib.loads(path.read_text(encoding="utf-8"))["numbers"])


def load_definitions(known: Tally, path: Path = _FILE) -> Definitions:
    """Read and check the definitions against a tally with every name that is counted; raise BadIndicators."""
    body = path.read_bytes()
    try:
        raw = tomllib.loads(body.decode())
        indicators = tuple(_indicator(row) for row in raw["indicator"])
        sums = tuple(Sum(row["total"], tuple(row["parts"])) for row in raw["sum"])
        rests = tuple((row["whole"], tuple(row["parts"])) for row in raw["rest"])
        totals = {row["name"]: row["total"] for row in raw["split"]}
        overlaps = {row["name"]: row["whole"] for row in raw["overlap"]}
        numbers, unusual = _numbers(raw["numbers"]), Unusual(**raw["anomaly"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadIndicators(f"{path}: {error!r}") from error
    named = {n for each in indicators if each.kind != "absent" for n in (each.part, each.whole, each.n)} - {""}
    named |= {name for each in sums for name in each.names} | {*totals.values(), *overlaps.values()}
    named |= {name for whole, parts in rests for name in (whole, *parts)}
    if strange := named - set(_all_counts(known)):
        raise BadIndicators(f"{path}: nothing counts {sorted(strange)}")
    if strange := ({*totals, *overlaps} - set(known.splits)) | (
        {each.of for each in indicators} - {""} - set(known.spreads)
    ):
        raise BadIndicators(f"{path}: nothing splits or measures {sorted(strange)}")
    if len({each.id for each in indicators}) < len(indicators):
        raise BadIndicators(f"{path}: an id stands twice")
    return Definitions(numbers, indicators, sums, rests, totals, overlaps, unusual, hashlib.sha256(body).hexdigest())


def _indicator(row: dict[str, Any]) -> Indicator:  # TOML
    needed = _COMMON | _KINDS[row["kind"]]
    if needed - set(row) or row["status"] not in _STATUS:
        raise ValueError(f"{row.get('id')}: needs {sorted(needed)}, status one of {_STATUS}")
    return Indicator(**row)


def _numbers(raw: dict[str, int]) -> Numbers:
    return Numbers(
        timedelta(minutes=raw["pause_minutes"]), timedelta(minutes=raw["queue_again_minutes"]),
        raw["repeat_sessions"], timedelta(days=raw["repeat_days"]), raw["eased_by"],
        timedelta(hours=raw["record_due_hours"]), timedelta(minutes=raw["late_minutes"]),
        timedelta(minutes=raw["ahead_minutes"]), timedelta(days=raw["on_duty_days"]), raw["least_shown"],
    )  # fmt: skip


def _absent(each: Indicator) -> Figure:
    return Figure(each, ABSENT_WORDS, each.why)


def _shown(count: int | None) -> str:
    return HIDDEN if count is None else str(count)
