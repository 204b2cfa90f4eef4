"""The static encoder: lengths, meaning, speed, and refusal of files that do not fit."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from knowledge.calibrate import MODEL
from knowledge.encoder import EncoderError, StaticEncoder
from knowledge.model_files import write_card, write_figures, write_model


def test_vectors_have_length_one(encoder: StaticEncoder) -> None:
    lengths = np.linalg.norm(encoder.encode(["睡不着", "孩子不肯上学怎么办"]), axis=1)
    assert np.allclose(lengths, 1.0, atol=1e-5)


def test_text_of_unknown_units_has_no_direction(encoder: StaticEncoder) -> None:
    assert not encoder.encode(["", "？？"]).any()


def test_traditional_text_is_the_same_text(encoder: StaticEncoder) -> None:
    simplified, traditional = encoder.encode(["我觉得很忧郁", "我覺得很憂鬱"])
    assert np.allclose(simplified, traditional)


def test_same_meaning_is_nearer_than_same_words(encoder: StaticEncoder) -> None:
    asked, meaning, words = encoder.encode(["躺到后半夜还睡不着", "失眠怎么办", "上班路上堵车了"])
    assert asked @ meaning > asked @ words


def test_query_is_encoded_in_a_fraction_of_a_millisecond(encoder: StaticEncoder) -> None:
    encoder.encode(["热身"])
    start = time.process_time()
    for _ in range(200):
        encoder.encode(["这几天老是心慌睡不着觉怎么回事"])
    assert (time.process_time() - start) / 200 < 0.0005


def test_model_is_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) <= 25_000_000


def test_every_row_that_is_shipped_says_something() -> None:
    assert np.load(MODEL / "weights.npy").any(axis=1).all()


def test_written_model_reads_back_nearly_the_same(tmp_path: Path) -> None:
    weights = np.random.default_rng(3).normal(size=(3, 8)).astype(np.float32)
    name = write_model(tmp_path, ["失", "眠", "失眠"], weights, {"E901": weights[0]})
    read = StaticEncoder.load(tmp_path)
    expected = weights.sum(axis=0) / np.linalg.norm(weights.sum(axis=0))
    assert read.id == name
    assert np.allclose(read.topics["E901"], weights[0])
    assert read.encode(["失眠"])[0] @ expected > 0.999


def test_missing_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="cannot read the encoder"):
        StaticEncoder.load(tmp_path)


def test_files_of_different_models_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path, ["甲", "乙"], np.ones((2, 4), dtype=np.float32), {})
    np.save(tmp_path / "scales.npy", np.ones(3, dtype=np.float32))
    with pytest.raises(EncoderError, match="2, 2, 3"):
        StaticEncoder.load(tmp_path)


def test_model_card_keeps_its_text_when_figures_change(tmp_path: Path) -> None:
    write_card(tmp_path, "static-256-abc", "3 pairs")
    write_figures(tmp_path, ["old"])
    write_figures(tmp_path, ["new"])
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in card
    assert card.endswith("## Figures\n\nnew\n")
