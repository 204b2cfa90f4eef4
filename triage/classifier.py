"""The classifier: how likely a message is of each level, from its characters; numpy alone at run time.

It hears what no frame foresaw. It may raise a message as far as high; that somebody is dying now, only a
frame may say, or frame and classifier together. Trained by `python -m triage.train`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.concepts import Lexicon, load_lexicon
from triage.features import LONGEST_RUN, PLACES, READS, Weights, runs, weigh
from triage.risk import Category, Level

FOLDER = Path(__file__).parent / "model"
LEXICON = Path(__file__).parent / "lexicon"
WEIGHTS, CARD = "weights.npz", "model.json"
GRADES = (Level.LOW, Level.MEDIUM, Level.HIGH, Level.EMERGENCY)
HEADS = (*(level.code for level in GRADES), *(category.value for category in Category))
_SPAN_CHARS = 24


class ModelError(RuntimeError):
    """The classifier's files are missing or damaged."""


@dataclass(frozen=True, slots=True)
class Points:
    """From which probability on the classifier speaks, chosen in training for a share of false alarms.

    `ask` and `alarm` depend on what the frames say alone (none, low, medium, high, emergency): the more they
    heard, the less it takes. Where frames say danger and the classifier stays below, they are not believed.
    """

    low: float  # of level >= 1: one warm line
    ask: tuple[float, ...]  # of level >= 2, one for each level of the frames: ask directly and offer a person
    alarm: tuple[float, ...]  # of level >= 3, one for each level of the frames: call people
    sure: float  # of level >= 2: so sure of danger that a frame's high is believed whatever `alarm` says
    after: float  # of level >= 3 once a conversation has shown danger: call people
    agree: float  # of level 4: together with a frame of danger it is an emergency
    category: float  # of a category: it is named


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the classifier makes of one message: a probability for each grade and each category."""

    at_least: tuple[float, ...]  # of level >= 1, >= 2, >= 3, of level 4; never rising
    categories: tuple[float, ...]  # in the order of Category

    def of(self, level: Level) -> float:
        """How likely the message is of this level or above."""
        return 1.0 if level == Level.NONE else self.at_least[level - 1]


class Classifier:
    """Weights over hashed runs of characters, one column a head."""

    def __init__(
        self, rarity: Weights, weights: NDArray[np.float16], card: dict[str, Any], lexicon: Lexicon
    ) -> None:  # Any: the card is JSON
        if rarity.shape != (PLACES,) or weights.shape != (PLACES, len(HEADS)):
            raise ModelError(f"weights of shape {weights.shape}, expected {(PLACES, len(HEADS))}")
        if card["reads"] != READS:
            raise ModelError(f"trained to read {card['reads']!r}, but this program reads {READS!r}; train again")
        if card["lexicon"] != lexicon.version:
            raise ModelError(f"trained with lexicon {card['lexicon']}, but this one is {lexicon.version}; train again")
        self._rarity, self._weights, self._lexicon = rarity, weights, lexicon
        self._offsets = np.asarray(card["offsets"], dtype=np.float32)
        self.points = Points(**card["points"])
        self.id = str(card["id"])

    @classmethod
    def load(cls, folder: Path = FOLDER, lexicon: Path = LEXICON) -> Classifier:
        """Read a trained model; raise ModelError that says what is wrong with it."""
        try:
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
            raw = (folder / WEIGHTS).read_bytes()
            if hashlib.sha256(raw).hexdigest() != card["sha256"]:
                raise ModelError(f"{folder / WEIGHTS} is not the file that {CARD} describes; restore it or train again")
            with np.load(folder / WEIGHTS) as stored:
                return cls(stored["rarity"].astype(np.float32), stored["weights"], card, load_lexicon(lexicon))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"cannot read the classifier in {folder}: {error}") from error

    def opinion(self, text: str) -> Opinion:
        """Probabilities for a text (a reading of the message, not the message as typed)."""
        places, weights = weigh(text, self._lexicon, self._rarity)
        scores = weights @ self._weights[places].astype(np.float32) + self._offsets
        chances = 1.0 / (1.0 + np.exp(-np.clip(scores, -30.0, 30.0)))
        grades = np.minimum.accumulate(chances[: len(GRADES)])
        return Opinion(tuple(map(float, grades)), tuple(map(float, chances[len(GRADES) :])))

    def loudest(self, text: str, level: Level) -> tuple[int, int]:
        """The stretch (start, end) that speaks most for this level: what the console underlines."""
        head = GRADES.index(level)
        hashed = runs(text)
        votes = self._rarity[hashed] * self._weights[hashed, head].astype(np.float32)
        chars = np.zeros(len(text) + 2, dtype=np.float32)
        at = 0
        for length in range(1, min(LONGEST_RUN, len(chars)) + 1):
            size = len(chars) - length + 1
            for shift in range(length):
                chars[shift : shift + size] += votes[at : at + size] / length
            at += size
        inner = chars[1:-1]
        if len(inner) <= _SPAN_CHARS:
            return 0, len(inner)
        sums = np.convolve(inner, np.ones(_SPAN_CHARS, dtype=np.float32), mode="valid")
        start = int(sums.argmax())
        return start, start + _SPAN_CHARS
