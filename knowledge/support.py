"""Does a passage bear a sentence? Compared by characters in their order, and by the words that turn a meaning round.

A machine that rephrases leaves most characters where they were. What it adds, drops, swaps or denies shows as
characters that the passage lacks, as a broken order, or as a number, a "no" or a "must" without its counterpart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.grams import simplify
from knowledge.numerals import numbers_of

KEEPS = ("none_new", "none_lost", "same")  # how sentence and passage must agree on words of one force
_CLAUSES = re.compile(r"[，。；：、？！,.;:?!（）()“”‘’「」『』《》〈〉\s—…-]+")
_LATIN = re.compile(r"[a-z]+")
_REACH = 4  # characters that a "no" is about


@dataclass(frozen=True, slots=True)
class WordClass:
    """Words of one force, and how sentence and passage must agree on them."""

    name: str
    keeps: str  # one of KEEPS
    words: re.Pattern[str]

    def agrees(self, sentence: str, passage: str) -> bool:
        """Whether nothing of this force was added or taken away."""
        said, meant = self._of(sentence), self._of(passage)
        if self.keeps == "none_lost":
            return len(said) >= len(meant)
        return set(said) <= set(meant) and (self.keeps == "none_new" or set(meant) <= set(said))

    def _of(self, text: str) -> list[str]:
        return [word for word in self.words.findall(text) if word]


@dataclass(frozen=True, slots=True)
class Words:
    """What the comparison knows about words."""

    classes: tuple[WordClass, ...]
    negations: re.Pattern[str]
    free: re.Pattern[str]
    no_number: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How far a sentence may be from its passage."""

    least_covered: float
    most_new: int
    most_disorder: float
    least_kept: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How near a sentence is to its passage, by characters that mean something."""

    covered: float  # share of its characters that the passage has
    new: int  # characters in a row that the passage lacks
    disorder: float  # share that the passage has in another place
    kept: float  # share of the passage's characters that it still has, in order


def doubt(sentences: Sequence[str], passage: str, words: Words, limits: Thresholds) -> str:
    """Why these sentences might not say what the passage says; empty when there is no such sign."""
    said, meant = simplify("".join(sentences)), simplify(passage)
    if set(_LATIN.findall(said)) - set(_LATIN.findall(meant)):
        return "language"
    if numbers_of(said, words.no_number) != numbers_of(meant, words.no_number):
        return "number"
    if wrong := next((kind.name for kind in words.classes if not kind.agrees(said, meant)), ""):
        return wrong
    if not _denies_alike(said, meant, words):
        return "negation"
    near = likeness(said, meant, words)
    covered = min(likeness(simplify(sentence), meant, words).covered for sentence in sentences)
    if covered < limits.least_covered or near.new > limits.most_new:
        return "new"
    if near.disorder > limits.most_disorder:
        return "order"
    return "lost" if near.kept < limits.least_kept else ""


def likeness(said: str, meant: str, words: Words) -> Likeness:
    """Compare two simplified texts."""
    ours, theirs = _content(said, words), _content(meant, words)
    in_passage = set(meant)
    marks = "".join(" " if char in in_passage else "x" for char in ours)
    known, in_order = marks.count(" "), _longest_common(ours, theirs)
    return Likeness(
        _share(known, len(ours)),
        max(map(len, marks.split()), default=0),
        (known - in_order) / len(ours) if ours else 0.0,
        _share(_longest_common(theirs, said), len(theirs)),
    )


def _share(some: int, many: int) -> float:
    """A share in which one character does not count: in a short sentence it would be a fifth."""
    return min(1.0, (some + 1) / many) if many else 1.0


def _content(text: str, words: Words) -> str:
    """What of a text bears a claim; every "no" is compared by itself."""
    clauses = (words.negations.sub(lambda match: "" if match["no"] else match[0], c) for c in _CLAUSES.split(text))
    return "".join(words.free.sub("", clause) for clause in clauses)


def _denies_alike(said: str, meant: str, words: Words) -> bool:
    """Whether each "no" of either text has one counterpart that is about the same, in order."""
    ours, theirs = list(_denied(said, words)), list(_denied(meant, words))
    return len(ours) == len(theirs) and all(map(_same_thing, ours, theirs))


def _same_thing(one: str, other: str) -> bool:
    """Whether two short runs of characters speak of one thing."""
    return len(set(one) & set(other)) >= min(2, len(one), len(other))


def _denied(text: str, words: Words) -> Iterator[str]:
    """What each "no" of a text is about."""
    for clause in _CLAUSES.split(text):
        for match in words.negations.finditer(clause):
            if match["no"]:
                yield words.free.sub("", clause[match.end() :])[:_REACH]


def _longest_common(one: str, other: str) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for char in one:
        before = 0
        for place, its in enumerate(other, 1):
            before, row[place] = row[place], before + 1 if char == its else max(row[place], row[place - 1])
    return row[-1]
