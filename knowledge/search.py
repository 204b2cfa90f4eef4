"""Look one question up in an index: the evidence of each channel for each article."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Encoder, Floats
from knowledge.grams import grams
from knowledge.index import Index
from knowledge.ranking import Evidence, Scores


class Search:
    """Holds which rows belong to which article, so that one lookup is a few array operations."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.articles = tuple(sorted({entry.article for entry in index.entries}))
        column = {key: n for n, key in enumerate(self.articles)}
        self._owner = np.array([column[entry.article] for entry in index.entries])
        self._first_question = index.passages.arrays.count

    def evidence(self, text: str, encoder: Encoder, without: Collection[int] = ()) -> Evidence:
        """Evidence for each article; rows in `without` are treated as absent (for calibration)."""
        query = grams(text)
        vectors = self._cosines(encoder.encode([text]))
        vectors[list(without)] = 0.0
        reachable = self._index.questions.weight(query) or 1.0
        questions = self._index.questions.scores(query) / reachable
        questions[[row - self._first_question for row in without if row >= self._first_question]] = 0.0
        passages = self._index.passages.scores(query) / (self._index.passages.weight(query) or 1.0)
        cut = self._first_question
        scores = np.stack(
            [
                self._best(vectors[cut:], self._owner[cut:]),
                self._best(vectors[:cut], self._owner[:cut]),
                self._best(questions, self._owner[cut:]),
                self._best(passages, self._owner[:cut]),
            ]
        )
        return Evidence(scores, len(set(query)))

    def _cosines(self, query: Floats) -> Floats:
        """The similarity of every row, in the order of the rows."""
        rows = self._index.vectors.ntotal
        similar, where = self._index.vectors.search(query, rows)
        ordered = np.empty(rows, dtype=np.float32)
        ordered[where[0]] = similar[0]
        return ordered

    def _best(self, scores: Floats, owner: NDArray[np.intp]) -> Scores:
        """The best row of each article."""
        best = np.zeros(len(self.articles), dtype=np.float64)
        np.maximum.at(best, owner, scores)
        return best
