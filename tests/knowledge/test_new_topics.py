"""Articles that came after the training get their middles; everything else of the encoder stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from knowledge.articles import Library
from knowledge.encoder import StaticEncoder
from knowledge.new_topics import learn
from knowledge.teach import lessons_of


def test_a_new_article_is_nearer_to_its_own_questions_than_to_others(
    small_library: Library, tiny_encoder: StaticEncoder
) -> None:
    lessons = lessons_of(small_library, [])
    texts = {key: tiny_encoder.encode(article.questions) for key, article in small_library.articles.items()}
    middles = {key: rows.mean(axis=0) / np.linalg.norm(rows.mean(axis=0)) for key, rows in texts.items()}
    knowing = tiny_encoder.with_topics({key: middles[key] for key in ("E901", "E902")})
    learnt = learn(knowing, lessons, {"E903"})
    assert set(learnt) == {"E903"}
    assert np.isclose(np.linalg.norm(learnt["E903"]), 1.0, atol=1e-5)
    own, other = (float((texts[key] @ learnt["E903"]).mean()) for key in ("E903", "E901"))
    assert own > other


def test_what_was_learnt_is_stored_beside_the_unchanged_table(tiny_encoder: StaticEncoder, tmp_path: Path) -> None:
    tiny_encoder.save(tmp_path)
    before = (tmp_path / "weights.npy").read_bytes()
    middle = np.ones(tiny_encoder.weights.shape[1], dtype=np.float32)
    tiny_encoder.with_topics({"E999": middle}).save_topics(tmp_path)
    read = StaticEncoder.load(tmp_path)
    assert (tmp_path / "weights.npy").read_bytes() == before
    assert read.id == tiny_encoder.id
    assert np.array_equal(read.topics["E999"], middle)


def test_the_shipped_encoder_knows_every_shipped_article(library: Library, encoder: StaticEncoder) -> None:
    assert library.articles.keys() <= encoder.topics.keys()
