"""Cases open and rise, and the ladder climbs while nobody comes: real rows, a clock moved by hand."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from escalation.alarm import overdue_s
from records import tables as t
from tests.building import do, rows
from tests.escalation.conftest import Office, raised_at
from triage.memory import Memory
from triage.risk import Level


def test_danger_opens_one_case_with_one_ringing_alert(office: Office) -> None:
    case_id = office.case_at(Level.HIGH)
    case, alert = office.case(case_id), office.ringing(case_id)
    assert (case.state, case.level, case.owner_id) == ("new", Level.HIGH, None)
    assert alert is not None
    assert (alert.level, alert.step) == (Level.HIGH, 0)


def test_more_danger_in_the_same_conversation_opens_no_second_case(office: Office) -> None:
    conversation_id = office.conversation()
    ids = {office.danger(conversation_id, level) for level in (Level.MEDIUM, Level.HIGH, Level.HIGH, Level.MEDIUM)}
    assert len(ids) == 1
    assert len(rows(office.store.engine, t.alert)) == 1


def test_a_case_rises_with_the_danger_and_never_falls_by_itself(office: Office) -> None:
    conversation_id = office.conversation()
    levels = []
    for level in (Level.MEDIUM, Level.EMERGENCY, Level.MEDIUM):
        levels.append(office.case(office.danger(conversation_id, level)).level)
    assert levels == [Level.MEDIUM, Level.EMERGENCY, Level.EMERGENCY]


def test_a_rise_rings_louder_and_starts_the_ladder_anew(office: Office) -> None:
    conversation_id = office.conversation()
    case_id = office.danger(conversation_id, Level.MEDIUM)
    office.clock.forward(seconds=700)
    office.sweep()
    office.danger(conversation_id, Level.EMERGENCY)
    alert = office.ringing(case_id)
    assert alert is not None
    assert (alert.level, alert.step, alert.raised_at) == (Level.EMERGENCY, 0, office.clock())


def test_the_history_tells_what_the_machine_saw(office: Office) -> None:
    conversation_id = office.conversation()
    case_id = office.danger(conversation_id, Level.MEDIUM)
    office.clock.forward(seconds=1)
    office.danger(conversation_id, Level.HIGH)
    told = [(c["from_level"], c["to_level"], c["source"], json.loads(c["evidence"])) for c in office.changes(case_id)]
    assert told == [
        (Level.NONE, Level.MEDIUM, "machine", ["m1", "rule"]),
        (Level.MEDIUM, Level.HIGH, "machine", ["m1", "rule"]),
    ]


def test_an_emergency_climbs_after_one_two_and_three_minutes(office: Office) -> None:
    office.case_at(Level.EMERGENCY)
    heard = []
    for second in range(0, 400, 10):
        office.sweep()
        alerts = [json.loads(event.data) for event in office.told("alert")]
        heard.append((second, alerts[-1].get("rung", "all_seats")))
        office.clock.forward(seconds=10)
    changed = [heard[0], *(now for before, now in zip(heard, heard[1:], strict=False) if now[1] != before[1])]
    assert changed == [(0, "all_seats"), (60, "duty_lead"), (120, "supervisor"), (180, "oncall")]


@pytest.mark.parametrize(("level", "rungs"), [(Level.LOW, 1), (Level.MEDIUM, 2), (Level.HIGH, 3), (Level.EMERGENCY, 3)])
def test_each_rung_is_climbed_once_and_the_top_rings_on(office: Office, level: Level, rungs: int) -> None:
    case_id = office.case_at(level)
    for _ in range(30):
        office.clock.forward(seconds=300)
        office.sweep()
    alert = office.ringing(case_id)
    assert alert is not None
    assert (alert.step, alert.next_at) == (rungs, None)
    assert len(office.told("alert")) == 1 + rungs


def test_a_late_sweep_climbs_without_leaving_out_a_rung(office: Office) -> None:
    office.case_at(Level.EMERGENCY)
    office.clock.forward(hours=1)
    for _ in range(3):
        office.sweep()
    climbed = [json.loads(event.data).get("rung") for event in office.told("alert")]
    assert climbed == [None, "duty_lead", "supervisor", "oncall"]


def test_those_who_wait_hear_different_words_each_minute(office: Office) -> None:
    case_id = office.case_at(Level.HIGH)
    for _ in range(4):
        office.clock.forward(seconds=60)
        office.sweep()
    assert office.said(case_id) == ["waiting.crisis_1", "waiting.crisis_2", "waiting.late", "waiting.crisis_1"]


def test_a_sweep_before_its_time_does_nothing(office: Office) -> None:
    case_id = office.case_at(Level.EMERGENCY)
    office.clock.forward(seconds=59)
    assert office.sweep() == 0
    assert office.said(case_id) == []


def test_two_sweeps_of_one_moment_speak_once(office: Office) -> None:
    case_id = office.case_at(Level.EMERGENCY)
    office.clock.forward(seconds=60)
    office.sweep()
    office.sweep()
    assert len(office.said(case_id)) == 1
    assert len(office.told("alert")) == 2


def test_the_ladder_and_the_waiting_words_stop_at_the_claim(office: Office) -> None:
    case_id, lin = office.case_at(Level.EMERGENCY), office.counsellor()
    office.clock.forward(seconds=60)
    office.sweep()
    office.act("claim", case_id, lin)
    before = (office.said(case_id), len(office.told("alert")))
    office.clock.forward(hours=1)
    assert office.sweep() == 0
    assert office.ringing(case_id) is None
    assert (office.said(case_id), len(office.told("alert"))) == before


def test_words_of_waiting_that_are_still_on_their_way_are_of_the_bots_time(office: Office) -> None:
    case_id, lin = office.case_at(Level.EMERGENCY), office.counsellor()
    office.clock.forward(seconds=60)
    office.sweep()
    office.act("claim", case_id, lin)
    waiting = next(row for row in rows(office.store.engine, t.outbox) if row.key.startswith("waiting."))
    assert waiting.origin == "bot"
    assert waiting.epoch < office.conversation_of(case_id).epoch


def test_a_person_in_danger_is_spoken_to_before_others(office: Office) -> None:
    office.case_at(Level.EMERGENCY, "one")
    office.danger(office.conversation("two"), Level.LOW, wish="asked_for_person")
    office.clock.forward(minutes=10)
    office.sweep()
    lanes = {row.key: row.lane for row in rows(office.store.engine, t.outbox)}
    assert lanes == {"waiting.emergency_1": 0, "waiting.person": 1}


def test_a_handed_back_person_who_is_in_danger_again_is_called_again(office: Office) -> None:
    conversation_id, lin = office.conversation(), office.counsellor()
    case_id = office.danger(conversation_id, Level.LOW, wish="asked_for_person")
    office.act("claim", case_id, lin)
    office.act("hand_back", case_id, lin)
    office.danger(conversation_id, Level.HIGH)
    case = office.case(case_id)
    assert (case.state, case.owner_id, case.level) == ("new", None, Level.HIGH)
    assert office.ringing(case_id) is not None


def test_a_handed_back_person_may_ask_for_a_person_again(office: Office) -> None:
    conversation_id, lin = office.conversation(), office.counsellor()
    case_id = office.danger(conversation_id, Level.LOW, wish="asked_for_person")
    office.act("claim", case_id, lin)
    office.act("hand_back", case_id, lin)
    assert office.danger(conversation_id, Level.LOW, wish="asked_for_person") == case_id
    assert office.ringing(case_id) is not None


def test_danger_while_a_counsellor_serves_raises_the_case_and_tells_the_desk(office: Office) -> None:
    conversation_id, lin = office.conversation(), office.counsellor()
    case_id = office.danger(conversation_id, Level.MEDIUM)
    office.act("claim", case_id, lin)
    office.danger(conversation_id, Level.EMERGENCY)
    case = office.case(case_id)
    assert (case.level, case.owner_id, case.state) == (Level.EMERGENCY, lin.id, "in_service")
    assert len(office.told("level_raised")) == 1


def test_case_numbers_count_within_the_day_of_shanghai(office: Office) -> None:
    one, two = office.case(office.case_at(Level.HIGH, "one")), office.case(office.case_at(Level.HIGH, "two"))
    office.clock.forward(hours=14)  # midnight in Shanghai
    three = office.case(office.case_at(Level.HIGH, "three"))
    assert [case.case_no[:-1] for case in (one, two, three)] == [
        "local-20261201-0001", "local-20261201-0002", "local-20261202-0001",
    ]  # fmt: skip


def test_lateness_counts_from_the_promise(office: Office) -> None:
    case_id = office.case_at(Level.EMERGENCY)
    alert = office.ringing(case_id)
    assert alert is not None
    assert overdue_s(alert, office.alarm.clocks, raised_at(office, case_id)) == -60
    assert overdue_s(alert, office.alarm.clocks, office.clock.forward(seconds=90)) == 30


def silent_since_now(office: Office, level: Level) -> str:
    """A visitor who was heard at this level, wrote last now, and whom nobody has claimed yet."""
    conversation_id = office.conversation()
    case_id = office.danger(conversation_id, level)

    def work(connection: sa.Connection) -> None:
        office.store.conversations.remember(connection, conversation_id, Memory(level=level).to_dict(), level)
        office.store.conversations.change(connection, conversation_id, last_message_at=office.clock())

    do(office.writer, work)
    return case_id


def test_silence_after_our_question_about_danger_is_high(office: Office) -> None:
    case_id = silent_since_now(office, Level.MEDIUM)
    for _ in range(4):
        office.clock.forward(seconds=200)
        office.sweep()
    assert office.case(case_id).level == Level.HIGH
    assert office.conversation_of(case_id).level == Level.HIGH
    told = json.loads(office.changes(case_id)[-1]["evidence"])
    assert told == ["memory.silence"]


def test_silence_is_not_heeded_while_a_person_has_the_case(office: Office) -> None:
    case_id = silent_since_now(office, Level.MEDIUM)
    office.act("claim", case_id, office.counsellor())
    office.clock.forward(seconds=3600)
    office.sweep()
    assert office.case(case_id).level == Level.MEDIUM


def test_silence_of_someone_who_only_asked_for_a_person_raises_nothing(office: Office) -> None:
    case_id = silent_since_now(office, Level.LOW)
    office.clock.forward(seconds=3600)
    office.sweep()
    assert office.case(case_id).level == Level.LOW
