"""An orange or red case ends by two: it is submitted, watched while it waits, signed, or sent back; never left alone."""

from __future__ import annotations

from typing import Any

import pytest

from escalation.cases import NotAllowed
from escalation.closing_desk import OVERDUE
from escalation.desk import Ending
from records import tables as t
from records.closings import Closing
from records.staff import Counsellor
from tests.building import do, rows
from tests.escalation.conftest import Office
from triage.risk import Level

RECORD = Ending("companion", "室友陪着，药交给了室友，约定明天再联系")
BACK = "请补上室友的名字和电话"
HIGH = [Level.HIGH, Level.EMERGENCY]


def close_by_two(office: Office, action: str, case_id: str, who: Counsellor, *given: Any) -> Any:
    method = getattr(office.desks.closing, action)
    return do(office.writer, lambda c: method(c, case_id, who, *given, office.clock()))


def served(office: Office, lin: Counsellor, level: Level = Level.HIGH) -> str:
    """A case that lin serves at her open console."""
    case_id = office.case_at(level)
    do(office.writer, lambda c: office.desks.shift.floor.claim(c, case_id, lin, office.clock()))
    do(office.writer, lambda c: office.desks.shift.floor.touch(c, lin.id, office.clock()))
    return case_id


def submitted(office: Office, lin: Counsellor, level: Level = Level.HIGH) -> str:
    case_id = served(office, lin, level)
    close_by_two(office, "submit", case_id, lin, RECORD)
    return case_id


def closings(office: Office, case_id: str) -> list[Closing]:
    with office.store.engine.connect() as connection:
        return office.store.closings.of(connection, case_id)


def waiting(office: Office) -> list[str]:
    with office.store.engine.connect() as connection:
        return [closing.case_id for closing in office.store.closings.waiting(connection)]


def sweep(office: Office, **time: int) -> int:
    office.clock.forward(**time)
    return int(do(office.writer, lambda c: office.desks.closing.sweep(c, office.clock())))


@pytest.mark.parametrize("level", HIGH)
def test_a_submitted_case_leaves_her_hands_and_rings_for_nobody(office: Office, level: Level) -> None:
    lin = office.counsellor("lin")
    case_id = submitted(office, lin, level)
    case, conversation = office.case(case_id), office.conversation_of(case_id)
    assert (case.state, case.owner_id, case.closed_at, case.disposition) == ("closing", lin.id, None, None)
    assert (conversation.owner_id, conversation.level) == (None, Level.LOW)
    assert office.ringing(case_id) is None
    assert [row for row in rows(office.store.engine, t.stint) if row.ended_at is None] == []
    assert office.said(case_id)[-1] == "handover.closed"
    assert waiting(office) == [case_id]


def test_the_summary_is_sealed(office: Office) -> None:
    submitted(office, office.counsellor("lin"))
    (row,) = rows(office.store.engine, t.closing)
    assert RECORD.summary.encode() not in row.summary_sealed


@pytest.mark.parametrize("level", [Level.LOW, Level.MEDIUM])
def test_below_orange_nobody_else_signs(office: Office, level: Level) -> None:
    lin = office.counsellor("lin")
    with pytest.raises(NotAllowed, match="直接结案"):
        close_by_two(office, "submit", served(office, lin, level), lin, RECORD)


def test_only_who_serves_it_submits_and_only_with_a_record(office: Office) -> None:
    lin, wang = office.counsellor("lin"), office.counsellor("wang")
    case_id = served(office, lin)
    for who, ending in ((wang, RECORD), (lin, Ending("", RECORD.summary)), (lin, Ending("calmed", "好"))):
        with pytest.raises(NotAllowed):
            close_by_two(office, "submit", case_id, who, ending)
    assert office.case(case_id).state == "in_service"


def test_the_second_person_signs_and_the_calls_are_planned(office: Office) -> None:
    lin, chief = office.counsellor("lin"), office.counsellor("chief", "supervisor")
    case_id = submitted(office, lin)
    office.clock.forward(hours=2)
    close_by_two(office, "sign", case_id, chief)
    case, (closing,) = office.case(case_id), closings(office, case_id)
    assert (case.state, case.disposition, case.summary) == ("follow_up", RECORD.disposition, RECORD.summary)
    assert (closing.decision, closing.decided_by, closing.decided_at) == ("signed", chief.id, office.clock())
    assert {row.assignee_id for row in rows(office.store.engine, t.follow_up)} == {lin.id}
    assert waiting(office) == []
    assert office.said(case_id).count("handover.closed") == 1


@pytest.mark.parametrize(("action", "given"), [("sign", ()), ("send_back", (BACK,))])
def test_whoever_submitted_never_decides(office: Office, action: str, given: tuple[str, ...]) -> None:
    chief = office.counsellor("chief", "supervisor")
    case_id = submitted(office, chief)
    with pytest.raises(NotAllowed, match="另一位"):
        close_by_two(office, action, case_id, chief, *given)


def test_a_case_sent_back_goes_on_with_its_counsellor_when_she_is_here(office: Office) -> None:
    lin, chief = office.counsellor("lin"), office.counsellor("chief", "supervisor")
    case_id = submitted(office, lin)
    close_by_two(office, "send_back", case_id, chief, BACK)
    case, (closing,) = office.case(case_id), closings(office, case_id)
    assert (case.state, case.owner_id, office.conversation_of(case_id).owner_id) == ("in_service", lin.id, lin.id)
    assert (closing.decision, closing.words) == ("returned", BACK)
    assert office.ringing(case_id) is None
    assert office.said(case_id)[-1] == "handover.closed"  # the person is not woken for a form
    close_by_two(office, "submit", case_id, lin, RECORD)
    assert [one.decision for one in closings(office, case_id)] == ["returned", None]
    assert office.said(case_id).count("handover.closed") == 1  # nobody has spoken in between


