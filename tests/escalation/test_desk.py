"""What counsellors do with cases, each action in one transaction on both databases."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
import sqlalchemy as sa

from escalation.cases import NoSuchCase, NotAllowed, SomebodyElse
from records import tables as t
from records.staff import first_broken
from records.writer import Writer
from tests.building import do, rows
from tests.escalation.conftest import Office
from triage.risk import Level

RECORD = ("calmed", "谈了睡眠，约定周五再谈")


def test_a_claim_silences_the_bot_and_tells_the_person_who_is_there(office: Office) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor("lin")
    before = office.conversation_of(case_id).epoch
    office.act("claim", case_id, lin)
    case, conversation = office.case(case_id), office.conversation_of(case_id)
    assert (case.state, case.owner_id, case.claimed_at) == ("in_service", lin.id, office.clock())
    assert (conversation.owner_id, conversation.epoch) == (lin.id, before + 1)
    assert office.said(case_id) == ["handover.person_joined"]


def test_the_alert_remembers_who_answered_it(office: Office) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()
    office.clock.forward(seconds=30)
    office.act("claim", case_id, lin)
    (alert,) = rows(office.store.engine, t.alert)
    assert (alert.state, alert.answered_by, alert.answered_at) == ("answered", lin.id, office.clock())


def test_of_fifty_counsellors_who_claim_at_once_exactly_one_wins(office: Office) -> None:
    case_id = office.case_at(Level.EMERGENCY)
    people = [office.counsellor(f"c{number}") for number in range(50)]
    line, won, lost = threading.Barrier(len(people)), [], Counter[type[BaseException]]()
    writers = [Writer(office.store.engine, threads=8), office.writer]  # as two processes would

    def rush(number: int) -> None:
        line.wait(20)
        who = people[number]
        try:
            do(writers[number % 2], lambda connection: office.desk.claim(connection, case_id, who, office.clock()))
            won.append(who.id)
        except Exception as error:  # counted below: only SomebodyElse is a good reason to lose
            lost[type(error)] += 1

    threads = [threading.Thread(target=rush, args=(number,)) for number in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    writers[0].close()
    assert len(won) == 1
    assert lost == {SomebodyElse: 49}
    assert office.case(case_id).owner_id == office.conversation_of(case_id).owner_id == won[0]
    assert office.said(case_id) == ["handover.person_joined"]
    assert len(office.audited("claimed")) == 1


def test_who_comes_second_is_told_and_changes_nothing(office: Office) -> None:
    case_id, lin, wang = office.case_at(Level.HIGH), office.counsellor("lin"), office.counsellor("wang")
    office.act("claim", case_id, lin)
    before = office.case(case_id)
    with pytest.raises(SomebodyElse):
        office.act("claim", case_id, wang)
    assert office.case(case_id) == before


def test_an_unknown_case_is_no_case(office: Office) -> None:
    with pytest.raises(NoSuchCase):
        office.act("claim", "0" * 32, office.counsellor())


def test_a_reply_goes_out_first_and_the_first_word_is_timed_once(office: Office) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()
    office.act("claim", case_id, lin)
    first = office.clock.forward(seconds=5)
    office.act("reply", case_id, lin, "我是林老师，我在", "a" * 32)
    office.clock.forward(seconds=5)
    office.act("reply", case_id, lin, "您现在安全吗", "b" * 32)
    said = [row for row in rows(office.store.engine, t.outbox) if row.origin == "counsellor"]
    assert {(row.lane, row.origin_id) for row in said} == {(0, lin.id)}
    assert len(said) == 2
    assert office.case(case_id).first_word_at == first


def test_a_repeated_reply_is_said_once(office: Office) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()
    office.act("claim", case_id, lin)
    for _ in range(3):
        office.act("reply", case_id, lin, "我在", "a" * 32)
    assert office.said(case_id) == ["handover.person_joined", "plain"]


@pytest.mark.parametrize("text", ["", "  \n", "长" * 4001])
def test_a_reply_that_is_empty_or_too_long_is_refused(office: Office, text: str) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()
    office.act("claim", case_id, lin)
    with pytest.raises(NotAllowed):
        office.act("reply", case_id, lin, text, "a" * 32)
    assert office.said(case_id) == ["handover.person_joined"]


@pytest.mark.parametrize(("action", "arguments"), [("reply", ("我在", "a" * 32)), ("release", ()), ("hand_back", ())])
def test_only_the_owner_speaks_and_hands_over(office: Office, action: str, arguments: tuple[str, ...]) -> None:
    case_id, lin, wang = office.case_at(Level.LOW), office.counsellor("lin"), office.counsellor("wang", "supervisor")
    with pytest.raises(NotAllowed):
        office.act(action, case_id, lin, *arguments)  # nobody owns it yet
    office.act("claim", case_id, lin)
    with pytest.raises(NotAllowed):
        office.act(action, case_id, wang, *arguments)


def test_a_released_case_rings_again_and_the_person_is_told(office: Office) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()
    office.act("claim", case_id, lin)
    claimed = office.conversation_of(case_id).epoch
    office.clock.forward(seconds=300)
    office.act("release", case_id, lin)
    case, alert, conversation = office.case(case_id), office.ringing(case_id), office.conversation_of(case_id)
    assert (case.state, case.owner_id) == ("new", None)
    assert alert is not None
    assert (alert.level, alert.step, alert.raised_at) == (Level.HIGH, 0, office.clock())
    assert (conversation.owner_id, conversation.epoch) == (None, claimed + 1)
    assert office.said(case_id) == ["handover.person_joined", "handover.back_to_queue"]


def test_a_released_case_can_be_claimed_by_another(office: Office) -> None:
    case_id, lin, wang = office.case_at(Level.HIGH), office.counsellor("lin"), office.counsellor("wang")
    for who in (lin, wang):
        office.act("claim", case_id, who)
        office.act("release", case_id, who)
    office.act("claim", case_id, wang)
    assert office.case(case_id).owner_id == wang.id


@pytest.mark.parametrize("level", [level for level in Level if level >= Level.MEDIUM])
def test_a_person_in_danger_is_not_handed_back_to_the_bot(office: Office, level: Level) -> None:
    case_id, lin = office.case_at(level), office.counsellor()
    office.act("claim", case_id, lin)
    with pytest.raises(NotAllowed):
        office.act("hand_back", case_id, lin)
    assert office.conversation_of(case_id).owner_id == lin.id


def test_handing_back_lets_the_bot_speak_and_says_so(office: Office) -> None:
    case_id, lin = office.case_at(Level.LOW), office.counsellor()
    office.act("claim", case_id, lin)
    office.act("hand_back", case_id, lin)
    conversation = office.conversation_of(case_id)
    assert (office.case(case_id).state, conversation.owner_id, conversation.epoch) == ("waiting_user", None, 2)
    assert office.said(case_id)[-1] == "handover.back_to_bot"


def test_closing_keeps_the_record_sealed_and_gives_the_conversation_back(office: Office) -> None:
    case_id, lin = office.case_at(Level.MEDIUM), office.counsellor()
    office.act("claim", case_id, lin)
    office.act("close", case_id, lin, *RECORD)
    case, conversation = office.case(case_id), office.conversation_of(case_id)
    assert (case.state, case.disposition, case.summary) == ("follow_up", *RECORD)
    assert (conversation.owner_id, conversation.level) == (None, Level.LOW)
    (row,) = rows(office.store.engine, t.case_record)
    assert RECORD[1].encode() not in row.summary_sealed
    assert office.said(case_id)[-1] == "handover.closed"


@pytest.mark.parametrize("level", [Level.HIGH, Level.EMERGENCY])
def test_orange_and_red_are_closed_by_a_supervisor(office: Office, level: Level) -> None:
    case_id, lin, chief = office.case_at(level), office.counsellor("lin"), office.counsellor("chief", "supervisor")
    office.act("claim", case_id, lin)
    with pytest.raises(NotAllowed):
        office.act("close", case_id, lin, *RECORD)
    office.act("close", case_id, chief, *RECORD)
    assert office.case(case_id).state == "follow_up"


def test_a_case_of_another_counsellor_is_not_closed(office: Office) -> None:
    case_id, lin, wang = office.case_at(Level.LOW), office.counsellor("lin"), office.counsellor("wang")
    office.act("claim", case_id, lin)
    with pytest.raises(NotAllowed):
        office.act("close", case_id, wang, *RECORD)


def test_nobody_closes_a_case_that_nobody_has_had(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.act("close", office.case_at(Level.HIGH), office.counsellor("chief", "supervisor"), *RECORD)


@pytest.mark.parametrize("action", ["claim", "reply", "release", "hand_back", "set_level", "close"])
def test_nothing_is_done_to_a_closed_case(office: Office, action: str) -> None:
    case_id, lin = office.case_at(Level.LOW), office.counsellor()
    office.act("claim", case_id, lin)
    office.act("close", case_id, lin, *RECORD)
    arguments = {"reply": ("我在", "a" * 32), "set_level": (Level.HIGH, "理由"), "close": RECORD}.get(action, ())
    before = office.case(case_id)
    with pytest.raises(NotAllowed):
        office.act(action, case_id, lin, *arguments)
    assert office.case(case_id) == before


def test_a_proposal_ends_with_its_case(office: Office) -> None:
    case_id, lin, chief = office.case_at(Level.HIGH), office.counsellor("lin"), office.counsellor("chief", "supervisor")
    office.act("claim", case_id, lin)
    office.act("set_level", case_id, lin, Level.LOW, "已确认是歌词")
    office.act("close", case_id, chief, "mistaken", RECORD[1])
    before = office.case(case_id)
    with pytest.raises(NotAllowed):
        office.act("decide_lowering", case_id, chief, agree=True)
    assert office.case(case_id) == before


def test_a_refused_action_leaves_no_trace(office: Office) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()
    before = [len(rows(office.store.engine, table)) for table in (t.audit, t.event, t.outbox, t.level_change)]
    with pytest.raises(NotAllowed):
        office.act("set_level", case_id, lin, Level.LOW, "  ")
    after = [len(rows(office.store.engine, table)) for table in (t.audit, t.event, t.outbox, t.level_change)]
    assert after == before


def test_a_note_is_sealed_and_never_sent(office: Office) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()
    office.act("note", case_id, lin, "母亲在身边")
    (note,) = rows(office.store.engine, t.note)
    assert "母亲".encode() not in note.body_sealed
    assert office.said(case_id) == []
    with office.store.engine.connect() as connection:
        assert [n["body"] for n in office.store.cases.notes(connection, case_id)] == ["母亲在身边"]


def test_every_deed_and_every_view_is_in_an_unbroken_audit(office: Office) -> None:
    case_id, lin, chief = office.case_at(Level.HIGH), office.counsellor("lin"), office.counsellor("chief", "supervisor")
    for action, arguments in (
        ("look", ()), ("claim", ()), ("note", ("备注",)), ("set_level", (Level.LOW, "理由")), ("release", ()),
    ):  # fmt: skip
        office.act(action, case_id, lin, *arguments)
    office.act("decide_lowering", case_id, chief, agree=True)
    office.act("claim", case_id, chief)
    office.act("hand_back", case_id, chief)
    office.act("close", case_id, chief, *RECORD)
    with office.store.engine.connect() as connection:
        audit = list(office.store.staff.audit_rows(connection))
    assert [(row.action, row.actor_id) for row in audit] == [
        ("case_view", lin.id), ("claimed", lin.id), ("noted", lin.id), ("level_proposed", lin.id),
        ("released", lin.id), ("level_confirmed", chief.id), ("claimed", chief.id), ("handed_back", chief.id),
        ("closed", chief.id),
    ]  # fmt: skip
    assert {row.object_id for row in audit} == {case_id}
    assert first_broken(audit) is None


def test_a_stale_page_does_not_overwrite_what_another_changed(office: Office) -> None:
    case_id = office.case_at(Level.HIGH)
    stale = office.case(case_id)
    office.act("set_level", case_id, office.counsellor(), Level.EMERGENCY, "已服药")

    def overwrite(connection: sa.Connection) -> bool:
        return office.store.cases.change(connection, stale, level=int(Level.NONE))

    assert do(office.writer, overwrite) is False
    assert office.case(case_id).level == Level.EMERGENCY
