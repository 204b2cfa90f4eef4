"""Clocks that run out: the screens hear, the supervisor is called outside them, again and again, until it is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

import wiring
from escalation.calls import Calls
from escalation.safeguarding.clocks import Clocks
from outside import Ways
from records import tables as t
from records.addresses import SMS, STAFF
from settings import load_settings
from tests.building import do, rows
from tests.escalation.conftest import Office
from tests.escalation.guard import Guard
from triage.risk import Level


def report(guard: Guard) -> str:
    return guard.make("report", guard.office.case_at(Level.LOW))


def test_before_its_time_nothing_happens(guard: Guard) -> None:
    report(guard)
    guard.office.clock.forward(minutes=59)
    assert guard.sweep() == 0


def test_a_clock_that_has_run_out_is_told_again_and_again_until_it_is_done(guard: Guard) -> None:
    made = report(guard)
    guard.office.clock.forward(minutes=60)
    assert (guard.sweep(), guard.sweep()) == (1, 0)
    guard.office.clock.forward(minutes=15)
    assert guard.sweep() == 1
    assert len(guard.office.told("safeguarding_overdue")) == 2
    guard.act(made, "report")
    guard.office.clock.forward(days=1)
    assert guard.sweep() == 0


def test_what_a_restart_missed_is_called_for_once(guard: Guard) -> None:
    report(guard)
    guard.office.clock.forward(days=3)
    assert (guard.sweep(), guard.sweep()) == (1, 0)


def test_a_late_report_is_loud_on_its_case(guard: Guard) -> None:
    made = report(guard)
    case_id = str(guard.get(made).case_id)
    due_at = guard.clocks(made)["report"].due_at
    matters = guard.office.store.matters
    with guard.office.store.engine.connect() as connection:
        assert matters.overdue_cases(connection, "report", due_at - timedelta(seconds=1)) == {}
        assert matters.overdue_cases(connection, "report", due_at) == {case_id: due_at}
        assert matters.overdue_cases(connection, "report", due_at, "other") == {}


class Carrier:
    """Stands where a gateway stands; nothing is sent in these tests."""


def with_sms(guard: Guard) -> Guard:
    """The supervisor has a phone, and there is a gateway for messages."""
    store, office = guard.office.store, guard.office
    ways = Ways(carriers={SMS: Carrier()}, own={}, push_key=None)  # type: ignore[dict-item]  # never called
    calls: Calls = wiring.make_calls(load_settings({}), store, ways)

    def phone(connection: sa.Connection) -> None:
        store.addresses.add(connection, STAFF, guard.zhao.id, SMS, "13800000002", office.clock())

    do(office.writer, phone)
    desk = office.desks.safeguarding
    clocks = Clocks(store.matters, desk.clocks.terms, calls)
    guard.office = Office(
        store,
        office.writer,
        office.alarm,
        replace(office.desks, safeguarding=replace(desk, clocks=clocks)),
        office.clock,
    )
    return guard


def notices(guard: Guard) -> list[Any]:
    return rows(guard.office.store.engine, t.notice)


def test_the_supervisor_is_called_outside_the_screens_without_a_word_of_what_it_is(guard: Guard) -> None:
    guard = with_sms(guard)
    report(guard)
    guard.office.clock.forward(minutes=60)
    guard.sweep()
    (notice,) = notices(guard)
    assert (notice.counsellor_id, notice.key, notice.case_id) == (guard.zhao.id, "call.overdue", None)
    assert notice.params == "{}"


def test_a_call_that_has_not_gone_out_is_taken_back_when_it_is_done(guard: Guard) -> None:
    guard = with_sms(guard)
    made = report(guard)
    guard.office.clock.forward(minutes=60)
    guard.sweep()
    guard.act(made, "report")
    assert [notice.state for notice in notices(guard)] == ["withdrawn"]


def test_a_drill_calls_nobody(guard: Guard) -> None:
    guard = with_sms(guard)
    made = report(guard)
    do(guard.office.writer, lambda c: guard.office.store.matters.change(c, made, is_drill=True))
    guard.office.clock.forward(minutes=60)
    assert guard.sweep() == 1
    assert notices(guard) == []
