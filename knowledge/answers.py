"""Choose what to do with a question: answer it, offer three articles, or say that there is no sure answer.

Silence is better than a wrong answer: the caller then names the hotline. Danger is not judged here; messages
are screened before they arrive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Literal

from knowledge.abstain import AbstainRule, kind_of_abstain, load_rules
from knowledge.articles import Library
from knowledge.encoder import Encoder, EncoderError
from knowledge.follow_up import clauses, may_go_on
from knowledge.index import Index, IndexRefused
from knowledge.ranking import CHOICES, Calibration, CalibrationError, features, fuse, probability
from knowledge.search import Search

Zone = Literal["answer", "choices", "abstain"]
GOES_ON_AT = 0.1  # a question less likely than this to be any article's is not led back to one
MOST_CLAUSES = 4
_BEST = 5
_NEVER = 2.0  # no probability is so high
OUT_OF_SCOPE = "out_of_scope"  # the kind of a question that no rule leaves to people and no article answers
SURE_AT = 0.9  # a clause alone names a topic only when it is this sure


@dataclass(frozen=True, slots=True)
class Answer:
    """What was decided; `articles` are the best five in any zone, for the console and for choices."""

    zone: Zone
    article: str | None
    articles: tuple[str, ...]
    score: float
    kind: str = ""
    also: str = ""  # a second article that the message clearly asks for
    by_words: bool = False  # the encoder gave no vector: words alone were compared, by their own thresholds

    @property
    def choices(self) -> tuple[str, ...]:
        """The articles to offer behind 您是想问…."""
        return self.articles[:CHOICES] if self.zone == "choices" else ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best five articles; how likely the first is right, and how likely one of the first three is."""

    articles: tuple[str, ...]
    first: float
    among: float
    by: Calibration

    @property
    def zone(self) -> Zone:
        """What these probabilities allow."""
        if self.articles and self.first >= self.by.answer_at:
            return "answer"
        return "choices" if self.articles and self.among >= self.by.choices_at else "abstain"


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
        silent = replace(calibration, answer_at=_NEVER, choices_at=_NEVER)
        self._by_words = calibration.by_words or silent
        self._search = Search(index)
        self._rules = load_rules() if rules is None else rules

    @property
    def encoder_id(self) -> str:
        """Which encoder the index was built with."""
        return self._encoder.id

    def choose(self, text: str, today: date, *, before: str = "") -> Answer:
        """Decide; articles past their review date are never offered. `before` is the article answered last."""
        if kind := kind_of_abstain(text, self._rules):
            ranking = self.rank(text, today)
            return Answer("abstain", None, ranking.articles, ranking.first, kind)
        answer = self._decide(text, today)
        if answer.zone != "abstain" and len(asked := self._asked_apart(text, today)) > 1:
            first = answer.article or asked[0]
            return replace(answer, zone="answer", article=first, also=next(a for a in asked if a != first))
        if answer.zone == "answer":
            return answer
        if before in self._library.articles and may_go_on(text):
            led = self._decide(f"{self._library.articles[before].title}，{text}", today)
            if led.zone != "abstain" and answer.score >= GOES_ON_AT:
                return _beside(before, answer) if led.article == before and answer.zone == "choices" else led
        return answer

    def _asked_apart(self, text: str, today: date) -> list[str]:
        """The different articles that single clauses surely ask for, in their order."""
        parts = clauses(text)[:MOST_CLAUSES]
        found = [self._decide(part, today) for part in parts] if len(parts) > 1 else []
        return list(dict.fromkeys(a.article for a in found if a.article and a.score >= SURE_AT and not a.by_words))

    def _decide(self, text: str, today: date) -> Answer:
        found = self.rank(text, today)
        return Answer(
            found.zone,
            found.articles[0] if found.zone == "answer" else None,
            found.articles,
            found.first,
            OUT_OF_SCOPE if found.zone == "abstain" else "",
            by_words=found.by is not self._calibration,
        )

    def suggest(self, text: str, n: int = 3, *, today: date | None = None) -> tuple[str, ...]:
        """Articles that may help a counsellor, best first; without a date also those past their review."""
        return self.rank(text, today).articles[:n]

    def rank(self, text: str, today: date | None) -> Ranking:
        """Order the articles; by words alone where the encoder fails, for an answer must not wait for it."""
        by = self._calibration
        try:
            evidence = self._search.evidence(text, self._encoder)
        except EncoderError:
            evidence, by = self._search.weigh(text, None), self._by_words
        if not evidence.length or not self._search.articles:
            return Ranking((), 0.0, 0.0, by)
        fused = fuse(evidence, by)
        order = fused.argsort()[::-1]
        names = (self._search.articles[n] for n in order)
        current = (name for name in names if today is None or not self._library.articles[name].is_expired(today))
        best = tuple(islice(current, _BEST))
        if not best or best[0] != self._search.articles[order[0]]:
            # The best article is withheld: its neighbours may be offered, but none is an answer.
            return Ranking(best, 0.0, 0.0, by)
        found = features(evidence, fused, order)
        return Ranking(best, probability(found, by.first), probability(found, by.among), by)


def _beside(before: str, answer: Answer) -> Answer:
    """The article just given as one choice of three: nobody is given the same words twice for a new question."""
    return replace(answer, articles=(before, *(name for name in answer.articles if name != before)))
