"""Parallel readings of one message, each with a map back to the original characters.

People in danger write with spaces, look-alikes, emoji, pinyin or Cantonese, by habit or to get past
filters. Each reading ("view") undoes one layer; none replaces the other, because undoing can also
destroy. The tables are data (rulebook/views.toml); this module only applies them. Nothing here raises.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import re2

WINDOW_CHARS = 2_000
OVERLAP_CHARS = 100
_FOLD_CACHE = 40_000  # a bound, so that nobody can fill the memory with rare characters
_HAN_RUN = re2.compile(r"\p{Han}+")
_LATIN_RUN = re2.compile(r"[a-z]+(?:[ ']{1,2}[a-z]+)*")
_STOPS = frozenset(",。、!?;:\n")  # after folding: the full-width forms are gone
_SENTENCE_ENDS = frozenset("。!?\n")
_KEPT = frozenset("《》“”「」『』\"'()【】@%")

Offsets = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class View:
    """One reading; `offsets` holds for each of its characters the original (start, end)."""

    name: str
    text: str
    offsets: Offsets

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of this reading stands in the original text."""
        if start >= end:
            return (0, 0)
        return self.offsets[start][0], self.offsets[end - 1][1]


@dataclass(frozen=True, slots=True)
class Replacement:
    """A pattern of disguised speech and what it stands for; group 1, if any, is what is replaced."""

    pattern: Any  # re2 has no type stubs
    to: str


class Folding(dict[str, str]):
    """Character -> its plain form; fills itself as characters are met."""

    def __init__(self, table: dict[str, str]) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, char: str) -> str:
        folded = char
        for _ in range(4):
            again = "".join(self._once(part) for part in folded)
            if again == folded:
                break
            folded = again
        if len(self) < _FOLD_CACHE:
            self[char] = folded
        return folded

    def _once(self, char: str) -> str:
        # NFKD without marks rather than NFKC: it works a character at a time, so that offsets stay
        # exact, and it removes tone marks and stacked accents in the same step.
        if char in self._table:
            return self._table[char]
        parts = unicodedata.normalize("NFKD", char).casefold()
        return "".join(self._table.get(part, part) for part in parts if _is_visible(part)).translate(_BLANKS)


_BLANKS = {ord(c): "\n" for c in "\r\v\f\x85\u2028\u2029"} | {9: " ", 0x3000: " "}


def _is_visible(char: str) -> bool:
    return char in "\n\r\t\v\f\x85" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Mn", "Me"}


@dataclass(frozen=True, slots=True)
class Tables:
    """What views.toml says, ready to apply."""

    folding: Folding
    slang: tuple[Replacement, ...]
    slang_set: Any  # re2.Set over the slang patterns
    syllable: Any  # re2 alternation of all pinyin keys, longest match
    pinyin: dict[str, str]


def windows(text: str) -> Iterator[tuple[int, str]]:
    """Cut a long text into overlapping pieces (offset, piece), so that each is screened quickly."""
    step = WINDOW_CHARS - OVERLAP_CHARS
    for start in range(0, max(len(text) - OVERLAP_CHARS, 1), step):
        yield start, text[start : start + WINDOW_CHARS]


def passages(text: str, longest: int) -> Iterator[tuple[int, int]]:
    """Cut a reading into stretches (start, end) of whole sentences, no longer than that where sentences allow."""
    start, last = 0, 0
    for at, char in enumerate(text):
        if at - start >= longest and last > start:
            yield start, last
            start = last
        if char in _SENTENCE_ENDS:
            last = at + 1
    if start < len(text):
        yield start, len(text)


def stretches(view: View, first: View, longest: int) -> list[tuple[int, int]]:
    """Passages of a reading, cut where those of the first reading are: what did not change is then the same text."""
    starts = [start for start, _ in view.offsets]
    cuts = [0]
    for left, _ in passages(first.text, longest):
        at = bisect_left(starts, first.offsets[left][0])
        if cuts[-1] < at < len(view.text) and view.text[at - 1] in _SENTENCE_ENDS:
            cuts.append(at)
    return list(pairwise((*cuts, len(view.text))))


