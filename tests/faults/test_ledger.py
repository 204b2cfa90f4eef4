"""The checker of the kill -9 trials can fail: each kind of fault, fed to it, is found and named."""

from __future__ import annotations

import pytest

from tests.faults.ledger import (
    Acknowledged,
    Entry,
    Findings,
    Kept,
    check_answers,
    check_case,
    check_messages,
    check_screen,
)

SENT = {"a": "甲", "b": "乙", "c": "丙"}
GOOD = (Kept(1, "bot", "您好"), Kept(2, "visitor", "甲"), Kept(3, "visitor", "乙"), Kept(4, "visitor", "丙"))


def entry(*numbers: int) -> Entry:
    acks = [Acknowledged(name, text, seq) for (name, text), seq in zip(SENT.items(), numbers, strict=True)]
    return Entry("k1", dict(SENT), acks)


def test_a_true_ledger_has_no_faults() -> None:
    found = check_messages(entry(2, 3, 4), GOOD)
    assert (found.acknowledged, found.faults) == (3, ())


def test_a_repeated_delivery_counts_as_one_message() -> None:
    ledger = entry(2, 3, 4)
    ledger.acknowledged.append(Acknowledged("b", "乙", 3))
    found = check_messages(ledger, GOOD)
    assert (found.acknowledged, found.faults) == (3, ())


def test_a_message_stored_but_never_acknowledged_is_no_fault() -> None:
    ledger = entry(2, 3, 4)
    ledger.acknowledged.pop()
    assert check_messages(ledger, GOOD).faults == ()


def test_a_lost_message_is_found() -> None:
    found = check_messages(entry(2, 3, 4), GOOD[:3])
    assert found.lost == ("k1: c was acknowledged and is not stored",)


def test_a_refusal_counts_as_a_loss() -> None:
    ledger = entry(2, 3, 4)
    ledger.refused.append("d was refused with 401")
    assert check_messages(ledger, GOOD).lost == ("k1: d was refused with 401",)


def test_a_duplicate_is_found() -> None:
    found = check_messages(entry(2, 3, 4), (*GOOD, Kept(5, "visitor", "乙")))
    assert found.duplicated == ("k1: '乙' is stored 2 times",)


def test_a_message_that_nobody_sent_is_found() -> None:
    found = check_messages(entry(2, 3, 4), (*GOOD, Kept(5, "visitor", "丁")))
    assert found.duplicated == ("k1: '丁' was never sent",)


def test_swapped_messages_are_found() -> None:
    swapped = (GOOD[0], Kept(2, "visitor", "乙"), Kept(3, "visitor", "甲"), GOOD[3])
    assert len(check_messages(entry(2, 3, 4), swapped).disordered) == 2


def test_acknowledgements_against_the_order_of_sending_are_found() -> None:
    swapped = (GOOD[0], Kept(2, "visitor", "乙"), Kept(3, "visitor", "甲"), GOOD[3])
    found = check_messages(entry(3, 2, 4), swapped)
    assert found.disordered == ("k1: not in the order of sending",)


def test_a_gap_in_the_numbers_is_found() -> None:
    found = check_messages(entry(2, 3, 5), (*GOOD[:3], Kept(5, "visitor", "丙")))
    assert found.disordered == ("k1: the numbers are not 1..4",)


def test_one_message_acknowledged_under_two_numbers_is_found() -> None:
    ledger = entry(2, 3, 4)
    ledger.acknowledged.append(Acknowledged("a", "甲", 4))
    assert "k1: a was acknowledged under two numbers" in check_messages(ledger, GOOD).disordered


def test_a_screen_that_misses_a_stored_message_is_found() -> None:
    assert check_screen("k1", GOOD, GOOD) == Findings()
    assert check_screen("k1", GOOD[:3], GOOD).lost == ("k1: the visitor sees 3 messages, 4 are stored",)


@pytest.mark.parametrize("counts", [(0, 1, 1), (2, 1, 1), (1, 0, 1), (1, 2, 1), (1, 1, 0), (1, 1, 2)])
def test_anything_but_one_case_one_alert_and_one_safety_reply_is_found(counts: tuple[int, int, int]) -> None:
    assert len(check_case("k1", *counts).cases_wrong) == 1


def test_one_case_one_alert_and_one_safety_reply_are_right() -> None:
    assert check_case("k1", 1, 1, 1) == Findings()


@pytest.mark.parametrize("answers", [2, 4])
def test_a_missing_or_second_answer_is_found(answers: int) -> None:
    said = [Kept(5 + n, "bot", "答") for n in range(answers)]
    assert len(check_answers(entry(2, 3, 4), (*GOOD, *said)).answers_wrong) == 1
