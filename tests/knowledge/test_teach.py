"""What the encoder is taught from; the fitting itself needs torch and is not run here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from knowledge.articles import Library
from knowledge.questions_file import Question
from knowledge.teach import Lesson, learnt, lessons_of


def test_lessons_hold_questions_titles_passages_words_and_decoys(small_library: Library) -> None:
    library = replace(small_library, words={"E901": ("瞪天花板",)}, decoys={"天气": ("下雨吗", "冷不冷")})
    lessons = lessons_of(library, [])
    assert Lesson("晚上睡不着", ("E901",)) in lessons
    assert Lesson("惊恐发作", ("E902",)) in lessons
    assert Lesson("瞪天花板", ("E901",), 0.3) in lessons
    assert Lesson("下雨吗", (), 0.5) in lessons


def test_labelled_questions_are_lessons_with_all_their_topics(small_library: Library) -> None:
    asked = [Question("q1", "睡不着还心慌", frozenset({"E902", "E901"})), Question("n1", "股票", frozenset())]
    assert lessons_of(small_library, asked)[-2:] == [Lesson("睡不着还心慌", ("E901", "E902")), Lesson("股票", ())]


def test_units_that_no_lesson_moved_are_left_out() -> None:
    vocabulary, weights = learnt(["失", "甲乙", "眠"], np.array([[0, -1], [0, 0], [2, 0]], dtype=np.float32))
    assert vocabulary == ["失", "眠"]
    assert weights.tolist() == [[0, -1], [2, 0]]
