"""Train the classifier: `python -m triage.train --data FOLDER` (extra `train`).

Learns from the project's own corpus (every part except the sealed one) and from public sets in FOLDER.
Probabilities and operating points come from leaving each writer out in turn: what a model learned from a
writer's own habits must not count as understanding. No text of the data is written, only weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from triage import operating
from triage.classifier import FOLDER, HEADS, LEXICON
from triage.concepts import Lexicon, load_lexicon
from triage.features import PLACES, RUN_PLACES, counted
from triage.loading import load_rulebook
from triage.material import PUBLIC, Row, exchanged, own_rows, public_rows, reading
from triage.model_files import write_card, write_model
from triage.screen import Screener

# The installed scientific libraries carry no types.
Matrix = Any
Floats = NDArray[np.float64]
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """How to fit; the defaults are what worked on writers left out."""

    strength: float = 15.0  # inverse regularisation
    concept_share: float = 0.5  # as in triage.features


def main() -> None:
    """Train, measure by leaving writers out, write model, card and README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with the public sets; without it only the own corpus")
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args()
    say, plan, rulebook, lexicon = Console(), Plan(), load_rulebook(), load_lexicon(LEXICON)
    rows = [*own_rows(), *(public_rows(options.data) if options.data else ())]
    say.print(f"{len(rows)} texts, of them {sum(row.part != PUBLIC for row in rows)} of our own corpus")
    texts = [reading(row.text, rulebook.tables) for row in rows]
    variants, more = exchanged(rows, texts, lexicon)
    rows, texts = [*rows, *variants], [*texts, *more]
    table, rarity = matrix(texts, lexicon, plan)
    held_out = leave_writers_out(rows, table, plan, say)
    own = [at for at, row in enumerate(rows) if row.part != PUBLIC and not row.is_variant]
    slopes, offsets = calibrate([rows[at] for at in own], held_out[own])
    rules = Screener(rulebook)
    chances = 1 / (1 + np.exp(-(held_out[own] * slopes + offsets)))
    framed = np.array([int(rules.judge(rows[at].text).level) for at in own])
    points, facts = operating.choose([rows[at] for at in own], chances, framed)
    columns, biases = zip(*(fit(rows, table, head, plan) for head in range(len(HEADS))), strict=True)
    weights = np.stack(columns, axis=1) * slopes
    name = write_model(options.out, rarity, weights, np.array(biases) * slopes + offsets, points, lexicon.version)
    write_card(options.out, name, rows, facts)
    for line in facts:
        say.print(line)
    say.print(f"wrote {options.out}: {name}")


def matrix(texts: Sequence[str], lexicon: Lexicon, plan: Plan) -> tuple[Matrix, NDArray[np.float32]]:
    """Texts as rows over hashed places, and the rarity of each place; as `triage.features.weigh` does it."""
    sparse: Any = import_module("scipy.sparse")
    found = [counted(text, lexicon) for text in texts]
    places = np.concatenate([each for each, _ in found])
    starts = np.cumsum([0, *(len(each) for each, _ in found)])
    seen = np.bincount(places, minlength=PLACES)
    rarity = (np.log((1.0 + len(texts)) / (1.0 + seen)) + 1.0).astype(np.float32)
    values = np.concatenate([damped for _, damped in found]) * rarity[places]
    table = sparse.csr_matrix((values, places, starts), shape=(len(texts), PLACES))
    blocks = [
        _of_length(sparse, table[:, :RUN_PLACES], 1.0),
        _of_length(sparse, table[:, RUN_PLACES:], plan.concept_share),
    ]
    return sparse.hstack(blocks).tocsr(), rarity


def _of_length(sparse: Any, block: Matrix, length: float) -> Matrix:
    norms = np.sqrt(np.asarray(block.multiply(block).sum(axis=1))).ravel()
    return sparse.diags(length / np.maximum(norms, 1e-9)) @ block


def fit(rows: Sequence[Row], table: Matrix, head: int, plan: Plan) -> tuple[Floats, float]:
    """Weights and offset of one head: logistic regression over the texts that say something about it."""
    linear: Any = import_module("sklearn.linear_model")
    usable = [at for at, row in enumerate(rows) if row.heads[head] is not None]
    says = np.array([bool(rows[at].heads[head]) for at in usable])
    weights = np.array([rows[at].weight for at in usable])
    weights[says] *= weights[~says].sum() / max(weights[says].sum(), 1e-9)  # the rare side counts as much
    model = linear.LogisticRegression(C=plan.strength, max_iter=300)
    model.fit(table[usable], says, sample_weight=weights)
    return model.coef_[0], float(model.intercept_[0])


def leave_writers_out(rows: Sequence[Row], table: Matrix, plan: Plan, say: Console) -> Floats:
    """Scores of our own messages by models that never saw their writer; zeros for the others."""
    scores = np.zeros((len(rows), len(HEADS)))
    writers = sorted({row.part for row in rows} - {PUBLIC})
    for first in range(_FOLDS):
        left = set(writers[first::_FOLDS])
        outside = [at for at, row in enumerate(rows) if row.part in left and not row.is_variant]
        inside = [at for at, row in enumerate(rows) if row.part not in left]
        if not outside:
            continue
        kept, taught = table[inside], [rows[at] for at in inside]
        for head in range(len(HEADS)):
            weights, bias = fit(taught, kept, head, plan)
            scores[outside, head] = table[outside] @ weights + bias
        say.print(f"without {', '.join(sorted(left))}: {len(outside)} texts judged")
    return scores


def calibrate(own: Sequence[Row], scores: Floats) -> tuple[Floats, Floats]:
    """Slope and offset a head (Platt), so that a score means a probability on unseen writers."""
    linear: Any = import_module("sklearn.linear_model")
    slopes, offsets = np.ones(len(HEADS)), np.zeros(len(HEADS))
    for head in range(len(HEADS)):
        says = np.array([bool(row.truth[head]) for row in own])
        model = linear.LogisticRegression(C=1e6).fit(scores[:, head][:, None], says)
        slopes[head], offsets[head] = model.coef_[0, 0], model.intercept_[0]
    return slopes, offsets


if __name__ == "__main__":
    main()
