"""What `hotline eval` measures of a screening release, part by part: what each part is worth shows beside the whole."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from command import screening_tables
from triage.classifier import Classifier
from triage.comparison import compare
from triage.frames import FrameSet
from triage.loading import load_rulebook
from triage.measure import KEYWORDS, Example, Share, by_keywords, measure, measure_conversations
from triage.release import LEXICON, MODEL, RULEBOOK, open_screener
from triage.risk import Level
from triage.screen import Screener

Judge = Callable[[str], Level]


def report(examples: Sequence[Example], turns: Sequence[str], release: Path, against: Path | None) -> Iterator[Table]:
    """Every table for labelled messages and conversations."""
    parts = screeners(release)
    if examples:
        judges = {name: level_of(screener) for name, screener in parts.items()} | keywords()
        yield from screening_tables.message_tables({name: measure(examples, judge) for name, judge in judges.items()})
    if turns:
        followed = {name: measure_conversations(turns, screener) for name, screener in parts.items()}
        followed["without memory"] = measure_conversations(turns, parts["together"], remembers=False)
        yield from screening_tables.turn_tables(followed)
    if against is not None and examples:
        old = level_of(open_screener(against))
        yield screening_tables.comparison_table(compare(examples, old, level_of(parts["together"])))


def screeners(release: Path) -> dict[str, Screener]:
    """The whole release, its rules alone, and its classifier alone; raises RulebookError or ModelError."""
    rulebook = load_rulebook(release / RULEBOOK)
    silent = replace(rulebook, frames=FrameSet(()))
    classifier = Classifier.load(release / MODEL, release / LEXICON)
    return {
        "together": Screener(rulebook, classifier),
        "rules": Screener(rulebook),
        "classifier": Screener(silent, classifier),
    }


def level_of(screener: Screener) -> Judge:
    """A screener as a plain function."""
    return lambda text: screener.judge(text).level


def keywords() -> dict[str, Judge]:
    """The baseline."""
    return {f"{len(KEYWORDS)} keywords": by_keywords}


def texts(files: Iterable[Path]) -> Iterator[str]:
    """The texts of JSON lines, packed or not."""
    for file in files:
        raw = file.read_bytes()
        for line in (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode().splitlines():
            yield json.loads(line)["text"]


def ordinary(found: Sequence[str], release: Path) -> Table:
    """Shares of unlabelled texts at each level."""
    judges = {name: level_of(screener) for name, screener in screeners(release).items()} | keywords()
    table = Table(f"{len(found)} texts", *judges)
    judged = [[judge(text) for text in found] for judge in judges.values()]
    for level in (Level.MEDIUM, Level.HIGH, Level.EMERGENCY):
        shares = [Share(sum(one >= level for one in each), len(each)) for each in judged]
        table.add_row(f"called >= {int(level)}", *(screening_tables.spread(share) for share in shares))
    return table
