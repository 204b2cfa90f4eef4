"""What the index found for each labelled question while the encoder had not learnt its writer's questions.

The shipped encoder has learnt all of them, so weights and thresholds fitted to what it says of them would be
too sure. Training therefore also teaches one encoder a writer without that writer, and keeps what those found
beside the questions: the best articles' figures, no text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.fitting import Example
from knowledge.questions_file import Question
from knowledge.ranking import CHANNELS, CalibrationError, Evidence

FILE = "heldout.npz"
_KEPT = 40  # articles a question; the others never come near the first five


def write_heldout(folder: Path, articles: Sequence[str], found: dict[str, Evidence]) -> None:
    """Keep the evidence by question id."""
    scores = np.zeros((len(found), len(CHANNELS), len(articles)), dtype=np.float16)
    for row, evidence in enumerate(found.values()):
        best = evidence.scores.sum(axis=0).argsort()[::-1][:_KEPT]
        scores[row][:, best] = evidence.scores[:, best]
    rest = np.array([(e.length, e.decoy_vector, e.decoy_words, e.nobody) for e in found.values()], dtype=np.float32)
    np.savez_compressed(folder / FILE, ids=np.array(list(found)), articles=np.array(articles), scores=scores, rest=rest)


def heldout_examples(folder: Path, questions: Sequence[Question]) -> list[Example]:
    """The kept evidence with the labels of today; refuse questions it knows nothing of."""
    try:
        with np.load(folder / FILE) as kept:
            ids, articles = kept["ids"].tolist(), kept["articles"].tolist()
            scores, rest = kept["scores"].astype(np.float64), kept["rest"]
    except (OSError, KeyError, ValueError) as error:
        raise CalibrationError(f"{error}; run `python -m knowledge.train`") from error
    row, column = {id: n for n, id in enumerate(ids)}, {name: n for n, name in enumerate(articles)}
    if missing := [question.id for question in questions if question.id not in row]:
        raise CalibrationError(
            f"{len(missing)} labelled questions are new ({missing[0]}); run `python -m knowledge.train`"
        )
    examples = []
    for question in questions:
        n = row[question.id]
        evidence = Evidence(scores[n], int(rest[n][0]), *(float(value) for value in rest[n][1:]))
        examples.append(Example(evidence, frozenset(column[topic] for topic in question.topics)))
    return examples
