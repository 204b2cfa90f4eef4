"""Who comes back continues the same case; how it had ended is kept; later comers get a new case linked to the old."""

from __future__ import annotations

import pytest

from records import tables as t
from tests.building import rows
from tests.escalation.care.conftest import RECORD, Ward
from triage.risk import Level


def closed(ward: Ward) -> tuple[str, str]:
    """A closed blue case; (conversation, case)."""
    case_id = ward.served(Level.LOW)
    ward.office.act("close", case_id, ward.lin, *RECORD)
    assert ward.state(case_id) == "closed"
    return ward.office.case(case_id).conversation_id, case_id


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.EMERGENCY])
def test_danger_within_thirty_days_opens_the_same_case_again_and_rings(ward: Ward, level: Level) -> None:
    conversation_id, case_id = closed(ward)
    ward.office.clock.forward(days=29)
    assert ward.office.danger(conversation_id, level) == case_id
    case, alert = ward.office.case(case_id), ward.office.ringing(case_id)
    assert (case.state, case.owner_id, case.level, case.closed_at) == ("new", None, level, None)
    assert alert is not None
    assert alert.level == level


def test_after_thirty_days_there_is_a_new_case_linked_to_the_old(ward: Ward) -> None:
    conversation_id, case_id = closed(ward)
    ward.office.clock.forward(days=30)
    second = ward.office.danger(conversation_id, Level.MEDIUM)
    assert second != case_id
    assert ward.office.case(second).previous_id == case_id
    assert ward.state(case_id) == "closed"


def test_a_first_case_has_none_before_it(ward: Ward) -> None:
    assert ward.office.case(ward.office.case_at(Level.MEDIUM)).previous_id is None


def test_how_it_had_ended_is_kept_sealed(ward: Ward) -> None:
    conversation_id, case_id = closed(ward)
    ended_at = ward.office.clock()
    ward.office.clock.forward(days=3)
    ward.office.danger(conversation_id, Level.HIGH)
    with ward.office.store.engine.connect() as connection:
        (kept,) = ward.office.alarm.reopenings.of(connection, case_id)
    assert (kept.from_state, kept.disposition, kept.summary, kept.closed_at) == ("closed", *RECORD, ended_at)
    assert RECORD[1].encode() not in rows(ward.office.store.engine, t.reopening)[0].summary_sealed
    assert len(ward.office.told("reopened")) == 1


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HIGH])
@pytest.mark.parametrize("wish", ["risk", "asked_for_person"])
def test_danger_or_the_wish_for_a_person_ends_the_waiting_for_follow_ups(ward: Ward, level: Level, wish: str) -> None:
    case_id = ward.followed(level)
    conversation_id = ward.office.case(case_id).conversation_id
    assert ward.office.danger(conversation_id, Level.LOW, wish=wish) == case_id
    alert = ward.office.ringing(case_id)
    assert ward.state(case_id) == "new"
    assert alert is not None
    assert alert.level == level  # only people lower


def test_a_picture_that_nobody_reads_calls_a_person_in_a_follow_up_too(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    case, now = ward.office.case(case_id), ward.office.clock()
    ward.office.writer.submit(lambda c: ward.office.alarm.flag_unread(c, case, Level.NONE, "m9", now)).result(20)
    assert ward.state(case_id) == "new"


def test_words_of_farewell_that_do_not_arrive_ring_for_nobody(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    case, now = ward.office.case(case_id), ward.office.clock()
    ward.office.writer.submit(lambda c: ward.office.alarm.cannot_reach(c, case, now)).result(20)
    assert ward.office.ringing(case_id) is None


def test_a_level_that_people_raise_in_a_follow_up_calls_again(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    ward.office.act("set_level", case_id, ward.lin, Level.HIGH, "家属来电，说有计划")
    assert ward.state(case_id) == "new"
    assert ward.office.ringing(case_id) is not None
    assert ward.office.case(case_id).level == Level.HIGH
