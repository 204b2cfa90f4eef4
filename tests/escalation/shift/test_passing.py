"""Transfers: nothing moves before the answer, everything at once with it; and what the person was promised."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import pytest

from escalation.cases import NotAllowed
from records import tables as t
from records.transfers import Summary
from tests.building import do, rows
from tests.escalation.shift.conftest import SUMMARY, Ward
from triage.risk import Level


def state(ward: Ward, transfer_id: str) -> str:
    (row,) = rows(ward.office.store.engine, t.transfer, id=transfer_id)
    return str(row.state)


def test_the_owner_keeps_the_case_until_the_colleague_accepts(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.HIGH, lin)
    transfer_id = ward.asked(case_id, lin, zhang)
    assert ward.owner(case_id) == lin.id
    ward.says(case_id, lin)
    epoch = ward.office.conversation_of(case_id).epoch
    ward.act("passing", "accept", transfer_id, zhang)
    assert ward.owner(case_id) == zhang.id
    assert ward.office.conversation_of(case_id).epoch == epoch + 1
    assert state(ward, transfer_id) == "accepted"
    assert ward.office.said(case_id)[-1] == "handover.person_changed"
    assert ward.office.case(case_id).state == "in_service"


def test_what_was_promised_is_kept_for_the_next(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.HIGH, lin)
    ward.act("passing", "accept", ward.asked(case_id, lin, zhang), zhang)
    (promise,) = do(ward.office.writer, lambda c: ward.office.store.asides.promises(c, case_id))
    assert (promise.text, promise.by_id) == (SUMMARY.promised, lin.id)
    ward.act("passing", "keep", case_id, zhang, promise.id)
    assert do(ward.office.writer, lambda c: ward.office.store.asides.open_promises(c)) == []
    with pytest.raises(NotAllowed):
        ward.act("passing", "keep", case_id, zhang, promise.id)


def test_the_summary_and_reasons_are_sealed(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.HIGH, lin)
    transfer_id = ward.asked(case_id, lin, zhang)
    ward.act("passing", "decline", transfer_id, zhang, "正在处理红色个案")
    (row,) = rows(ward.office.store.engine, t.transfer)
    for sealed, words in ((row.said_sealed, SUMMARY.said), (row.reason_sealed, "正在处理红色个案")):
        assert words.encode() not in sealed
    found = do(ward.office.writer, lambda c: ward.office.store.transfers.get(c, transfer_id))
    assert found is not None
    assert (found.summary, found.reason) == (SUMMARY, "正在处理红色个案")


@pytest.mark.parametrize("part", ["said", "promised", "next"])
@pytest.mark.parametrize("words", ["", " ", "长" * 2001])
def test_every_part_of_the_summary_is_needed(ward: Ward, part: str, words: str) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.HIGH, lin)
    with pytest.raises(NotAllowed):
        ward.act("passing", "ask", case_id, lin, zhang.id, replace(SUMMARY, **{part: words}))


def test_nothing_promised_may_be_said_in_one_word(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.HIGH, lin)
    ward.act("passing", "ask", case_id, lin, zhang.id, Summary("失恋后三天没睡", "无", "继续陪伴"))
    (asked,) = rows(ward.office.store.engine, t.transfer)
    ward.act("passing", "accept", asked.id, zhang)
    assert do(ward.office.writer, lambda c: ward.office.store.asides.promises(c, case_id)) == []


def test_only_a_colleague_who_is_here_and_may_have_it_is_asked(ward: Ward) -> None:
    lin, xiao, gone = ward.here("lin"), ward.here("xiao", "volunteer"), ward.office.counsellor("gone")
    away = ward.here("away")
    ward.duty(away, "away")
    case_id = ward.served(Level.HIGH, lin)
    for to_id in (lin.id, xiao.id, gone.id, away.id, "nobody"):
        with pytest.raises(NotAllowed):
            ward.act("passing", "ask", case_id, lin, to_id, SUMMARY)
    with pytest.raises(NotAllowed):
        ward.act("passing", "ask", case_id, gone, lin.id, SUMMARY)  # not the owner


def test_one_request_at_a_time_and_it_may_be_withdrawn(ward: Ward) -> None:
    lin, zhang, wang = ward.here("lin"), ward.here("zhang"), ward.here("wang")
    case_id = ward.served(Level.HIGH, lin)
    first = ward.asked(case_id, lin, zhang)
    with pytest.raises(NotAllowed, match="先撤回"):
        ward.act("passing", "ask", case_id, lin, wang.id, SUMMARY)
    ward.act("passing", "withdraw", case_id, lin)
    with pytest.raises(NotAllowed, match="已撤回"):
        ward.act("passing", "accept", first, zhang)
    ward.act("passing", "accept", ward.asked(case_id, lin, wang), wang)
    assert ward.owner(case_id) == wang.id


def test_a_refusal_needs_its_reason_and_the_owner_hears_it(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.HIGH, lin)
    transfer_id = ward.asked(case_id, lin, zhang)
    with pytest.raises(NotAllowed):
        ward.act("passing", "decline", transfer_id, zhang, " ")
    ward.act("passing", "decline", transfer_id, zhang, "手上有红色个案")
    assert ward.owner(case_id) == lin.id
    (told,) = ward.office.told("transfer_declined")
    assert lin.id in told.data


@pytest.mark.parametrize(("level", "seconds"), [(Level.EMERGENCY, 60), (Level.HIGH, 60), (Level.MEDIUM, 180)])
def test_a_request_without_answer_runs_out_and_the_owner_keeps_the_case(ward: Ward, level: Level, seconds: int) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(level, lin)
    transfer_id = ward.asked(case_id, lin, zhang)
    ward.wait(seconds - 5, lin, zhang)
    assert state(ward, transfer_id) == "asked"
    ward.wait(5, lin, zhang)
    assert state(ward, transfer_id) == "expired"
    assert ward.owner(case_id) == lin.id
    with pytest.raises(NotAllowed):
        ward.act("passing", "accept", transfer_id, zhang)
    (told,) = ward.office.told("transfer_expired")
    assert lin.id in told.data


def test_late_by_a_moment_is_late_even_before_the_sweep(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    case_id = ward.served(Level.HIGH, lin)
    transfer_id = ward.asked(case_id, lin, zhang)
    ward.office.clock.forward(seconds=60)
    with pytest.raises(NotAllowed, match="答复时间"):
        ward.act("passing", "accept", transfer_id, zhang)


def test_a_request_about_a_case_that_moved_on_is_void(ward: Ward) -> None:
    lin, zhang, chief = ward.here("lin"), ward.here("zhang"), ward.here("chief", "supervisor")
    case_id = ward.served(Level.HIGH, lin)
    transfer_id = ward.asked(case_id, lin, zhang)
    ward.act("guiding", "take_over", case_id, chief, "需要督导亲自陪")
    with pytest.raises(NotAllowed, match="换了人"):
        ward.act("passing", "accept", transfer_id, zhang)
    ward.wait(60)
    assert state(ward, transfer_id) == "void"


def test_nobody_else_answers_for_a_colleague(ward: Ward) -> None:
    lin, zhang, wang = ward.here("lin"), ward.here("zhang"), ward.here("wang")
    transfer_id = ward.asked(ward.served(Level.HIGH, lin), lin, zhang)
    for action, arguments in (("accept", ()), ("decline", ("我替他说",))):
        with pytest.raises(NotAllowed):
            ward.act("passing", action, transfer_id, wang, *arguments)


def test_two_who_take_the_same_case_at_once_have_one_winner(ward: Ward, race_rounds: int) -> None:
    """One accepts, one takes over from the silent owner, again and again; each time exactly one gets it."""
    lin, zhang, wang = ward.here("lin"), ward.here("zhang"), ward.here("wang")
    for number in range(race_rounds):
        case_id = ward.served(Level.HIGH, lin, f"person-{number}")
        stint = ward.stint(case_id)
        assert stint is not None
        called = {"warned_at": ward.office.clock(), "called_at": ward.office.clock()}
        do(ward.office.writer, lambda c, i=stint.id, v=called: ward.office.store.stints.change(c, i, **v))
        transfer_id = ward.asked(case_id, lin, zhang)
        line, ends = threading.Barrier(2), Counter[str]()

        def rush(name: str, desk: str, action: str, *arguments: object, line: threading.Barrier = line,
                 ends: Counter[str] = ends) -> None:  # fmt: skip
            line.wait(20)
            try:
                ward.act(desk, action, *arguments)
                ends[f"won {name}"] += 1
            except Exception as error:
                ends[type(error).__name__] += 1

        threads = [
            threading.Thread(target=rush, args=("zhang", "passing", "accept", transfer_id, zhang)),
            threading.Thread(target=rush, args=("wang", "watch", "take_over", case_id, wang)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        won = [name for name in ends if name.startswith("won")]
        assert (len(won), sum(ends.values())) == (1, 2), ends
        assert set(ends) - set(won) <= {"NotAllowed", "SomebodyElse"}
        assert ward.owner(case_id) == (zhang.id if won == ["won zhang"] else wang.id)
        assert ward.office.said(case_id).count("handover.person_changed") == 1
        ward.office.act("release", case_id, zhang if won == ["won zhang"] else wang)
