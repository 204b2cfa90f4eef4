"""What the classifier reads of a message: runs of one to three characters, and concepts alone and in pairs.

Three characters carry nearly a Chinese phrase; longer runs added nothing on messages of unseen writers.
Hashing needs no vocabulary, so the model holds no piece of anybody's text.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from triage.concepts import Found, Lexicon

RUN_PLACES = 1 << 18
CONCEPT_PLACES = 1 << 16
PLACES = RUN_PLACES + CONCEPT_PLACES
LONGEST_RUN = 3
READS = "runs1-3+concepts, 1"  # change it with anything here that changes a place or a weight
_EDGE = "\x02"  # stands before the first and after the last character
_FACTOR = np.uint32(0x01000193)
_MIX = np.uint32(0x85EBCA6B)
_CLAUSE_ENDS = frozenset(",;。!?\n")
_CONCEPT_SHARE = np.float32(0.5)  # how much the concepts weigh beside the runs
_MOST_CONCEPTS = 24  # of a long text the first ones: pairs grow with the square
_ALONE, _IN_CLAUSE, _IN_MESSAGE = 1, 2, 3

Places = NDArray[np.int64]
Weights = NDArray[np.float32]


def runs(text: str) -> Places:
    """The hashed places of all runs of characters, in order, with repetitions."""
    codes = np.frombuffer(f"{_EDGE}{text}{_EDGE}".encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    found = []
    hashed = np.zeros(len(codes), dtype=np.uint32)
    for length in range(1, LONGEST_RUN + 1):
        if length > len(codes):
            break
        size = len(codes) - length + 1
        hashed = hashed[:size] * _FACTOR + codes[length - 1 :] * _MIX
        found.append(_mixed(hashed) % np.uint32(RUN_PLACES))
    return np.concatenate(found).astype(np.int64)


def meanings(text: str, lexicon: Lexicon) -> Places:
    """The distinct places of concepts: each alone, ordered pairs within a clause, pairs within the message."""
    found = lexicon.find(text)
    alone = list(dict.fromkeys(each.concept for each in found))[:_MOST_CONCEPTS]
    if not alone:
        return np.zeros(0, dtype=np.int64)
    kept, one = set(alone), np.array(sorted(alone), dtype=np.uint32)
    first, second = np.triu_indices(len(one), 1)
    hashed = [_keyed(_ALONE, one, np.zeros_like(one)), _keyed(_IN_MESSAGE, one[first], one[second])]
    for concepts, first_end, last_start in _clauses(text, [each for each in found if each.concept in kept]):
        before, after = np.nonzero(first_end[:, None] <= last_start[None, :])
        hashed.append(_keyed(_IN_CLAUSE, concepts[before], concepts[after]))
    return RUN_PLACES + (_mixed(np.concatenate(hashed)) % np.uint32(CONCEPT_PLACES)).astype(np.int64)


def _keyed(kind: int, a: NDArray[np.uint32], b: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """One number for a concept or a pair."""
    return (np.uint32(kind) * _FACTOR + a * _MIX) * _FACTOR + b * _MIX


def counted(text: str, lexicon: Lexicon) -> tuple[Places, Weights]:
    """All distinct places of a text with damped counts, before rarity."""
    places, counts = np.unique(runs(text), return_counts=True)
    ideas = np.unique(meanings(text, lexicon))
    damped = np.concatenate([1.0 + np.log(counts), np.ones(len(ideas))]).astype(np.float32)
    return np.concatenate([places, ideas]), damped


def weigh(text: str, lexicon: Lexicon, rarity: Weights) -> tuple[Places, Weights]:
    """The distinct places of a text and their weights: runs together of length one, concepts a fixed share."""
    places, damped = counted(text, lexicon)
    weights = damped * rarity[places]
    split = int(np.searchsorted(places, RUN_PLACES))
    for part, length in ((weights[:split], np.float32(1.0)), (weights[split:], _CONCEPT_SHARE)):
        part *= length / max(float(np.sqrt(part @ part)), 1e-9)
    return places, weights


def _mixed(hashed: NDArray[np.uint32]) -> NDArray[np.uint32]:
    mixed = (hashed ^ (hashed >> np.uint32(15))) * _MIX
    return mixed ^ (mixed >> np.uint32(13))


def _clauses(text: str, found: list[Found]) -> list[tuple[NDArray[np.uint32], Places, Places]]:
    """For each clause its concepts, where each first ends, and where it last starts."""
    ends = [at for at, char in enumerate(text) if char in _CLAUSE_ENDS]
    grouped: dict[int, dict[int, tuple[int, int]]] = {}
    for each in found:
        clause = grouped.setdefault(bisect_left(ends, each.start), {})
        end, start = clause.get(each.concept, (each.end, each.start))
        clause[each.concept] = min(end, each.end), max(start, each.start)
    made = []
    for clause in grouped.values():
        spans = np.array(list(clause.values()), dtype=np.int64)
        made.append((np.array(list(clause), dtype=np.uint32), spans[:, 0], spans[:, 1]))
    return made
