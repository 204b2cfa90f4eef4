"""The report as a value and as files: every text is a text, whatever it begins with."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from escalation.reports.indicators import BadIndicators, inside, load_definitions, outside
from escalation.reports.labels import Labels
from escalation.reports.monthly import (
    BadLayout,
    Making,
    Report,
    Section,
    Table,
    compose,
    from_json,
    load_layout,
    to_json,
)
from escalation.reports.pdf import to_pdf
from escalation.reports.workbook import to_xlsx
from records.facts.kinds import Answered, Facts, Session
from tests.escalation.reports.conftest import LATER, NOVEMBER, RULES, at, counted, definitions

FORMULA = '=HYPERLINK("http://evil")'
HASH = "ab" * 32
SHIPPED = Path("escalation/reports")


def report(*, is_outside: bool = False, now: datetime = LATER) -> Report:
    facts = Facts(
        sessions=[Session(str(n), "school" if n else FORMULA, at()) for n in range(9)], answered=Answered({"E1": 7})
    )
    tally, rules = counted(facts), definitions()
    view = outside(tally, rules) if is_outside else inside(tally, rules)
    labels = Labels(RULES.form, {"E1": "@SUM(1+1)*cmd|'/C calc'!A0"})
    return compose(view, load_layout(rules), labels, Making("-演示热线", NOVEMBER, now, 1, "+更正"))


def test_a_report_comes_back_from_its_text_as_it_was() -> None:
    made = report()
    assert from_json(to_json(made)) == made
    assert to_json(from_json(to_json(made))) == to_json(made)


def test_the_headings_are_those_of_the_form() -> None:
    assert [section.title[0] for section in report().sections] == list("①②③④⑤⑥⑦⑧⑨⑩⑪⑪⑫")


@pytest.mark.parametrize("is_outside", [False, True])
def test_a_workbook_holds_no_formula_and_numbers_are_numbers(is_outside: bool) -> None:
    book = load_workbook(io.BytesIO(to_xlsx(report(is_outside=is_outside), HASH)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert any(isinstance(cell.value, str) and cell.value.startswith(("=", "@", "+", "-")) for cell in cells)
    assert 9 in [cell.value for cell in cells]


def test_a_text_that_no_workbook_takes_is_shown_as_a_box() -> None:
    odd = Report(
        "标题\x00\ud800",
        (("统计期", "x"),),
        (Section("a/b[c]*?:" + "长" * 40, (Table("t", ("x", "y"), (("\x1b", 1),)),), ()),),
    )
    book = load_workbook(io.BytesIO(to_xlsx(odd, HASH)))
    assert book["说明"]["A1"].value == "标题□□"
    assert PdfReader(io.BytesIO(to_pdf(odd, HASH))).pages


def test_the_same_report_gives_the_same_pages() -> None:
    assert to_pdf(report(), HASH) == to_pdf(report(), HASH)


def test_every_page_carries_mark_hash_and_number() -> None:
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(to_pdf(report(), HASH))).pages]
    assert len(pages) >= 3
    for number, words in enumerate(pages, 1):
        assert "统计口径见附注" in words
        assert HASH in words
        assert f"第 {number} 页" in words


def test_a_running_period_says_so() -> None:
    assert "还没有结束" in report(now=at()).sections[-1].notes[0]
    assert "还没有结束" not in report().sections[-1].notes[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('part = "requests_left"', 'part = "nothing"'),
        ('of = "wait_s"', 'of = "wait"'),
        ('id = "left"', 'id = "answered"'),
        ('status = "PD"', 'status = "?"'),
        ('total = "sessions"', 'total = "people of the moon"'),
        ('\nkind = "share"', '\nkind = "guess"'),
        ("pause_minutes = 120", "pause = 120"),
    ],
)
def test_definitions_that_do_not_fit_the_counts_are_refused_at_start(tmp_path: Path, before: str, after: str) -> None:
    text = (SHIPPED / "indicators.toml").read_text(encoding="utf-8")
    assert before in text
    bad = tmp_path / "indicators.toml"
    bad.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(BadIndicators, match="indicators.toml"):
        load_definitions(counted(Facts()), bad)


def test_a_layout_that_forgets_an_indicator_is_refused_at_start(tmp_path: Path) -> None:
    bad = tmp_path / "monthly.toml"
    bad.write_text((SHIPPED / "monthly.toml").read_text(encoding="utf-8").replace('"difficult"', ""), encoding="utf-8")
    with pytest.raises(BadLayout, match="one heading"):
        load_layout(definitions(), bad)
