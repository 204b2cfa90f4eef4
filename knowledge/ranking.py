"""From five kinds of evidence to an order of articles and probabilities that the first ones are right.

Pure arithmetic. The weights are data, fitted by `knowledge.calibrate` and stored with the id of the encoder
they were fitted for: cosines of another encoder mean something else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

VECTORS = ("question_vector", "passage_vector", "topic_vector")
CHANNELS = (*VECTORS, "question_words", "passage_words")
FEATURES = (
    *CHANNELS,
    "fused",
    "decoy_vector",
    "decoy_words",
    "nobody",
    "lead",
    "clear_of_field",
    "agreement",
    "length",
)
BIAS = "bias"
CHOICES = 3


class CalibrationError(RuntimeError):
    """The stored calibration cannot be used; run `python -m knowledge.calibrate`, then `hotline index`."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How evidence is weighed, and from which probabilities on the bot answers or offers choices.

    `first` judges whether the first article is right, `among` whether one of the first three is: two articles
    that both fit are a reason not to answer, and none to stay silent. Both hold a weight a feature and "bias".
    `by_words` is the same for evidence of words alone, for when the encoder gives no vector; without it the bot
    then stays silent.
    """

    encoder_id: str
    library_digest: str
    fusion: Mapping[str, float]
    first: Mapping[str, float]
    among: Mapping[str, float]
    answer_at: float
    choices_at: float
    by_words: Calibration | None = None

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Read a stored calibration; refuse one whose features are not ours."""
        try:
            kept = json.loads(text)
            words = kept.pop("by_words", None)
            return cls(**kept, by_words=cls(**words) if words else None)._checked()
        except (ValueError, TypeError, AttributeError) as error:
            raise CalibrationError(f"calibration is unreadable: {error}") from error

    def _checked(self) -> Calibration:
        judged = {*FEATURES, BIAS}
        if [set(self.fusion), set(self.first), set(self.among)] != [set(CHANNELS), judged, judged]:
            raise CalibrationError("calibration was fitted for other features; fit it again")
        if self.by_words is not None:
            self.by_words._checked()
        return self

    def to_json(self) -> str:
        """The stored form."""
        kept: dict[str, Any] = asdict(self)
        return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one question found: a row a channel, a column an article; words as shares of the possible."""

    scores: Scores
    length: int
    decoy_vector: float = 0.0
    decoy_words: float = 0.0
    nobody: float = 0.0

    def by_words(self) -> Evidence:
        """What is left of it without the encoder."""
        scores = self.scores.copy()
        scores[: len(VECTORS)] = 0.0
        return replace(self, scores=scores, decoy_vector=0.0, nobody=0.0)


def fuse(evidence: Evidence, calibration: Calibration) -> Scores:
    """One figure an article; higher is better. Only the order means something."""
    weights = np.array([calibration.fusion[name] for name in CHANNELS])
    return np.asarray(weights @ evidence.scores)


def features(evidence: Evidence, fused: Scores, order: NDArray[np.intp]) -> Scores:
    """What speaks for the first article of the order, in the order of FEATURES."""
    best = order[0]
    rivals = fused[order[1:6]] if len(order) > 1 else fused[order] - 1.0
    spoke = evidence.scores.any(axis=1)  # a channel that found nothing agrees with nobody
    agreement = ((evidence.scores.argmax(axis=1) == best) & spoke).mean()
    return np.array(
        [
            *evidence.scores[:, best],
            fused[best],
            evidence.decoy_vector,
            evidence.decoy_words,
            evidence.nobody,
            fused[best] - rivals[0],
            fused[best] - rivals.mean(),
            agreement,
            np.log1p(evidence.length),
        ]
    )


def probability(found: Scores, weights: Mapping[str, float]) -> float:
    """How likely it is that what the weights were fitted for holds."""
    summed = sum(weights[name] * value for name, value in zip(FEATURES, found, strict=True))
    return float(1 / (1 + np.exp(-(summed + weights[BIAS]))))
