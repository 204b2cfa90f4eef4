"""Three of the kill -9 trials, so that every change runs against a real crash. All: `python -m tests.faults.kill9`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults import visitors
from tests.faults.kill9 import run_trials
from triage.release import open_screener
from triage.risk import Level


def test_the_visitors_words_mean_to_the_screening_what_the_trials_count_on() -> None:
    judge = open_screener().judge
    assert [text for text in visitors.HARMLESS if judge(f"{text}（1-0）").level > Level.NONE] == []
    assert [text for text in visitors.DANGER if judge(f"{text}（1-0）").level < Level.HIGH] == []


def test_nothing_acknowledged_is_lost_doubled_or_swapped_by_kill_9(tmp_path: Path) -> None:
    trials = asyncio.run(run_trials(3, 20_260_101, tmp_path))
    assert trials.findings.acknowledged > 0
    assert trials.findings.faults == ()
    assert trials.broken_databases == 0
