"""BM25 over characters and runs of them, as one sparse matrix in compressed columns.

A column holds one gram's finished weights in the documents that have it, so that a query is a few slices
and additions. The words people type are often the words of the article; this is the safety net for what
the encoder never saw.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.grams import grams

_K1, _B = 1.2, 0.6
_MANY, _COMMON = 10_000, 1 / 8
"""In so many documents, a gram that more than this share of them has is kept as a full row: adding that is quicker."""


@dataclass(frozen=True, slots=True)
class LexicalArrays:
    """What has to be stored to search again without the texts."""

    grams: tuple[str, ...]
    idf: NDArray[np.float32]
    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    weights: NDArray[np.float32]
    common: NDArray[np.int64]  # the columns that `full` holds; they are empty in the sparse matrix
    full: NDArray[np.float32]
    count: int


class Lexical:
    """Scores every document for a query."""

    def __init__(self, arrays: LexicalArrays) -> None:
        self.arrays = arrays
        self._column = {gram: column for column, gram in enumerate(arrays.grams)}
        self._full = dict(zip(arrays.common.tolist(), arrays.full, strict=True))
        self._rarest = float(np.log1p(arrays.count + 0.5))

    @classmethod
    def over(cls, texts: Iterable[str]) -> Lexical:
        """Index the texts; document n is the n-th text."""
        return cls(_arrays(texts))

    def scores(self, query: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of each document for the query's grams; each different gram counts once."""
        found = np.zeros(self.arrays.count, dtype=np.float32)
        for gram in dict.fromkeys(query):
            if (column := self._column.get(gram)) is None:
                continue
            if (full := self._full.get(column)) is not None:
                found += full
            else:
                cells = slice(self.arrays.starts[column], self.arrays.starts[column + 1])
                found[self.arrays.documents[cells]] += self.arrays.weights[cells]
        return found

    def weight(self, query: Sequence[str]) -> float:
        """How much there is to find: the summed rarity of the query's grams, unknown ones being rarest."""
        return sum(self._idf(gram) for gram in dict.fromkeys(query))

    def _idf(self, gram: str) -> float:
        column = self._column.get(gram)
        return self._rarest if column is None else float(self.arrays.idf[column])


def _arrays(texts: Iterable[str]) -> LexicalArrays:
    """Count every gram of every text. In arrays of numbers: a hundred thousand texts have tens of millions."""
    number: dict[str, int] = {}
    seen, long = array("i"), array("i")
    for text in texts:
        found = grams(text)
        seen.extend([number.setdefault(gram, len(number)) for gram in found])
        long.append(len(found))
    names = tuple(sorted(number))
    place = np.empty(len(names), dtype=np.int64)
    place[[number[name] for name in names]] = np.arange(len(names))
    lengths, count = np.array(long, dtype=np.float32), len(long)
    cells = place[np.array(seen, dtype=np.int64)] * count + np.repeat(np.arange(count), np.array(long, dtype=np.int64))
    cells, repeats = np.unique(cells, return_counts=True)
    columns, documents = np.divmod(cells, max(count, 1))
    sizes, times = np.bincount(columns, minlength=len(names)), repeats.astype(np.float32)
    idf = np.log1p((count - sizes + 0.5) / (sizes + 0.5)).astype(np.float32)
    relative = lengths[documents] / np.float32(max(lengths.mean(), 1.0)) if len(cells) else times
    weights = np.repeat(idf, sizes) * times * (_K1 + 1) / (times + _K1 * (1 - _B + _B * relative))
    common = np.flatnonzero(sizes > _COMMON * count) if count >= _MANY else np.zeros(0, dtype=np.int64)
    full = np.zeros((len(common), count), dtype=np.float32)
    is_full = np.isin(columns, common)
    full[np.searchsorted(common, columns[is_full]), documents[is_full]] = weights[is_full]
    sizes[common] = 0
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    sparse = documents[~is_full].astype(np.int32), weights[~is_full].astype(np.float32)
    return LexicalArrays(names, idf, starts, *sparse, common, full, count)
