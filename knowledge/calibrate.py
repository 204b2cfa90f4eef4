"""Fit how evidence is weighed: `python -m knowledge.calibrate` after the encoder or labels changed.

Weights come from labelled questions (questions/dev*.jsonl) and what held-out encoders found for them; a foreign
encoder has learnt none of them, so there `rebuild.py` takes what it finds itself. When only articles changed, `adapt`
keeps the weights and moves the thresholds: each article's own questions are asked with themselves left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from knowledge.ablation import ablate
from knowledge.abstain import kind_of_abstain, load_rules
from knowledge.articles import Library, load_library
from knowledge.encoder import Encoder, StaticEncoder
from knowledge.fitting import Example, Outcome, cross_validate, fit_weights, outcomes, thresholds
from knowledge.heldout import heldout_examples
from knowledge.index import Index, assemble
from knowledge.model_files import write_figures
from knowledge.questions_file import FOLDER, Question, read_dev
from knowledge.ranking import BIAS, CHANNELS, FEATURES, Calibration, CalibrationError
from knowledge.search import Search
from knowledge.shares import Share

HERE = Path(__file__).parent
MODEL = HERE / "model"
LIBRARY = HERE / "library"
_CHANNELS = "What each channel is worth, weights fitted anew for every row and judged on writers left out:"
_WRITERS = "Each writer's questions by encoder and weights that had not learnt them, with the rules of `abstain.toml`:"


def load_calibration(folder: Path = MODEL) -> Calibration:
    """Read calibration.json beside the encoder."""
    try:
        return Calibration.from_json((folder / "calibration.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise CalibrationError(f"{error}; run `python -m knowledge.calibrate`") from error


def blank_calibration(library: Library, encoder: Encoder) -> Calibration:
    """Equal weights that never answer: enough to build the index which the real weights are fitted on."""
    fusion, unsure = dict.fromkeys(CHANNELS, 1.0), dict.fromkeys((*FEATURES, BIAS), 0.0)
    return Calibration(encoder.id, library.digest, fusion, unsure, unsure, 1.0, 1.0)


def labelled_examples(index: Index, encoder: Encoder, questions: Sequence[Question]) -> list[Example]:
    """Evidence for the answerable ones of labelled questions."""
    search = Search(index)
    column = {name: n for n, name in enumerate(search.articles)}
    known = answerable(questions, column)
    vectors = encoder.encode([question.text for question in known])
    return [
        Example(search.weigh(question.text, vector), frozenset(column[t] for t in question.topics if t in column))
        for question, vector in zip(known, vectors, strict=True)
    ]


def answerable(questions: Sequence[Question], articles: Collection[str]) -> list[Question]:
    """Those that one of the articles answers, and those that none should."""
    return [question for question in questions if not question.topics or question.topics & set(articles)]


def own_examples(index: Index, encoder: Encoder, library: Library) -> list[Example]:
    """Each article's questions asked of an index that does not hold them."""
    search = Search(index)
    column = {name: n for n, name in enumerate(search.articles)}
    examples = []
    for row, entry in enumerate(index.entries):
        if entry.kind == "question":
            text = library.articles[entry.article].questions[entry.number]
            evidence = search.evidence(text, encoder, without=(row,))
            examples.append(Example(evidence, frozenset({column[entry.article]})))
    return examples


def fit(
    library: Library, encoder: Encoder, questions: Sequence[Question], examples: Sequence[Example]
) -> tuple[Calibration, list[str]]:
    """Fit weights and thresholds to whole evidence, and apart from that to words alone; and say how good it is."""
    fitted, figures = _fit(library, encoder, questions, examples)
    words = [replace(example, evidence=example.evidence.by_words()) for example in examples]
    alone, without = _fit(library, encoder, questions, words)
    title = "By words alone, as when an encoder gives no vector:"
    return replace(fitted, by_words=alone), [_WRITERS, "", *figures, "", title, "", *without]


