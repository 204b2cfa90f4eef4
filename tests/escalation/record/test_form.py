"""The form's data: complete, consistent, checked at start; what counts as an answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.record.form import BadForm, Field, load_form
from escalation.record.plan import load_parts
from escalation.record.proposals import check_facts
from knowledge.linter import lint
from triage.facts import load_facts
from triage.risk import Level

FORM = load_form()
FIELDS = list(FORM.fields.values())
HOW = re.compile(r"用什么|什么方法|怎么死|怎样死|哪种药|什么药|多少[片粒颗]|几[片粒颗]|几楼|多高|哪座桥")
SMALL = """
[missing]
not_asked = "未问到"
[unasked]
emergency = ["a"]
high = ["a"]
medium = ["a"]
low = ["a"]
none = ["{asked}"]
[[group]]
key = "g"
words = "组"
[[group.field]]
key = "a"
words = "问题"
question = "问？"
kind = "{kind}"
{more}
"""


def small(tmp_path: Path, *, kind: str = "text", asked: str = "a", more: str = "") -> Path:
    path = tmp_path / "form.toml"
    path.write_text(SMALL.format(kind=kind, asked=asked, more=more), encoding="utf-8")
    return path


def test_no_answer_has_four_kinds() -> None:
    assert list(FORM.missing.values()) == ["未问到", "拒答", "不适用", "未知"]


@pytest.mark.parametrize(
    "key",
    [
        "ideation", "plan", "plan_time", "current_act", "means_access", "preparation", "past_attempts", "alone_now",
        "location", "companion", "protective", "psychosis_command", "substance_now", "harm_others", "minor_harm",
        "third_relation", "gaps", "intent_start", "intent_end", "hopeless_start", "hopeless_end", "distress_start",
        "distress_end", "hope_start", "hope_end", "problems", "age_band",
    ],
)  # fmt: skip
def test_what_the_field_demands_is_asked(key: str) -> None:
    assert key in FORM.fields


def test_a_graver_level_demands_no_less() -> None:
    for level in Level:
        needed = {field.key for field in FIELDS if field.required_at is not None and field.required_at <= level}
        assert (
            len(needed) >= {Level.NONE: 1, Level.LOW: 1, Level.MEDIUM: 10, Level.HIGH: 20, Level.EMERGENCY: 21}[level]
        )


@pytest.mark.parametrize("key", ["means_distance", "companion"])
def test_distance_and_a_named_person_are_demanded_from_orange_with_a_reason_otherwise(key: str) -> None:
    assert (FORM.fields[key].required_at, FORM.fields[key].needs_reason) == (Level.HIGH, True)


@pytest.mark.parametrize("field", [field for field in FIELDS if field.question], ids=lambda field: field.key)
def test_no_question_asks_how_and_every_one_speaks_as_we_do(field: Field) -> None:
    assert not HOW.search(field.question)
    assert not lint(field.question)
    assert "！" not in field.question


def test_the_plan_has_six_parts_in_our_words() -> None:
    assert [part.words for part in load_parts()] == [
        "我的预警信号", "我自己能做的", "能让我转移注意的人和地方", "我可以求助的人", "专业求助", "让环境更安全",
    ]  # fmt: skip


def test_every_fact_that_is_read_from_words_fits_its_field() -> None:
    check_facts(FORM, load_facts())


@pytest.mark.parametrize(
    ("key", "value", "is_answer"),
    [
        ("intent_start", "0", True),
        ("intent_start", "100", True),
        ("intent_start", "101", False),
        ("intent_start", "-1", False),
        ("intent_start", "五十", False),
        ("intent_start", "５０", False),
        ("plan", "vague", True),
        ("plan", "none,vague", False),
        ("plan", "perhaps", False),
        ("alone_now", "yes", True),
        ("problems", "mood,sleep", True),
        ("problems", "mood,magic", False),
        ("location", "", True),
        ("location", "长" * 2001, False),
    ],
)
def test_what_counts_as_an_answer(key: str, value: str, is_answer: bool) -> None:
    assert (FORM.fields[key].problem(value) == "") is is_answer


@given(st.sampled_from(FIELDS), st.text(max_size=50))
def test_any_text_is_judged_and_shown(field: Field, text: str) -> None:
    if not field.problem(text):
        assert isinstance(field.shown(text), str)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "riddle"},
        {"kind": "choice"},
        {"more": 'options = { x = "y" }'},
        {"asked": "nobody"},
        {"more": 'required_at = "purple"'},
        {"more": 'moot_when = { b = "none" }'},
        {"more": 'key = "b"'},
    ],
)
def test_a_form_that_cannot_be_used_is_refused_at_start(tmp_path: Path, fault: dict[str, str]) -> None:
    load_form(small(tmp_path))
    with pytest.raises(BadForm):
        load_form(small(tmp_path, **fault))


def test_facts_that_do_not_fit_are_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(BadForm):
        check_facts(load_form(small(tmp_path)), load_facts())
