"""Fit the weights of `ranking` to labelled questions: plain numpy, a few hundred questions, a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.ranking import (
    BIAS,
    CHANNELS,
    CHOICES,
    FEATURES,
    Calibration,
    Evidence,
    Scores,
    features,
    fuse,
    probability,
)

MAY_BE_WRONG = 0.07
"""At most this share of given answers may be another topic's."""
MAY_BE_OUT_OF_SCOPE = 0.02
"""At most this share of out-of-scope questions may be answered."""
MAY_BE_OFFERED = 0.20
"""At most this share of out-of-scope questions may be met with choices or an answer."""
_STEEPNESS = 8.0  # brings scores between 0 and 1 to a scale on which gradient steps of 0.2 settle


@dataclass(frozen=True, slots=True)
class Example:
    """The evidence for one question and the columns of the articles that answer it."""

    evidence: Evidence
    right: frozenset[int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of one example, and what was true: of the first article, and of the first three."""

    first: float
    among: float
    is_right: bool
    is_among: bool
    is_in_scope: bool


def fit_weights(examples: Sequence[Example], encoder_id: str, digest: str) -> Calibration:
    """Fusion, then confidence in what the fusion puts first; thresholds are set apart."""
    fusion = _fit_fusion([example for example in examples if example.right])
    unsure = dict.fromkeys((*FEATURES, BIAS), 0.0)
    blank = Calibration(encoder_id, digest, fusion, unsure, unsure, 1.0, 1.0)
    found = [_describe(example, blank) for example in examples]
    rows = np.array([row for row, _, _ in found])
    first = _fit_logistic(rows, np.array([float(is_right) for _, is_right, _ in found]))
    among = _fit_logistic(rows, np.array([float(is_among) for _, _, is_among in found]))
    return Calibration(encoder_id, digest, fusion, first, among, 1.0, 1.0)


def outcomes(examples: Sequence[Example], calibration: Calibration) -> list[Outcome]:
    """What the calibration says of each example."""
    found = []
    for example in examples:
        row, is_right, is_among = _describe(example, calibration)
        first, among = probability(row, calibration.first), probability(row, calibration.among)
        found.append(Outcome(first, among, is_right, is_among, bool(example.right)))
    return found


def _describe(example: Example, calibration: Calibration) -> tuple[Scores, bool, bool]:
    """Features of an example, whether its first article is right, and whether one of the first three is."""
    fused = fuse(example.evidence, calibration)
    order = fused.argsort()[::-1]
    best = order[:CHOICES].tolist()
    return features(example.evidence, fused, order), best[0] in example.right, bool(example.right & set(best))


def cross_validate(examples: Sequence[Example], writers: Sequence[str], encoder_id: str, digest: str) -> list[Outcome]:
    """Outcomes where no example was judged by weights fitted on its writer's, in the examples' order."""
    found: dict[int, Outcome] = {}
    for writer in sorted(set(writers)):
        held = {n for n, other in enumerate(writers) if other == writer}
        weights = fit_weights([example for n, example in enumerate(examples) if n not in held], encoder_id, digest)
        judged = sorted(held)
        found.update(zip(judged, outcomes([examples[n] for n in judged], weights), strict=True))
    return [found[n] for n in range(len(examples))]


def thresholds(found: Sequence[Outcome]) -> tuple[float, float]:
    """The lowest probabilities from which answering, and offering choices, keep within the limits above."""
    first = np.array([outcome.first for outcome in found])
    among = np.array([outcome.among for outcome in found])
    right = np.array([outcome.is_right for outcome in found])
    outside = np.array([not outcome.is_in_scope for outcome in found])
    steps = np.arange(0.05, 0.96, 0.01)
    answer_at = next((t for t in steps if _is_safe(first >= t, right, outside)), 0.95)
    offered = next((t for t in steps if (among[outside] >= t).mean() <= MAY_BE_OFFERED), 0.95)
    return round(float(answer_at), 2), round(float(offered), 2)


def _is_safe(given: NDArray[np.bool_], right: NDArray[np.bool_], outside: NDArray[np.bool_]) -> bool:
    if not given.any():
        return True
    wrong = (given & ~right & ~outside).sum() / max((given & ~outside).sum(), 1)
    return bool(wrong <= MAY_BE_WRONG and given[outside].mean() <= MAY_BE_OUT_OF_SCOPE)


def _fit_fusion(examples: Sequence[Example], rounds: int = 400) -> dict[str, float]:
    """Weights that make the right articles likely in a softmax over all articles; none below zero."""
    if not examples:
        return dict.fromkeys(CHANNELS, _STEEPNESS)
    shaped = np.stack([example.evidence.scores for example in examples]) * _STEEPNESS
    right = np.zeros((len(examples), shaped.shape[2]))
    for row, example in enumerate(examples):
        right[row, list(example.right)] = 1.0
    weights = np.full(len(CHANNELS), 0.5)
    for _ in range(rounds):
        share = _softmax(np.einsum("c,nck->nk", weights, shaped))
        wanted = share * right
        gap = wanted / wanted.sum(axis=1, keepdims=True) - share
        slope = 0.002 * weights - np.einsum("nck,nk->c", shaped, gap) / len(examples)
        weights = np.maximum(weights - 0.2 * slope, 0.0)
    return dict(zip(CHANNELS, map(_short, weights * _STEEPNESS), strict=True))


def _softmax(scores: Scores) -> Scores:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True) + 1e-12)


def _fit_logistic(rows: Scores, right: Scores, ridge: float = 2.0) -> dict[str, float]:
    """Newton's method on standardised features; the standardisation is folded into the weights."""
    middle, spread = rows.mean(axis=0), rows.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    design = np.column_stack([(rows - middle) / spread, np.ones(len(rows))])
    penalty = np.diag([ridge] * rows.shape[1] + [1e-6])
    weights = np.zeros(design.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (right - chance) - penalty @ weights
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        weights = weights + np.linalg.solve(curve, slope)
    scaled = weights[:-1] / spread
    bias = float(weights[-1] - scaled @ middle)
    return {name: _short(value) for name, value in zip((*FEATURES, BIAS), (*scaled, bias), strict=True)}


def _short(value: float) -> float:
    """Four digits are more than the data bear, and read better in the stored file."""
    return round(float(value), 4)
