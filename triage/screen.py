"""Screens one message: readings, frames, scopes, memory. Pure: the same input gives the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from triage.loading import Rulebook
from triage.memory import Memory, remember
from triage.normalize import View, views, windows
from triage.risk import Category, Level, Screening, Signal


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the message shows alone, and what is known of the conversation after it."""

    screening: Screening
    memory: Memory


class Screener:
    """Judges messages by one rulebook."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._warm_up()

    @property
    def version(self) -> str:
        """Which rulebook judged: its version and the hash of its content."""
        return self._rulebook.version

    def screen(self, text: str, memory: Memory, now: datetime) -> Assessment:
        """Judge a message and carry the conversation's memory on."""
        screening = self.judge(text)
        return Assessment(screening, remember(memory, screening, text, now))

    def judge(self, text: str) -> Screening:
        """Judge a message alone."""
        try:
            return self._judge(text)
        # The one broad except here: a message that breaks the screening must reach a person, as if it
        # were of high danger, and never be lost or pass as harmless.
        except Exception:
            return Screening(level=Level.HIGH, version=self.version, failed=True)

    def explain(self, rule_id: str) -> str:
        """The plain reason that the console shows; the id itself for a rule of an older rulebook."""
        frame = self._rulebook.frames.by_id.get(rule_id)
        return frame.says if frame else rule_id

    def _warm_up(self) -> None:
        # RE2 builds its automata while it reads: the first messages of the day would wait ten times longer.
        for frame in self._rulebook.frames.by_id.values():
            for sentence in (*frame.must_match, *frame.must_not_match):
                self.judge(sentence)

    def _judge(self, text: str) -> Screening:
        signals: dict[tuple[str, int, int], Signal] = {}
        for offset, piece in windows(text):
            for view in views(piece, self._rulebook.tables):
                for signal in self._signals(view, offset):
                    key = (signal.rule, signal.start, signal.end)
                    if key not in signals or signals[key].level < signal.level:
                        signals[key] = signal
        ordered = tuple(sorted(signals.values(), key=lambda s: (-s.level, s.start, s.rule)))
        level = max((signal.level for signal in ordered), default=Level.NONE)
        return Screening(level, _categories(ordered), ordered, self.version)

    def _signals(self, view: View, offset: int) -> list[Signal]:
        hits = self._rulebook.frames.match(view)
        if not hits:
            return []
        found = self._rulebook.scopes.read(view.text)
        made = []
        for hit in hits:
            verdict = self._rulebook.scopes.judge(hit, view.text, found)
            start, end = view.span(hit.start, hit.end)
            categories = hit.frame.categories
            made.append(Signal(hit.frame.id, offset + start, offset + end, verdict.level, categories, verdict.kind))
        return made


def _categories(signals: tuple[Signal, ...]) -> tuple[Category, ...]:
    named = {category for signal in signals if signal.level >= Level.LOW for category in signal.categories}
    return tuple(category for category in Category if category in named)
