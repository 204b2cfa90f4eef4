"""Frames: what dangerous speech is made of (act, object, aspect, person, place, time), as reviewed data.

One re2.Set looks for all patterns at once; only those it reports are run alone to learn where they are.
RE2 needs time linear in the text for every pattern, so no message can stall the screening.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import re2

from triage.normalize import View
from triage.risk import Category, Level

_SET_MEMORY = 256 << 20
_SPANS_A_PATTERN = 8  # further repetitions of the same words add nothing
SENTENCE_ENDS = "。!?\n"
CLAUSE_ENDS = SENTENCE_ENDS + ",;"


@dataclass(frozen=True, slots=True)
class Frame:
    """One kind of thing said, with the sentences that prove and bound it."""

    id: str
    level: Level
    categories: tuple[Category, ...]
    says: str
    patterns: tuple[str, ...]
    unless: tuple[str, ...]
    must_match: tuple[str, ...]
    must_not_match: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A frame found in a view, at these characters of the view."""

    frame: Frame
    start: int
    end: int


def options() -> Any:
    """RE2 settings for all rulebook patterns."""
    made = re2.Options()
    made.max_mem = _SET_MEMORY
    made.log_errors = False  # we raise our own error with file and frame
    return made


class PatternSet:
    """Many patterns searched in one pass; answers which and where."""

    def __init__(self, patterns: Iterable[str]) -> None:
        chosen = options()
        self._single = [re2.compile(pattern, chosen) for pattern in patterns]
        self._set = re2.Set.SearchSet(chosen)
        for single in self._single:
            self._set.Add(single.pattern)
        if self._single:
            self._set.Compile()

    def which(self, text: str) -> list[int]:
        """The indexes of the patterns that occur."""
        return list(self._set.Match(text) or ()) if self._single else []

    def spans(self, index: int, text: str) -> Iterator[tuple[int, int]]:
        """Where one pattern occurs."""
        for count, match in enumerate(self._single[index].finditer(text)):
            if count == _SPANS_A_PATTERN:
                return
            yield match.span()


class FrameSet:
    """All frames of a rulebook, compiled."""

    def __init__(self, frames: tuple[Frame, ...]) -> None:
        self.by_id = {frame.id: frame for frame in frames}
        self._owners = [frame for frame in frames for _ in frame.patterns]
        self._patterns = PatternSet(pattern for frame in frames for pattern in frame.patterns)
        self._vetoes = {frame.id: PatternSet(frame.unless) for frame in frames if frame.unless}

    def match(self, view: View) -> list[Hit]:
        """Every frame said in the view, unless its own veto stands in the same sentence."""
        hits = {}
        for index in self._patterns.which(view.text):
            frame = self._owners[index]
            for start, end in self._patterns.spans(index, view.text):
                if not self._is_vetoed(frame, view.text, start, end):
                    hits[frame.id, start, end] = Hit(frame, start, end)
        return list(hits.values())

    def _is_vetoed(self, frame: Frame, text: str, start: int, end: int) -> bool:
        vetoes = self._vetoes.get(frame.id)
        if vetoes is None:
            return False
        left, right = stretch(text, start, end, SENTENCE_ENDS)
        return bool(vetoes.which(text[left:right]))


def stretch(text: str, start: int, end: int, ends: str) -> tuple[int, int]:
    """Widen a span to the sentence or clause around it."""
    left = max((text.rfind(mark, 0, start) for mark in ends), default=-1) + 1
    stops = [at for mark in ends if (at := text.find(mark, end)) >= 0]
    return left, min(stops, default=len(text))
