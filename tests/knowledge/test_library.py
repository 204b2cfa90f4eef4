"""The shipped articles: each is read, checked and linted by itself, so that a new file is tested on arrival."""

from __future__ import annotations

import re
from datetime import date

import pytest

from knowledge.articles import NUMBER_KEYS, PLACEHOLDER, Library, parse_article, render
from knowledge.calibrate import LIBRARY
from knowledge.linter import lint

FILES = sorted(LIBRARY.glob("E*.md"))
CATALOGUE, LAST = 217, 229  # what the public asks; then what health educators ask of plans and targets
SHARED = {"吃药会变傻吗"}  # the catalogue asks it of medicine for children (E060) and in general (E177)
every_article = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_there_are_articles() -> None:
    assert FILES


@every_article
def test_article_is_named_as_its_file(path) -> None:
    assert parse_article(path.read_text(encoding="utf-8"), path.name).id == path.stem


@every_article
def test_article_says_nothing_the_lexicon_forbids(path) -> None:
    article = parse_article(path.read_text(encoding="utf-8"), path.name)
    assert lint(article.published) == ()


@every_article
def test_short_answer_fits_one_bubble(path) -> None:
    article = parse_article(path.read_text(encoding="utf-8"), path.name)
    bubble = PLACEHOLDER.sub("12356", article.short)
    assert len(bubble) <= 190
    assert not re.search(r"^#|\*\*", bubble, re.MULTILINE)


@every_article
def test_every_placeholder_can_be_filled(path) -> None:
    article = parse_article(path.read_text(encoding="utf-8"), path.name)
    numbers = dict.fromkeys(NUMBER_KEYS, "热线")
    assert "{{" not in render(article.published, numbers, {})


@every_article
def test_policy_is_reviewed_sooner_than_medicine(path) -> None:
    article = parse_article(path.read_text(encoding="utf-8"), path.name)
    latest = date(2027, 2, 22) if article.kind == "policy" else date(2027, 11, 22)
    assert article.review_due <= latest


def test_library_loads_with_all_its_sources(library: Library) -> None:
    assert len(library.articles) == len(FILES)


def test_related_articles_exist(library: Library) -> None:
    unknown = {
        (article.id, other)
        for article in library.articles.values()
        for other in article.related
        if other not in library.articles or other == article.id
    }
    assert unknown == set()


def test_catalogue_is_complete(library: Library) -> None:
    assert set(library.articles) == {f"E{n:03d}" for n in range(1, LAST + 1)}


def test_no_question_belongs_to_two_articles(library: Library) -> None:
    owners: dict[str, list[str]] = {}
    for article in library.articles.values():
        for question in article.questions:
            owners.setdefault(question, []).append(article.id)
    assert {question for question, ids in owners.items() if len(ids) > 1} <= SHARED


def test_every_article_can_be_cited(library: Library) -> None:
    assert all(library.cite(article).startswith("来源：") for article in library.articles.values())
