"""What takes the danger out of words: negation, idiom, quotation, knowledge, history, supposition.

A scope may only lower, hit by hit: "没有想死，但我割腕了" loses its first half and keeps its second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import re2

from triage.frames import CLAUSE_ENDS, SENTENCE_ENDS, Hit, Known, PatternSet, Stretches, options, stretch
from triage.risk import Level

_IDIOM = "idiom"  # a kind
REACHES = ("hit", "clause", "sentence", "message")


@dataclass(frozen=True, slots=True)
class Scope:
    """One way in which words do not mean danger; `lowers_to` is what remains of it."""

    id: str
    kind: str  # negation, idiom, quote, knowledge, history, game, supposition
    says: str
    reach: str  # how near the pattern must stand to the hit
    lowers_to: Level
    up_to: Level  # hits above this level are left alone: a joke never hides "药已经吃下去了"
    spares: tuple[str, ...]  # frame families or ids that it never lowers
    patterns: tuple[str, ...]
    unless: tuple[str, ...]  # these, anywhere in the message, void it
    must_match: tuple[str, ...]
    must_not_match: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What scope made of a hit."""

    level: Level
    kind: str = ""


class ScopeSet:
    """All scopes of a rulebook, compiled."""

    def __init__(self, scopes: tuple[Scope, ...]) -> None:
        self.scopes = scopes
        self._owners = [scope for scope in scopes for _ in scope.patterns]
        self._patterns = PatternSet(pattern for scope in scopes for pattern in scope.patterns)
        self._voids = {
            scope.id: [re2.compile(pattern, options()) for pattern in scope.unless] for scope in scopes if scope.unless
        }

    def read(self, text: str, cuts: Stretches, known: Known) -> tuple[Any, ...]:
        """Find once a view which scopes speak in it, and where: (scope, start, end)."""
        spans: dict[str, list[tuple[Scope, int, int]]] = {}
        for index, start, end in self._patterns.find(text, cuts, known):
            scope = self._owners[index]
            spans.setdefault(scope.id, []).append((scope, start, end))
        return tuple(
            one
            for name, found in spans.items()
            if not any(void.search(text) for void in self._voids.get(name, ()))
            for one in found
        )

    def judge(self, hit: Hit, text: str, found: tuple[Any, ...]) -> Verdict:
        """The level that remains of a hit, and the reason if it was lowered."""
        verdict = Verdict(hit.frame.level)
        for scope, start, end in found:
            if scope.lowers_to >= verdict.level or not _may_lower(scope, hit):
                continue
            if _reaches(scope.reach, hit, text, start, end):
                verdict = Verdict(scope.lowers_to, scope.kind)
        return verdict


def _may_lower(scope: Scope, hit: Hit) -> bool:
    if hit.frame.level > scope.up_to or (hit.frame.firm and scope.kind == _IDIOM):
        return False
    return not any(hit.frame.id == name or hit.frame.id.startswith(f"{name}.") for name in scope.spares)


def _reaches(reach: str, hit: Hit, text: str, start: int, end: int) -> bool:
    if reach == "message":
        return True
    left, right = hit.start, hit.end
    if reach != "hit":
        marks = SENTENCE_ENDS if reach == "sentence" else CLAUSE_ENDS
        left, right = stretch(text, hit.start, hit.end, marks)
    return start < right and end > left
