"""Clocks after the claim: the first word in time or everybody is called, the assessment in time or two are reminded."""

from __future__ import annotations

import pytest

from records.stints import Live
from tests.building import do
from tests.escalation.shift.conftest import Ward
from triage.risk import Level


def live(ward: Ward, case_id: str) -> Live:
    conversation_id = ward.office.case(case_id).conversation_id
    (found,) = do(ward.office.writer, lambda c: ward.office.store.stints.live(c, conversation_id))
    return found


@pytest.mark.parametrize(("level", "warned", "called"), [(Level.EMERGENCY, 15, 30), (Level.HIGH, 30, 60)])
def test_without_a_first_word_the_owner_is_warned_and_then_everybody_is_called(
    ward: Ward, level: Level, warned: int, called: int
) -> None:
    lin = ward.here("lin")
    case_id = ward.served(level, lin)
    ward.wait(warned - 5, lin)
    assert ward.office.told("owner_warned") == []
    ward.wait(5, lin)
    assert len(ward.office.told("owner_warned")) == 1
    ward.wait(called - warned - 5, lin)
    assert ward.office.ringing(case_id) is None
    ward.wait(5, lin)
    assert ward.office.ringing(case_id) is not None
    assert ward.owner(case_id) == lin.id


def test_a_first_word_in_time_leaves_the_usual_patience(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.EMERGENCY, lin)
    ward.wait(20, lin)
    ward.says(case_id, lin)
    ward.wait(5, lin)
    ward.person_writes(case_id)
    ward.wait(80, lin)
    assert ward.office.ringing(case_id) is None
    ward.wait(60, lin)
    assert ward.office.ringing(case_id) is not None


def test_a_first_word_after_the_ring_ends_it(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.EMERGENCY, lin)
    ward.wait(35, lin)
    ward.says(case_id, lin)
    ward.wait(5, lin)
    assert ward.office.ringing(case_id) is None


def test_yellow_owes_a_first_word_but_rings_for_nobody(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.MEDIUM, lin)
    ward.wait(600, lin)
    assert ward.office.ringing(case_id) is None


def test_whoever_takes_over_before_anybody_spoke_has_the_whole_time(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.EMERGENCY, lin)
    ward.wait(30, lin, zhang)
    ward.act("watch", "take_over", case_id, zhang)
    ward.wait(25, zhang)
    assert ward.office.ringing(case_id) is None
    ward.wait(5, zhang)
    assert ward.office.ringing(case_id) is not None


def test_where_a_colleague_has_spoken_the_next_owes_answers_not_a_first_word(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.EMERGENCY, lin)
    ward.says(case_id, lin)
    claimed_at = ward.office.clock()
    ward.wait(20, lin, zhang)
    ward.act("passing", "accept", ward.asked(case_id, lin, zhang), zhang)
    stint = ward.stint(case_id)
    assert stint is not None
    assert (stint.claimed_at, stint.greeted_at) == (claimed_at, claimed_at)
    ward.wait(60, zhang)
    assert ward.office.ringing(case_id) is None


def test_the_newest_word_never_moves_the_first(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.HIGH, lin)
    first = ward.office.clock.forward(seconds=10)
    ward.says(case_id, lin)
    last = ward.office.clock.forward(seconds=10)
    ward.says(case_id, lin)
    stint = ward.stint(case_id)
    assert stint is not None
    assert (stint.greeted_at, stint.spoke_at) == (first, last)


@pytest.mark.parametrize(("level", "minutes"), [(Level.EMERGENCY, 30), (Level.HIGH, 30), (Level.MEDIUM, 60)])
def test_an_overdue_assessment_is_told_once_and_takes_nobodys_case(ward: Ward, level: Level, minutes: int) -> None:
    lin = ward.here("lin")
    case_id = ward.served(level, lin)
    ward.says(case_id, lin)
    ward.asked_about_danger(case_id, lin, but="plan")
    for minute in range(minutes + 5):
        assert bool(ward.office.told("assessment_overdue")) == (minute >= minutes)
        ward.office.clock.forward(minutes=1)
        ward.present(lin)
        ward.sweep()
    assert len(ward.office.told("assessment_overdue")) == len(ward.office.audited("assessment_overdue")) == 1
    assert ward.office.ringing(case_id) is None
    assert ward.owner(case_id) == lin.id


def test_the_last_core_question_ends_the_clock_of_the_assessment(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.HIGH, lin)
    ward.says(case_id, lin)
    ward.asked_about_danger(case_id, lin, but="plan")
    assert ward.office.case(case_id).assessed_at is None
    ward.asked_about_danger(case_id, lin)
    assert ward.office.case(case_id).assessed_at == ward.office.clock()
    ward.office.clock.forward(minutes=40)
    ward.present(lin)
    ward.sweep()
    assert ward.office.told("assessment_overdue") == []


def test_a_rise_starts_the_clocks_of_the_new_level(ward: Ward) -> None:
    lin = ward.here("lin")
    conversation_id = ward.office.conversation()
    case_id = ward.office.danger(conversation_id, Level.MEDIUM)
    ward.claim(case_id, lin)
    assert live(ward, case_id).risen_at == ward.office.clock()
    risen_at = ward.office.clock.forward(minutes=50)
    ward.office.danger(conversation_id, Level.HIGH)
    assert live(ward, case_id).risen_at == risen_at
    ward.office.clock.forward(minutes=5)
    ward.office.act("set_level", case_id, lin, Level.EMERGENCY, "药就在手边")
    assert live(ward, case_id).risen_at == ward.office.clock()


def test_nothing_of_the_clocks_runs_in_a_practice(ward: Ward) -> None:
    lin = ward.here("lin")
    practices = ward.office.desks.practices
    script = next(iter(practices.playbook.scripts))
    case_id = do(ward.office.writer, lambda c: practices.start(c, lin, script, ward.office.clock()))
    ward.office.danger(ward.office.case(case_id).conversation_id, Level.EMERGENCY)
    ward.wait(300, lin)
    assert ward.office.told("owner_warned") == []
