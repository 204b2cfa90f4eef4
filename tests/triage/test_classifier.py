"""The classifier: what it reads, what it says, and that a damaged file is refused with a reason."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.classifier import FOLDER, LEXICON, WEIGHTS, Classifier, ModelError
from triage.concepts import load_lexicon
from triage.features import PLACES, weigh
from triage.risk import Level

CLASSIFIER = Classifier.load()
WORDS = load_lexicon(LEXICON)


@given(st.text(max_size=300))
@settings(deadline=None)
def test_every_text_gets_probabilities_that_never_rise_with_the_level(text):
    said = CLASSIFIER.opinion(text)
    assert all(0.0 <= chance <= 1.0 for chance in (*said.at_least, *said.categories))
    assert list(said.at_least) == sorted(said.at_least, reverse=True)


@given(st.text(min_size=1, max_size=200), st.sampled_from([level for level in Level if level]))
@settings(deadline=None)
def test_the_loudest_stretch_lies_within_the_text(text, level):
    start, end = CLASSIFIER.loudest(text, level)
    assert 0 <= start < end <= len(text)


def test_the_loudest_stretch_of_a_long_text_holds_the_line_that_matters():
    text = (
        "今天天气很好，我和同事去吃了火锅，聊了很多工作上的事。" * 4 + "我已经把药全吞下去了。" + "然后回家看电视。" * 4
    )
    start, end = CLASSIFIER.loudest(text, Level.HIGH)
    assert "药" in text[start:end]


def test_danger_is_heard_and_small_talk_is_not():
    danger, talk = (CLASSIFIER.opinion(text) for text in ("我把药全吞了，头好晕", "请问周末几点上班"))
    assert danger.of(Level.HIGH) > 0.5 > talk.of(Level.HIGH)
    assert danger.of(Level.NONE) == 1.0


@given(st.text(max_size=100))
@settings(deadline=None)
def test_places_are_distinct_and_within_bounds(text):
    places, weights = weigh(text, WORDS, np.ones(PLACES, dtype=np.float32))
    assert (np.diff(places) > 0).all()
    assert ((places >= 0) & (places < PLACES)).all()
    assert np.isfinite(weights).all()


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "model")
    return tmp_path / "model"


def test_damaged_weights_are_refused(copy):
    raw = (copy / WEIGHTS).read_bytes()
    (copy / WEIGHTS).write_bytes(raw[:-100] + bytes(100))
    with pytest.raises(ModelError, match="not the file"):
        Classifier.load(copy)


@pytest.mark.parametrize("name", ["model.json", WEIGHTS])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        Classifier.load(copy)


@pytest.mark.parametrize("what", ["lexicon", "reads"])
def test_a_model_of_another_lexicon_or_reading_is_refused(copy, what):
    card = json.loads((copy / "model.json").read_text())
    (copy / "model.json").write_text(json.dumps(card | {what: "other"}))
    with pytest.raises(ModelError, match="train again"):
        Classifier.load(copy)
