"""What is shared: exactly what was ticked, in a letter whose hash proves it; and who may be chosen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.cases import NotAllowed
from escalation.directory.fields import load_directory
from escalation.record.form import load_form
from escalation.referral.letter import (
    Letter,
    check,
    check_institution,
    needs_second_person,
    read_letter,
    write_letter,
)
from escalation.referral.suggesting import offered
from escalation.referral.terms import load_terms
from records.institutions import Institution
from tests.escalation.bureau import DRAFT
from triage.risk import Level

TERMS = load_terms(load_directory(), load_form())


def place(id: str = "a", *, is_drill: bool = False, **fields: Any) -> Institution:
    values = {"name": f"演示医院{id}", "status": "active", "is_24h": False, "green_channel": False, **fields}
    return Institution(id, values, 1, "zhao", datetime(2026, 12, 1, tzinfo=UTC), None, None, is_drill)


ALWAYS = ("from", "to", "kind", "urgency", "reason", "call_back")


@given(st.sets(st.sampled_from(sorted(TERMS.fields))))
def test_the_letter_holds_what_was_ticked_and_nothing_else(ticked: set[str]) -> None:
    letter = write_letter(
        replace(DRAFT, shared={code: f"内容{code}" for code in ticked}), TERMS, place(), "示例热线", "x"
    )
    assert {code for code, _, _ in letter.lines} == {*ALWAYS, *ticked}
    assert DRAFT.basis_words not in letter.text


def test_the_letter_follows_the_order_of_the_list_whatever_was_ticked_first() -> None:
    letter = write_letter(replace(DRAFT, shared={"danger": "有", "called": "小雨"}), TERMS, place(), "示例热线", "x")
    assert [code for code, _, _ in letter.lines] == [
        "from",
        "to",
        "kind",
        "urgency",
        "reason",
        "called",
        "danger",
        "call_back",
    ]


def test_a_frozen_letter_comes_back_and_a_changed_one_is_refused() -> None:
    letter = write_letter(DRAFT, TERMS, place(), "示例热线", "salt")
    assert read_letter(letter.text, letter.hash) == letter
    with pytest.raises(ValueError, match="hash"):
        read_letter(letter.text.replace("小雨", "小云"), letter.hash)


def test_the_same_words_never_have_the_same_hash() -> None:
    one, other = (write_letter(DRAFT, TERMS, place(), "示例热线", salt) for salt in ("a", "b"))
    assert one.hash != other.hash


@given(st.text(), st.text())
def test_any_words_can_be_kept(words: str, salt: str) -> None:
    letter = Letter((("called", "称呼", words),), salt)
    assert read_letter(letter.text, letter.hash) == letter


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "hospital"}, "类型"),
        ({"urgency": ""}, "紧急程度"),
        ({"direction": "in"}, "方向"),
        ({"method": "post"}, "方式"),
        ({"basis": "because"}, "依据"),
        ({"reason": "  急 "}, "转介理由"),
        ({"reason": "长" * 1001}, "转介理由"),
        ({"basis_words": ""}, "本人同意"),
        ({"call_back": " "}, "热线回电"),
        ({"shared": {"called": " "}}, "称呼"),
        ({"shared": {"called": "长" * 601}}, "称呼"),
        ({"shared": {"diagnosis": "x"}}, "不在可以分享的内容里"),
    ],
)
def test_what_is_missing_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(NotAllowed, match=words):
        check(replace(DRAFT, **changes), TERMS)


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("basis", sorted(TERMS.bases))
def test_without_consent_orange_and_red_need_a_second_person(level: Level, basis: str) -> None:
    wanted = basis in ("emergency", "statutory") and level >= Level.HIGH
    assert needs_second_person(replace(DRAFT, basis=basis), TERMS, level) is wanted


@pytest.mark.parametrize("level", list(Level))
def test_an_entry_that_nobody_checked_is_refused_for_orange_and_red(level: Level) -> None:
    if level < Level.HIGH:
        check_institution(place(), level, is_fresh=False, is_drill=False)
        return
    with pytest.raises(NotAllowed, match="没有核实"):
        check_institution(place(), level, is_fresh=False, is_drill=False)
    check_institution(place(), level, is_fresh=True, is_drill=False)


def test_an_invented_institution_is_only_for_drills() -> None:
    with pytest.raises(NotAllowed, match="演练"):
        check_institution(place(is_drill=True), Level.LOW, is_fresh=True, is_drill=False)
    check_institution(place(is_drill=True), Level.LOW, is_fresh=True, is_drill=True)


def test_a_drill_never_reaches_a_real_institution() -> None:
    with pytest.raises(NotAllowed, match="免得真实的机构当真"):
        check_institution(place(), Level.LOW, is_fresh=True, is_drill=True)


@pytest.mark.parametrize("status", ["paused", "closed"])
def test_an_institution_that_takes_nobody_is_refused(status: str) -> None:
    with pytest.raises(NotAllowed, match="不接收"):
        check_institution(place(status=status), Level.LOW, is_fresh=True, is_drill=False)


def test_orange_is_offered_only_what_was_checked_and_told_how_many_were_left_out() -> None:
    kept, left_out = offered([place("old"), place("new")], frozenset({"new"}), Level.HIGH, "week")
    assert ([one.id for one in kept], left_out) == (["new"], 1)
    kept, left_out = offered([place("old"), place("new")], frozenset({"new"}), Level.MEDIUM, "week")
    assert ([one.id for one in kept], left_out) == (["new", "old"], 0)


def test_red_sees_green_channels_first_and_now_means_open_now() -> None:
    found = [place("plain"), place("day", is_24h=True), place("green", green_channel=True)]
    fresh = frozenset({"plain", "day", "green"})
    assert [one.id for one in offered(found, fresh, Level.EMERGENCY, "now")[0]] == ["green", "day", "plain"]
    assert [one.id for one in offered(found, fresh, Level.HIGH, "now")[0]] == ["day", "plain", "green"]


@pytest.mark.parametrize("kind", sorted(TERMS.kinds))
def test_every_kind_has_a_short_minimum_that_never_holds_history(kind: str) -> None:
    assert 2 <= len(TERMS.minimum[kind]) <= 5
    assert "history" not in TERMS.minimum[kind]