def _fit(
    library: Library, encoder: Encoder, questions: Sequence[Question], examples: Sequence[Example]
) -> tuple[Calibration, list[str]]:
    """Weights on all evidence, thresholds on writers left out."""
    fitted = fit_weights(examples, encoder.id, library.digest)
    writers = [question.writer for question in questions]
    rules = load_rules()
    judged = [
        replace(outcome, first=0.0, among=0.0) if kind_of_abstain(question.text, rules) else outcome
        for question, outcome in zip(
            questions, cross_validate(examples, writers, encoder.id, library.digest), strict=True
        )
    ]
    answer_at, choices_at = thresholds(judged)
    figures = describe(judged, answer_at, choices_at)
    return replace(fitted, answer_at=answer_at, choices_at=choices_at), figures


def describe(judged: Sequence[Outcome], answer_at: float, choices_at: float) -> list[str]:
    """Figures for the model card, as Markdown."""
    inside = [outcome for outcome in judged if outcome.is_in_scope]
    outside = [outcome for outcome in judged if not outcome.is_in_scope]
    given = [outcome for outcome in inside if outcome.first >= answer_at]
    offered = [o for o in inside if o.first < answer_at and o.among >= choices_at]
    answered_outside = sum(outcome.first >= answer_at for outcome in outside)
    offered_outside = sum(o.first < answer_at and o.among >= choices_at for o in outside)
    first = {"first article right": Share(sum(outcome.is_right for outcome in inside), len(inside))}
    first["right one among three"] = Share(sum(outcome.is_among for outcome in inside), len(inside))
    shares = first | {
        "answered": Share(len(given), len(inside)),
        "wrong among answered": Share(sum(not outcome.is_right for outcome in given), len(given)),
        "offered choices": Share(len(offered), len(inside)),
        "right one among choices": Share(sum(outcome.is_among for outcome in offered), len(offered)),
        "out of scope, answered": Share(answered_outside, len(outside)),
        "out of scope, offered choices": Share(offered_outside, len(outside)),
    }
    return [
        "| figure | share [95 % interval] |",
        "| --- | --- |",
        *(f"| {name} | {share} |" for name, share in shares.items()),
    ]


def adapt(calibration: Calibration, library: Library, encoder: Encoder, questions: Sequence[Question]) -> Calibration:
    """Move the thresholds to a changed library; never below the fitted ones, for own questions are easy."""
    if calibration.encoder_id != encoder.id:
        raise CalibrationError(f"calibration is for {calibration.encoder_id}, not {encoder.id}; fit it again")
    if calibration.library_digest == library.digest:
        return calibration
    index = in_memory(library, encoder)
    negatives = [question for question in questions if not question.topics]
    examples = [*own_examples(index, encoder, library), *labelled_examples(index, encoder, negatives)]
    moved = _moved(calibration, library, examples)
    if calibration.by_words is None:
        return moved
    alone = [replace(example, evidence=example.evidence.by_words()) for example in examples]
    return replace(moved, by_words=_moved(calibration.by_words, library, alone))


def _moved(calibration: Calibration, library: Library, examples: Sequence[Example]) -> Calibration:
    answer_at, choices_at = thresholds(outcomes(examples, calibration))
    return replace(
        calibration,
        library_digest=library.digest,
        answer_at=max(answer_at, calibration.answer_at),
        choices_at=max(choices_at, calibration.choices_at),
    )


def in_memory(library: Library, encoder: Encoder) -> Index:
    """An index of the library that never answers, for looking things up."""
    blank = blank_calibration(library, encoder)
    return assemble(library, encoder, built_at=datetime.fromtimestamp(0, UTC), calibration=blank)


def main() -> None:
    """Fit on the labelled questions and store beside the encoder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--questions", type=Path, default=FOLDER)
    options = parser.parse_args()
    library, encoder = load_library(LIBRARY), StaticEncoder.load(options.model)
    questions = read_dev(options.questions)
    examples = heldout_examples(options.questions, questions)
    fitted, figures = fit(library, encoder, questions, examples)
    writers = [question.writer for question in questions]
    figures += ["", _CHANNELS, "", *ablate(examples, writers, encoder.id, library.digest)]
    (options.model / "calibration.json").write_text(fitted.to_json(), encoding="utf-8")
    write_figures(options.model, figures)
    Console().print("\n".join([fitted.to_json(), *figures]), markup=False)


if __name__ == "__main__":
    main()
