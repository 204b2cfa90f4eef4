"""Figures: shares with intervals, ranks, zones; and the labelled questions themselves."""

from __future__ import annotations

import json

import pytest

from knowledge.answers import Answer
from knowledge.articles import Library
from knowledge.measure import bm25_alone, kind_shares, recall, reciprocal_rank, zone_shares
from knowledge.questions_file import FOLDER, Question, read_dev
from knowledge.shares import Share

ASKED = [
    Question("q1", "失眠", frozenset({"E901"})),
    Question("q2", "心慌", frozenset({"E902"})),
    Question("q3", "天气", frozenset()),
]
RANKED = [("E901", "E902"), ("E901", "E902"), ("E903",)]


def test_interval_of_nothing_is_everything() -> None:
    assert Share(0, 0).interval() == (0.0, 1.0)


def test_interval_holds_the_share_and_never_leaves_its_bounds() -> None:
    low, high = Share(0, 20).interval()
    assert low == pytest.approx(0.0, abs=1e-9)
    assert high == pytest.approx(0.161, abs=0.001)


def test_recall_and_rank_count_only_questions_in_scope() -> None:
    assert recall(RANKED, ASKED, 1) == Share(1, 2)
    assert recall(RANKED, ASKED, 3) == Share(2, 2)
    assert reciprocal_rank(RANKED, ASKED) == pytest.approx(0.75)


def test_zones_are_counted_on_both_sides_of_the_scope() -> None:
    answers = [
        Answer("answer", "E903", ("E903",), 0.9),
        Answer("choices", None, ("E901", "E902"), 0.5),
        Answer("answer", "E901", ("E901",), 0.9),
    ]
    shares = zone_shares(answers, ASKED)
    assert shares["in scope: wrong among answered"] == Share(1, 1)
    assert shares["in scope: right one among choices"] == Share(1, 1)
    assert shares["out of scope: answered"] == Share(1, 1)


def test_kinds_of_foreign_questions_are_counted_apart() -> None:
    asked = [Question("n1", "几片", frozenset(), "dose"), Question("n2", "吃了没", frozenset(), "chit_chat"), *ASKED]
    answers = [Answer("answer", "E901", ("E901",), 0.9), *[Answer("abstain", None, (), 0.0)] * 4]
    assert kind_shares(answers, asked) == {
        "out of scope, chit_chat: answered": Share(0, 1),
        "out of scope, dose: answered": Share(1, 1),
        "out of scope, near, all kinds: answered": Share(1, 1),
    }


def test_baseline_finds_the_obvious(small_library: Library) -> None:
    assert bm25_alone(small_library, ASKED[:1])[0][0] == "E901"


def test_labelled_questions_are_enough_and_name_existing_articles(library: Library) -> None:
    questions = read_dev()
    topics = set().union(*(question.topics for question in questions))
    assert len({question.id for question in questions}) == len(questions)
    assert sum(bool(question.topics) for question in questions) >= 1400
    assert sum(not question.topics for question in questions) >= 500
    assert topics <= set(library.articles)


def test_labelled_questions_are_not_copied_from_the_articles(library: Library) -> None:
    own = {question for article in library.articles.values() for question in article.questions}
    assert [question.text for question in read_dev() if question.text in own] == []


def test_writers_are_told_apart_by_their_ids() -> None:
    assert {question.writer for question in read_dev()} >= {"q", "qa", "qb", "qn"}


def test_conversations_of_two_turns_are_labelled_with_existing_articles(library: Library) -> None:
    rows = [json.loads(line) for line in (FOLDER / "follow-ups.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 160
    assert all(len(row["turns"]) == 2 and set(row["topics"]) <= set(library.articles) for row in rows)
