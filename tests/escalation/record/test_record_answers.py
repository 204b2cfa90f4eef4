"""What is unasked and what closing lacks: pure, over the shipped form."""

from __future__ import annotations

import pytest

from escalation.record.answers import gaps, is_asked, is_filled, unasked
from escalation.record.form import load_form
from escalation.record.proposals import propose
from records.entries import Entry
from tests.building import NOW
from tests.record_samples import REQUIRED, answer
from triage.facts import load_facts
from triage.risk import Level

FORM = load_form()
FACTS = load_facts()


def entry(field: str, value: str = "", missing: str = "") -> Entry:
    return Entry(field, 1, value, missing, "lin", NOW)


def filled(**changed: Entry) -> dict[str, Entry]:
    """Everything answered, but these."""
    return {field.key: entry(field.key, answer(field)) for field in REQUIRED} | changed


@pytest.mark.parametrize("level", Level)
def test_an_empty_record_lacks_what_the_level_demands_and_a_full_one_nothing(level: Level) -> None:
    assert {gap.lacks for gap in gaps(FORM, {}, level)} == {"没有填"}
    assert gaps(FORM, filled(), level) == []


@pytest.mark.parametrize("missing", FORM.missing)
def test_each_kind_of_no_answer_counts_below_orange(missing: str) -> None:
    entries = {field.key: entry(field.key, missing=missing) for field in REQUIRED}
    assert gaps(FORM, entries, Level.MEDIUM) == []


@pytest.mark.parametrize("level", [Level.HIGH, Level.EMERGENCY])
def test_in_orange_and_red_not_asked_needs_a_reason(level: Level) -> None:
    assert [gap.field.key for gap in gaps(FORM, filled(plan=entry("plan", missing="not_asked")), level)] == ["plan"]
    assert gaps(FORM, filled(plan=entry("plan", "断线了", "not_asked")), level) == []
    assert gaps(FORM, filled(plan=entry("plan", missing="refused")), level) == []


@pytest.mark.parametrize("missing", FORM.missing)
def test_without_a_named_person_orange_needs_the_reason_why(missing: str) -> None:
    lacking = gaps(FORM, filled(companion=entry("companion", missing=missing)), Level.HIGH)
    assert [gap.field.key for gap in lacking] == ["companion"]
    assert gaps(FORM, filled(companion=entry("companion", "独居，警察在路上", missing)), Level.HIGH) == []


def test_what_another_answer_makes_moot_is_neither_asked_nor_demanded() -> None:
    entries = filled(plan=entry("plan", "none"))
    del entries["plan_time"]
    assert gaps(FORM, entries, Level.HIGH) == []
    assert "plan_time" not in [field.key for field in unasked(FORM, entries, Level.HIGH)]


def test_an_emptied_field_is_as_good_as_untouched_and_not_asked_is_still_unasked() -> None:
    assert not is_filled(entry("plan"))
    assert is_filled(entry("plan", missing="not_asked"))
    assert not is_asked(entry("plan", missing="not_asked"))
    assert is_asked(entry("plan", missing="refused"))


@pytest.mark.parametrize("level", Level)
def test_what_matters_first_at_a_level_stands_first(level: Level) -> None:
    assert tuple(field.key for field in unasked(FORM, {}, level)) == FORM.unasked[level]


def test_the_newest_word_is_proposed_and_what_is_answered_is_not() -> None:
    said = [("m1", "我今年15岁，我一个人在家"), ("m2", "我妈在我旁边")]
    found = {one.field: (one.value, one.message_id) for one in propose(FACTS, said, {}, plan_given=False)}
    assert (found["age_band"], found["alone_now"]) == (("14_17", "m1"), ("no", "m2"))
    entries = {"age_band": entry("age_band", "18_25"), "alone_now": entry("alone_now", missing="not_asked")}
    left = {one.field for one in propose(FACTS, said, entries, plan_given=False)}
    assert "age_band" not in left
    assert "alone_now" in left


def test_a_plan_that_was_given_is_proposed_too() -> None:
    (one,) = propose(FACTS, [], {}, plan_given=True)
    assert (one.field, one.value, one.message_id) == ("safety_plan", "given", "")
