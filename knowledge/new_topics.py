"""Teach the encoder articles that came after its training: `python -m knowledge.new_topics`, in seconds.

Only what lies in the middle of these articles is learnt, against everything labelled. The table and the middles of
all others stay, and with them every vector and what was measured with it; thresholds move as after any change of
articles, never down. `knowledge.train` learns all anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence

import numpy as np
from rich.console import Console

from knowledge.articles import load_library
from knowledge.calibrate import LIBRARY, MODEL, adapt, load_calibration
from knowledge.encoder import Floats, StaticEncoder
from knowledge.questions_file import read_dev
from knowledge.teach import Course, Lesson, lessons_of, targets

_STEPS = 200
_RATE = 0.05


def learn(encoder: StaticEncoder, lessons: Sequence[Lesson], new: Collection[str]) -> dict[str, Floats]:
    """The middles of the new articles: their lessons must find them, all other lessons must not."""
    names, wanted = targets(lessons)
    known = np.stack([encoder.topics[name] for name in names if name not in new])
    vectors = encoder.encode([lesson.text for lesson in lessons])
    counts = np.array([[lesson.weight] for lesson in lessons], dtype=np.float32)
    right = wanted[:, [name in new for name in names]]
    scale = Course().scale
    others = np.exp(scale * (vectors @ known.T - 1)).sum(axis=1, keepdims=True)
    middles = _unit(right.T @ vectors)
    for _ in range(_STEPS):
        own = np.exp(scale * (vectors @ middles.T - 1))
        wrong = counts * (own / (own.sum(axis=1, keepdims=True) + others) - right)
        middles = _unit(middles - _RATE * (wrong.T @ vectors) / (counts * right).sum(axis=0)[:, None])
    return dict(zip((name for name in names if name in new), middles, strict=True))


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def main() -> None:
    """Teach the shipped encoder what it lacks, or again the articles named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("articles", nargs="*", help="learn these anew, beside all that the model does not know")
    options = parser.parse_args()
    library, encoder = load_library(LIBRARY), StaticEncoder.load(MODEL)
    questions = read_dev()
    new = {*options.articles, *library.articles.keys() - encoder.topics.keys()}
    if not new <= library.articles.keys():
        parser.error(f"no article {', '.join(sorted(new - library.articles.keys()))}")
    taught = encoder.with_topics(learn(encoder, lessons_of(library, questions), new))
    taught.save_topics(MODEL)
    calibration = adapt(load_calibration(), library, taught, questions)
    (MODEL / "calibration.json").write_text(calibration.to_json(), encoding="utf-8")
    said = f"answers from {calibration.answer_at}, choices from {calibration.choices_at}"
    Console().print(f"learnt {', '.join(sorted(new)) or 'nothing'}; {said}")


if __name__ == "__main__":
    main()
