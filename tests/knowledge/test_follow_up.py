"""Which questions go on with the topic before them, and how a message falls into clauses."""

from __future__ import annotations

import pytest
from knowledge_samples import TODAY

from knowledge.answers import Answerer
from knowledge.articles import Library
from knowledge.encoder import StaticEncoder
from knowledge.follow_up import clauses, may_go_on
from knowledge.index import Index


@pytest.mark.parametrize("text", ["那要多久才好", "去哪个科", "會遺傳嗎"])
def test_short_question_may_go_on(text: str) -> None:
    assert may_go_on(text)


@pytest.mark.parametrize(
    "text", ["", "对了，你们收费吗", "换个事，我妈忘事", "算了问别的，要钱吗", "我" * 31, "話說你是真人嗎"]
)
def test_other_subject_or_long_story_does_not_go_on(text: str) -> None:
    assert not may_go_on(text)


def test_clauses_are_the_parts_long_enough_to_ask_something() -> None:
    assert clauses("这病还能好转不，夜里乱跑怎么弄？嗯") == ["这病还能好转不", "夜里乱跑怎么弄"]


@pytest.fixture
def small(small_library: Library, small_index: Index, tiny_encoder: StaticEncoder) -> Answerer:
    return Answerer(small_library, small_index, tiny_encoder)


def test_short_question_is_led_back_to_the_topic_before(small: Answerer) -> None:
    assert small.choose("孩子多久会好", TODAY).article is None
    assert small.choose("多久能上学", TODAY, before="E903").articles[0] == "E903"


def test_question_with_a_topic_of_its_own_is_not_dragged(small: Answerer) -> None:
    assert small.choose("晚上睡不着", TODAY, before="E903").article == "E901"


def test_who_asks_again_is_offered_choices_and_not_the_same_words_twice(answerer: Answerer) -> None:
    answer = answerer.choose("他砸东西怎么办", TODAY, before="E056")

    assert answer.zone == "choices"
    assert answer.choices[0] == "E056"
    assert "E025" in answer.choices


def test_unknown_topic_before_changes_nothing(small: Answerer) -> None:
    assert small.choose("股票涨跌", TODAY, before="E000").zone == "abstain"


def test_two_topics_in_one_message_are_both_named(small: Answerer) -> None:
    answer = small.choose("晚上睡不着，孩子不肯上学", TODAY)
    assert {answer.article, answer.also} == {"E901", "E903"}


def test_one_topic_in_two_clauses_is_one(small: Answerer) -> None:
    assert small.choose("晚上睡不着，半夜老醒", TODAY).also == ""
