"""Which patterns can occur in a text at all: every pattern needs some literal pieces, one of each of its groups.

One pass over the text finds all pieces of all patterns (Aho-Corasick); only patterns of whose every group a
piece was found are run.
"""

from __future__ import annotations

from collections.abc import Iterable
from re import _constants as kinds  # type: ignore[attr-defined]  # the standard library's own pattern parser
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import ahocorasick_rs
import numpy as np

_MOST_CHARS = 12  # a larger class of characters says too little
_MOST_GROUPS = 6
Pieces = frozenset[str]


class Prefilter:
    """Answers with the numbers of the patterns that can occur, in order."""

    def __init__(self, patterns: Iterable[str]) -> None:
        owners: dict[str, list[int]] = {}  # piece -> groups
        pattern_of: list[int] = []  # group -> pattern
        needs: list[int] = []  # pattern -> how many groups it needs
        for number, pattern in enumerate(patterns):
            groups = needed(pattern)
            needs.append(len(groups))
            for pieces in groups:
                for piece in pieces:
                    owners.setdefault(piece, []).append(len(pattern_of))
                pattern_of.append(number)
        self._needs, self._pattern_of = np.array(needs, dtype=np.int64), np.array(pattern_of, dtype=np.int64)
        self._owners = [np.array(groups, dtype=np.int64) for groups in owners.values()]
        self._finder = ahocorasick_rs.AhoCorasick(list(owners)) if owners else None

    def which(self, text: str) -> list[int]:
        """Patterns that may occur: every one that does, and some that do not."""
        met = np.zeros(len(self._pattern_of), dtype=bool)
        if self._finder is not None:
            for index in {index for index, _, _ in self._finder.find_matches_as_indexes(text, overlapping=True)}:
                met[self._owners[index]] = True
        counts = np.bincount(self._pattern_of[met], minlength=len(self._needs))
        return np.flatnonzero(counts == self._needs).tolist()


def needed(pattern: str) -> list[Pieces]:
    """Groups of pieces: every match of the pattern holds at least one piece of each group."""
    groups = _of_sequence(parser.parse(pattern))
    return sorted(set(groups), key=_worth, reverse=True)[:_MOST_GROUPS]


def _of_sequence(sequence: Any) -> list[Pieces]:
    """What the parts of a sequence need, all of it."""
    groups: list[Pieces] = []
    run = ""
    for kind, value in sequence:
        if kind is kinds.LITERAL:
            run += chr(value)
            continue
        if run:
            groups.append(frozenset((run,)))
            run = ""
        groups += _of_part(kind, value)
    return [*groups, frozenset((run,))] if run else groups


def _of_part(kind: Any, value: Any) -> list[Pieces]:
    if kind is kinds.SUBPATTERN:
        return _of_sequence(value[-1])
    if kind is kinds.BRANCH:
        best = [max(_of_sequence(branch), key=_worth, default=None) for branch in value[1]]
        return [] if None in best else [frozenset().union(*(pieces for pieces in best if pieces))]
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT) and value[0] >= 1:
        return _of_sequence(value[2])
    if kind is kinds.IN and len(value) <= _MOST_CHARS and all(one is kinds.LITERAL for one, _ in value):
        return [frozenset(chr(code) for _, code in value)]
    return []


def _worth(pieces: Pieces) -> tuple[int, int]:
    """Long pieces say more, and few of them."""
    return min(map(len, pieces)), -len(pieces)
