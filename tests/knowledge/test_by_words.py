"""When the encoder gives no vector, words alone are compared by thresholds of their own, and the answer says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from knowledge_samples import BUILT_AT, TODAY

from knowledge.answers import Answerer
from knowledge.articles import Library
from knowledge.calibrate import load_calibration
from knowledge.encoder import EncoderError, Floats, StaticEncoder
from knowledge.fitting import MAY_BE_OFFERED, MAY_BE_OUT_OF_SCOPE
from knowledge.index import Index, assemble
from knowledge.questions_file import read_dev
from knowledge.ranking import Calibration

OWN = "晚上睡不着"


class Failing:
    """Has the id of the encoder that built the index, and no vectors."""

    topics: Mapping[str, Floats] = {}

    def __init__(self, id: str) -> None:
        self.id = id

    def encode(self, texts: Sequence[str]) -> Floats:
        raise EncoderError("too slow")


@pytest.fixture
def careful(small_index: Index, plain_calibration: Calibration) -> Index:
    """The small index, whose words alone answer from a lower threshold."""
    by_words = replace(plain_calibration, answer_at=0.7)
    return replace(small_index, calibration=replace(plain_calibration, answer_at=0.99, by_words=by_words))


@pytest.fixture(scope="module")
def failing(library: Library, encoder: StaticEncoder) -> Answerer:
    """The shipped articles and thresholds without the encoder."""
    index = assemble(library, encoder, built_at=BUILT_AT, calibration=load_calibration())
    return Answerer(library, index, Failing(encoder.id))


def test_words_are_judged_by_their_own_thresholds(
    small_library: Library, careful: Index, tiny_encoder: StaticEncoder
) -> None:
    whole = Answerer(small_library, careful, tiny_encoder).choose(OWN, TODAY)
    alone = Answerer(small_library, careful, Failing("tiny")).choose(OWN, TODAY)
    assert (whole.zone, whole.by_words) == ("choices", False)
    assert (alone.zone, alone.article, alone.by_words) == ("answer", "E901", True)


def test_without_thresholds_for_words_nothing_is_guessed(small_library: Library, small_index: Index) -> None:
    answer = Answerer(small_library, small_index, Failing("tiny")).choose(OWN, TODAY)
    assert (answer.zone, answer.articles[0], answer.by_words) == ("abstain", "E901", True)


def test_a_counsellor_still_gets_suggestions(failing: Answerer) -> None:
    assert "E023" in failing.suggest("失眠怎么办")


def test_a_plain_question_is_still_answered(failing: Answerer, library: Library) -> None:
    answer = failing.choose(library.articles["E023"].questions[0], TODAY)
    assert (answer.zone, answer.article, answer.by_words) == ("answer", "E023", True)


def test_questions_that_are_not_for_us_are_kept_out_as_before(failing: Answerer) -> None:
    foreign = [question.text for question in read_dev() if not question.topics]
    zones = [failing.choose(text, TODAY).zone for text in foreign]
    assert zones.count("answer") / len(zones) <= MAY_BE_OUT_OF_SCOPE
    assert zones.count("choices") / len(zones) <= MAY_BE_OFFERED
