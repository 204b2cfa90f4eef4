"""Choose what to do with a question: answer it, offer three articles, or say that there is no sure answer.

Silence is better than a wrong answer: the caller then names the hotline. Danger is not judged here; messages
are screened before they arrive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from knowledge.abstain import AbstainRule, kind_of_abstain, load_rules
from knowledge.articles import Library
from knowledge.encoder import Encoder
from knowledge.index import Index, IndexRefused
from knowledge.ranking import CHOICES, CalibrationError, features, fuse, probability
from knowledge.search import Search

Zone = Literal["answer", "choices", "abstain"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was decided; `articles` are the best five in any zone, for the console and for choices."""

    zone: Zone
    article: str | None
    articles: tuple[str, ...]
    score: float
    kind: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        """The articles to offer behind 您是想问…."""
        return self.articles[:CHOICES] if self.zone == "choices" else ()


class Answerer:
    """Answers from one library through one index; refuses parts that were not made for each other."""

    def __init__(
        self,
        library: Library,
        index: Index,
        encoder: Encoder,
        rules: tuple[AbstainRule, ...] | None = None,
    ) -> None:
        manifest, calibration = index.manifest, index.calibration
        if manifest.encoder_id != encoder.id:
            raise IndexRefused(f"index was built with {manifest.encoder_id}, not {encoder.id}; run `hotline index`")
        if manifest.library_digest != library.digest:
            raise IndexRefused("the articles have changed since the index was built; run `hotline index`")
        if calibration.encoder_id != encoder.id:
            raise CalibrationError(
                f"calibration is for {calibration.encoder_id}, not {encoder.id}; run `hotline index`"
            )
        self._library, self._encoder, self._calibration = library, encoder, calibration
        self._search = Search(index)
        self._rules = load_rules() if rules is None else rules

    def choose(self, text: str, today: date) -> Answer:
        """Decide; articles past their review date are never offered."""
        articles, score, among = self.rank(text, today)
        if kind := kind_of_abstain(text, self._rules):
            return Answer("abstain", None, articles, score, kind)
        if articles and score >= self._calibration.answer_at:
            return Answer("answer", articles[0], articles, score)
        if articles and among >= self._calibration.choices_at:
            return Answer("choices", None, articles, score)
        return Answer("abstain", None, articles, score, "out_of_scope")

    def suggest(self, text: str, n: int = 3, *, today: date | None = None) -> tuple[str, ...]:
        """Articles that may help a counsellor, best first; without a date also those past their review."""
        return self.rank(text, today)[0][:n]

    def rank(self, text: str, today: date | None) -> tuple[tuple[str, ...], float, float]:
        """The best five articles; how likely the first is right, and how likely one of the first three is."""
        evidence = self._search.evidence(text, self._encoder)
        if not evidence.length or not self._search.articles:
            return (), 0.0, 0.0
        fused = fuse(evidence, self._calibration)
        order = fused.argsort()[::-1]
        names = [self._search.articles[n] for n in order]
        current = [name for name in names if today is None or not self._library.articles[name].is_expired(today)]
        if not current or current[0] != names[0]:
            # The best article is withheld: its neighbours may be offered, but none is an answer.
            return tuple(current[:5]), 0.0, 0.0
        found = features(evidence, fused, order)
        first, among = self._calibration.first, self._calibration.among
        return tuple(current[:5]), probability(found, first), probability(found, among)
