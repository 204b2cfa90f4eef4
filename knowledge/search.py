"""Look one question up in an index: the evidence of each channel for each article, and of the decoys."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Encoder, Floats
from knowledge.grams import grams
from knowledge.index import Entry, Index
from knowledge.lexical import Lexical
from knowledge.ranking import Evidence, Scores

_NEAREST = 100
"""Rows that a graph is asked for; every row of the articles they belong to is then compared."""
_BEST_BY_WORDS = 25
"""Articles that are compared too although no row of theirs was near: those with the most words of the question."""


class Search:
    """Holds which rows belong to which article, so that one lookup is a few array operations."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.articles = tuple(sorted({entry.article for entry in index.entries if entry.article}))
        column = {key: n for n, key in enumerate(self.articles)}
        self._owner = np.array([column.get(entry.article, -1) for entry in index.entries], dtype=np.intp)
        self._spans = {kind: _span(index.entries, kind) for kind in ("passage", "question", "decoy", "topic", "nobody")}
        self._starts = {kind: self._starts_of(kind) for kind in ("passage", "question", "topic")}
        self._all = np.arange(len(index.entries), dtype=np.intp)
        self._by_owner = np.argsort(self._owner, kind="stable")
        self._first = np.searchsorted(self._owner[self._by_owner], np.arange(len(self.articles) + 1))

    def evidence(self, text: str, encoder: Encoder, without: Collection[int] = ()) -> Evidence:
        """Evidence for each article; question rows in `without` are treated as absent (for calibration)."""
        return self.weigh(text, encoder.encode([text])[0], without)

    def weigh(self, text: str, vector: Floats | None, without: Collection[int] = ()) -> Evidence:
        """The same when the vector is known; without one, by words alone."""
        query, questions, absent = grams(text), self._spans["question"], list(without)
        asked = _shares(self._index.questions, query)
        asked[[row - questions.start for row in absent]] = 0.0
        own, decoys = np.split(asked, [questions.stop - questions.start])
        words = [
            self._best(own, "question"),
            self._best(_shares(self._index.passages, query), "passage"),
        ]
        rows, near = self._compared(vector, words)
        near[np.isin(rows, absent)] = 0.0
        vectors = [self._nearest(rows, near, kind) for kind in ("question", "passage", "topic")]
        return Evidence(
            np.stack([*vectors, *words]),
            len(set(query)),
            decoy_vector=float(near[self._is_of("decoy", rows)].max(initial=0.0)),
            decoy_words=float(decoys.max(initial=0.0)),
            nobody=float(near[self._is_of("nobody", rows)].max(initial=0.0)),
        )

    def _compared(self, query: Floats | None, words: list[Scores]) -> tuple[NDArray[np.intp], Floats]:
        """Rows and how similar they are: all of them, or with a graph those that can matter."""
        if query is None:
            return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.float32)
        vectors = self._index.vectors
        rows = self._all if vectors.is_exact else self._meant(query, words)
        compared = vectors.rows if vectors.is_exact else vectors.rows[rows]
        # einsum, not @: BLAS would start threads for a product of half a millisecond, and they fight the web workers.
        return rows, np.asarray(np.einsum("rd,d->r", compared, query), dtype=np.float32)

    def _meant(self, query: Floats, words: list[Scores]) -> NDArray[np.intp]:
        """Rows of the articles that are near or share words, and of what no article answers."""
        near = self._owner[self._index.vectors.nearest(query, _NEAREST)]
        few = min(_BEST_BY_WORDS, len(self.articles))
        shared = [np.argpartition(best, -few)[-few:] for best in words]
        articles = np.unique(np.concatenate([near[near >= 0], *shared]))
        own = [self._by_owner[self._first[n] : self._first[n + 1]] for n in articles]
        return np.concatenate([*own, self._by_owner[: self._first[0]]])

    def _starts_of(self, kind: str) -> NDArray[np.intp]:
        """Where each article's rows begin; they stand in the order of their articles, and every article has some."""
        return np.flatnonzero(np.diff(self._owner[self._spans[kind]], prepend=-1))

    def _is_of(self, kind: str, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        span = self._spans[kind]
        return np.asarray((rows >= span.start) & (rows < span.stop))

    def _nearest(self, rows: NDArray[np.intp], near: Floats, kind: str) -> Scores:
        """The best of the compared rows of each article."""
        if rows is self._all:
            return self._best(near[self._spans[kind]], kind)
        best, own = np.zeros(len(self.articles), dtype=np.float64), self._is_of(kind, rows)
        np.maximum.at(best, self._owner[rows[own]], near[own])
        return best

    def _best(self, scores: Floats, kind: str) -> Scores:
        """The best row of each article, with all rows of the kind given."""
        starts = self._starts[kind]
        if not len(starts):
            return np.zeros(len(self.articles), dtype=np.float64)
        return np.maximum(np.maximum.reduceat(scores, starts), 0.0).astype(np.float64)


def _span(entries: tuple[Entry, ...], kind: str) -> slice:
    """Where the rows of a kind stand; the topic of what no article answers is a kind of its own."""
    rows = [n for n, e in enumerate(entries) if kind == ("nobody" if e.kind == "topic" and not e.article else e.kind)]
    return slice(rows[0], rows[-1] + 1) if rows else slice(0, 0)


def _shares(lexical: Lexical, query: list[str]) -> Floats:
    """BM25 as shares of what the query's words weigh, so that long and short questions compare."""
    return np.asarray(lexical.scores(query) / np.float32(lexical.weight(query) or 1.0))
