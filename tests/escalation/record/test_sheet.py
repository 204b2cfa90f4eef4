"""The page for rescue: says what is known, says what is not, one page whatever was written, and is a PDF."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.record.form import load_form
from escalation.record.pdf import to_pdf
from escalation.record.sheet import Print, Section, Sheet, make_sheet
from records.cases import Case
from records.entries import Entry
from tests.building import NOW
from triage.risk import Level

FORM = load_form()
WHO = Print("赵督导", NOW, "示例县心理援助热线", "12356", "网页", "林老师")
CASE = Case(
    "c1", "local-20261201-00011", "t1", "p1", "in_service", Level.EMERGENCY, Level.EMERGENCY, 1, "lin", "risk", NOW,
    NOW, NOW, None, None, "", False,
)  # fmt: skip


def sheet(**answers: str) -> Sheet:
    entries = {key: Entry(key, 1, value, "", "lin", NOW) for key, value in answers.items()}
    return make_sheet(CASE, FORM, entries, [(NOW, "我在城东桥上，一个人")], WHO)


def lines(made: Sheet) -> dict[str, str]:
    return {label: text for section in made.sections for label, text in section.lines}


def test_it_says_who_where_what_danger_company_deeds_and_call_back() -> None:
    found = lines(sheet(location="城东桥", phone="139", age_band="14_17", means_access="at_hand", done="打了110"))
    assert found["现在在哪里"] == "城东桥"
    assert found["年龄"] == "14–17"
    assert found["已经做了什么（报警、叫救护车、联系了谁）"] == "打了110"
    assert found["热线"] == "示例县心理援助热线 12356"
    assert found["12-01 10:00"] == "“我在城东桥上，一个人”"


def test_what_matters_and_nobody_knows_is_said_to_be_unknown() -> None:
    found = lines(sheet())
    for label in ("现在在哪里", "能打通的电话", "年龄", "已经采取的行动", "现在一个人"):
        assert found[label] == "还不知道"
    assert "家族史" not in found


@pytest.mark.parametrize("key", ["diagnosis", "medication", "events", "family_history", "income"])
def test_what_rescuers_do_not_need_is_not_on_it(key: str) -> None:
    assert "金丝雀" not in str(sheet(**{key: "金丝雀"}))


def test_redacted_words_are_not_on_it() -> None:
    entries = {"location": Entry("location", 2, "理由金丝雀", "redacted", "chief", NOW)}
    assert "金丝雀" not in str(make_sheet(CASE, FORM, entries, [], WHO))


def test_it_is_marked_with_who_printed_it_when() -> None:
    assert sheet().mark == "赵督导 2026-12-01 10:00 打印"


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def test_the_pdf_has_one_page_however_much_was_written() -> None:
    pdf = to_pdf(
        sheet(**{key: "长" * 2000 for key in ("location", "companion", "phone", "done", "promised", "harm_target")})
    )
    assert pdf.startswith(b"%PDF")
    assert pages(pdf) == 1
    assert b"STSong-Light" in pdf


@settings(max_examples=30, deadline=None)
@given(st.text(alphabet=st.characters() | st.sampled_from("<b>&\ud83d😀\n\t"), max_size=100))
def test_any_words_are_printed_as_words(text: str) -> None:
    made = Sheet(
        "标题",
        (("个案号", "1"),),
        (
            Section(
                "段",
                (("什么", text), (text, "什么")),
            ),
        ),
        text,
    )
    assert pages(to_pdf(made)) == 1
