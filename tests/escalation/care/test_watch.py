"""What falls due in follow-ups: answers are seen, silence and lost words too, and overdue calls climb."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from escalation.cases import NotAllowed
from records import tables as t
from records.ledger import Allowance
from tests.building import do, rows
from tests.escalation.care.conftest import RECORD, Ward
from triage.risk import Level


def written(ward: Ward, level: Level = Level.MEDIUM) -> tuple[str, str]:
    """A person who was asked through the chat a moment ago; (case, task)."""
    case_id = ward.followed(level)
    task = ward.open_calls(case_id)[0]
    ward.follow("write", task.id, ward.lin)
    return case_id, task.id


def writes(ward: Ward, case_id: str) -> None:
    """The person writes."""
    conversation_id, now = ward.office.case(case_id).conversation_id, ward.office.clock()
    do(ward.office.writer, lambda c: ward.office.store.conversations.change(c, conversation_id, last_message_at=now))


def rungs(ward: Ward) -> list[str]:
    return [json.loads(event.data)["rung"] for event in ward.office.told("follow_up_overdue")]


def test_it_goes_out_behind_everything_urgent_in_words_that_do_not_say_why(ward: Ward) -> None:
    case_id, _ = written(ward)
    (row,) = rows(ward.office.store.engine, t.outbox, key="follow_up.ask")
    assert (row.lane, row.origin, row.state) == (2, "system", "pending")
    assert [one.result for one in ward.attempts(case_id)] == ["sent"]


def test_the_answer_marks_the_try_and_every_screen_hears_of_it(ward: Ward) -> None:
    case_id, task_id = written(ward)
    ward.office.sweep()
    assert ward.attempts(case_id)[0].result == "sent"
    ward.office.clock.forward(hours=1)
    writes(ward, case_id)
    ward.office.sweep()
    (attempt,) = ward.attempts(case_id)
    assert (attempt.result, attempt.answered_at) == ("reached", ward.office.clock())
    assert [json.loads(event.data)["task"] for event in ward.office.told("follow_up_answered")] == [task_id]
    ward.office.sweep()
    assert len(ward.office.told("follow_up_answered")) == 1


def test_what_was_written_before_is_no_answer(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    writes(ward, case_id)
    ward.follow("write", ward.open_calls(case_id)[0].id, ward.lin)
    ward.office.sweep()
    assert ward.attempts(case_id)[0].result == "sent"


@pytest.mark.parametrize("state", ["dead", "dropped"])
def test_words_that_did_not_arrive_ask_for_the_phone(ward: Ward, state: str) -> None:
    case_id, _ = written(ward)
    (row,) = rows(ward.office.store.engine, t.outbox, key="follow_up.ask")
    do(ward.office.writer, lambda c: ward.office.store.outbox.set_state(c, [row.id], state))
    ward.office.sweep()
    assert ward.attempts(case_id)[0].result == "undelivered"
    assert len(ward.office.told("follow_up_undelivered")) == 1


def test_the_same_part_of_the_day_is_not_used_twice_and_the_second_time_says_it_otherwise(ward: Ward) -> None:
    case_id, task_id = written(ward)
    ward.office.clock.forward(minutes=30)
    with pytest.raises(NotAllowed, match="时段"):
        ward.follow("write", task_id, ward.lin)
    ward.office.clock.forward(hours=4)
    ward.follow("write", task_id, ward.lin)
    assert ward.office.said(case_id)[-2:] == ["follow_up.ask", "follow_up.again"]
    assert [one.result for one in ward.attempts(case_id)] == ["no_answer", "sent"]


def test_where_the_platform_lets_us_write_no_more_it_says_so(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    task, store = ward.open_calls(case_id)[0], ward.office.store
    conversation_id, now = ward.office.case(case_id).conversation_id, ward.office.clock()
    do(
        ward.office.writer,
        lambda c: store.ledger.refill(c, conversation_id, Allowance(5, now + timedelta(hours=48)), now),
    )
    ward.office.clock.forward(hours=49)
    with pytest.raises(NotAllowed, match="请打电话"):
        ward.follow("write", task.id, ward.lin)
    assert ward.attempts(case_id) == []


def test_in_a_talk_nobody_sends_fixed_words(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    ward.office.act("claim", case_id, ward.lin)
    with pytest.raises(NotAllowed, match="直接在对话里说"):
        ward.follow("write", ward.open_calls(case_id)[0].id, ward.lin)


def test_overdue_in_danger_climbs_to_all_seats_the_lead_and_the_supervisor(ward: Ward) -> None:
    case_id = ward.followed(Level.HIGH)
    heard = []
    for hours in (23, 1, 1, 1, 21, 1, 24):
        ward.office.clock.forward(hours=hours)
        ward.office.sweep()
        heard.append(len(rungs(ward)))
    assert heard == [0, 1, 1, 2, 2, 3, 3]
    assert rungs(ward) == ["all_seats", "duty_lead", "supervisor"]
    assert {event.case_id for event in ward.office.told("follow_up_overdue")} == {case_id}


def test_after_a_long_standstill_no_rung_is_left_out(ward: Ward) -> None:
    ward.followed(Level.HIGH)
    ward.office.clock.forward(days=3)
    for _ in range(4):
        ward.office.sweep()
    assert rungs(ward) == ["all_seats", "duty_lead", "supervisor"]


def test_yellow_is_shown_as_overdue_and_does_not_climb(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    ward.office.clock.forward(days=20)
    ward.office.sweep()
    assert rungs(ward) == []
    with ward.office.store.engine.connect() as connection:
        assert ward.office.store.follow_ups.count_overdue(connection, ward.office.clock()) == 1
    assert ward.open_calls(case_id)[0].step == 0


def test_a_call_that_was_made_does_not_climb(ward: Ward) -> None:
    case_id = ward.followed(Level.HIGH)
    task = ward.open_calls(case_id)[0]
    ward.follow("end", task.id, ward.chief, "cancel", "人在医院，由医院随访")
    ward.office.clock.forward(days=2)
    ward.office.sweep()
    assert rungs(ward) == []


def test_a_case_that_is_served_again_does_not_climb(ward: Ward) -> None:
    case_id = ward.followed(Level.HIGH)
    ward.office.act("claim", case_id, ward.lin)
    ward.office.clock.forward(days=2)
    ward.office.sweep()
    assert rungs(ward) == []
    ward.office.act("close", case_id, ward.chief, *RECORD)
    ward.office.sweep()
    assert rungs(ward) == ["all_seats"]


def test_a_sweep_with_nothing_due_writes_nothing(ward: Ward) -> None:
    ward.followed(Level.HIGH)
    before = len(rows(ward.office.store.engine, t.event))
    ward.office.sweep()
    assert len(rows(ward.office.store.engine, t.event)) == before
