"""Reading one article: what is accepted, what is refused and how the refusal reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from knowledge_samples import article_text

from knowledge.articles import ArticleError, load_library, parse_article, render


def test_parts_of_an_article_are_read() -> None:
    article = parse_article(article_text(), "E901.md")
    assert article.title == "失眠怎么办"
    assert article.short == "固定起床时间，少喝咖啡。"
    assert [part.heading for part in article.sections] == ["了解更多", "接下来可以做"]
    assert article.facts[0].status == "verified"
    assert article.risk == {"safety"}


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("title", "", "title: missing"),
        ("title", "3", "title: expected a text"),
        ("kind", '"news"', "kind: 'news' is not one of"),
        ("risk", '["danger"]', "risk: unknown danger"),
        ("regional", '"no"', "regional: expected true or false"),
        ("review_due", '"soon"', "review_due: expected a date"),
        ("questions", '["一"]', "questions: expected at least 3, found 1"),
        ("questions", '["一", "一", "二"]', "questions: the same entry twice"),
        ("facts", "[]", "facts: expected at least one"),
        ("facts", '[{ claim = "甲" }]', "facts: each needs claim, status, source"),
        ("facts", '[{ claim = "甲", status = "sure", source = "GK" }]', "facts: status: 'sure' is not one of"),
    ],
)
def test_wrong_field_is_named(field: str, value: str, complaint: str) -> None:
    with pytest.raises(ArticleError, match=r"^E901\.md: ") as refusal:
        parse_article(article_text(**{field: value}), "E901.md")
    assert complaint in str(refusal.value)


def test_id_must_be_the_files_name() -> None:
    with pytest.raises(ArticleError, match=r"E902\.md: id is 'E901', not the file's name"):
        parse_article(article_text("E901"), "E902.md")


@pytest.mark.parametrize("text", ["没有头", "+++\ntitle = \n+++\n正文", article_text(short="")])
def test_broken_file_is_refused(text: str) -> None:
    with pytest.raises(ArticleError, match=r"E901\.md"):
        parse_article(text, "E901.md")


@pytest.mark.parametrize("braces", ["{{num:nobody}}", "{{police}}", "{{num:police}", "{{region:免费}}"])
def test_unknown_placeholder_is_refused_at_load(braces: str) -> None:
    with pytest.raises(ArticleError, match="placeholder"):
        parse_article(article_text(short=f"请拨打{braces}。"), "E901.md")


def test_article_is_withheld_the_day_after_its_review_date() -> None:
    article = parse_article(article_text(review_due="2027-01-01"), "E901.md")
    assert not article.is_expired(date(2027, 1, 1))
    assert article.is_expired(date(2027, 1, 2))


def test_unknown_source_is_refused(write_library: Callable[..., Path]) -> None:
    folder = write_library(E901=article_text(sources='["NEWS"]'))
    with pytest.raises(ArticleError, match=r"E901\.md: sources: unknown NEWS"):
        load_library(folder)


def test_missing_sources_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ArticleError, match=r"sources\.toml"):
        load_library(tmp_path)


def test_digest_changes_with_a_question_and_not_with_a_review_date(write_library: Callable[..., Path]) -> None:
    before = load_library(write_library(E901=article_text())).digest
    dated = load_library(write_library(E901=article_text(review_due="2027-01-01"))).digest
    asked = load_library(write_library(E901=article_text(questions='["甲", "乙", "丙"]'))).digest
    assert before == dated != asked


def test_numbers_and_local_facts_are_filled_in() -> None:
    text = "请拨打{{num:help}}，{{region:free_drugs}}。"
    filled = render(text, {"help": "12356和本地热线"}, {"free_drugs": "到社区医院领取"})
    assert filled == "请拨打12356和本地热线，到社区医院领取。"


def test_missing_local_fact_names_whom_to_ask() -> None:
    assert render("{{region:free_drugs}}", {"help": "12356"}, {}) == "（本地信息尚未配置，请拨打12356询问）"


def test_the_headings_of_a_long_answer_read_as_words_in_a_chat() -> None:
    assert render("## 接下来\n- 写下来", {}, {}) == "【接下来】\n- 写下来"


def test_missing_number_is_an_error() -> None:
    with pytest.raises(ArticleError, match="police"):
        render("{{num:police}}", {"help": "12356"}, {})
