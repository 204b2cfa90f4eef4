"""Look one question up in an index: the evidence of each channel for each article, and of the decoys."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Encoder, Floats
from knowledge.grams import grams
from knowledge.index import Index
from knowledge.lexical import Lexical
from knowledge.ranking import Evidence, Scores


class Search:
    """Holds which rows belong to which article, so that one lookup is a few array operations."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.articles = tuple(sorted({entry.article for entry in index.entries if entry.article}))
        column = {key: n for n, key in enumerate(self.articles)}
        owner = np.array([column[entry.article] for entry in index.entries if entry.article], dtype=np.intp)
        self._asked = index.passages.arrays.count
        self._decoys = len(owner)
        self._passage_owner, self._question_owner = owner[: self._asked], owner[self._asked :]

    def evidence(self, text: str, encoder: Encoder, without: Collection[int] = ()) -> Evidence:
        """Evidence for each article; question rows in `without` are treated as absent (for calibration)."""
        query = grams(text)
        vectors = self._cosines(encoder.encode([text]))
        words = _shares(self._index.questions, query)
        absent = list(without)
        vectors[absent] = 0.0
        words[[row - self._asked for row in absent]] = 0.0
        questions = slice(self._asked, self._decoys)
        scores = np.stack(
            [
                self._best(vectors[questions], self._question_owner),
                self._best(vectors[: self._asked], self._passage_owner),
                self._best(words[: len(self._question_owner)], self._question_owner),
                self._best(_shares(self._index.passages, query), self._passage_owner),
            ]
        )
        decoy_vector = float(vectors[self._decoys :].max(initial=0.0))
        decoy_words = float(words[len(self._question_owner) :].max(initial=0.0))
        return Evidence(scores, len(set(query)), decoy_vector, decoy_words)

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


def _shares(lexical: Lexical, query: list[str]) -> Floats:
    """BM25 as shares of what the query's words weigh, so that long and short questions compare."""
    return np.asarray(lexical.scores(query) / np.float32(lexical.weight(query) or 1.0))
