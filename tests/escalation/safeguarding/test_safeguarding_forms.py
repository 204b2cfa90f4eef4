"""What a form asks: each missing field is named, nothing is kept that was not offered, the least is given away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from escalation.safeguarding.forms import Asked, Incomplete, read
from escalation.safeguarding.terms import Terms, load_terms
from settings import load_settings
from tests.building import NOW
from tests.escalation.guard import MADE

TERMS = load_terms(load_settings({}).numbers(), timedelta(minutes=60))


def filled(kind: str, **changes: str | None) -> dict[str, Any]:
    raw = {**MADE[kind], **{name.replace("__", ":"): text for name, text in changes.items()}}
    given = {name: text for name, text in raw.items() if text is not None}
    return read(TERMS.forms[kind, "make"], given, Asked(TERMS, kind, NOW, staff=("a", "b"), messages=("m1",)))


def missing(kind: str, **changes: str | None) -> set[str]:
    with pytest.raises(Incomplete) as caught:
        filled(kind, **changes)
    return set(caught.value.errors)


@pytest.mark.parametrize("kind", sorted(MADE))
def test_a_form_that_is_filled_in_is_kept(kind: str) -> None:
    assert filled(kind)


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        ("report", {"facts": " "}, "facts"),
        ("report", {"harm__physical": None}, "harm"),
        ("report", {"whom": "somebody"}, "whom"),
        ("breach", {"basis": "grade3"}, "basis"),  # a ground of another kind
        ("breach", {"not_told": ""}, "not_told"),
        ("breach", {"consent": "not_asked"}, "no_consent"),
        ("breach", {"share__danger": ""}, "share"),
        ("breach", {"share__health": "吃了什么药"}, "more"),
        ("breach", {"timing": "first", "at": ""}, "at"),
        ("breach", {"timing": "first", "at": "昨天"}, "at"),
        ("notification", {"registered": None}, "registered"),
        ("notification", {"grade": "2"}, "grade"),  # below 3 nobody is notified
        ("notification", {"at": "2026-12-01T11:00"}, "at"),  # an hour from now
        ("complaint", {"said": ""}, "said"),
        ("complaint", {"said": "字" * 4001}, "said"),
    ],
)
def test_what_is_missing_is_said_beside_its_field(kind: str, changes: dict[str, str | None], field: str) -> None:
    assert missing(kind, **changes) == {field}


def test_what_is_given_beyond_the_least_is_kept_with_its_reason() -> None:
    given = filled("breach", share__health="说吞了药", more="急救要知道吃了什么")
    assert set(given["share"]) == {"danger", "health"}
    assert given["more"] == "急救要知道吃了什么"


def test_a_question_that_does_not_arise_is_not_kept() -> None:
    assert "no_consent" not in filled("breach", no_consent="没有空问")
    assert "at" not in filled("breach")


def test_only_own_words_and_known_colleagues_are_kept() -> None:
    assert filled("report", messages__m1="yes", messages__m9="yes")["messages"] == ["m1"]
    assert filled("complaint", about__a="yes", about__x="yes")["about"] == ["a"]


def test_a_time_is_read_as_time_in_china() -> None:
    assert filled("notification", at="2026-12-01T09:30")["at"] == "2026-12-01T09:30:00+08:00"


def test_every_ground_waits_for_a_lawyer_and_says_how_well_it_is_known() -> None:
    assert {basis.review for basis in TERMS.bases.values()} == {"pending"}
    assert all(basis.article for basis in TERMS.bases.values())


@pytest.mark.parametrize("number", ["110", "12309", "12355"])
def test_the_numbers_for_reports_come_from_the_settings(number: str) -> None:
    assert number in TERMS.numbers


def test_the_clock_of_reports_is_a_setting() -> None:
    made: Terms = load_terms({}, timedelta(minutes=5))
    assert made.clocks["report"].within == timedelta(minutes=5)
