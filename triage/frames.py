"""Frames: what dangerous speech is made of (act, object, aspect, person, place, time), as reviewed data.

A filter over all patterns says which can occur; only those are run, to learn where they are. RE2 needs
time linear in the text for every pattern, so no message can stall the screening.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import re2

from triage.normalize import View
from triage.risk import Category, Level

_MEMORY = 64 << 20
_SHARDS = 8  # small automata stay in their caches; one large one does not
_NEVER = "\ue000{8}"
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
    unless: tuple[str, ...]  # in the same sentence: the frame is void
    beside: tuple[str, ...]  # if given, one must stand elsewhere in the message: two weak signs make one strong
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
    made.max_mem = _MEMORY
    made.log_errors = False  # we raise our own error with file and frame
    return made


class PatternSet:
    """Many patterns searched together; answers which and where.

    A filter looks first for the literal pieces that each pattern cannot do without, then only the
    patterns that can still match are run. (One automaton over all patterns was measured too: their
    gaps multiply its states, 6 ms a message against 0.1 ms.)
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        chosen = options()
        self._single = [re2.compile(pattern, chosen) for pattern in patterns]
        self._shards = [_filter(self._single[start::_SHARDS]) for start in range(_SHARDS)]

    def which(self, text: str) -> list[int]:
        """The indexes of the patterns that may occur: a superset, cheap."""
        encoded = text.encode()
        found = []
        for start, shard in enumerate(self._shards):
            found += [start + _SHARDS * index for index in shard.Match(encoded, True) or ()]
        return found

    def occurs(self, text: str) -> bool:
        """Whether any pattern occurs."""
        return any(self._single[index].search(text) for index in self.which(text))

    def spans(self, index: int, text: str) -> Iterator[tuple[int, int]]:
        """Where one pattern occurs."""
        for match in islice(self._single[index].finditer(text), _SPANS_A_PATTERN):
            yield match.span()


def _filter(patterns: list[Any]) -> Any:
    made = re2.Filter()
    for pattern in patterns:
        made.Add(pattern.pattern, options())
    made.Add(_NEVER, options())  # an empty filter cannot be compiled
    made.Compile()
    return made


class FrameSet:
    """All frames of a rulebook, compiled."""

    def __init__(self, frames: tuple[Frame, ...]) -> None:
        self.by_id = {frame.id: frame for frame in frames}
        self._owners = [frame for frame in frames for _ in frame.patterns]
        self._patterns = PatternSet(pattern for frame in frames for pattern in frame.patterns)
        self._unless = {frame.id: _compiled(frame.unless) for frame in frames}
        self._beside = {frame.id: _compiled(frame.beside) for frame in frames}

    def match(self, view: View) -> list[Hit]:
        """Every frame said in the view, where neither its own veto nor a missing companion voids it."""
        hits = {}
        for index in self._patterns.which(view.text):
            frame = self._owners[index]
            for start, end in self._patterns.spans(index, view.text):
                if self._stands(frame, view.text, start, end):
                    hits[frame.id, start, end] = Hit(frame, start, end)
        return list(hits.values())

    def _stands(self, frame: Frame, text: str, start: int, end: int) -> bool:
        left, right = stretch(text, start, end, SENTENCE_ENDS)
        if any(veto.search(text[left:right]) for veto in self._unless[frame.id]):
            return False
        needed = self._beside[frame.id]
        return not needed or any(each.search(text[:start]) or each.search(text[end:]) for each in needed)


def _compiled(patterns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(re2.compile(pattern, options()) for pattern in patterns)


def stretch(text: str, start: int, end: int, ends: str) -> tuple[int, int]:
    """Widen a span to the sentence or clause around it."""
    left = max((text.rfind(mark, 0, start) for mark in ends), default=-1) + 1
    stops = [at for mark in ends if (at := text.find(mark, end)) >= 0]
    return left, min(stops, default=len(text))
