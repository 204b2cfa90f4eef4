"""Questions that mean the same lie on one heap."""

from __future__ import annotations

import numpy as np

from knowledge.clusters import cluster
from knowledge.encoder import StaticEncoder


def test_like_questions_are_together_and_the_largest_heap_is_first(encoder: StaticEncoder) -> None:
    asked = ["孕妇能吃抗抑郁药吗", "晚上睡不着怎么办", "总是睡不着咋办", "失眠睡不着觉怎么办"]
    assert cluster(encoder.encode(asked)) == [[1, 2, 3], [0]]


def test_what_nothing_is_known_of_stays_alone() -> None:
    assert cluster(np.zeros((3, 4), dtype=np.float32)) == [[0], [1], [2]]


def test_every_question_is_on_exactly_one_heap() -> None:
    rows = np.random.default_rng(3).normal(size=(200, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert sorted(number for heap in cluster(rows) for number in heap) == list(range(200))


def test_no_question_makes_no_heap() -> None:
    assert cluster(np.zeros((0, 4), dtype=np.float32)) == []
