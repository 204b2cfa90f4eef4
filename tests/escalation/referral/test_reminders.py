"""What falls due: a task for somebody, once, until it is answered; a restart forgets nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from escalation.cases import NotAllowed
from records import tables as t
from tests.building import rows
from tests.escalation.bureau import Bureau

LATE = {"now": timedelta(minutes=30), "day": timedelta(hours=4), "week": timedelta(days=2), "usual": timedelta(days=2)}


def settle(bureau: Bureau, referral_id: str, kind: str, note: str = "打了电话没人接，半小时后再打") -> None:
    task = bureau.tasks(referral_id)[kind]
    now = bureau.office.clock()
    bureau.do(lambda c: bureau.referrals.desk.settle_task(c, task.id, bureau.lin, note, now))


@pytest.mark.parametrize("urgency", sorted(LATE))
def test_without_a_confirmation_in_time_the_counsellor_phones(bureau: Bureau, urgency: str) -> None:
    referral_id = bureau.sent(urgency=urgency)
    bureau.office.clock.forward(seconds=LATE[urgency].total_seconds() - 1)
    assert (bureau.sweep(), bureau.tasks(referral_id)) == (0, {})
    bureau.office.clock.forward(seconds=1)
    assert bureau.sweep() == 1
    task = bureau.tasks(referral_id)["call_partner"]
    assert task.for_id == bureau.lin.id
    (event,) = bureau.office.told("referral_overdue")
    assert json.loads(event.data) == {"referral": referral_id}
    bureau.office.clock.forward(days=30)
    assert bureau.sweep() == 0


def test_of_a_case_that_nobody_owns_it_is_the_duty_leads(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    bureau.office.act("release", bureau.get(referral_id).case_id, bureau.lin)
    bureau.office.clock.forward(minutes=31)
    bureau.sweep()
    assert bureau.tasks(referral_id)["call_partner"].for_id is None


def test_a_call_in_vain_sets_the_clock_anew(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    for _ in range(2):
        bureau.office.clock.forward(minutes=30)
        assert bureau.sweep() == 1
        settle(bureau, referral_id, "call_partner")
        assert bureau.tasks(referral_id) == {}
    with bureau.office.store.engine.connect() as connection:
        assert len(bureau.office.store.referral_tasks.notes(connection, referral_id)) == 2


def test_an_answer_of_the_partner_does_the_task(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    bureau.office.clock.forward(minutes=30)
    bureau.sweep()
    token, code = bureau.link(referral_id)
    bureau.answer(token, str(bureau.enter(token, code)), "receive", who="急诊李医生")
    assert bureau.tasks(referral_id) == {}
    (row,) = rows(bureau.office.store.engine, t.referral_task)
    assert (row.done_by, row.done_at) == (None, bureau.office.clock())


def test_after_a_week_without_news_somebody_asks_whether_they_arrived(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    bureau.note(referral_id, "accept")
    bureau.office.clock.forward(days=7)
    assert bureau.sweep() == 1
    assert set(bureau.tasks(referral_id)) == {"check_visit"}
    bureau.note(referral_id, "return", attended="unknown", words="科室说查不到")
    assert bureau.tasks(referral_id) == {}
    bureau.office.clock.forward(days=7)
    assert bureau.sweep() == 1
    bureau.note(referral_id, "finish", words="两次都查不到，已转为随访")
    assert (bureau.tasks(referral_id), bureau.get(referral_id).due_at) == ({}, None)


@pytest.mark.parametrize(
    ("action", "detail", "task"),
    [
        ("decline", {"words": "没有床位"}, "choose_other"),
        ("return", {"attended": "no", "words": "没有来"}, "not_arrived"),
    ],
)
def test_bad_news_is_something_to_do_at_once(bureau: Bureau, action: str, detail: dict[str, str], task: str) -> None:
    referral_id = bureau.sent()
    bureau.note(referral_id, action, **detail)
    assert set(bureau.tasks(referral_id)) == {task}
    settle(bureau, referral_id, task, "联系了本人，改去社区")
    assert bureau.tasks(referral_id) == {}


def test_another_referral_of_the_case_answers_a_refusal(bureau: Bureau) -> None:
    case_id, place = bureau.case(), bureau.institution()
    refused = bureau.make(case_id, place)
    bureau.note(refused, "decline", words="没有床位")
    bureau.make(case_id, bureau.institution(name="另一家演示医院"))
    assert bureau.tasks(refused) == {}


def test_a_task_is_not_done_without_a_word_nor_twice(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    bureau.office.clock.forward(minutes=30)
    bureau.sweep()
    task = bureau.tasks(referral_id)["call_partner"]
    with pytest.raises(NotAllowed, match="做了什么"):
        settle(bureau, referral_id, "call_partner", "打了")
    settle(bureau, referral_id, "call_partner")
    now = bureau.office.clock()
    with pytest.raises(NotAllowed, match="已经处理过"):
        bureau.do(lambda c: bureau.referrals.desk.settle_task(c, task.id, bureau.lin, "再打一次电话", now))


def test_a_second_person_decides_and_does_not_note(bureau: Bureau) -> None:
    referral_id = bureau.sent(basis="emergency")
    with pytest.raises(NotAllowed, match="同意"):
        settle(bureau, referral_id, "second_person")


def test_open_are_those_that_somebody_waits_for_or_has_to_look_after(bureau: Bureau) -> None:
    waiting, declined, done, proposed = bureau.sent(), bureau.sent(), bureau.sent(), bureau.sent(basis="emergency")
    bureau.note(declined, "decline", words="没有床位")
    bureau.note(done, "return", attended="yes", words="到了")
    with bureau.office.store.engine.connect() as connection:
        found = {one.id for one in bureau.office.store.referrals.open_ones(connection)}
    assert found == {waiting, declined, proposed}
