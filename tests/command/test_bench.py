"""`hotline bench` gives every row with a baseline. No figure is judged here: a test machine proves no speed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from command.bench.large import mixed_library
from command.bench.load import Timing
from command.bench.rows import Figure, Row
from command.main import app
from knowledge.articles import load_library
from knowledge.calibrate import LIBRARY
from knowledge.index import passages_of

ROWS = (
    "first start, index built",
    "start-up",
    "memory after start",
    "acknowledged, 1 at once, the bot answering",
    "acknowledged, 64 at once, the bot answering",
    "acknowledged, 64 at once, no answer wanted",
    "acknowledged, 64 at once, no answer wanted",
    "acknowledged, 64 at once, no answer wanted",
    "server processor time a message",
    "full replies, 1 at once",
    "full replies, 16 at once",
    "memory with 20 chats open",
    "danger to console, 20 chats open",
    "danger to console, 20 chats open, 16 writing",
    "screening one message",
    "choosing one answer",
    "index of 500 passages built",
    "index of 500 passages, processor time",
    "choosing one answer of 500 passages",
    "choosing one answer of 500 passages, processor time",
)


@pytest.fixture(autouse=True)
def plain_log() -> Iterator[None]:
    """The bench silences the log of its process; the tests after it read logs."""
    yield
    structlog.reset_defaults()


def test_a_short_bench_gives_every_row_with_its_baseline(tmp_path: Path) -> None:
    short = ["--seconds", "1", "--chats", "20", "--passages", "500"]
    result = CliRunner().invoke(app, ["bench", *short, "--json", str(tmp_path / "b.json")])
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert tuple(row["name"] for row in rows) == ROWS
    assert [row["name"] for row in rows if not (row["ours"]["value"] > 0 and row["baseline"]["value"] > 0)] == []


def test_percentiles_are_nearest_rank() -> None:
    timing = Timing(2.0, tuple(float(n) for n in range(100, 0, -1)))
    assert (timing.rate, timing.percentile_ms(0.5), timing.percentile_ms(0.99)) == (50.0, 50.0, 99.0)


@pytest.mark.parametrize(("baseline", "ratio"), [(4.0, 0.5), (0.0, math.nan)])
def test_a_ratio_is_ours_by_the_baseline(baseline: float, ratio: float) -> None:
    row = Row("name", "/s", Figure(2.0), "base", Figure(baseline))
    assert row.ratio == pytest.approx(ratio, nan_ok=True)


def test_the_large_library_has_as_many_passages_as_asked_for_and_is_the_same_each_time() -> None:
    library = load_library(LIBRARY)
    made = mixed_library(library, 300)
    assert sum(len(passages_of(article)) for article in made.articles.values()) == 300
    assert made.digest == mixed_library(library, 300).digest
    assert made.digest != mixed_library(library, 310).digest
