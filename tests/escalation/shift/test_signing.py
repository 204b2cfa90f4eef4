"""Handing the shift over: what stands in it, two signatures, and a seal that shows every change."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from escalation.cases import NotAllowed
from escalation.shift import handover
from escalation.shift.handover import Snapshot
from records import tables as t
from records.handovers import Handover
from records.staff import Counsellor
from tests.building import do, rows
from tests.escalation.shift.conftest import SUMMARY, Ward
from triage.risk import Level


def sign_out(ward: Ward, lead: Counsellor, remarks: str = "耳机坏了一副", reason: str = "") -> str:
    return str(ward.act("signing", "sign_out", lead, remarks, reason))


def read(ward: Ward, handover_id: str) -> Handover:
    found = do(ward.office.writer, lambda c: ward.office.store.handovers.get(c, handover_id))
    assert found is not None
    return found


def now_open(ward: Ward) -> Snapshot:
    return do(ward.office.writer, lambda c: ward.shift.signing.now_open(c, ward.office.clock()))


def test_it_lists_what_the_next_shift_goes_on_with(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    orange, _, red = (
        ward.served(Level.HIGH, lin, "orange"), ward.served(Level.LOW, zhang, "blue"),
        ward.office.case_at(Level.EMERGENCY, "red"),
    )  # fmt: skip
    ward.act("passing", "promise", orange, lin, SUMMARY.promised)
    snapshot = now_open(ward)
    assert [(case.case_id, case.owner) for case in snapshot.cases] == [(red, ""), (orange, "lin")]
    assert [case.due.split(" ", 1)[-1] for case in snapshot.cases] == ["10:01 前接手", "10:00 起在等）"]
    (promise,) = snapshot.promises
    assert (promise.case_no, promise.by, promise.words) == (ward.office.case(orange).case_no, "lin", SUMMARY.promised)


def test_an_orange_case_without_owner_must_be_assigned_or_explained(ward: Ward) -> None:
    lead = ward.here("lead", "duty_lead")
    case_id = ward.office.case_at(Level.HIGH)
    with pytest.raises(NotAllowed, match="没人接"):
        sign_out(ward, lead)
    sign_out(ward, lead, reason="刚刚响铃，李老师正在登录")
    ward.office.act("claim", case_id, lead)


def test_a_case_given_back_to_the_bot_has_its_owner_still(ward: Ward) -> None:
    lin = ward.here("lin")
    ward.office.act("hand_back", ward.served(Level.LOW, lin), lin)
    assert handover.unassigned(now_open(ward).cases) == []


def test_both_sign_each_with_an_own_account(ward: Ward) -> None:
    lead, next_lead = ward.here("lead", "duty_lead"), ward.here("next", "duty_lead")
    made = sign_out(ward, lead)
    with pytest.raises(NotAllowed, match="两个人"):
        ward.act("signing", "sign_in", made, lead)
    with pytest.raises(NotAllowed, match="已经交班"):
        sign_out(ward, lead)
    ward.act("signing", "sign_in", made, next_lead)
    with pytest.raises(NotAllowed):
        ward.act("signing", "sign_in", made, next_lead)
    found = read(ward, made)
    assert (found.out_id, found.in_id) == (lead.id, next_lead.id)
    assert handover.is_intact(found)


def test_what_was_signed_stays_as_it_was(ward: Ward) -> None:
    lead = ward.here("lead", "duty_lead")
    case_id = ward.served(Level.HIGH, lead)
    made = sign_out(ward, lead)
    ward.office.act("release", case_id, lead)
    snapshot = handover.opened(read(ward, made).snapshot)
    assert snapshot["cases"][0]["owner"] == "lead"
    (row,) = rows(ward.office.store.engine, t.handover)
    assert "耳机".encode() not in row.snapshot_sealed


def test_every_change_breaks_the_seal(ward: Ward) -> None:
    lead, next_lead = ward.here("lead", "duty_lead"), ward.here("next", "duty_lead")
    ward.served(Level.HIGH, lead)
    made = sign_out(ward, lead)
    ward.act("signing", "sign_in", made, next_lead)
    found = read(ward, made)
    changed = json.loads(found.snapshot)
    changed["remarks"] = "一切正常"
    later = ward.office.clock.forward(seconds=1)
    for forged in (
        replace(found, snapshot=json.dumps(changed, ensure_ascii=False, sort_keys=True)), replace(found, out_at=later),
        replace(found, out_id=next_lead.id), replace(found, in_id=lead.id), replace(found, in_at=later),
        replace(found, digest="0" * 64), replace(found, in_id=None, in_at=None),
    ):  # fmt: skip
        assert not handover.is_intact(forged)


def test_a_broken_seal_is_not_signed(ward: Ward) -> None:
    lead, next_lead = ward.here("lead", "duty_lead"), ward.here("next", "duty_lead")
    made = sign_out(ward, lead)
    do(ward.office.writer, lambda c: c.execute(t.handover.update().values(digest="0" * 64)))
    with pytest.raises(NotAllowed, match="校验不对"):
        ward.act("signing", "sign_in", made, next_lead)


def test_a_lead_ends_the_shift_when_both_have_signed(ward: Ward) -> None:
    lead, next_lead = ward.here("lead", "duty_lead"), ward.here("next", "duty_lead")
    with pytest.raises(NotAllowed, match="还没有交班"):
        ward.duty(lead, "end")
    made = sign_out(ward, lead)
    with pytest.raises(NotAllowed, match="还没有签字"):
        ward.duty(lead, "end")
    ward.act("signing", "sign_in", made, next_lead)
    ward.duty(lead, "end")


def test_a_lead_who_must_go_now_leaves_the_reason_in_the_audit(ward: Ward) -> None:
    lead, lin = ward.here("lead", "duty_lead"), ward.here("lin")
    ward.duty(lead, "end", "突发高烧，已电话告诉主任")
    (row,) = ward.office.audited("shift_ended")
    assert json.loads(row.detail) == {"reason": "突发高烧，已电话告诉主任"}
    ward.duty(lin, "end")  # who leads nobody just ends


def test_a_hand_over_of_an_earlier_shift_does_not_count(ward: Ward) -> None:
    lead, next_lead = ward.here("lead", "duty_lead"), ward.here("next", "duty_lead")
    ward.act("signing", "sign_in", sign_out(ward, lead), next_lead)
    ward.duty(lead, "end")
    ward.office.clock.forward(hours=16)
    ward.duty(lead, "begin")
    with pytest.raises(NotAllowed, match="还没有交班"):
        ward.duty(lead, "end")
