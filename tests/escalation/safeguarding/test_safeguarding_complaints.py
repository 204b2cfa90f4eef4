"""Complaints: kept from whom they are about, called back within a day, closed only with an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation.cases import NotAllowed
from escalation.safeguarding.forms import Incomplete
from tests.escalation.guard import STEPS, Guard
from triage.risk import Level


def served_case(guard: Guard) -> str:
    case_id = guard.office.case_at(Level.LOW)
    guard.office.act("claim", case_id, guard.lin)
    return case_id


def test_somebody_is_called_back_within_a_day(guard: Guard) -> None:
    made = guard.make("complaint", served_case(guard), guard.zhao)
    assert guard.clocks(made)["call_back"].due_at == guard.office.clock() + timedelta(hours=24)
    guard.act(made, "talk", guard.zhao)
    assert set(guard.clocks(made)) == {"answer"}
    guard.act(made, "close", guard.zhao)
    assert guard.clocks(made) == {}


def test_a_try_that_reached_nobody_does_not_stop_the_clock(guard: Guard) -> None:
    made = guard.make("complaint", served_case(guard), guard.zhao)
    guard.act(made, "try", guard.zhao)
    assert set(guard.clocks(made)) == {"call_back"}


def test_while_nobody_is_named_everybody_who_served_stays_out(guard: Guard) -> None:
    assert guard.get(guard.make("complaint", served_case(guard), guard.zhao)).about == (guard.lin.id,)


@pytest.mark.parametrize("action", sorted(STEPS.keys() & {"try", "talk", "note", "name", "close"}))
def test_whoever_it_is_about_can_do_nothing_with_it_whatever_the_role(guard: Guard, action: str) -> None:
    qian = guard.office.counsellor("qian", "supervisor")
    made = guard.make("complaint", None, guard.zhao, **{f"about__{qian.id}": "yes"})
    with pytest.raises(NotAllowed, match="涉及您本人"):
        guard.act(made, action, qian)
    assert guard.get(made).about == (qian.id,)


def test_a_supervisor_whom_it_is_not_about_may_say_who_is_meant(guard: Guard) -> None:
    made = guard.make("complaint", served_case(guard), guard.zhao)
    other = guard.office.counsellor("other")
    guard.act(made, "name", guard.zhao, **{f"about__{other.id}": "yes"})
    assert guard.get(made).about == (other.id,)


def test_it_is_not_closed_as_answered_before_anybody_was_reached(guard: Guard) -> None:
    made = guard.make("complaint", served_case(guard), guard.zhao)
    with pytest.raises(Incomplete):
        guard.act(made, "close", guard.zhao)
    guard.act(made, "close", guard.zhao, result="unreachable")
    assert guard.get(made).state == "closed"


def test_whoever_is_not_content_opens_it_again_and_the_day_begins_anew(guard: Guard) -> None:
    made = guard.make("complaint", served_case(guard), guard.zhao)
    guard.act(made, "talk", guard.zhao)
    guard.act(made, "close", guard.zhao)
    guard.office.clock.forward(days=2)
    guard.act(made, "reopen", guard.zhao)
    assert guard.clocks(made)["call_back"].due_at == guard.office.clock() + timedelta(hours=24)
