"""What the bench found: rows with their baselines, as a table for people and as JSON for scripts."""

from __future__ import annotations

import json
import math
import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from command.bench.load import Timing


@dataclass(frozen=True)
class Figure:
    """One measured value; latencies only where something was timed often."""

    value: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    samples: int = 1


@dataclass(frozen=True)
class Row:
    """A figure beside its baseline. A unit that ends in /s is better high, every other is better low."""

    name: str
    unit: str
    ours: Figure
    baseline_name: str
    baseline: Figure

    @property
    def ratio(self) -> float:
        """Ours divided by the baseline."""
        return self.ours.value / self.baseline.value if self.baseline.value else math.nan


def rate(timing: Timing, *, each: int = 1) -> Figure:
    """How many a second (`each` in one go), with latencies."""
    return Figure(timing.rate * each, timing.percentile_ms(0.5), timing.percentile_ms(0.99), len(timing.latencies_ms))


def latency(timing: Timing) -> Figure:
    """The median milliseconds, with the tail."""
    middle = timing.percentile_ms(0.5)
    return Figure(middle, middle, timing.percentile_ms(0.99), len(timing.latencies_ms))


def microseconds(timing: Timing) -> Figure:
    """Mean microseconds a piece, with latencies."""
    count = len(timing.latencies_ms)
    return Figure(sum(timing.latencies_ms) * 1000 / count, timing.percentile_ms(0.5), timing.percentile_ms(0.99), count)


def machine() -> str:
    """What it ran on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    return (
        f"{cores} cores, {platform.machine()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}{load}"
    )


def table(rows: Sequence[Row], machine_line: str) -> Table:
    """All rows for people."""
    made = Table(title="hotline bench", caption=machine_line)
    for title in ("figure", "value", "p50 ms", "p99 ms", "baseline", "value", "p50 ms", "p99 ms", "ratio"):
        made.add_column(title, justify="left" if title in ("figure", "baseline") else "right")
    for row in rows:
        made.add_row(row.name, *_cells(row.ours, row.unit), row.baseline_name, *_cells(row.baseline, row.unit),
                     _short(row.ratio))  # fmt: skip
    return made


def _cells(figure: Figure, unit: str) -> tuple[str, str, str]:
    return f"{_short(figure.value)} {unit}", _short(figure.p50_ms), _short(figure.p99_ms)


def _short(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write_json(path: Path, rows: Sequence[Row], machine_line: str) -> None:
    """All rows for scripts; what could not be measured here is null."""
    lines = [_finite({**asdict(row), "ratio": row.ratio}) for row in rows]
    path.write_text(json.dumps({"machine": machine_line, "rows": lines}, ensure_ascii=False, indent=2) + "\n")


def _finite(value: Any) -> Any:  # Any: JSON
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
