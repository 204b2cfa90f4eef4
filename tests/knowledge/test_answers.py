"""Three zones: answer, choices, silence; and the questions that no article may answer."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import pytest
from knowledge_samples import BUILT_AT, TODAY

from knowledge.abstain import kind_of_abstain, load_rules
from knowledge.answers import Answerer
from knowledge.articles import Library
from knowledge.encoder import StaticEncoder
from knowledge.index import Index, IndexRefused, assemble
from knowledge.ranking import Calibration, CalibrationError

RULES = load_rules()


@pytest.fixture
def small(small_library: Library, small_index: Index, tiny_encoder: StaticEncoder) -> Answerer:
    return Answerer(small_library, small_index, tiny_encoder)


def test_near_question_is_answered(small: Answerer) -> None:
    answer = small.choose("晚上睡不着", TODAY)
    assert (answer.zone, answer.article) == ("answer", "E901")
    assert answer.score > 0.8
    assert answer.choices == ()


def test_half_known_question_gets_choices(small: Answerer) -> None:
    answer = small.choose("孩子不肯上学好烦", TODAY)
    assert answer.zone == "choices"
    assert answer.article is None
    assert answer.choices[0] == "E903"


def test_foreign_question_gets_silence(small: Answerer) -> None:
    answer = small.choose("股票涨跌", TODAY)
    assert (answer.zone, answer.kind, answer.article) == ("abstain", "out_of_scope", None)


@pytest.mark.parametrize("text", ["", "  ", "？？？"])
def test_empty_question_gets_silence(small: Answerer, text: str) -> None:
    answer = small.choose(text, TODAY)
    assert (answer.zone, answer.articles, answer.score) == ("abstain", (), 0.0)


def test_rule_beats_similarity(small: Answerer) -> None:
    answer = small.choose("晚上睡不着，安眠药一次吃几片", TODAY)
    assert (answer.zone, answer.kind) == ("abstain", "dose")


def test_expired_article_is_withheld_and_not_replaced_by_its_neighbour(small: Answerer) -> None:
    answer = small.choose("晚上睡不着", date(2028, 1, 1))
    assert (answer.zone, answer.article) == ("abstain", None)


def test_counsellor_gets_suggestions_whatever_the_zone(small: Answerer) -> None:
    assert small.suggest("孩子不吃蔬菜", n=2)[0] == "E903"
    assert len(small.suggest("孩子不吃蔬菜", n=2)) == 2


def test_index_of_another_encoder_is_refused(
    small_library: Library, small_index: Index, encoder: StaticEncoder
) -> None:
    with pytest.raises(IndexRefused, match="hotline index"):
        Answerer(small_library, small_index, encoder)


def test_index_of_other_articles_is_refused(
    small_library: Library, small_index: Index, tiny_encoder: StaticEncoder
) -> None:
    fewer = Library({"E901": small_library.articles["E901"]}, {})
    with pytest.raises(IndexRefused, match="articles have changed"):
        Answerer(fewer, small_index, tiny_encoder)


def test_calibration_of_another_encoder_is_refused(
    small_library: Library, tiny_encoder: StaticEncoder, plain_calibration: Calibration
) -> None:
    foreign = replace(plain_calibration, encoder_id="other")
    index = assemble(small_library, tiny_encoder, built_at=BUILT_AT, calibration=foreign)
    with pytest.raises(CalibrationError, match="hotline index"):
        Answerer(small_library, index, tiny_encoder)


@pytest.mark.parametrize(("kind", "text"), [(rule.kind, text) for rule in RULES for text in rule.must_match])
def test_rule_matches_its_examples(kind: str, text: str) -> None:
    assert kind_of_abstain(text, RULES) == kind


@pytest.mark.parametrize("text", [text for rule in RULES for text in rule.must_not_match])
def test_rules_leave_their_neighbours_alone(text: str) -> None:
    assert kind_of_abstain(text, RULES) == ""


def test_rules_do_not_silence_the_articles_own_questions(library: Library) -> None:
    silenced = [
        question
        for article in library.articles.values()
        for question in article.questions
        if kind_of_abstain(question, RULES)
    ]
    assert silenced == []


@pytest.mark.parametrize(
    ("text", "article"),
    [
        ("每天晚上翻来覆去睡不着怎么办", "E023"),
        ("孩子死活不肯去上学", "E091"),
        ("心理热线电话多少号", "E172"),
        ("我屋老汉最近老是忘事", "E133"),
        ("產後憂鬱", "E111"),
    ],
)
def test_real_library_knows_common_questions(answerer: Answerer, text: str, article: str) -> None:
    answer = answerer.choose(text, TODAY)
    assert answer.zone in ("answer", "choices")
    assert article in answer.articles[:3]


@pytest.mark.parametrize("text", ["明天会下雨吗", "红烧肉怎么做", "帮我写一段Python代码", "去黄山的火车几点开"])
def test_real_library_does_not_answer_what_it_cannot_know(answerer: Answerer, text: str) -> None:
    assert answerer.choose(text, TODAY).zone == "abstain"


def test_choosing_takes_few_milliseconds(answerer: Answerer) -> None:
    answerer.choose("热身", TODAY)
    start = time.process_time()
    for _ in range(20):
        answerer.choose("最近三个月每天醒来心就砰砰跳，总担心要出事", TODAY)
    assert (time.process_time() - start) / 20 < 0.005
