"""Training: what is taught, that the trained features are those of the running service, and a small model end to end."""

import numpy as np
import pytest
from rich.console import Console

from triage import operating
from triage.classifier import HEADS, LEXICON, Classifier
from triage.concepts import load_lexicon
from triage.features import PLACES, weigh
from triage.loading import load_rulebook
from triage.material import PUBLIC, TURNS, exchanged, own_rows, reading
from triage.model_files import write_card, write_model
from triage.risk import Category, Level
from triage.train import Plan, calibrate, fit, leave_writers_out, matrix

WORDS, TABLES = load_lexicon(LEXICON), load_rulebook().tables
ALL = own_rows()
ROWS = [row for row in ALL if row.part in ("train-adults", "scenes-s", "train-everyday")][::3]
TEXTS = [reading(row.text, TABLES) for row in ROWS]
TABLE, RARITY = matrix(TEXTS, WORDS, Plan())


def test_sealed_messages_are_never_taught():
    assert not any("test" in row.part for row in ALL)


def test_medium_messages_say_nothing_about_high():
    high = HEADS.index("high")
    assert {row.heads[high] for row in ALL if row.level == Level.MEDIUM} == {None}
    assert {row.truth[high] for row in ALL if row.level == Level.MEDIUM} == {False}


def test_turns_of_calm_conversations_teach_what_is_no_danger():
    turns = [row for row in ALL if row.part == TURNS.removesuffix(".jsonl")]
    assert turns
    assert all(row.heads[1:4] == (False, False, False) and row.level <= Level.LOW for row in turns)


def test_trained_and_running_features_are_the_same():
    for at in range(0, len(TEXTS), 40):
        places, weights = weigh(TEXTS[at], WORDS, RARITY)
        row = TABLE[at].toarray().ravel()
        assert np.flatnonzero(row).tolist() == places[weights > 0].tolist()
        assert row[places] == pytest.approx(weights, abs=1e-5)


def test_words_are_exchanged_within_their_concept_only():
    variants, texts = exchanged(ROWS[:40], TEXTS[:40], WORDS)
    assert variants
    assert all(row.is_variant and row.weight < 1 for row in variants)
    assert set(texts).isdisjoint(TEXTS)


def test_a_small_model_learns_and_is_read_back(tmp_path):
    plan, say = Plan(), Console(quiet=True)
    held_out = leave_writers_out(ROWS, TABLE, plan, say)
    slopes, offsets = calibrate(ROWS, held_out)
    chances = 1 / (1 + np.exp(-(held_out * slopes + offsets)))
    points, facts = operating.choose(ROWS, chances, np.zeros(len(ROWS), dtype=np.int64))
    columns, biases = zip(*(fit(ROWS, TABLE, head, plan) for head in range(len(HEADS))), strict=True)
    weights = np.stack(columns, axis=1) * slopes
    name = write_model(tmp_path, RARITY, weights, np.array(biases) * slopes + offsets, points, WORDS.version)
    write_card(tmp_path, name, ROWS, facts)
    classifier = Classifier.load(tmp_path)
    assert classifier.id == name
    assert weights.shape == (PLACES, len(HEADS))
    said = classifier.opinion("我把药全吞了，已经开始晕了")
    assert said.of(Level.HIGH) > classifier.opinion("周末一起去吃火锅吧").of(Level.HIGH)
    assert len(said.categories) == len(Category)
    assert name in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert PUBLIC not in {row.part for row in ROWS}


def test_the_alarm_keeps_to_its_cost():
    levels = [row.level for row in ROWS]
    generator = np.random.default_rng(1)
    chances = np.clip(
        np.array([[level / 5] * len(HEADS) for level in levels]) + generator.normal(0, 0.1, (len(ROWS), 1)), 0.01, 0.99
    )
    points, _ = operating.choose(ROWS, chances, np.zeros(len(ROWS), dtype=np.int64))
    quiet = np.array([level <= Level.LOW for level in levels])
    fresh = np.array([row.part.startswith(operating.UNSEEN_BY_RULES) for row in ROWS])
    alarmed = chances[:, 2] >= points.alarm[0]
    assert alarmed[quiet & fresh].sum() <= 1 + 0.02 * (quiet & fresh).sum()
    assert list(points.alarm) == sorted(points.alarm, reverse=True)
