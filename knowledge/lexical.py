"""BM25 over characters and character pairs, as one sparse matrix in compressed columns.

A column holds one gram's finished weights in the documents that have it, so that a query is a few slices
and additions. The words people type are often the words of the article; this is the safety net for what
the encoder never saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.grams import grams

_K1, _B = 1.2, 0.6


@dataclass(frozen=True, slots=True)
class LexicalArrays:
    """What has to be stored to search again without the texts."""

    grams: tuple[str, ...]
    idf: NDArray[np.float32]
    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    weights: NDArray[np.float32]
    count: int


class Lexical:
    """Scores every document for a query."""

    def __init__(self, arrays: LexicalArrays) -> None:
        self.arrays = arrays
        self._column = {gram: column for column, gram in enumerate(arrays.grams)}
        self._rarest = float(np.log1p(arrays.count + 0.5))

    @classmethod
    def over(cls, texts: Sequence[str]) -> Lexical:
        """Index the texts; document n is the n-th text."""
        return cls(_arrays([Counter(grams(text)) for text in texts]))

    def scores(self, query: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of each document for the query's grams; each different gram counts once."""
        found = np.zeros(self.arrays.count, dtype=np.float32)
        for gram in dict.fromkeys(query):
            if (column := self._column.get(gram)) is not None:
                cells = slice(self.arrays.starts[column], self.arrays.starts[column + 1])
                found[self.arrays.documents[cells]] += self.arrays.weights[cells]
        return found

    def weight(self, query: Sequence[str]) -> float:
        """How much there is to find: the summed rarity of the query's grams, unknown ones being rarest."""
        return sum(self._idf(gram) for gram in dict.fromkeys(query))

    def _idf(self, gram: str) -> float:
        column = self._column.get(gram)
        return self._rarest if column is None else float(self.arrays.idf[column])


def _arrays(counts: Sequence[Counter[str]]) -> LexicalArrays:
    postings: dict[str, list[tuple[int, int]]] = {}
    for document, found in enumerate(counts):
        for gram, repeats in found.items():
            postings.setdefault(gram, []).append((document, repeats))
    names = tuple(sorted(postings))
    sizes = np.array([len(postings[gram]) for gram in names], dtype=np.int64)
    cells = np.array([cell for gram in names for cell in postings[gram]], dtype=np.int64).reshape(-1, 2)
    idf = np.log1p((len(counts) - sizes + 0.5) / (sizes + 0.5)).astype(np.float32)
    lengths = np.array([sum(found.values()) for found in counts], dtype=np.float32)
    documents, times = cells[:, 0], cells[:, 1].astype(np.float32)
    relative = lengths[documents] / np.float32(max(lengths.mean(), 1.0)) if len(cells) else times
    weights = np.repeat(idf, sizes) * times * (_K1 + 1) / (times + _K1 * (1 - _B + _B * relative))
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return LexicalArrays(names, idf, starts, documents.astype(np.int32), weights.astype(np.float32), len(counts))
