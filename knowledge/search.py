"""Look one question up in an index: the evidence of each channel for each article, and of the decoys."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Encoder, Floats
from knowledge.grams import grams
from knowledge.index import Index, rows_of
from knowledge.lexical import Lexical
from knowledge.ranking import Evidence, Scores

KINDS = ("passage", "question", "decoy", "topic")


class Search:
    """Holds which rows belong to which article, so that one lookup is a few array operations."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.articles = tuple(sorted({entry.article for entry in index.entries if entry.article}))
        column = {key: n for n, key in enumerate(self.articles)}
        self._vectors = rows_of(index)
        self._rows = {kind: [n for n, e in enumerate(index.entries) if e.kind == kind] for kind in KINDS}
        owner = {n: column[e.article] for n, e in enumerate(index.entries) if e.article}
        self._owner = {
            kind: np.array([owner[n] for n in rows if n in owner], dtype=np.intp) for kind, rows in self._rows.items()
        }
        self._nobody = [n for n in self._rows["topic"] if n not in owner]
        self._topics = [n for n in self._rows["topic"] if n in owner]

    def evidence(self, text: str, encoder: Encoder, without: Collection[int] = ()) -> Evidence:
        """Evidence for each article; question rows in `without` are treated as absent (for calibration)."""
        query = grams(text)
        vectors = self._cosines(encoder.encode([text]))
        asked, words = len(self._rows["passage"]), _shares(self._index.questions, query)
        absent = list(without)
        vectors[absent] = 0.0
        words[[row - asked for row in absent]] = 0.0
        owner, own = self._owner, len(self._owner["question"])
        scores = np.stack(
            [
                self._best(vectors[self._rows["question"]], owner["question"]),
                self._best(vectors[self._rows["passage"]], owner["passage"]),
                self._best(vectors[self._topics], owner["topic"]),
                self._best(words[:own], owner["question"]),
                self._best(_shares(self._index.passages, query), owner["passage"]),
            ]
        )
        return Evidence(
            scores,
            len(set(query)),
            decoy_vector=float(vectors[self._rows["decoy"]].max(initial=0.0)),
            decoy_words=float(words[own:].max(initial=0.0)),
            nobody=float(vectors[self._nobody].max(initial=0.0)),
        )

    def _cosines(self, query: Floats) -> Floats:
        """The similarity of every row."""
        # einsum, not @: BLAS would start threads for a product of half a millisecond, and they fight the web workers.
        return np.asarray(np.einsum("rd,d->r", self._vectors, query[0]), dtype=np.float32)

    def _best(self, scores: Floats, owner: NDArray[np.intp]) -> Scores:
        """The best row of each article; rows stand in the order of their articles, and every article has some."""
        if not len(owner):
            return np.zeros(len(self.articles), dtype=np.float64)
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        return np.maximum(np.maximum.reduceat(scores, starts), 0.0).astype(np.float64)


def _shares(lexical: Lexical, query: list[str]) -> Floats:
    """BM25 as shares of what the query's words weigh, so that long and short questions compare."""
    return np.asarray(lexical.scores(query) / np.float32(lexical.weight(query) or 1.0))
