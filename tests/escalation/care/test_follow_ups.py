"""Follow-ups that happen: planned at the end, tried, heard, and never forgotten; the last one closes the case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from escalation.care.plan import Answers
from escalation.cases import NotAllowed
from records import tables as t
from tests.building import do, rows
from tests.escalation.care.conftest import CALM, RECORD, Ward
from triage.risk import Level


def finish_all(ward: Ward, case_id: str) -> None:
    for task in ward.open_calls(case_id):
        ward.follow("finish", task.id, ward.lin, CALM)


@pytest.mark.parametrize(("level", "count"), [(Level.MEDIUM, 2), (Level.HIGH, 4), (Level.EMERGENCY, 4)])
def test_the_end_of_a_case_plans_its_calls_and_the_counsellor_keeps_them(ward: Ward, level: Level, count: int) -> None:
    case_id = ward.followed(level)
    found = ward.calls(case_id)
    assert len(found) == count
    assert {task.assignee_id for task in found} == {ward.lin.id}
    assert ward.office.conversation_of(case_id).owner_id is None
    assert len(ward.office.audited("follow_up_planned")) == 1


def test_blue_and_what_was_no_crisis_are_closed_at_once(ward: Ward) -> None:
    blue, mistaken = ward.served(Level.LOW, "one"), ward.served(Level.MEDIUM, "two")
    ward.office.act("close", blue, ward.lin, *RECORD)
    ward.office.act("close", mistaken, ward.lin, "mistaken", RECORD[1])
    assert [ward.state(blue), ward.state(mistaken)] == ["closed", "closed"]
    assert rows(ward.office.store.engine, t.follow_up) == []


def test_the_last_call_closes_the_case_with_its_record(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    first, last = ward.open_calls(case_id)
    ward.follow("finish", first.id, ward.lin, CALM)
    assert ward.state(case_id) == "follow_up"
    ward.office.clock.forward(days=30)
    ward.follow("finish", last.id, ward.lin, CALM)
    case = ward.office.case(case_id)
    assert (case.state, case.closed_at, case.disposition) == ("closed", ward.office.clock(), RECORD[0])


def test_a_talk_in_between_goes_on_with_the_same_plan(ward: Ward) -> None:
    case_id = ward.followed(Level.HIGH)
    before = [task.id for task in ward.open_calls(case_id)]
    ward.office.act("claim", case_id, ward.lin)
    ward.office.act("close", case_id, ward.chief, *RECORD)
    assert [task.id for task in ward.open_calls(case_id)] == before
    assert ward.state(case_id) == "follow_up"


def test_after_a_return_the_plan_is_made_anew(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    old = {task.id for task in ward.calls(case_id)}
    ward.office.clock.forward(days=2)
    ward.office.danger(ward.office.case(case_id).conversation_id, Level.HIGH)
    ward.office.act("claim", case_id, ward.lin)
    ward.office.act("close", case_id, ward.chief, *RECORD)
    fresh = ward.open_calls(case_id)
    assert len(fresh) == 4
    assert fresh[0].window_end == ward.office.clock() + timedelta(hours=24)
    assert {task.state for task in ward.calls(case_id) if task.id in old} == {"cancelled"}


def test_a_refusal_below_danger_is_kept_and_gets_the_way_back_to_us(ward: Ward) -> None:
    case_id = ward.served(Level.MEDIUM)
    ward.follow("ask_consent", case_id, ward.lin, "refused", "", "不想被打扰")
    assert ward.office.said(case_id)[-1] == "follow_up.path"
    ward.office.act("close", case_id, ward.lin, *RECORD)
    assert ward.state(case_id) == "closed"
    assert ward.calls(case_id) == []


def test_a_refusal_in_danger_is_the_supervisors_to_decide_before_the_end(ward: Ward) -> None:
    case_id = ward.served(Level.HIGH)
    ward.follow("ask_consent", case_id, ward.lin, "refused", "", "")
    with pytest.raises(NotAllowed, match="督导"):
        ward.office.act("close", case_id, ward.chief, *RECORD)
    assert ward.calls(case_id) == []
    ward.follow("decide", case_id, ward.chief, "go_on", "个人信息保护法第十三条，仍有计划")
    ward.office.act("close", case_id, ward.chief, *RECORD)
    assert len(ward.open_calls(case_id)) == 4


def test_a_refusal_later_stops_the_calls_until_the_supervisor_decides(ward: Ward) -> None:
    case_id = ward.followed(Level.HIGH)
    first, second, *_ = ward.open_calls(case_id)
    ward.follow("end", first.id, ward.lin, "refuse", "说不要再联系")
    with pytest.raises(NotAllowed, match="等督导决定"):
        ward.follow("write", second.id, ward.lin)
    assert ward.state(case_id) == "follow_up"
    ward.follow("decide", case_id, ward.chief, "stop", "家人在照看，已约门诊")
    assert ward.state(case_id) == "closed"
    assert {task.state for task in ward.calls(case_id)} == {"refused", "cancelled"}


def test_a_refusal_of_yellow_ends_all_calls(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    ward.follow("end", ward.open_calls(case_id)[0].id, ward.lin, "refuse", "说不要再联系")
    assert ward.state(case_id) == "closed"
    assert ward.open_calls(case_id) == []


def test_somebody_is_lost_only_after_three_tries_at_different_times_of_day(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    task = ward.open_calls(case_id)[0]
    with pytest.raises(NotAllowed):
        ward.follow("end", task.id, ward.lin, "lose", "一直没有人接")
    for hours in (0, 1, 3):  # ten, eleven, two o'clock: two parts of the day
        ward.office.clock.forward(hours=hours)
        ward.follow("log_attempt", task.id, ward.lin, "phone", "no_answer", "")
    with pytest.raises(NotAllowed, match="晚上"):
        ward.follow("end", task.id, ward.lin, "lose", "一直没有人接")
    ward.office.clock.forward(hours=5)
    ward.follow("log_attempt", task.id, ward.lin, "phone", "no_answer", "")
    ward.follow("end", task.id, ward.lin, "lose", "一直没有人接")
    assert [task.state for task in ward.calls(case_id)] == ["lost", "todo"]


def test_whoever_was_reached_is_not_lost(ward: Ward) -> None:
    task = ward.open_calls(ward.followed(Level.MEDIUM))[0]
    ward.follow("log_attempt", task.id, ward.lin, "phone", "reached", "在忙，晚点再说")
    with pytest.raises(NotAllowed, match="已经联系到"):
        ward.follow("end", task.id, ward.lin, "lose", "没有说成")


def test_what_was_heard_is_kept_with_reasons_for_what_was_not(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    answers = Answers("35", "not_asked", "refused", ("unknown",), "怕同学知道", Level.LOW, note="声音平稳")
    ward.follow("finish", ward.open_calls(case_id)[0].id, ward.lin, answers)
    (row,) = rows(ward.office.store.engine, t.follow_up_outcome)
    assert (row.ideas, row.hopelessness, row.acts, row.obstacles) == ("35", "not_asked", "refused", "told")
    assert "怕同学知道".encode() not in row.obstacles_sealed
    with ward.office.store.engine.connect() as connection:
        (heard,) = ward.office.store.follow_up_talks.heard(connection, case_id)
    assert (heard.obstacles, heard.note, list(heard.help)) == ("怕同学知道", "声音平稳", ["unknown"])


def test_danger_in_a_follow_up_calls_people_again(ward: Ward) -> None:
    for name, before, answers in (
        ("worse", Level.MEDIUM, replace(CALM, level=Level.EMERGENCY)),
        ("as before", Level.HIGH, replace(CALM, level=Level.HIGH)),
        ("attempt", Level.MEDIUM, replace(CALM, acts="attempt")),
    ):
        case_id = ward.followed(before, name)
        ward.follow("finish", ward.open_calls(case_id)[0].id, ward.lin, answers)
        assert ward.state(case_id) == "new"
        assert ward.office.ringing(case_id) is not None
        assert ward.office.case(case_id).level == max(before, answers.level)


def test_a_day_that_was_agreed_is_one_call_more(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    first, last = ward.open_calls(case_id)
    ward.follow("finish", last.id, ward.lin, CALM)
    agreed = ward.office.clock() + timedelta(days=3)
    ward.follow("finish", first.id, ward.lin, replace(CALM, next_on=agreed))
    (extra,) = ward.open_calls(case_id)
    assert (extra.code, extra.window_start <= agreed < extra.window_end) == ("extra", True)
    assert ward.state(case_id) == "follow_up"


def test_a_death_ends_all_calls_and_the_team_looks_after_itself(ward: Ward) -> None:
    case_id = ward.followed(Level.HIGH)
    task = ward.open_calls(case_id)[0]
    with pytest.raises(NotAllowed, match="记录死亡"):
        ward.follow("finish", task.id, ward.lin, replace(CALM, acts="death"))
    ward.follow("end", task.id, ward.lin, "die", "家属告知昨夜去世")
    assert ward.state(case_id) == "closed"
    assert set(ward.team(case_id)) == {"debrief", "incident_review", "staff_support"}
    review = next(row for row in rows(ward.office.store.engine, t.follow_up, code="incident_review"))
    ward.follow("finish_team", review.id, ward.chief, "第一次联系晚了两小时，改排班")
    assert rows(ward.office.store.engine, t.follow_up, code="incident_review")[0].state == "done"


def test_a_lead_gives_tasks_to_others_and_anybody_takes_one(ward: Ward) -> None:
    case_id, wang = ward.followed(Level.MEDIUM), ward.office.counsellor("wang")
    task = ward.open_calls(case_id)[0]
    with pytest.raises(NotAllowed, match="值班长"):
        ward.follow("assign", task.id, ward.lin, wang.id)
    ward.follow("assign", task.id, wang, wang.id)
    assert ward.open_calls(case_id)[0].assignee_id == wang.id
    ward.follow("assign", task.id, ward.chief, ward.lin.id)
    with pytest.raises(NotAllowed, match="能做随访"):
        ward.follow("assign", task.id, ward.chief, ward.office.counsellor("root", "admin").id)


def test_what_has_ended_is_not_done_again(ward: Ward) -> None:
    task = ward.open_calls(ward.followed(Level.MEDIUM))[0]
    ward.follow("finish", task.id, ward.lin, CALM)
    for action, arguments in (("write", ()), ("finish", (CALM,)), ("end", ("lose", "联系不上了"))):
        with pytest.raises(NotAllowed, match="已经结束"):
            ward.follow(action, task.id, ward.lin, *arguments)


def test_only_a_lead_cancels_and_with_a_reason(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    task = ward.open_calls(case_id)[0]
    with pytest.raises(NotAllowed, match="只有值班长"):
        ward.follow("end", task.id, ward.lin, "cancel", "重复了一次")
    with pytest.raises(NotAllowed, match="说明|情况"):
        ward.follow("end", task.id, ward.chief, "cancel", " ")
    ward.follow("end", task.id, ward.chief, "cancel", "重复了一次")
    assert ward.calls(case_id)[0].state == "cancelled"


def test_every_step_is_told_to_the_desk_and_in_the_audit_without_words(ward: Ward) -> None:
    case_id = ward.followed(Level.MEDIUM)
    task = ward.open_calls(case_id)[0]
    ward.follow("log_attempt", task.id, ward.lin, "phone", "no_answer", "妈妈接的")
    ward.follow("finish", task.id, ward.lin, CALM)
    for kind in ("follow_up_tried", "follow_up_finished"):
        assert [event.case_id for event in ward.office.told(kind)] == [case_id]
        assert len(ward.office.audited(kind)) == 1
    written = str(rows(ward.office.store.engine, t.event)) + str(rows(ward.office.store.engine, t.audit))
    assert "妈妈" not in written
    assert "路远" not in written


def test_a_refused_action_leaves_no_trace(ward: Ward) -> None:
    task = ward.open_calls(ward.followed(Level.MEDIUM))[0]
    before = [len(rows(ward.office.store.engine, table)) for table in (t.audit, t.event, t.outbox, t.follow_up)]
    with pytest.raises(NotAllowed):
        ward.follow("finish", task.id, ward.lin, replace(CALM, next_on=ward.office.clock() - timedelta(days=9)))
    after = [len(rows(ward.office.store.engine, table)) for table in (t.audit, t.event, t.outbox, t.follow_up)]
    assert after == before
    assert rows(ward.office.store.engine, t.follow_up_outcome) == []
    assert do(ward.office.writer, lambda c: ward.office.store.follow_ups.get(c, task.id)).state == "todo"
