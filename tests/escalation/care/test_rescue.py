"""Rescue: started on a ground, loud until somebody confirms arrival, ended with an outcome by a supervisor."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from escalation.care.rescue import RescueClocks, hinted, load_rescue
from escalation.care.rescue_desk import Call, Start
from escalation.cases import NotAllowed, SomebodyElse
from records import tables as t
from records.emergency_contacts import EmergencyContact
from tests.building import NOW, do, rows
from tests.escalation.care.conftest import RECORD, Ward
from triage.risk import Level

ACT = Start("act", "已服药，意识模糊")
PROOF = "医院急诊回电，已收治"
RULES = load_rescue(
    {"police": "110", "ambulance": "120", "fire": "119"}, "示例热线", "0000-12345", RescueClocks(300, 600, 24, 72)
)
MOTHER = EmergencyContact("", "王女士", "母亲", "13000000000", "consent", "", NOW)


def case_in(ward: Ward, state: str) -> str:
    """An open case in one of the states in which a rescue may begin."""
    if state == "follow_up":
        return ward.followed(Level.HIGH)
    if state == "waiting_user":
        case_id = ward.served(Level.LOW)
        ward.office.act("hand_back", case_id, ward.lin)
        return case_id
    return ward.office.case_at(Level.EMERGENCY) if state == "new" else ward.served(Level.EMERGENCY)


@pytest.mark.parametrize("state", ["new", "in_service", "waiting_user", "follow_up"])
def test_it_begins_in_every_open_state_and_whoever_begins_serves_when_nobody_does(ward: Ward, state: str) -> None:
    case_id, wang = case_in(ward, state), ward.office.counsellor("wang")
    ward.rescue("start", case_id, wang, ACT)
    case = ward.office.case(case_id)
    assert case.state == "rescue"
    assert case.owner_id == (ward.lin.id if state == "in_service" else wang.id)
    assert ward.office.conversation_of(case_id).owner_id == case.owner_id
    assert ward.office.ringing(case_id) is None


def test_after_a_rescue_the_calls_are_planned_anew(ward: Ward) -> None:
    case_id = ward.followed(Level.HIGH)
    old = {task.id for task in ward.calls(case_id)}
    ward.office.clock.forward(days=8)
    ward.rescue("start", case_id, ward.lin, ACT)
    assert ward.office.case(case_id).disposition is None
    ward.rescue("end", case_id, ward.chief, "not_found", PROOF, is_serious=False)
    ward.office.act("close", case_id, ward.chief, *RECORD)
    assert [task.code for task in ward.open_calls(case_id)] == ["24h", "7d", "30d", "90d"]
    assert {task.state for task in ward.calls(case_id) if task.id in old} == {"cancelled"}


def test_a_closed_case_is_opened_again_and_rescued_in_one_step(ward: Ward) -> None:
    case_id = ward.served(Level.LOW)
    ward.office.act("close", case_id, ward.lin, *RECORD)
    wang = ward.office.counsellor("wang")
    ward.rescue("start", case_id, wang, ACT)
    case = ward.office.case(case_id)
    assert (case.state, case.owner_id, case.closed_at, case.disposition) == ("rescue", wang.id, None, None)
    assert ward.office.conversation_of(case_id).owner_id == wang.id
    assert [row.counsellor_id for row in rows(ward.office.store.engine, t.stint) if row.ended_at is None] == [wang.id]
    with ward.office.store.engine.connect() as connection:
        (end,) = ward.office.alarm.reopenings.of(connection, case_id)
    assert (end.from_state, end.disposition, end.summary) == ("closed", *RECORD)
    assert ward.office.ringing(case_id) is None


def test_of_two_cases_of_one_talk_the_newer_one_is_rescued(ward: Ward) -> None:
    old = ward.served(Level.LOW)
    ward.office.act("close", old, ward.lin, *RECORD)
    ward.office.clock.forward(days=40)
    newer = ward.office.danger(ward.office.case(old).conversation_id, Level.HIGH)
    with pytest.raises(NotAllowed, match=ward.office.case(newer).case_no):
        ward.rescue("start", old, ward.lin, ACT)


def test_the_counsellor_goes_on_talking(ward: Ward) -> None:
    case_id = ward.rescued()
    ward.office.act("reply", case_id, ward.lin, "我在，救护车在路上了，别睡", "a" * 32)
    assert ward.office.said(case_id)[-1] == "plain"


@pytest.mark.parametrize(
    ("start", "complaint"),
    [
        (Start("", "已服药"), "依据"),
        (Start("because", "已服药了"), "依据"),
        (Start("consent", "  "), "危险"),
    ],
)
def test_without_a_ground_it_does_not_begin(ward: Ward, start: Start, complaint: str) -> None:
    case_id = ward.served(Level.EMERGENCY)
    with pytest.raises(NotAllowed, match=complaint):
        ward.rescue("start", case_id, ward.lin, start)
    assert ward.state(case_id) == "in_service"
    assert rows(ward.office.store.engine, t.rescue) == []


@pytest.mark.parametrize("action", ["release", "hand_back", "close", "claim"])
def test_nothing_but_an_outcome_leads_out(ward: Ward, action: str) -> None:
    case_id = ward.rescued(Level.LOW)
    with pytest.raises((NotAllowed, SomebodyElse)):
        ward.office.act(action, case_id, ward.lin, *(RECORD if action == "close" else ()))
    assert ward.state(case_id) == "rescue"


def test_it_is_loud_until_arrival_is_confirmed(ward: Ward) -> None:
    rescues = ward.office.store.rescues
    case_id = ward.rescued()
    with ward.office.store.engine.connect() as connection:
        assert rescues.unconfirmed(connection) == {case_id: ward.office.clock()}
    ward.office.clock.forward(minutes=12)
    ward.rescue("arrive", case_id, ward.lin, "派出所来电，已见到本人")
    with ward.office.store.engine.connect() as connection:
        assert rescues.unconfirmed(connection) == {}
        (found,) = rescues.of(connection, case_id)
    assert (found.arrived_at, found.arrival) == (ward.office.clock(), "派出所来电，已见到本人")
    with pytest.raises(NotAllowed, match="已经确认"):
        ward.rescue("arrive", case_id, ward.lin, "又来电一次")


def test_a_counsellor_proposes_the_outcome_and_the_supervisor_ends_it(ward: Ward) -> None:
    case_id = ward.rescued(arrived=True)
    assert ward.rescue("end", case_id, ward.lin, "hospital", PROOF, is_serious=False) is False
    assert ward.state(case_id) == "rescue"
    assert ward.rescue("end", case_id, ward.chief, "hospital", PROOF, is_serious=False) is True
    case = ward.office.case(case_id)
    assert (case.state, case.owner_id) == ("in_service", ward.lin.id)
    with ward.office.store.engine.connect() as connection:
        (found,) = ward.office.store.rescues.of(connection, case_id)
    assert (found.outcome, found.ended_by, found.is_open) == ("hospital", ward.chief.id, False)


@pytest.mark.parametrize(
    ("outcome", "note", "complaint"),
    [("", PROOF, "结果"), ("fine", PROOF, "结果"), ("not_found", "好", "依据"), ("hospital", PROOF, "实际接触")],
)
def test_without_an_outcome_or_before_arrival_it_does_not_end(
    ward: Ward, outcome: str, note: str, complaint: str
) -> None:
    case_id = ward.rescued()
    with pytest.raises(NotAllowed, match=complaint):
        ward.rescue("end", case_id, ward.chief, outcome, note, is_serious=False)
    assert ward.state(case_id) == "rescue"


@pytest.mark.parametrize(
    ("outcome", "is_serious", "hours"),
    [
        ("not_found", False, {"debrief": 24}),
        ("other", True, {"debrief": 24, "incident_review": 72, "staff_support": 24}),
        ("death", False, {"debrief": 24, "incident_review": 72, "staff_support": 24}),
    ],
)
def test_the_team_talks_it_over_and_reviews_what_was_serious(
    ward: Ward, outcome: str, is_serious: bool, hours: dict[str, int]
) -> None:
    case_id = ward.rescued()
    ward.rescue("end", case_id, ward.chief, outcome, PROOF, is_serious=is_serious)
    now = ward.office.clock()
    assert ward.team(case_id) == {code: now + timedelta(hours=after) for code, after in hours.items()}


def test_a_red_case_asks_for_a_decision_until_somebody_decides(ward: Ward) -> None:
    rescues = ward.office.store.rescues
    ward.served(Level.HIGH, "orange")
    case_id = ward.served(Level.EMERGENCY)
    since = ward.office.clock()
    ward.office.clock.forward(minutes=2)

    def undecided() -> object:
        with ward.office.store.engine.connect() as connection:
            return rescues.undecided(connection)

    assert undecided() == {case_id: since}
    ward.rescue("decline", case_id, ward.lin, "已确认是玩笑，母亲在旁边")
    assert undecided() == {}
    ward.office.act("set_level", case_id, ward.lin, Level.HIGH, "已确认安全")
    ward.office.act("decide_lowering", case_id, ward.chief, agree=True)
    ward.office.clock.forward(minutes=5)
    ward.office.danger(ward.office.case(case_id).conversation_id, Level.EMERGENCY)
    assert undecided() == {case_id: ward.office.clock()}


def test_a_case_that_comes_back_red_asks_again(ward: Ward) -> None:
    case_id = ward.served(Level.EMERGENCY)
    ward.rescue("decline", case_id, ward.lin, "已确认是玩笑，母亲在旁边")
    ward.office.act("close", case_id, ward.chief, *RECORD)
    ward.office.clock.forward(hours=3)
    ward.office.danger(ward.office.case(case_id).conversation_id, Level.MEDIUM)
    with ward.office.store.engine.connect() as connection:
        assert ward.office.store.rescues.undecided(connection) == {case_id: ward.office.clock()}


def test_only_the_persons_own_words_are_quoted_and_a_second_click_takes_them_away(ward: Ward) -> None:
    case_id, rescues = ward.rescued(), ward.office.store.rescues
    for slot, message in (("place", "unknown"), ("nowhere", "unknown")):
        with pytest.raises(NotAllowed, match="自己的话"):
            ward.rescue("quote", case_id, ward.lin, slot, message)
    now = ward.office.clock()
    for _ in range(3):
        do(ward.office.writer, lambda c: rescues.quote(c, case_id, "place", "m1", ward.lin.id, now))
    with ward.office.store.engine.connect() as connection:
        assert rescues.quotes(connection, case_id) == {"place": ["m1"]}


@pytest.mark.parametrize("whom", ["family", "other", "emergency_contact"])
def test_nobody_but_rescuers_learns_anything_without_a_ground(ward: Ward, whom: str) -> None:
    case_id = ward.rescued()
    with pytest.raises(NotAllowed, match="依据"):
        ward.rescue("log_call", case_id, ward.lin, Call(whom, "请马上回家看看他"))
    ward.rescue("log_call", case_id, ward.lin, Call("ambulance", "地址和情况", reference="20261201-7"))
    (call,) = rows(ward.office.store.engine, t.outside_call)
    assert (call.whom, call.basis, call.by_id) == ("ambulance", "", ward.lin.id)
    assert b"20261201-7" not in call.reference_sealed


def test_an_emergency_contact_is_sealed_called_with_a_ground_and_gone_when_taken_back(ward: Ward) -> None:
    case_id = ward.served(Level.HIGH)
    ward.rescue("add_near", case_id, ward.lin, replace(MOTHER, by_id=ward.lin.id))
    (row,) = rows(ward.office.store.engine, t.emergency_contact)
    assert MOTHER.phone.encode() not in row.phone_sealed
    call = Call("emergency_contact", "请马上去宿舍陪她", "life", outcome="十分钟到", emergency_contact_id=row.id)
    ward.rescue("log_call", case_id, ward.lin, call)
    ward.rescue("end_near", case_id, ward.lin, row.id)
    (gone,) = rows(ward.office.store.engine, t.emergency_contact)
    assert ward.office.store.vault.open(gone.phone_sealed, "emergency_contact.phone", gone.id) == ""
    with pytest.raises(NotAllowed):
        ward.rescue("log_call", case_id, ward.lin, call)


@pytest.mark.parametrize("wrong", [{"name": " "}, {"phone": "没有"}, {"basis": ""}])
def test_an_emergency_contact_needs_a_name_a_number_and_a_ground(ward: Ward, wrong: dict[str, str]) -> None:
    with pytest.raises(NotAllowed):
        ward.rescue("add_near", ward.served(Level.HIGH), ward.lin, replace(MOTHER, **wrong))


def test_the_script_has_the_numbers_of_the_settings_only() -> None:
    said = " ".join(line.say for line in RULES.lines)
    assert "0000-12345" in said
    assert "示例热线" in said
    assert RULES.whom["ambulance"].startswith("120")
    assert set(RULES.slots()) == set(RULES.hints)


def test_words_of_places_and_people_bring_messages_up() -> None:
    said = {"1": "我在宿舍三楼", "2": "药都吃了", "3": "室友不在，就我一个人", "4": "好累"}
    found = hinted(RULES, said)
    assert found["place"] == ["1"]
    assert found["happened"] == ["2"]
    assert found["company"] == ["3"]
