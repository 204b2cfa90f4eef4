"""Blocking and plans: decided by people, with a reason, kept sealed, told to the desk, in the audit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from escalation.cases import NoSuchCase, NotAllowed
from escalation.contact_desk import ContactDesk
from records import tables as t
from tests.building import do, rows
from tests.escalation.conftest import Office
from triage.risk import Level

REASON = "多次发送骚扰内容，已提醒一次"


@pytest.fixture
def people(office: Office) -> ContactDesk:
    store = office.store
    return ContactDesk(store.cases, store.contacts, store.links, store.decisions, store.ledger, store.staff)


@pytest.fixture
def act(office: Office, people: ContactDesk) -> Callable[..., Any]:
    lead = office.counsellor("lead", "duty_lead")

    def act(action: str, case_id: str, text: str) -> Any:
        return do(office.writer, lambda c: getattr(people, action)(c, case_id, lead, text, office.clock()))

    return act


def contact(office: Office, case_id: str) -> Any:
    return rows(office.store.engine, t.contact, id=office.case(case_id).contact_id)[0]


def plan(office: Office, people: ContactDesk, case_id: str) -> str:
    with office.store.engine.connect() as connection:
        found = office.store.contacts.get(connection, office.case(case_id).contact_id)
        assert found is not None
        newest = office.store.decisions.plan(connection, people.kin(connection, found))
    return newest.text if newest else ""


def test_a_block_and_its_end_are_kept_with_who_when_and_why(office: Office, act: Callable[..., Any]) -> None:
    case_id = office.case_at(Level.MEDIUM)
    act("block", case_id, REASON)
    blocked = contact(office, case_id)
    assert (blocked.blocked_at, blocked.blocked_by is not None) == (office.clock(), True)
    office.clock.forward(hours=1)
    act("unblock", case_id, "本人道歉，观察一周")
    assert (contact(office, case_id).blocked_at, contact(office, case_id).blocked_by) == (None, None)
    with office.store.engine.connect() as connection:
        found = office.store.decisions.of(connection, blocked.id)
    assert [(one.kind, one.reason) for one in found] == [("unblocked", "本人道歉，观察一周"), ("blocked", REASON)]


def test_the_reason_is_sealed_and_not_in_the_audit(office: Office, act: Callable[..., Any]) -> None:
    case_id = office.case_at(Level.MEDIUM)
    act("block", case_id, REASON)
    (audit,) = office.audited("contact_blocked")
    assert (audit.object_id, json.loads(audit.detail)) == (contact(office, case_id).id, {"case": case_id})
    assert REASON not in str(audit)
    assert REASON.encode() not in rows(office.store.engine, t.contact_decision)[0].reason_sealed
    assert [event.case_id for event in office.told("contact_blocked")] == [case_id]


@pytest.mark.parametrize("reason", ["", "   ", "烦人", "长" * 4001])
def test_without_a_reason_nobody_is_blocked(office: Office, act: Callable[..., Any], reason: str) -> None:
    case_id = office.case_at(Level.MEDIUM)
    with pytest.raises(NotAllowed):
        act("block", case_id, reason)
    assert contact(office, case_id).blocked_at is None


def test_what_is_so_already_is_refused(office: Office, act: Callable[..., Any]) -> None:
    case_id = office.case_at(Level.MEDIUM)
    with pytest.raises(NotAllowed):
        act("unblock", case_id, REASON)
    act("block", case_id, REASON)
    with pytest.raises(NotAllowed):
        act("block", case_id, REASON)
    assert len(rows(office.store.engine, t.contact_decision)) == 1


def test_an_unknown_case_decides_nothing(act: Callable[..., Any]) -> None:
    with pytest.raises(NoSuchCase):
        act("block", "nobody", REASON)


def test_the_newest_plan_holds_and_an_empty_one_ends_it(
    office: Office, people: ContactDesk, act: Callable[..., Any]
) -> None:
    case_id = office.case_at(Level.MEDIUM)
    with pytest.raises(NotAllowed):
        act("set_plan", case_id, " ")
    for text in ("每天一次，20分钟", "隔天一次，先问睡眠"):
        act("set_plan", case_id, text)
        office.clock.forward(hours=1)
        assert plan(office, people, case_id) == text
    act("set_plan", case_id, "")
    assert plan(office, people, case_id) == ""
    assert len(rows(office.store.engine, t.contact_plan)) == 3
    assert len(office.told("plan_set")) == len(office.audited("plan_set")) == 2
    assert len(office.audited("plan_ended")) == 1


def test_a_linked_person_has_one_plan_on_all_channels(
    office: Office, people: ContactDesk, act: Callable[..., Any]
) -> None:
    one, other = office.case_at(Level.MEDIUM, "one"), office.case_at(Level.HIGH, "other")
    act("set_plan", one, "每天一次，20分钟")
    assert plan(office, people, other) == ""
    ids = contact(office, one).id, contact(office, other).id
    do(office.writer, lambda c: office.store.links.join(c, *ids))
    assert plan(office, people, other) == "每天一次，20分钟"
    do(office.writer, lambda c: office.store.links.leave(c, ids[1]))
    assert plan(office, people, other) == ""
