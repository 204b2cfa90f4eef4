"""Fitting: weights that separate, thresholds that keep their limits, caution when articles changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from knowledge.ablation import ablate
from knowledge.articles import Library
from knowledge.calibrate import adapt, fit, in_memory, labelled_examples, load_calibration
from knowledge.encoder import StaticEncoder
from knowledge.fitting import (
    MAY_BE_OFFERED,
    MAY_BE_OUT_OF_SCOPE,
    Example,
    Outcome,
    cross_validate,
    fit_weights,
    outcomes,
    thresholds,
)
from knowledge.heldout import heldout_examples, write_heldout
from knowledge.questions_file import FOLDER, Question, read_dev
from knowledge.ranking import CHANNELS, Calibration, CalibrationError, Evidence


def example(seed: int, right: int | None) -> Example:
    """Noise over six articles; the right one stands out in the first channel only."""
    scores = np.random.default_rng(seed).uniform(0, 0.3, (len(CHANNELS), 6))
    if right is not None:
        scores[0, right] += 0.6
    return Example(Evidence(scores, 8), frozenset() if right is None else frozenset({right}))


EXAMPLES = [example(seed, seed % 6 if seed % 3 else None) for seed in range(90)]


def test_useful_channel_gets_the_weight() -> None:
    fusion = fit_weights(EXAMPLES, "tiny", "").fusion
    assert fusion["question_vector"] == max(fusion.values())
    assert min(fusion.values()) >= 0


def test_probability_separates_known_from_unknown() -> None:
    found = outcomes(EXAMPLES, fit_weights(EXAMPLES, "tiny", ""))
    inside = [outcome.first for outcome in found if outcome.is_in_scope]
    outside = [outcome.first for outcome in found if not outcome.is_in_scope]
    assert min(inside) > max(outside)


def test_cross_validation_judges_every_example_once() -> None:
    found = cross_validate(EXAMPLES, ["a", "b", "c"] * 30, "tiny", "")
    assert [outcome.is_in_scope for outcome in found] == [bool(example.right) for example in EXAMPLES]


def test_the_channel_that_knows_is_missed_without_it_and_enough_alone() -> None:
    rows = {line.split(" | ")[0].strip("| "): line for line in ablate(EXAMPLES, ["a", "b", "c"] * 30, "tiny", "")}
    whole, knowing = rows["none left out"].split(" | ")[1], rows["question_vector"].split(" | ")
    assert whole.startswith("100.0%")
    assert float(knowing[1].split("%")[0]) < 50
    assert knowing[2].startswith("100.0%")


def test_thresholds_keep_their_limits() -> None:
    random = np.random.default_rng(2)
    found = [
        Outcome(float(random.beta(4, 2)), float(random.beta(5, 2)), bool(random.random() < 0.8), True, True)
        for _ in range(200)
    ]
    found += [Outcome(float(random.beta(2, 4)), float(random.beta(2, 4)), False, False, False) for _ in range(200)]
    answer_at, choices_at = thresholds(found)
    answered = [outcome.first >= answer_at for outcome in found if not outcome.is_in_scope]
    outside = [outcome.among for outcome in found if not outcome.is_in_scope]
    assert np.mean(answered) <= MAY_BE_OUT_OF_SCOPE
    assert np.mean([chance >= choices_at for chance in outside]) <= MAY_BE_OFFERED


def test_calibration_reads_back_as_it_was_written(plain_calibration: Calibration) -> None:
    assert Calibration.from_json(plain_calibration.to_json()) == plain_calibration


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"encoder_id": 1}'])
def test_unreadable_calibration_is_refused(text: str) -> None:
    with pytest.raises(CalibrationError):
        Calibration.from_json(text)


def test_calibration_for_other_features_is_refused(plain_calibration: Calibration) -> None:
    with pytest.raises(CalibrationError, match="other features"):
        Calibration.from_json(replace(plain_calibration, fusion={"smell": 1.0}).to_json())


def test_changed_articles_only_make_the_bot_more_careful(
    small_library: Library, tiny_encoder: StaticEncoder, plain_calibration: Calibration
) -> None:
    negatives = [Question("n1", "孩子上学坐什么车", frozenset())]
    adapted = adapt(replace(plain_calibration, library_digest="before"), small_library, tiny_encoder, negatives)
    assert adapted.library_digest == small_library.digest
    assert adapted.answer_at >= plain_calibration.answer_at
    assert adapted.choices_at >= plain_calibration.choices_at
    assert adapt(adapted, small_library, tiny_encoder, negatives) is adapted


def test_calibration_of_another_encoder_cannot_be_adapted(
    small_library: Library, tiny_encoder: StaticEncoder, plain_calibration: Calibration
) -> None:
    with pytest.raises(CalibrationError, match="calibration is for other"):
        adapt(replace(plain_calibration, encoder_id="other"), small_library, tiny_encoder, [])


def test_small_library_can_be_fitted(small_library: Library, tiny_encoder: StaticEncoder) -> None:
    asked = [Question(f"q{n}", text, frozenset({"E901"})) for n, text in enumerate(("睡不着觉", "老是失眠"))]
    asked += [Question(f"n{n}", text, frozenset()) for n, text in enumerate(("股票", "天气", "做饭"))]
    examples = labelled_examples(in_memory(small_library, tiny_encoder), tiny_encoder, asked)
    fitted, figures = fit(small_library, tiny_encoder, asked, examples)
    assert fitted.encoder_id == "tiny"
    assert any("out of scope, answered" in line for line in figures)


def test_shipped_calibration_belongs_to_the_shipped_encoder(encoder: StaticEncoder) -> None:
    assert load_calibration().encoder_id == encoder.id


def test_kept_evidence_reads_back_with_the_labels_of_today(tmp_path: Path) -> None:
    write_heldout(tmp_path, ["E901", "E902", "E903", "E904", "E905", "E906"], {"q1": EXAMPLES[1].evidence})
    (read,) = heldout_examples(tmp_path, [Question("q1", "睡不着", frozenset({"E902"}))])
    assert read.right == {1}
    assert read.evidence.length == 8
    assert np.allclose(read.evidence.scores, EXAMPLES[1].evidence.scores, atol=1e-3)


def test_question_without_kept_evidence_asks_for_training(tmp_path: Path) -> None:
    write_heldout(tmp_path, ["E901"], {})
    with pytest.raises(CalibrationError, match=r"1 labelled questions are new \(q7\); run `python -m knowledge.train`"):
        heldout_examples(tmp_path, [Question("q7", "睡不着", frozenset({"E901"}))])


def test_shipped_evidence_knows_every_labelled_question() -> None:
    questions = read_dev()
    assert len(heldout_examples(FOLDER, questions)) == len(questions)
