"""What is no referral: numbers that were only named, and people whom others send to us."""

from __future__ import annotations

from typing import Any

import pytest

from escalation.cases import NoSuchCase, NotAllowed
from records import tables as t
from tests.building import rows
from tests.escalation.bureau import Bureau

SENT = {"sender": "演示中学王老师 000-1234", "person": "高二学生小陈，微信联系", "why": "老师说他几天没睡"}


def arrive(bureau: Bureau, case_no: str = "", **changes: str) -> None:
    form: dict[str, Any] = {"source": "school", **SENT, **changes}
    source, now = form.pop("source"), bureau.office.clock()
    bureau.do(lambda c: bureau.referrals.pointers.arrive(c, bureau.lin, source, form, now, case_no=case_no))


def name(bureau: Bureau, case_id: str, place: str = "", words: str = "给了12356") -> None:
    now = bureau.office.clock()
    bureau.do(lambda c: bureau.referrals.pointers.name(c, case_id, bureau.lin, place, words, now))


def expected(bureau: Bureau) -> list[Any]:
    with bureau.office.store.engine.connect() as connection:
        return bureau.office.store.pointers.expected(connection)


def test_a_named_number_is_kept_sealed_and_is_no_referral(bureau: Bureau) -> None:
    case_id = bureau.case()
    name(bureau, case_id, bureau.institution())
    assert rows(bureau.office.store.engine, t.referral) == []
    (row,) = rows(bureau.office.store.engine, t.information_given)
    assert b"12356" not in row.words_sealed
    with bureau.office.store.engine.connect() as connection:
        (named,) = bureau.office.store.pointers.named(connection, case_id)
    assert (named.words, named.by_id) == ("给了12356", bureau.lin.id)
    assert len(bureau.office.told("information_given")) == 1


@pytest.mark.parametrize(("place", "words"), [("", " "), ("", "x" * 1001), ("nowhere", "给了12356")])
def test_nothing_is_named_without_words_or_at_a_place_that_is_not(bureau: Bureau, place: str, words: str) -> None:
    case_id = bureau.case()
    with pytest.raises(NotAllowed):
        name(bureau, case_id, place, words)


def test_in_a_case_that_is_not_nothing_is_named(bureau: Bureau) -> None:
    with pytest.raises(NoSuchCase):
        name(bureau, "nobody")


def test_who_was_sent_to_us_waits_until_somebody_looked_after_them(bureau: Bureau) -> None:
    arrive(bureau)
    (one,) = expected(bureau)
    assert (dict(one.words), one.source, one.case_id) == (SENT, "school", None)
    assert SENT["person"] not in str(rows(bureau.office.store.engine, t.incoming_referral))
    now = bureau.office.clock()
    bureau.do(lambda c: bureau.referrals.pointers.settle(c, one.id, bureau.zhao, "电话联系上，约了明天", now))
    assert expected(bureau) == []
    with pytest.raises(NotAllowed, match="已经处理过"):
        bureau.do(lambda c: bureau.referrals.pointers.settle(c, one.id, bureau.zhao, "再联系一次", now))


def test_with_a_case_they_are_here_already(bureau: Bureau) -> None:
    case_id = bureau.case()
    arrive(bureau, bureau.office.case(case_id).case_no)
    assert expected(bureau) == []
    with bureau.office.store.engine.connect() as connection:
        (one,) = bureau.office.store.pointers.incoming_of(connection, case_id)
    assert one.case_id == case_id
    assert [event.case_id for event in bureau.office.told("incoming_referral")] == [case_id]


@pytest.mark.parametrize("changes", [{"source": "moon"}, {"person": ""}, {"why": " "}, {"case_no": "local-1"}])
def test_an_arrival_that_cannot_be_understood_is_refused(bureau: Bureau, changes: dict[str, str]) -> None:
    with pytest.raises(NotAllowed):
        arrive(bureau, **changes)
    assert expected(bureau) == []
