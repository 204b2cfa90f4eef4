"""What each channel of evidence is worth: the figures without it, and by it alone, on writers left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from knowledge.fitting import Example, Outcome, cross_validate
from knowledge.ranking import CHANNELS, VECTORS
from knowledge.shares import Share

WORDS = tuple(name for name in CHANNELS if name not in VECTORS)
GROUPS = {name: (name,) for name in CHANNELS} | {"all vectors": VECTORS, "all words": WORDS}


def without(example: Example, channels: Sequence[str]) -> Example:
    """The same question, had these channels found nothing."""
    scores = example.evidence.scores.copy()
    scores[[CHANNELS.index(name) for name in channels]] = 0.0
    return replace(example, evidence=replace(example.evidence, scores=scores))


def ablate(examples: Sequence[Example], writers: Sequence[str], encoder_id: str, digest: str) -> list[str]:
    """Weights fitted anew for every row, never on the writer they are judged by; as Markdown."""

    def shares(channels: Sequence[str]) -> str:
        kept = [without(example, channels) for example in examples]
        return _cells(cross_validate(kept, writers, encoder_id, digest))

    lines = ["| channel | without it: first right, among three | by it alone |", "| --- | --- | --- |"]
    lines.append(f"| none left out | {shares(())} | |")
    for name, group in GROUPS.items():
        others = [channel for channel in CHANNELS if channel not in group]
        lines.append(f"| {name} | {shares(group)} | {shares(others)} |")
    return lines


def _cells(found: Sequence[Outcome]) -> str:
    inside = [outcome for outcome in found if outcome.is_in_scope]
    first = Share(sum(outcome.is_right for outcome in inside), len(inside))
    three = Share(sum(outcome.is_among for outcome in inside), len(inside))
    return f"{100 * first.value:.1f}%, {100 * three.value:.1f}%"
