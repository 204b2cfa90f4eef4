"""An editor sees what was asked and not by whom."""

from __future__ import annotations

import pytest

from escalation.library.masking import MaskingRule, load_masking

MASKING = load_masking()


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in MASKING.rules for text in rule.must_match])
def test_a_personal_thing_is_taken_out(rule: MaskingRule, text: str) -> None:
    assert rule.shown in rule.pattern.sub(rule.shown, text)
    assert "〔" in MASKING.masked(text)


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in MASKING.rules for text in rule.must_not_match])
def test_ordinary_words_stay(rule: MaskingRule, text: str) -> None:
    assert not rule.pattern.search(text)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("我叫王小明，13800138000，怎么办", ("王小明", "13800138000")),
        ("我在重庆市渝中区阳光小学上学，不想去了", ("重庆", "阳光")),
        ("加我微信 wang_xm88 说", ("wang_xm88",)),
        ("身份证500101199001011234能查吗", ("500101199001011234",)),
    ],
)
def test_nothing_that_names_a_person_is_left(text: str, gone: tuple[str, ...]) -> None:
    shown = MASKING.masked(text)
    assert shown
    assert not [words for words in gone if words in shown]


def test_a_story_is_not_shown_at_all() -> None:
    assert MASKING.masked("我从小" + "一直不太开心" * 12) == ""
