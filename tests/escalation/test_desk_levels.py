"""Levels that counsellors set: raised at once, lowered from orange and red by two people."""

from __future__ import annotations

import pytest

from escalation.cases import NotAllowed
from tests.escalation.conftest import Office
from triage.risk import Level


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.EMERGENCY])
def test_raising_the_level_is_in_force_at_once(office: Office, level: Level) -> None:
    case_id, lin = office.case_at(Level.LOW), office.counsellor()
    assert office.act("set_level", case_id, lin, level, "说了具体的计划") is True
    assert (office.case(case_id).level, office.conversation_of(case_id).level) == (level, level)
    alert = office.ringing(case_id)
    assert alert is not None
    assert alert.level == level


def test_a_lowering_from_orange_waits_for_a_second_person(office: Office) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor("lin")
    lead = office.counsellor("lead", "duty_lead")
    assert office.act("set_level", case_id, lin, Level.LOW, "已确认是歌词") is False
    assert office.case(case_id).level == Level.HIGH
    office.act("decide_lowering", case_id, lead, agree=True)
    assert office.case(case_id).level == office.conversation_of(case_id).level == Level.LOW
    last = office.changes(case_id)[-1]
    assert (last["state"], last["by_id"], last["second_id"], last["reason"]) == (
        "confirmed", lin.id, lead.id, "已确认是歌词",
    )  # fmt: skip


def test_one_person_alone_lowers_by_one_step_also_one_after_the_other(office: Office) -> None:
    case_id, lin, wang = office.case_at(Level.MEDIUM), office.counsellor("lin"), office.counsellor("wang")
    assert office.act("set_level", case_id, lin, Level.LOW, "睡了一觉，平静多了") is True
    assert office.act("set_level", case_id, lin, Level.NONE, "只是问睡眠") is False
    office.act("decide_lowering", case_id, office.counsellor("lead", "duty_lead"), agree=False)
    assert office.act("set_level", case_id, wang, Level.NONE, "只是问睡眠") is True  # another looked at it anew


def test_nobody_is_the_own_second_person(office: Office) -> None:
    case_id, lead = office.case_at(Level.EMERGENCY), office.counsellor("lead", "supervisor")
    office.act("set_level", case_id, lead, Level.LOW, "已确认安全")
    with pytest.raises(NotAllowed, match="另一位"):
        office.act("decide_lowering", case_id, lead, agree=True)
    assert office.case(case_id).level == Level.EMERGENCY


def test_a_refused_lowering_changes_nothing_and_may_be_asked_again(office: Office) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor("lin")
    lead = office.counsellor("lead", "duty_lead")
    office.act("set_level", case_id, lin, Level.LOW, "已确认是歌词")
    with pytest.raises(NotAllowed):
        office.act("set_level", case_id, lin, Level.MEDIUM, "再来一次")
    office.act("decide_lowering", case_id, lead, agree=False)
    assert office.case(case_id).level == Level.HIGH
    assert office.act("set_level", case_id, lin, Level.MEDIUM, "新的理由") is False


def test_there_is_nothing_to_decide_without_a_proposal(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.act("decide_lowering", office.case_at(Level.HIGH), office.counsellor("lead", "duty_lead"), agree=True)


def test_danger_after_the_proposal_makes_it_void(office: Office) -> None:
    conversation_id, lin, lead = (
        office.conversation(),
        office.counsellor("lin"),
        office.counsellor("lead", "supervisor"),
    )
    case_id = office.danger(conversation_id, Level.HIGH)
    office.act("set_level", case_id, lin, Level.LOW, "已确认是歌词")
    office.danger(conversation_id, Level.EMERGENCY)
    with pytest.raises(NotAllowed):
        office.act("decide_lowering", case_id, lead, agree=True)
    assert office.case(case_id).level == Level.EMERGENCY
    office.act("decide_lowering", case_id, lead, agree=False)
    assert office.act("set_level", case_id, lin, Level.LOW, "120已接手") is False


def test_raising_a_case_that_the_bot_has_calls_a_person_again(office: Office) -> None:
    case_id, lin = office.case_at(Level.LOW), office.counsellor()
    office.act("claim", case_id, lin)
    office.act("hand_back", case_id, lin)
    office.act("set_level", case_id, lin, Level.HIGH, "回看时发现有计划")
    assert office.case(case_id).state == "new"
    assert office.ringing(case_id) is not None


def test_the_machine_may_raise_again_after_people_lowered(office: Office) -> None:
    conversation_id, lin = office.conversation(), office.counsellor()
    case_id = office.danger(conversation_id, Level.MEDIUM)
    office.act("set_level", case_id, lin, Level.LOW, "只是引用")
    office.danger(conversation_id, Level.MEDIUM)
    assert office.case(case_id).level == Level.MEDIUM
