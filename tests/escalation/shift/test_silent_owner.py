"""An owner who falls silent: warned, then the case rings while they keep it, until one takes over or they are back."""

from __future__ import annotations

import pytest

from escalation.cases import NotAllowed, SomebodyElse
from tests.building import do
from tests.escalation.shift.conftest import Ward
from triage.risk import Level

SILENT = "handover.owner_silent"


@pytest.mark.parametrize(("level", "seconds"), [(Level.EMERGENCY, 120), (Level.HIGH, 300)])
def test_a_person_in_danger_left_unanswered_is_called_for_after_a_warning(
    ward: Ward, level: Level, seconds: int
) -> None:
    lin = ward.here("lin")
    case_id = ward.served(level, lin)
    ward.says(case_id, lin)
    ward.office.clock.forward(seconds=60)
    ward.present(lin)
    ward.person_writes(case_id)
    ward.wait(seconds - 35, lin)
    assert ward.office.told("owner_warned") == []
    ward.wait(10, lin)
    assert len(ward.office.told("owner_warned")) == 1
    assert ward.office.ringing(case_id) is None
    ward.wait(30, lin)
    assert ward.office.ringing(case_id) is not None
    assert ward.owner(case_id) == lin.id  # who keeps it until somebody takes over
    assert ward.office.said(case_id).count(SILENT) == 1


def test_somebody_who_writes_every_minute_to_nobody_is_not_answered(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.EMERGENCY, lin)
    ward.says(case_id, lin)
    for _ in range(3):
        ward.wait(55, lin)
        ward.person_writes(case_id)
    ward.wait(20, lin)
    assert ward.office.ringing(case_id) is not None


def test_a_word_of_the_owner_ends_the_warning_and_starts_the_clock_anew(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.EMERGENCY, lin)
    ward.wait(100, lin)
    ward.says(case_id, lin)
    ward.wait(600, lin)
    assert ward.office.ringing(case_id) is None
    assert len(ward.office.told("owner_back")) == 1


def test_nobody_waits_for_a_person_who_has_not_written_since_the_last_word(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.EMERGENCY, lin)
    ward.says(case_id, lin)
    ward.wait(1200, lin)
    assert ward.office.told("owner_warned") == []


@pytest.mark.parametrize(("level", "seconds"), [(Level.EMERGENCY, 90), (Level.HIGH, 90), (Level.MEDIUM, 900)])
def test_a_console_that_is_gone_lets_its_cases_ring(ward: Ward, level: Level, seconds: int) -> None:
    lin = ward.here("lin")
    case_id = ward.served(level, lin)
    ward.says(case_id, lin)
    ward.wait(seconds - 5)
    assert ward.office.ringing(case_id) is None
    ward.wait(10)
    assert ward.office.ringing(case_id) is not None
    assert ward.owner(case_id) == lin.id


def test_below_orange_an_unanswered_message_alone_rings_nothing(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.MEDIUM, lin)
    ward.person_writes(case_id)
    ward.wait(1200, lin)
    assert ward.office.ringing(case_id) is None


def test_after_a_restart_consoles_have_time_to_come_back(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.EMERGENCY, lin)
    ward.says(case_id, lin)
    ward.office.clock.forward(seconds=3600)  # the service was down
    ward.sweep()
    ward.office.clock.forward(seconds=5)
    ward.present(lin)
    ward.sweep()
    ward.wait(60, lin)
    assert ward.office.told("owner_silent") == []


def test_an_owner_who_comes_back_ends_the_ringing(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.HIGH, lin)
    ward.says(case_id, lin)
    ward.wait(120)
    assert ward.office.ringing(case_id) is not None
    ward.wait(5, lin)
    assert ward.office.ringing(case_id) is None
    ward.wait(200)
    assert ward.office.said(case_id).count(SILENT) == 1  # the person hears it once at most


def test_the_ladder_climbs_as_for_a_new_alert(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.EMERGENCY, lin)
    ward.wait(120)
    ward.office.clock.forward(seconds=61)
    ward.office.sweep()
    ringing = ward.office.ringing(case_id)
    assert ringing is not None
    assert ringing.step == 1


def test_anybody_takes_over_with_one_click_and_the_old_owner_sees_who(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.EMERGENCY, lin)
    epoch = ward.office.conversation_of(case_id).epoch
    ward.wait(120, zhang)
    ward.act("watch", "take_over", case_id, zhang)
    assert ward.owner(case_id) == zhang.id
    assert ward.office.conversation_of(case_id).epoch == epoch + 1
    assert ward.office.ringing(case_id) is None
    assert ward.office.said(case_id)[-1] == "handover.person_changed"
    (told,) = ward.office.told("taken_over")
    assert (lin.id in told.data, zhang.id in told.data) == (True, True)
    with pytest.raises(NotAllowed):
        ward.says(case_id, lin)


def test_nobody_takes_a_case_from_an_owner_who_is_there(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.HIGH, lin)
    with pytest.raises(SomebodyElse):
        ward.act("watch", "take_over", case_id, zhang)
    ward.wait(120)
    with pytest.raises(NotAllowed, match="回一句话"):
        ward.act("watch", "take_over", case_id, lin)


def test_a_rise_in_a_volunteers_case_rings_at_once_and_the_volunteer_stays(ward: Ward) -> None:
    xiao, zhang = ward.here("xiao", "volunteer"), ward.here("zhang")
    conversation_id = ward.office.conversation()
    case_id = ward.office.danger(conversation_id, Level.LOW)
    ward.claim(case_id, xiao)
    ward.sweep()
    assert ward.office.ringing(case_id) is None
    ward.office.danger(conversation_id, Level.HIGH)
    ward.sweep()
    assert ward.office.ringing(case_id) is not None
    assert ward.owner(case_id) == xiao.id
    assert SILENT not in ward.office.said(case_id)  # the volunteer is there
    for action, arguments in (("release", ()), ("close", ("calmed", "聊了很久，平静了"))):
        with pytest.raises(NotAllowed):
            ward.office.act(action, case_id, xiao, *arguments)
    with pytest.raises(NotAllowed):
        ward.office.act("set_level", case_id, xiao, Level.LOW, "没事了")
    ward.says(case_id, xiao)
    ward.wait(60, xiao, zhang)
    assert ward.office.ringing(case_id) is not None  # a volunteer's word does not end it
    ward.act("watch", "take_over", case_id, zhang)
    assert ward.owner(case_id) == zhang.id


def test_words_that_arrive_do_not_end_what_rings_for_another_owner(ward: Ward) -> None:
    xiao = ward.here("xiao", "volunteer")
    conversation_id = ward.office.conversation()
    case_id = ward.office.danger(conversation_id, Level.LOW)
    ward.claim(case_id, xiao)
    ward.office.danger(conversation_id, Level.HIGH)
    ward.sweep()
    raised = ward.office.ringing(case_id)
    alarm, now = ward.office.alarm, ward.office.clock.forward(seconds=30)
    do(ward.office.writer, lambda c: alarm.reached(c, ward.office.case(case_id), xiao.id, now))
    assert ward.office.ringing(case_id) == raised  # the ladder goes on from where it was


def test_the_peak_of_a_stint_is_the_worst_there_was(ward: Ward) -> None:
    lin = ward.here("lin")
    conversation_id = ward.office.conversation()
    case_id = ward.office.danger(conversation_id, Level.MEDIUM)
    ward.claim(case_id, lin)
    ward.office.danger(conversation_id, Level.EMERGENCY)
    ward.sweep()
    stint = ward.stint(case_id)
    assert stint is not None
    assert stint.peak == Level.EMERGENCY
