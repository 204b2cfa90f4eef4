"""A lead names who shall take a case that waits, and lets the ladder climb at once; it rings until somebody has it."""

from __future__ import annotations

import pytest

from escalation.cases import NotAllowed
from records.staff import Counsellor
from tests.building import do
from tests.escalation.shift.conftest import Ward
from triage.risk import Level


def assigned(ward: Ward, case_id: str, lead: Counsellor, to: Counsellor, note: str = "您熟悉这位来访者") -> str:
    """The id of the request."""
    ward.act("dispatching", "assign", case_id, lead, to.id, note)
    found = do(ward.office.writer, lambda c: ward.office.store.transfers.open_of(c, case_id))
    assert found is not None
    return found.id


def test_an_assigned_case_rings_until_the_colleague_has_it(ward: Ward) -> None:
    lead, zhang = ward.here("lead", "duty_lead"), ward.here("zhang")
    case_id = ward.office.case_at(Level.HIGH)
    request = assigned(ward, case_id, lead, zhang)
    ward.wait(10, lead, zhang)
    assert ward.office.ringing(case_id) is not None
    assert ward.office.said(case_id) == []
    ward.act("passing", "accept", request, zhang)
    assert ward.owner(case_id) == zhang.id
    assert ward.office.ringing(case_id) is None
    assert ward.office.said(case_id) == ["handover.person_joined"]
    assert len(ward.office.told("assignment_accepted")) == len(ward.office.audited("assigned")) == 1


def test_whoever_is_faster_has_it_and_the_request_is_void(ward: Ward) -> None:
    lead, zhang, lin = ward.here("lead", "duty_lead"), ward.here("zhang"), ward.here("lin")
    case_id = ward.office.case_at(Level.HIGH)
    request = assigned(ward, case_id, lead, zhang)
    ward.claim(case_id, lin)
    with pytest.raises(NotAllowed, match="换了人"):
        ward.act("passing", "accept", request, zhang)
    ward.says(case_id, lin)
    ward.wait(65, lead, zhang, lin)
    assert ward.owner(case_id) == lin.id
    assert len(ward.office.audited("assignment_void")) == 1
    assert ward.office.audited("transfer_void") == []


def test_no_answer_and_a_no_both_come_back_to_the_lead(ward: Ward) -> None:
    lead, zhang = ward.here("lead", "duty_lead"), ward.here("zhang")
    case_id = ward.office.case_at(Level.HIGH)
    ward.act("passing", "decline", assigned(ward, case_id, lead, zhang), zhang, "手上有红色个案")
    assigned(ward, case_id, lead, zhang)
    ward.wait(65, lead, zhang)
    for kind in ("assignment_declined", "assignment_expired"):
        (told,) = ward.office.told(kind)
        assert lead.id in told.data
    assert ward.office.ringing(case_id) is not None


def test_the_lead_may_name_another_who_was_not_asked_before(ward: Ward) -> None:
    lead, zhang, lin = ward.here("lead", "duty_lead"), ward.here("zhang"), ward.here("lin")
    case_id = ward.office.case_at(Level.HIGH)
    first = assigned(ward, case_id, lead, zhang)
    second = assigned(ward, case_id, lead, lin)
    with pytest.raises(NotAllowed):
        ward.act("passing", "accept", first, zhang)
    ward.act("passing", "accept", second, lin)
    assert ward.owner(case_id) == lin.id


def test_a_lead_weighs_the_load_no_limit_holds_up_what_was_assigned(ward: Ward) -> None:
    lead, zhang, _free = ward.here("lead", "duty_lead"), ward.here("zhang"), ward.here("free")
    ward.served(Level.EMERGENCY, zhang, "first")
    case_id = ward.office.case_at(Level.HIGH, "second")
    ward.act("passing", "accept", assigned(ward, case_id, lead, zhang), zhang)
    assert ward.owner(case_id) == zhang.id


def test_only_a_colleague_who_is_here_and_may_have_it_is_named(ward: Ward) -> None:
    lead, xiao = ward.here("lead", "duty_lead"), ward.here("xiao", "volunteer")
    gone = ward.office.counsellor("gone")
    case_id = ward.office.case_at(Level.HIGH)
    for to in (lead, xiao, gone):
        with pytest.raises(NotAllowed):
            ward.act("dispatching", "assign", case_id, lead, to.id, "")
    with pytest.raises(NotAllowed):
        ward.act("dispatching", "assign", case_id, lead, xiao.id, "长" * 501)


def test_a_case_that_rises_before_the_answer_is_no_volunteers(ward: Ward) -> None:
    lead, xiao = ward.here("lead", "duty_lead"), ward.here("xiao", "volunteer")
    conversation_id = ward.office.conversation()
    case_id = ward.office.danger(conversation_id, Level.LOW)
    request = assigned(ward, case_id, lead, xiao)
    ward.office.danger(conversation_id, Level.HIGH)
    with pytest.raises(NotAllowed, match="志愿者"):
        ward.act("passing", "accept", request, xiao)


def test_a_served_case_is_assigned_only_while_it_rings_because_of_who_serves_it(ward: Ward) -> None:
    lead, lin, zhang = ward.here("lead", "duty_lead"), ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.EMERGENCY, lin)
    with pytest.raises(NotAllowed, match="已经有人"):
        ward.act("dispatching", "assign", case_id, lead, zhang.id, "")
    ward.wait(35, lead, lin, zhang)
    ward.act("passing", "accept", assigned(ward, case_id, lead, zhang), zhang)
    assert ward.owner(case_id) == zhang.id
    assert ward.office.ringing(case_id) is None
    (told,) = ward.office.told("taken_over")
    assert lin.id in told.data


def test_the_ladder_climbs_at_once_and_the_rungs_after_keep_their_time(ward: Ward) -> None:
    lead = ward.here("lead", "duty_lead")
    case_id = ward.office.case_at(Level.EMERGENCY)
    ward.office.clock.forward(seconds=10)
    ward.act("dispatching", "escalate", case_id, lead)
    alert = ward.office.ringing(case_id)
    assert alert is not None
    assert alert.next_at is not None
    assert (alert.step, (alert.next_at - alert.raised_at).total_seconds()) == (1, 120)
    ward.act("dispatching", "escalate", case_id, lead)
    ward.act("dispatching", "escalate", case_id, lead)
    with pytest.raises(NotAllowed, match="最后一级"):
        ward.act("dispatching", "escalate", case_id, lead)
    assert [row.kind for row in ward.office.told("escalated")] == ["escalated"] * 3


def test_what_does_not_ring_cannot_climb(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.HIGH, lin)
    with pytest.raises(NotAllowed, match="没有在响铃"):
        ward.act("dispatching", "escalate", case_id, lin)
