"""Whisper, join, take over: what a supervisor does beside and in the place of a counsellor."""

from __future__ import annotations

import pytest

from escalation.cases import NotAllowed
from records import tables as t
from tests.building import do, rows
from tests.escalation.shift.conftest import Ward
from triage.risk import Level


def test_a_whisper_is_kept_sealed_and_never_sent(ward: Ward) -> None:
    lin, chief = ward.here("lin"), ward.here("chief", "supervisor")
    case_id = ward.served(Level.HIGH, lin)
    said = ward.office.said(case_id)
    ward.act("guiding", "whisper", case_id, chief, "先问他身边有没有人")
    assert ward.office.said(case_id) == said
    (row,) = rows(ward.office.store.engine, t.whisper)
    assert "身边".encode() not in row.body_sealed
    (heard,) = do(ward.office.writer, lambda c: ward.office.store.asides.whispers(c, case_id))
    assert (heard.text, heard.by_id) == ("先问他身边有没有人", chief.id)
    (told,) = ward.office.told("whispered")
    assert lin.id in told.data
    assert "身边" not in told.data


def test_who_joined_may_write_and_the_person_is_told_of_both(ward: Ward) -> None:
    lin, chief = ward.here("lin"), ward.here("chief", "supervisor")
    case_id = ward.served(Level.HIGH, lin)
    with pytest.raises(NotAllowed):
        ward.says(case_id, chief)
    ward.act("guiding", "join", case_id, chief)
    ward.says(case_id, chief)
    ward.says(case_id, lin)
    assert ward.owner(case_id) == lin.id
    ward.act("guiding", "leave", case_id, chief)
    assert [key for key in ward.office.said(case_id) if "second" in key] == [
        "handover.second_joined", "handover.second_left",
    ]  # fmt: skip
    with pytest.raises(NotAllowed):
        ward.says(case_id, chief)


def test_nobody_joins_twice_or_an_own_case(ward: Ward) -> None:
    lin, chief = ward.here("lin"), ward.here("chief", "supervisor")
    case_id = ward.served(Level.HIGH, lin)
    with pytest.raises(NotAllowed):
        ward.act("guiding", "join", case_id, lin)
    ward.act("guiding", "join", case_id, chief)
    with pytest.raises(NotAllowed):
        ward.act("guiding", "join", case_id, chief)


def test_with_the_last_counsellor_everybody_leaves(ward: Ward) -> None:
    lin, chief = ward.here("lin"), ward.here("chief", "supervisor")
    case_id = ward.served(Level.HIGH, lin)
    ward.act("guiding", "join", case_id, chief)
    ward.office.act("release", case_id, lin)
    with pytest.raises(NotAllowed):
        ward.says(case_id, chief)
    ward.claim(case_id, lin)
    with pytest.raises(NotAllowed):
        ward.says(case_id, chief)


def test_who_takes_over_stays_alone_with_the_reason_in_the_record(ward: Ward) -> None:
    lin, chief = ward.here("lin"), ward.here("chief", "supervisor")
    case_id = ward.served(Level.EMERGENCY, lin)
    ward.act("guiding", "join", case_id, chief)
    with pytest.raises(NotAllowed, match="理由"):
        ward.act("guiding", "take_over", case_id, chief, " ")
    ward.act("guiding", "take_over", case_id, chief, "需要马上联系110")
    assert ward.owner(case_id) == chief.id
    assert (
        do(
            ward.office.writer,
            lambda c: ward.office.store.asides.companions(c, ward.office.case(case_id).conversation_id),
        )
        == []
    )
    notes = do(ward.office.writer, lambda c: ward.office.store.cases.notes(c, case_id))
    assert [note["body"] for note in notes] == ["接过个案的理由：需要马上联系110"]


@pytest.mark.parametrize(("action", "words"), [("whisper", ("在吗",)), ("join", ()), ("take_over", ("没有人在服务",))])
def test_a_case_that_nobody_serves_is_claimed_instead(ward: Ward, action: str, words: tuple[str, ...]) -> None:
    chief = ward.here("chief", "supervisor")
    case_id = ward.office.case_at(Level.HIGH)
    with pytest.raises(NotAllowed, match="没有人在服务"):
        ward.act("guiding", action, case_id, chief, *words)