def views(text: str, tables: Tables) -> tuple[View, ...]:
    """All readings that differ from each other; the first is always "plain"."""
    found = [_plain(text, tables.folding)]
    for make in (_tight, _spoken, _pinyin):
        view = make(found[-1], tables)
        if view.text != found[-1].text:
            found.append(view)
    return tuple(found)


def _plain(text: str, folding: Folding) -> View:
    folded = [folding[char] for char in text]
    joined = "".join(folded)
    if len(joined) == len(text) and all(folded):
        return View("plain", joined, tuple((i, i + 1) for i in range(len(text))))
    offsets = tuple((i, i + 1) for i, part in enumerate(folded) for _ in part)
    return View("plain", joined, offsets)


def _tight(view: View, tables: Tables) -> View:
    del tables
    runs = [match.span() for match in _HAN_RUN.finditer(view.text)]
    drop: list[tuple[int, int]] = []
    stops: list[tuple[int, int]] = []
    for (left_start, left_end), (right_start, right_end) in zip(runs, runs[1:], strict=False):
        gap = view.text[left_end:right_start]
        if all(_is_noise(char) for char in gap):
            drop.append((left_end, right_start))
        elif left_end - left_start == right_end - right_start == 1 and _is_loose(gap):
            stops.append((left_end, right_start))
    return _without(view, sorted(drop + _chains(stops)))


def _is_noise(char: str) -> bool:
    return not char.isalnum() and char not in _STOPS and char not in _KEPT


def _is_loose(gap: str) -> bool:
    return all(_is_noise(char) or char in _STOPS for char in gap)


def _chains(gaps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of gaps between single characters keep those of "我,想,死": two or more in a row."""
    kept = set()
    for left, right in zip(gaps, gaps[1:], strict=False):
        if right[0] - left[1] == 1:
            kept |= {left, right}
    return list(kept)


def _without(view: View, drop: list[tuple[int, int]]) -> View:
    return _splice(view, "tight", [(start, end, "") for start, end in drop])


def _spoken(view: View, tables: Tables) -> View:
    for _ in range(4):
        edits: list[tuple[int, int, str]] = []
        for index in tables.slang_set.Match(view.text) or ():
            rule = tables.slang[index]
            for match in rule.pattern.finditer(view.text):
                start, end = match.span(1) if rule.pattern.groups else match.span()
                edits.append((start, end, rule.to))
        if not edits:
            break
        view = _splice(view, "spoken", _apart(edits))
    return view


def _apart(edits: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Drop edits that overlap an earlier, longer one."""
    kept: list[tuple[int, int, str]] = []
    for edit in sorted(edits, key=lambda e: (e[0], -e[1])):
        if edit[1] > edit[0] and (not kept or edit[0] >= kept[-1][1]):
            kept.append(edit)
    return kept


def _pinyin(view: View, tables: Tables) -> View:
    edits: list[tuple[int, int, str]] = []
    for run in _LATIN_RUN.finditer(view.text):
        read = _read_pinyin(run.group(), tables)
        if len(read) >= 2:
            edits.append((run.start(), run.end(), read))
    return _splice(view, "pinyin", edits)


def _read_pinyin(run: str, tables: Tables) -> str:
    """The Chinese of a run made wholly of known syllables, else nothing: English must stay English."""
    letters = run.replace(" ", "").replace("'", "")
    pieces = [match.group() for match in tables.syllable.finditer(letters)]
    if sum(map(len, pieces)) != len(letters):
        return ""
    return "".join(tables.pinyin[piece] for piece in pieces)


def _splice(view: View, name: str, edits: list[tuple[int, int, str]]) -> View:
    """Replace stretches; a replaced stretch maps to the whole of what stood there."""
    if not edits:
        return View(name, view.text, view.offsets)
    text: list[str] = []
    offsets: list[tuple[int, int]] = []
    at = 0
    for start, end, to in edits:
        text += (view.text[at:start], to)
        offsets += view.offsets[at:start]
        offsets += [view.span(start, end)] * len(to)
        at = end
    text.append(view.text[at:])
    offsets += view.offsets[at:]
    return View(name, "".join(text), tuple(offsets))
