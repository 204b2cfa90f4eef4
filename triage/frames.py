"""Frames: what dangerous speech is made of (act, object, aspect, person, place, time), as reviewed data.

A prefilter says which patterns can occur; only those are run, to learn where they are. RE2 needs
time linear in the text for every pattern, so no message can stall the screening.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any

import re2

from triage.normalize import View
from triage.prefilter import Prefilter
from triage.risk import Category, Level

_MEMORY = 2 << 20  # a pattern: what its automaton may grow to before it is built anew
_SPANS_A_PATTERN = 8  # further repetitions of the same words add nothing
_BOUNDED_GAP = re2.compile(r"(\[\^[^\]]+\])\{0,[0-9]+\}")
SENTENCE_ENDS = "。!?\n"
CLAUSE_ENDS = SENTENCE_ENDS + ",;"

Stretches = Sequence[tuple[int, int]]
Known = dict[str, list[tuple[int, int, int]]]  # passage -> the patterns in it


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
    firm: bool = False  # plain words that fill a whole clause: no idiom and no classifier may take them away


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
    """Many patterns searched together; answers which and where. (One automaton over all patterns was
    measured: their gaps multiply its states, 6 ms a message against 0.1 ms.)"""

    def __init__(self, patterns: Iterable[str]) -> None:
        kept, chosen = tuple(patterns), options()
        self._single = [re2.compile(pattern, chosen) for pattern in kept]
        self._loose = [re2.compile(loosened(pattern), chosen) for pattern in kept]
        self._prefilter = Prefilter(kept)

    def find(self, text: str, cuts: Stretches, known: Known) -> Iterator[tuple[int, int, int]]:
        """Every pattern that occurs, with where: (index, start, end). No pattern reaches beyond a sentence,
        so a long text is read passage by passage: far fewer patterns are run over far fewer characters.
        `known` keeps what was found in a passage: most passages are the same in all readings of a message."""
        for left, right in cuts:
            piece = text[left:right]
            if piece not in known:
                known[piece] = list(self._search(piece))
            for index, start, end in known[piece]:
                yield index, left + start, left + end

    def _search(self, piece: str) -> Iterator[tuple[int, int, int]]:
        # Matching encoded text spares the library encoding it anew for every pattern.
        encoded = piece.encode("utf-8", "surrogatepass")
        starts: list[int] = []
        for index in self._prefilter.which(piece):
            if self._loose[index].search(encoded) is None:
                continue
            for match in islice(self._single[index].finditer(encoded), _SPANS_A_PATTERN):
                starts = starts or list(accumulate((_width(char) for char in piece), initial=0))
                start, end = match.span()
                yield index, bisect_left(starts, start), bisect_left(starts, end)


def loosened(pattern: str) -> str:
    """The same with gaps of any length: it matches wherever the pattern does, and elsewhere.

    A bounded gap multiplies the states of the automaton, an unbounded one has a single state: asking this
    first costs a fifth, and one pattern in twenty that the prefilter lets through also passes here.
    """
    return str(_BOUNDED_GAP.sub(r"\1*", pattern))


def _width(char: str) -> int:
    """How many bytes a character takes in UTF-8."""
    code = ord(char)
    return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4


class FrameSet:
    """All frames of a rulebook, compiled."""

    def __init__(self, frames: tuple[Frame, ...]) -> None:
        self.by_id = {frame.id: frame for frame in frames}
        self.firm = frozenset(frame.id for frame in frames if frame.firm)
        self._owners = [frame for frame in frames for _ in frame.patterns]
        self._patterns = PatternSet(pattern for frame in frames for pattern in frame.patterns)
        self._unless = {frame.id: _compiled(frame.unless) for frame in frames}
        self._beside = {frame.id: _compiled(frame.beside) for frame in frames}

    def match(self, view: View, cuts: Stretches, known: Known) -> list[Hit]:
        """Every frame said in the view, where neither its own veto nor a missing companion voids it."""
        hits = {}
        for index, start, end in self._patterns.find(view.text, cuts, known):
            frame = self._owners[index]
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
