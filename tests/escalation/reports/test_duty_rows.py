"""What the database gives of complaints, notifications, drills and people's growth; on each database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from escalation.practice.plans import Wanted
from escalation.supervision.growth_desk import Session
from records import tables as t
from records.facts.kinds import Complaint, DrillFact
from tests.building import do, rows
from tests.escalation.conftest import Office
from tests.escalation.guard import Guard
from tests.escalation.reports.test_fact_rows import SINCE, UNTIL, change, gathered, writes
from triage.risk import Level

HOUR = timedelta(hours=1)


@pytest.fixture
def guard(office: Office) -> Guard:
    return Guard(office)


def served(office: Office, name: str = "visitor") -> str:
    """A case of somebody who has just written."""
    case_id = office.case_at(Level.LOW, name)
    writes(office, office.case(case_id).conversation_id, office.clock())
    return case_id


def does(office: Office, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    return do(office.writer, lambda c: method(c, *arguments, office.clock(), **options))


def test_a_complaint_is_of_the_newest_session_before_it(guard: Guard) -> None:
    office = guard.office
    case_id, first = served(office), office.clock()
    chat = office.case(case_id).conversation_id
    writes(office, chat, first + HOUR)  # the same session
    made = office.clock.forward(hours=2)
    guard.make("complaint", case_id, guard.zhao)
    writes(office, chat, first + 5 * HOUR)  # another one, after the complaint
    facts = gathered(office)
    assert facts.complaints == [Complaint(made, chat, first)]
    assert len([*facts.sessions]) == 2


def test_a_complaint_without_a_case_has_no_session(guard: Guard) -> None:
    served(guard.office)
    guard.make("complaint", None, guard.zhao)
    guard.make("notification")  # is none
    assert gathered(guard.office).complaints == [Complaint(guard.office.clock())]


def test_a_session_that_goes_on_over_the_end_of_the_span_is_complained_of_afterwards(guard: Guard) -> None:
    office = guard.office
    office.clock.time = began = UNTIL - HOUR / 2
    case_id = served(office)
    office.clock.time = UNTIL + HOUR / 2
    writes(office, office.case(case_id).conversation_id, office.clock())
    guard.make("complaint", case_id, guard.zhao)
    (found,) = gathered(office).complaints
    assert found.session_at == began


def test_one_conversation_does_not_lend_its_session_to_another(guard: Guard) -> None:
    office = guard.office
    case_id, first = served(office), office.clock()
    office.clock.forward(hours=3)
    other = served(office, "other")
    guard.make("complaint", case_id, guard.zhao)
    guard.make("complaint", other, guard.zhao)
    assert {one.session_at for one in gathered(office).complaints} == {first, first + 3 * HOUR}


def test_a_notification_carries_its_clock_and_what_became_of_it(guard: Guard) -> None:
    office, opened = guard.office, guard.office.clock()
    sent, forgotten = guard.make("notification"), guard.make("notification")
    guard.make("complaint", None, guard.zhao)
    guard.act(sent, "agree", guard.zhao)
    ended = office.clock.forward(hours=3)
    guard.act(sent, "send", at="2026-12-01T10:30")
    due = opened + 24 * HOUR
    found = {(one.state, one.ended_at) for one in gathered(office).notifications if one.due_at == due}
    assert guard.get(forgotten).state == "proposed"
    assert found == {("sent", ended), ("proposed", None)}
    assert gathered(office, SINCE, due).notifications == []
    assert len(gathered(office, due, UNTIL).notifications) == 2


def test_nothing_of_a_drill_is_complained_of_notified_or_supervised(guard: Guard) -> None:
    office = guard.office
    for made in (guard.make("complaint", served(office), guard.zhao), guard.make("notification")):
        change(office, t.matter, made, is_drill=True)
    session = Session("group", office.clock().date(), 90, [guard.lin.id])
    does(office, office.desks.supervision.growth.add_session, session, guard.zhao)
    (row,) = rows(office.store.engine, t.supervision_session)
    assert supervised(office) == [row.held_at]
    change(office, t.supervision_session, row.id, is_drill=True)
    facts = gathered(office)
    assert (facts.complaints, facts.notifications, supervised(office)) == ([], [], [])


def supervised(office: Office) -> list[datetime]:
    return [at for one in gathered(office).colleagues for at in one.supervised]


def test_trainings_count_from_the_first_day_of_the_year_and_not_when_taken_out(guard: Guard) -> None:
    office = guard.office
    growth = office.desks.supervision.growth
    for held in ("2025-12-31", "2026-01-01", "2026-03-15"):
        typed = {"login": "lin", "topic": "危机干预", "hours": "3", "held": held, "score": "", "expires": ""}
        does(office, growth.add_training, typed, guard.zhao)
    (wrong,) = [row for row in rows(office.store.engine, t.training) if row.held_at.date() == date(2026, 3, 14)]
    does(office, growth.remove_training, wrong.id, guard.zhao)
    trained = [at for one in gathered(office).colleagues for at in one.trained]
    assert trained == [datetime(2026, 1, 1, tzinfo=SINCE.tzinfo)]


def test_a_closed_account_was_here_until_it_was_closed(guard: Guard) -> None:
    office = guard.office
    office.clock.forward(days=3)
    closed = office.clock()
    does(office, office.desks.accounts.disable, guard.lin)
    office.clock.forward(days=1)
    does(office, office.desks.accounts.rename, guard.lin, "林老师")  # whatever is done with it afterwards
    found = gathered(office).colleagues
    assert {(tuple(one.roles), one.left_at) for one in found} == {(("counsellor",), closed), (("supervisor",), None)}
    change(office, t.counsellor, guard.lin.id, is_active=True)
    assert {one.left_at for one in gathered(office).colleagues} == {None}


def test_planned_drills_are_those_of_the_span(guard: Guard) -> None:
    office, desk = guard.office, guard.office.desks.drills
    for planned_for in (UNTIL - HOUR, UNTIL):
        does(office, desk.plan, guard.zhao, Wanted("one_red", 2, planned_for, True, False), may_hide=True)
    assert gathered(office).drills == [DrillFact(UNTIL - HOUR, "planned")]


def test_another_district_owes_nothing_here(guard: Guard) -> None:
    guard.make("complaint", served(guard.office), guard.zhao)
    guard.make("notification")
    guard.office.store.facts.district = "elsewhere"
    facts = gathered(guard.office)
    assert (facts.complaints, facts.notifications, facts.drills, facts.colleagues) == ([], [], [], [])
