"""A draft becomes the file that it came from, and everything wrong with it is said beside its field."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowledge_samples import TODAY

from knowledge.articles import ArticleError, Library
from knowledge.drafts import FIELDS, article_of, blank, cleaned, fields_of, file_of, findings, fingerprint

OWN = "E001"


def fields_with(library: Library, **changes: str) -> dict[str, str]:
    return fields_of(library.articles[OWN]) | changes


def fields_complained_of(library: Library, article_id: str = OWN, today: date = TODAY, **changes: str) -> set[str]:
    return {f.field for f in findings(article_id, cleaned(fields_with(library, **changes)), library, today)}


def test_every_shipped_article_survives_being_edited_without_a_change(library: Library) -> None:
    for key, article in library.articles.items():
        assert article_of(key, cleaned(fields_of(article)), article.review) == article


def test_no_shipped_article_has_anything_to_mend(library: Library) -> None:
    found = {key: findings(key, fields_of(a), library, TODAY) for key, a in library.articles.items()}
    assert {key: wrong for key, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("title", ""),
        ("title", "长" * 41),
        ("title", "国民心理健康素养十条"),
        ("title", "精神病人的话"),
        ("group", ""),
        ("audiences", ""),
        ("audiences", "家属、家属"),
        ("kind", "poetry"),
        ("risk", "fire"),
        ("sources", ""),
        ("sources", "NOTHING"),
        ("related", "E999"),
        ("related", OWN),
        ("review_due", ""),
        ("review_due", "下个月"),
        ("review_due", "2026-12-01"),
        ("review_due", "2028-12-01"),
        ("facts", ""),
        ("facts", "只有说法"),
        ("facts", "说法 | 也许 | KM07"),
        ("facts", "说法 | 已核对 | NOTHING"),
        ("facts", "疯子的说法 | 已核对 | KM07"),
        ("questions", "一种\n两种"),
        ("questions", "甲问\n乙问\n甲问"),
        ("short", ""),
        ("short", "长" * 191),
        ("short", "请打12356"),
        ("short", "**粗**"),
        ("short", "打 {{num:moon}}"),
        ("short", "打 {{help}}"),
        ("long", "没有小标题"),
        ("long", "## 空的\n\n## 第二个\n有字"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(library: Library, field: str, text: str) -> None:
    titles = {article.title for article in library.articles.values()}
    if field == "title" and text == "国民心理健康素养十条":
        text = next(iter(titles - {library.articles[OWN].title}))
    assert field in fields_complained_of(library, **{field: text})


def test_a_policy_is_reviewed_within_three_months(library: Library) -> None:
    assert fields_complained_of(library, kind="policy", review_due="2027-02-22") == set()
    assert fields_complained_of(library, kind="policy", review_due="2027-04-22") == {"review_due"}


def test_a_wording_of_another_article_is_refused_with_its_name(library: Library) -> None:
    other = library.articles["E100"]
    fields = fields_with(library, questions="\n".join(["甲问", "乙问", other.questions[0]]))
    (wrong,) = findings(OWN, fields, library, TODAY)
    assert other.title in wrong.words


def test_a_new_article_needs_nothing_but_full_fields(library: Library) -> None:
    fields = fields_with(library, title="全新的标题", questions="新问一\n新问二\n新问三")
    assert findings("L001", fields, library, TODAY) == ()
    assert article_of("L001", fields).review == "pending"


def test_a_blank_draft_asks_for_every_field_and_invents_none(library: Library) -> None:
    assert set(blank()) == set(FIELDS)
    asked = {finding.field for finding in findings("L001", blank(), library, TODAY)}
    assert asked == set(FIELDS) - {"regional", "risk", "kind"}


def test_a_changed_review_date_changes_the_fingerprint(library: Library) -> None:
    article = library.articles[OWN]
    assert fingerprint(article) != fingerprint(replace(article, review_due=date(2027, 1, 1)))
    assert fingerprint(article) == fingerprint(replace(article, review="approved"))


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=60)))
def test_whatever_is_typed_is_judged_and_never_breaks_the_page(library: Library, typed: dict[str, str]) -> None:
    fields = cleaned(fields_of(library.articles[OWN]) | typed)
    assert cleaned(fields) == fields
    if findings(OWN, fields, library, TODAY):
        return
    article = article_of(OWN, fields)
    assert (article.title, article.short) == (fields["title"], fields["short"])


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=60)))
def test_a_file_reads_back_as_it_was_typed_or_is_refused_in_words(library: Library, typed: dict[str, str]) -> None:
    fields = cleaned(fields_of(library.articles[OWN]) | typed)
    assert file_of(OWN, fields).startswith("+++\n")
    try:
        article = article_of(OWN, fields)
    except ArticleError:
        return
    assert article.title == fields["title"]
