"""A counsellor calls supervisors for help: one answers, the counsellor sees it, the person hears nothing."""

from __future__ import annotations

import pytest

from escalation.cases import NotAllowed
from records import tables as t
from records.help_calls import HelpCall
from tests.building import do, rows
from tests.escalation.shift.conftest import Ward
from triage.risk import Level

WHY = "不知道要不要报警"


def newest(ward: Ward, case_id: str) -> HelpCall:
    found = do(ward.office.writer, lambda c: ward.office.store.help_calls.newest_of(c, case_id))
    assert found is not None
    return found


@pytest.mark.parametrize(("role", "level"), [("counsellor", Level.HIGH), ("volunteer", Level.LOW)])
def test_a_call_is_answered_and_nothing_of_it_reaches_the_person(ward: Ward, role: str, level: Level) -> None:
    lin, zhao = ward.here("lin", role), ward.here("zhao", "supervisor")
    case_id = ward.served(level, lin)
    said = ward.office.said(case_id)
    ward.act("helping", "ask", case_id, lin, WHY)
    assert (newest(ward, case_id).state, newest(ward, case_id).why) == ("open", WHY)
    ward.act("helping", "answer", case_id, zhao, "我马上来看")
    call = newest(ward, case_id)
    assert (call.state, call.answered_by, call.answer) == ("answered", zhao.id, "我马上来看")
    (told,) = ward.office.told("help_answered")
    assert lin.id in told.data
    assert WHY not in str(told.data)
    assert ward.office.said(case_id) == said
    assert len(ward.office.audited("help_called")) == len(ward.office.audited("help_answered")) == 1
    with pytest.raises(NotAllowed, match="已经有人答复"):
        ward.act("helping", "answer", case_id, zhao, "")


def test_what_was_asked_and_answered_is_sealed(ward: Ward) -> None:
    lin, zhao = ward.here("lin"), ward.here("zhao", "supervisor")
    case_id = ward.served(Level.HIGH, lin)
    ward.act("helping", "ask", case_id, lin, WHY)
    ward.act("helping", "answer", case_id, zhao, "我马上来看")
    (row,) = rows(ward.office.store.engine, t.help_call)
    assert WHY.encode() not in row.why_sealed
    assert "我马上来看".encode() not in row.answer_sealed


def test_only_who_serves_the_case_calls_and_once_at_a_time(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.HIGH, lin)
    with pytest.raises(NotAllowed, match="先接手"):
        ward.act("helping", "ask", case_id, zhang, "")
    ward.act("helping", "ask", case_id, lin, "")
    with pytest.raises(NotAllowed, match="请等答复"):
        ward.act("helping", "ask", case_id, lin, "")
    ward.act("helping", "withdraw", case_id, lin)
    with pytest.raises(NotAllowed):
        ward.act("helping", "withdraw", case_id, lin)
    ward.act("helping", "ask", case_id, lin, "")
    with pytest.raises(NotAllowed):
        ward.act("helping", "ask", case_id, lin, "长" * 501)


@pytest.mark.parametrize(
    ("action", "arguments"), [("whisper", ("先问他在哪里",)), ("join", ()), ("take_over", ("情况很急，我来接",))]
)
def test_a_supervisor_who_steps_in_has_answered(ward: Ward, action: str, arguments: tuple[str, ...]) -> None:
    lin, zhao = ward.here("lin"), ward.here("zhao", "supervisor")
    case_id = ward.served(Level.HIGH, lin)
    ward.act("helping", "ask", case_id, lin, WHY)
    ward.act("guiding", action, case_id, zhao, *arguments)
    assert (newest(ward, case_id).state, newest(ward, case_id).answered_by) == ("answered", zhao.id)


def test_a_call_waits_for_nobody_once_the_case_has_moved_on(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.MEDIUM, lin)
    ward.act("helping", "ask", case_id, lin, WHY)
    ward.wait(5, lin)
    assert newest(ward, case_id).state == "open"
    ward.office.act("release", case_id, lin)
    ward.wait(5, lin)
    assert newest(ward, case_id).state == "void"


def test_a_practice_calls_no_supervisor(ward: Ward) -> None:
    lin = ward.here("lin")
    practices = ward.office.desks.practices
    script = next(iter(practices.playbook.scripts))
    case_id = do(ward.office.writer, lambda c: practices.start(c, lin, script, ward.office.clock()))
    with pytest.raises(NotAllowed, match="练习"):
        ward.act("helping", "ask", case_id, lin, "")