def test_after_new_words_the_person_hears_good_bye_again(office: Office) -> None:
    lin, chief = office.counsellor("lin"), office.counsellor("chief", "supervisor")
    case_id = submitted(office, lin)
    close_by_two(office, "send_back", case_id, chief, BACK)
    office.clock.forward(seconds=30)
    office.act("reply", case_id, lin, "想再问一下，小周今晚几点回来？", "a" * 32)
    close_by_two(office, "submit", case_id, lin, RECORD)
    assert office.said(case_id)[-2:] == ["plain", "handover.closed"]


@pytest.mark.parametrize("absence", ["gone", "away"])
def test_a_case_sent_back_to_nobody_rings(office: Office, absence: str) -> None:
    lin, chief = office.counsellor("lin"), office.counsellor("chief", "supervisor")
    case_id = submitted(office, lin)
    if absence == "gone":
        office.clock.forward(minutes=30)
    else:
        do(office.writer, lambda c: office.desks.shift.floor.change(c, lin, "away", office.clock()))
    close_by_two(office, "send_back", case_id, chief, BACK)
    case, alert = office.case(case_id), office.ringing(case_id)
    assert (case.state, case.owner_id) == ("new", None)
    assert alert is not None
    assert alert.level == Level.HIGH


@pytest.mark.parametrize("words", ["", "  ", "补"])
def test_nothing_is_sent_back_without_words(office: Office, words: str) -> None:
    chief = office.counsellor("chief", "supervisor")
    case_id = submitted(office, office.counsellor("lin"))
    with pytest.raises(NotAllowed, match="退回"):
        close_by_two(office, "send_back", case_id, chief, words)
    assert office.case(case_id).state == "closing"


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HIGH, Level.EMERGENCY])
def test_new_danger_rings_and_nobody_signs_any_more(office: Office, level: Level) -> None:
    case_id = submitted(office, office.counsellor("lin"))
    office.danger(office.case(case_id).conversation_id, level)
    case, alert = office.case(case_id), office.ringing(case_id)
    assert (case.state, case.owner_id, case.level) == ("new", None, max(level, Level.HIGH))
    assert alert is not None
    assert alert.level == max(level, Level.HIGH)
    assert waiting(office) == []
    with pytest.raises(NotAllowed, match="待接手"):
        close_by_two(office, "sign", case_id, office.counsellor("chief", "supervisor"))


def test_who_asks_for_a_person_is_heard(office: Office) -> None:
    case_id = submitted(office, office.counsellor("lin"))
    office.danger(office.case(case_id).conversation_id, Level.LOW, wish="asked_for_person")
    assert office.case(case_id).state == "new"
    assert office.ringing(case_id) is not None


def test_what_no_machine_reads_calls_a_person(office: Office) -> None:
    case_id = submitted(office, office.counsellor("lin"))
    do(office.writer, lambda c: office.alarm.flag_unread(c, office.case(case_id), Level.LOW, "m2", office.clock()))
    assert office.case(case_id).state == "new"


def test_a_colleague_who_raises_the_level_calls_people(office: Office) -> None:
    case_id = submitted(office, office.counsellor("lin"))
    office.act("set_level", case_id, office.counsellor("wang"), Level.EMERGENCY, "家属来电说他不见了")
    case, alert = office.case(case_id), office.ringing(case_id)
    assert (case.state, case.level) == ("new", Level.EMERGENCY)
    assert alert is not None
    assert alert.level == Level.EMERGENCY


def test_she_may_take_it_up_again(office: Office) -> None:
    lin = office.counsellor("lin")
    case_id = submitted(office, lin)
    office.act("claim", case_id, lin)
    assert office.case(case_id).state == "in_service"
    assert waiting(office) == []


def test_supervisors_are_called_for_what_nobody_signs_in_time(office: Office) -> None:
    case_id = submitted(office, office.counsellor("lin"))
    assert [sweep(office, hours=23), sweep(office, hours=1), sweep(office, hours=3), sweep(office, hours=1)] == [
        0,
        1,
        0,
        1,
    ]
    assert len(office.told(OVERDUE)) == 2
    close_by_two(office, "sign", case_id, office.counsellor("chief", "supervisor"))
    assert sweep(office, days=3) == 0


def test_nobody_is_called_for_what_danger_overtook(office: Office) -> None:
    case_id = submitted(office, office.counsellor("lin"))
    office.danger(office.case(case_id).conversation_id, Level.HIGH)
    sweep(office, hours=25)
    assert office.told(OVERDUE) == []
    assert [one.decision for one in closings(office, case_id)] == ["overtaken"]


def test_a_supervisor_still_closes_directly(office: Office) -> None:
    chief = office.counsellor("chief", "supervisor")
    case_id = served(office, office.counsellor("lin"))
    office.act("close", case_id, chief, RECORD.disposition, RECORD.summary)
    assert office.case(case_id).state == "follow_up"
    assert closings(office, case_id) == []


def test_lowering_while_it_waits_leaves_the_bot_free_to_speak(office: Office) -> None:
    lin, lead = office.counsellor("lin"), office.counsellor("lead", "duty_lead")
    case_id = submitted(office, lin)
    office.act("set_level", case_id, lin, Level.MEDIUM, "室友回来了，药已交出")
    office.act("decide_lowering", case_id, lead, agree=True)
    assert (office.case(case_id).state, office.case(case_id).level) == ("closing", Level.MEDIUM)
    assert office.conversation_of(case_id).level == Level.LOW
