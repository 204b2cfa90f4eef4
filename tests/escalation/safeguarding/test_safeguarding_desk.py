"""Reports, broken confidences and notifications over the real rows: who decides, which clock runs, what is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation.cases import NoSuchCase, NotAllowed
from escalation.safeguarding.forms import Incomplete
from escalation.safeguarding.safeguarding_desk import Deed
from records import tables as t
from tests.building import do, rows
from tests.escalation.guard import STEPS, Guard
from triage.risk import Level


def case(guard: Guard, level: Level = Level.LOW) -> str:
    return guard.office.case_at(level)


def test_a_flag_is_independent_of_the_level_and_starts_the_clock(guard: Guard) -> None:
    case_id = case(guard)
    made = guard.make("report", case_id)
    assert guard.get(made).state == "open"
    assert guard.clocks(made)["report"].due_at == guard.office.clock() + timedelta(minutes=60)
    assert guard.office.case(case_id).level == Level.LOW
    assert guard.office.audited("safeguarding_report_make")[0].object_id == case_id
    assert guard.office.told("safeguarding_report_make")[0].case_id == case_id


def test_a_report_needs_nobody_and_stops_the_clock(guard: Guard) -> None:
    made = guard.make("report", case(guard))
    guard.act(made, "report")
    assert (guard.get(made).state, guard.clocks(made)) == ("reported", {})
    guard.act(made, "report", to="civil")  # one more authority
    assert [step.detail["to"] for step in guard.steps(made)] == ["police", "civil"]


def test_not_reporting_takes_two_people_and_the_clock_runs_on_meanwhile(guard: Guard) -> None:
    made = guard.make("report", case(guard))
    due_at = guard.clocks(made)["report"].due_at
    guard.office.clock.forward(minutes=20)
    guard.act(made, "decline")
    assert guard.clocks(made)["report"].due_at == due_at
    with pytest.raises(NotAllowed, match="另一位"):
        guard.act(made, "agree", guard.lin)
    guard.act(made, "agree", guard.zhao)
    assert (guard.get(made).state, guard.clocks(made)) == ("not_reported", {})


def test_whoever_flagged_may_be_the_second_when_somebody_else_declined(guard: Guard) -> None:
    made = guard.make("report", case(guard), guard.zhao)
    guard.act(made, "decline", guard.lin)
    guard.act(made, "agree", guard.zhao)
    assert guard.get(made).state == "not_reported"


def test_a_refused_wish_not_to_report_leaves_the_duty(guard: Guard) -> None:
    made = guard.make("report", case(guard))
    guard.act(made, "decline")
    guard.act(made, "refuse", guard.zhao)
    assert guard.get(made).state == "open"
    assert set(guard.clocks(made)) == {"report"}


def test_a_confidence_is_broken_only_after_another_person_agreed(guard: Guard) -> None:
    made = guard.make("breach", case(guard))
    with pytest.raises(NotAllowed):
        guard.act(made, "share")
    with pytest.raises(NotAllowed, match="另一位"):
        guard.act(made, "agree")
    guard.act(made, "agree", guard.zhao)
    assert set(guard.clocks(made)) == {"share"}
    guard.act(made, "share")
    assert set(guard.clocks(made)) == {"notice"}
    guard.act(made, "notify")
    assert (guard.get(made).state, guard.clocks(made)) == ("shared", {})


def test_danger_to_life_does_not_wait_and_is_looked_at_afterwards(guard: Guard) -> None:
    made = guard.make("breach", case(guard), timing="first")
    assert set(guard.clocks(made)) == {"breach_second", "notice"}
    guard.act(made, "refuse", guard.zhao)
    assert guard.get(made).state == "disputed"
    assert set(guard.clocks(made)) == {"notice"}  # what was given was given
    guard.act(made, "excuse", guard.zhao)
    assert guard.clocks(made) == {}


def test_without_danger_to_life_nobody_goes_first(guard: Guard) -> None:
    with pytest.raises(Incomplete):
        guard.make("breach", case(guard), timing="first", basis="authority")


def test_told_before_the_second_looked_is_told(guard: Guard) -> None:
    made = guard.make("breach", case(guard), timing="first")
    guard.act(made, "notify")
    guard.act(made, "agree", guard.zhao)
    assert guard.clocks(made) == {}


def test_whoever_was_told_beforehand_need_not_be_told_again(guard: Guard) -> None:
    made = guard.make("breach", case(guard), told="yes")
    guard.act(made, "agree", guard.zhao)
    guard.act(made, "share")
    assert guard.clocks(made) == {}


def test_the_form_stays_as_it_was_filled_in_and_is_sealed(guard: Guard) -> None:
    made = guard.make("breach", case(guard))
    before = rows(guard.office.store.engine, t.matter, id=made)[0].form_sealed
    guard.act(made, "agree", guard.zhao)
    guard.act(made, "share")
    kept = rows(guard.office.store.engine, t.matter, id=made)[0]
    assert kept.form_sealed == before
    assert "跳楼".encode() not in kept.form_sealed
    assert guard.get(made).form["share"] == {"danger": "说今晚要跳楼"}


def test_a_notification_goes_out_after_a_second_person_and_waits_for_the_receipt(guard: Guard) -> None:
    chen = guard.office.counsellor("chen", "mh_officer")
    made = guard.make("notification", None, chen)
    assert guard.clocks(made)["notification"].due_at == guard.office.clock() + timedelta(hours=24)
    with pytest.raises(NotAllowed):
        guard.act(made, "send", chen)
    with pytest.raises(NotAllowed, match="另一位"):
        guard.act(made, "agree", chen)
    guard.act(made, "agree", guard.zhao)
    guard.act(made, "send", chen)
    assert set(guard.clocks(made)) == {"acknowledgement"}
    guard.act(made, "acknowledge", chen)
    assert (guard.get(made).state, guard.clocks(made)) == ("acknowledged", {})
    assert guard.office.audited("safeguarding_notification_send")[0].object_id == made


def test_a_matter_opens_only_at_its_own_door(guard: Guard) -> None:
    made = guard.make("report", case(guard))
    other = guard.office.case_at(Level.LOW, "another")
    desk, now = guard.office.desks.safeguarding, guard.office.clock()
    for deed in (
        Deed(made, "report", ("report",), other),
        Deed(made, "report", ("notification",)),
        Deed("0" * 32, "report", ("report",)),
    ):
        with pytest.raises(NoSuchCase):
            do(guard.office.writer, lambda c, deed=deed: desk.act(c, deed, guard.lin, STEPS["report"], now))  # type: ignore[misc]  # a lambda has no annotations


def test_words_of_somebody_else_cannot_be_picked(guard: Guard) -> None:
    made = guard.make("report", case(guard), messages__m1="yes")
    assert "messages" not in guard.get(made).form
