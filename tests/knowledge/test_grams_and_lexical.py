"""Units and BM25: what must hold for any text."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.grams import FOLDING, grams, simplify
from knowledge.lexical import Lexical

TEXT = st.text(alphabet="我你他睡不着心慌孩子上学abc 12，。", max_size=30)
TEXTS = st.lists(TEXT, min_size=1, max_size=8)


def test_units_are_characters_pairs_triples_words_and_numbers() -> None:
    assert sorted(grams("睡不着，PTSD 2周")) == sorted(["睡", "不", "着", "睡不", "不着", "睡不着", "ptsd", "2", "周"])


def test_traditional_and_full_width_are_folded() -> None:
    assert grams("憂鬱症ＰＨＱ９") == grams("忧郁症phq9")


@pytest.mark.parametrize(
    ("dialect", "plain"),
    [
        ("瞓唔著", "睡不着"),
        ("我屋頭老漢兒", "我家里爸爸"),
        ("咋个办嘛", "怎么办嘛"),
        ("堂客生了娃儿", "老婆生了孩子"),
        ("係咪有病", "是不是有病"),
    ],
)
def test_dialect_reads_like_plain_words(dialect: str, plain: str) -> None:
    assert grams(dialect) == grams(plain)


def test_no_word_of_the_folding_is_read_as_two() -> None:
    table = tomllib.loads(FOLDING.read_text(encoding="utf-8"))
    words = [simplify(other) for group in table.values() for others in group.values() for other in others]
    assert len(words) >= 200


@given(TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert simplify(simplify(text)) == simplify(text)


@given(TEXTS, TEXT)
@settings(max_examples=60)
def test_scores_are_finite_and_never_negative(texts: list[str], query: str) -> None:
    scores = Lexical.over(texts).scores(grams(query))
    assert scores.shape == (len(texts),)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()


@given(TEXTS, TEXT)
@settings(max_examples=60)
def test_only_documents_that_share_a_unit_score(texts: list[str], query: str) -> None:
    scores = Lexical.over(texts).scores(grams(query))
    shares = [bool(set(grams(text)) & set(grams(query))) for text in texts]
    assert (scores > 0).tolist() == shares


@given(TEXTS, TEXT)
@settings(max_examples=60)
def test_repeating_the_question_changes_nothing(texts: list[str], query: str) -> None:
    lexical = Lexical.over(texts)
    assert np.allclose(lexical.scores(grams(query)), lexical.scores(grams(query) * 2))


@given(TEXTS, TEXT)
@settings(max_examples=60)
def test_order_of_documents_does_not_matter(texts: list[str], query: str) -> None:
    there = Lexical.over(texts).scores(grams(query))
    back = Lexical.over(texts[::-1]).scores(grams(query))
    assert np.allclose(there, back[::-1], atol=1e-5)


def test_rarer_word_weighs_more() -> None:
    lexical = Lexical.over(["失眠", "心慌", "心慌", "心慌"])
    assert lexical.scores(grams("失眠"))[0] > lexical.scores(grams("心慌"))[1]


def test_unknown_words_are_the_heaviest_to_miss() -> None:
    lexical = Lexical.over(["失眠", "心慌"])
    assert lexical.weight(["天"]) > lexical.weight(["失"]) > 0


def test_in_very_many_documents_a_common_word_is_kept_as_a_row_and_weighs_the_same() -> None:
    few, many = Lexical.over(["失眠", "心慌"] * 1000), Lexical.over(["失眠", "心慌"] * 6000)
    assert len(few.arrays.common) == 0
    assert [many.arrays.grams[column] for column in many.arrays.common] == ["失", "失眠", "心", "心慌", "慌", "眠"]
    query = grams("失眠，天")
    assert many.scores(query)[:2] == pytest.approx(few.scores(query)[:2], rel=1e-3)
    assert many.weight(query) > 0
