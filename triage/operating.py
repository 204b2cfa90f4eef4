"""Choose from which probability on the classifier speaks. Run in training, on messages of writers left out.

The alarm is set for the whole screening: what the frames say alone already costs its share of false alarms.
Only parts that nobody wrote rules from (scenes) tell how far a frame can be believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.classifier import GRADES, Points
from triage.material import Row
from triage.risk import Level

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
UNSEEN_BY_RULES = ("scenes", "conversations")
_FRAMED = (Level.LOW, Level.MEDIUM, Level.HIGH, Level.EMERGENCY)


@dataclass(frozen=True, slots=True)
class Costs:
    """The false alarms that each point may cost."""

    low: float = 0.12  # share of level 0 called low or above
    ask: float = 0.05  # share of level 0 called medium or above, frames included
    alarm: float = 0.02  # share of levels 0-1 called high or above, frames included
    sure: float = 0.06  # share of levels 0-1 so surely elevated that a frame's high is believed
    after: float = 0.05  # share of levels 0-1 near enough to high to alarm after danger was spoken of
    agree: float = 0.03  # share of levels up to 3 called an emergency


def choose(rows: Sequence[Row], chances: Floats, framed: Ints, costs: Costs | None = None) -> tuple[Points, list[str]]:
    """Operating points, and what they are worth on writers left out, as lines for the model card."""
    costs = costs or Costs()
    levels = np.array([int(row.level) for row in rows])
    seen = np.minimum.accumulate(chances[:, : len(GRADES)], axis=1)
    fresh = np.array([row.part.startswith(UNSEEN_BY_RULES) for row in rows])
    if not fresh.any():
        fresh = np.ones(len(rows), dtype=bool)
    quiet, harmless = fresh & (levels <= Level.LOW), fresh & (levels == Level.NONE)
    points = Points(
        low=_above(costs.low, seen[:, 0], harmless & (framed < Level.LOW)),
        ask=_bars(seen[:, 1], levels >= Level.MEDIUM, framed, fresh, harmless, costs.ask),
        alarm=_bars(seen[:, 2], levels >= Level.HIGH, framed, fresh, quiet, costs.alarm),
        sure=_above(costs.sure, seen[:, 1], quiet),
        after=_above(costs.after, seen[:, 2], quiet),
        agree=_above(costs.agree, seen[:, 3], fresh & (levels <= Level.HIGH) & (framed >= Level.MEDIUM)),
        category=0.5,
    )
    return points, _facts(points, seen, levels, framed, fresh)


def _bars(chances: Floats, truth: Mask, framed: Ints, fresh: Mask, quiet: Mask, cost: float) -> tuple[float, ...]:
    """Weigh the frames' word against the classifier's, then set one bar for both within the cost."""
    linear: Any = import_module("sklearn.linear_model")
    evidence = np.column_stack([_logit(chances), *(framed == level for level in _FRAMED)])
    model = linear.LogisticRegression(C=10.0).fit(evidence[fresh], truth[fresh])
    bar = float(np.quantile(model.decision_function(evidence)[quiet], 1 - cost))
    slope, shifts = model.coef_[0, 0], np.array([0.0, *model.coef_[0, 1:]])
    bars = 1 / (1 + np.exp(-(bar - model.intercept_[0] - shifts) / slope))
    return tuple(round(float(each), 4) for each in np.minimum.accumulate(bars))


def _above(share: float, chances: Floats, among: Mask) -> float:
    if not among.any():
        return 1.0  # nobody to learn it from: the classifier does not use this point
    return round(float(np.quantile(chances[among], 1 - max(share, 0.002))), 4)


def _logit(chances: Floats) -> Floats:
    kept = np.clip(chances, 1e-6, 1 - 1e-6)
    logits: Floats = np.log(kept / (1 - kept))
    return logits


def _facts(points: Points, seen: Floats, levels: Ints, framed: Ints, fresh: Mask) -> list[str]:
    quiet, harmless = fresh & (levels <= Level.LOW), fresh & (levels == Level.NONE)
    danger, high = fresh & (levels >= Level.HIGH), seen[:, 2]
    alarmed = (high >= np.array(points.alarm)[framed]) | ((framed >= Level.HIGH) & (seen[:, 1] >= points.sure))
    asked = alarmed | (seen[:, 1] >= np.array(points.ask)[framed])
    alone = high >= np.quantile(high[quiet], 0.98)
    return [
        f"messages of writers left out: {int(danger.sum())} of level >= 3, {int(quiet.sum())} of level 0-1",
        f"together: {alarmed[danger].mean():.1%} of level >= 3 found, {asked[danger].mean():.1%} at least asked;"
        f" {alarmed[quiet].mean():.1%} of level 0-1 alarmed, {asked[harmless].mean():.1%} of level 0 asked",
        f"classifier alone at 2% false alarms: {alone[danger].mean():.1%} found",
        f"frames alone: {(framed[danger] >= 3).mean():.1%} found, {(framed[quiet] >= 3).mean():.1%} false alarms",
        f"operating points: {points}",
    ]
