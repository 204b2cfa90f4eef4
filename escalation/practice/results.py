"""What a drill measured, as its command brings it: checked, kept as numbers, summed up. No I/O."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from escalation.cases import NotAllowed

MEASURES = {  # seconds from the first danger message to ...
    "stored": "存好",
    "safety": "安全回复",
    "alarm": "值班台响铃",
    "claim": "有人接手",
    "word": "老师第一句话",
}
_LONGEST_S = 86_400.0


@dataclass(frozen=True)
class CallerResult:
    """One caller: seconds until each measure; a measure that is not there was not reached."""

    script: str
    seconds: Mapping[str, float]
    is_danger: bool = True  # else nobody had to come
    fault: str = ""  # the kind of error that ended the call


@dataclass(frozen=True)
class Sum:
    """One measure over all callers in danger."""

    words: str
    reached: int
    of: int
    median: float | None
    worst: float | None


def read_results(raw: object, scripts: Collection[str], most: int) -> list[CallerResult]:
    """Results as JSON brought them; raise NotAllowed for anything else."""
    if not isinstance(raw, list) or len(raw) > most:
        raise NotAllowed("演练结果的格式不对")
    return [_read(one, scripts) for one in raw]


def _read(raw: object, scripts: Collection[str]) -> CallerResult:
    if not isinstance(raw, dict) or raw.get("script") not in scripts or not isinstance(raw.get("seconds"), dict):
        raise NotAllowed("演练结果的格式不对")
    seconds = {name: value for name, value in raw["seconds"].items() if name in MEASURES and _is_time(value)}
    fault = str(raw.get("fault", ""))[:40]
    return CallerResult(raw["script"], seconds, bool(raw.get("is_danger", True)), fault if fault.isidentifier() else "")


def _is_time(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= _LONGEST_S
    )


def to_json(results: Sequence[CallerResult]) -> str:
    """As a row keeps them."""
    return json.dumps([asdict(one) for one in results])


def from_json(text: str) -> list[CallerResult]:
    """What to_json wrote; an empty text is no result."""
    return [CallerResult(**one) for one in json.loads(text)] if text else []


def summed_up(results: Sequence[CallerResult]) -> list[Sum]:
    """Each measure in turn: how many reached it, the median and the worst of those."""
    in_danger = [one for one in results if one.is_danger]
    sums = []
    for name, words in MEASURES.items():
        found = [one.seconds[name] for one in in_danger if name in one.seconds]
        middle = statistics.median(found) if found else None
        sums.append(Sum(words, len(found), len(in_danger), middle, max(found, default=None)))
    return sums
