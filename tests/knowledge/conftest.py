"""A library of three small articles, and the real one, each searched by a real encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from knowledge_samples import BUILT_AT, TOPICS, article_text

from knowledge.answers import Answerer
from knowledge.articles import Library, load_library, parse_article
from knowledge.calibrate import LIBRARY, MODEL, load_calibration
from knowledge.encoder import StaticEncoder
from knowledge.index import Index, assemble
from knowledge.ranking import CHANNELS, FEATURES, Calibration


@pytest.fixture
def small_library() -> Library:
    return Library({id: parse_article(article_text(id), f"{id}.md") for id in TOPICS}, {})


@pytest.fixture(scope="session")
def encoder() -> StaticEncoder:
    """The shipped model."""
    return StaticEncoder.load(MODEL)


@pytest.fixture(scope="session")
def library() -> Library:
    """The real library."""
    return load_library(LIBRARY)


@pytest.fixture(scope="session")
def tiny_encoder() -> StaticEncoder:
    """Random weights over the small library's characters: near texts share units, so their vectors are near."""
    units = sorted({unit for title, short, questions in TOPICS.values() for unit in title + short + "".join(questions)})
    weights = np.random.default_rng(1).integers(-127, 127, (len(units), 32)).astype(np.int8)
    return StaticEncoder(units, weights, np.full(len(units), 0.01, dtype=np.float32), "tiny")


@pytest.fixture
def plain_calibration(small_library: Library) -> Calibration:
    """All channels alike; the probability follows the best question's share of words alone."""
    words = dict.fromkeys(FEATURES, 0.0) | {"question_words": 8.0, "bias": -4.0}
    return Calibration("tiny", small_library.digest, dict.fromkeys(CHANNELS, 1.0), words, words, 0.8, 0.3)


@pytest.fixture
def small_index(small_library: Library, tiny_encoder: StaticEncoder, plain_calibration: Calibration) -> Index:
    return assemble(small_library, tiny_encoder, built_at=BUILT_AT, calibration=plain_calibration)


@pytest.fixture(scope="session")
def answerer(library: Library, encoder: StaticEncoder) -> Answerer:
    """The real thing, as shipped."""
    index = assemble(library, encoder, built_at=BUILT_AT, calibration=load_calibration())
    return Answerer(library, index, encoder)


@pytest.fixture
def write_library(tmp_path: Path) -> Callable[..., Path]:
    """Write article files and a sources file into a folder."""

    def write(**texts: str) -> Path:
        folder = tmp_path / "library"
        folder.mkdir(exist_ok=True)
        source = '[SY18]\nissuer = "国家卫生健康委"\ntitle = "心理健康素养十条"\nyear = "2018"\n'
        (folder / "sources.toml").write_text(source, encoding="utf-8")
        for id, text in texts.items():
            (folder / f"{id}.md").write_text(text, encoding="utf-8")
        return folder

    return write
