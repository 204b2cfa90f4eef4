"""A complaint by a word in the chat: registered beside screening and alarm, never instead of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from records import tables as t
from tests.building import (
    CRISIS,
    EMERGENCY,
    LOW,
    SMALL_TALK,
    Clock,
    counsellor,
    deliver,
    do,
    greeted,
    heard,
    keys_said,
    rows,
    say,
)
from tests.escalation.guard import MADE
from triage.risk import Level
from wiring import Service

pytestmark = pytest.mark.anyio
WORD = "我要投诉"


def complaints(service: Service) -> list[Any]:
    return rows(service.store.engine, t.matter, kind="complaint")


def case_of(service: Service, chat: str) -> Any:
    return rows(service.store.engine, t.case_record, conversation_id=chat)[0]


@pytest.mark.parametrize("word", [WORD, "投诉！", "我要投訴", "我要投诉刚才的老师，他说我矫情"])
async def test_a_complaint_is_registered_with_its_words_and_a_clock(service: Service, word: str) -> None:
    chat = greeted(service)
    await say(service, chat, word)
    (made,) = complaints(service)
    with service.store.engine.connect() as connection:
        matter = service.store.matters.get(connection, made.id)
        (clock,) = service.store.matters.clocks(connection, made.id)
        assert matter is not None
        message = service.store.conversations.message(connection, matter.form["messages"][0])
    assert message is not None
    assert message.body == word
    assert clock.due_at == service.now() + timedelta(hours=24)
    assert (made.made_by, made.case_id) == (None, case_of(service, chat).id)


async def test_the_person_hears_who_looks_at_it_and_until_when_and_nothing_else(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, WORD)
    await deliver(service)
    (told,) = heard(service, chat)
    assert "24小时内" in told.body
    assert "不由被投诉的人自己处理" in told.body


@pytest.mark.parametrize("text", ["我要投诉医院", "我要投诉老师打人", "怎么投诉物业", SMALL_TALK])
async def test_what_is_not_about_us_is_a_question(service: Service, text: str) -> None:
    await say(service, greeted(service), text)
    assert complaints(service) == []


async def test_people_are_called_as_for_a_person(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, WORD)
    assert case_of(service, chat).wish == "asked_for_person"
    assert len(rows(service.store.engine, t.alert, case_id=case_of(service, chat).id, state="ringing")) == 1


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("我要投诉你们，我已经写好遗书，今晚就跳楼", Level.HIGH),
        ("我要投诉你们，没有人理我，我刚刚吞了一瓶安眠药", Level.EMERGENCY),
    ],
)
async def test_danger_in_a_complaint_alarms_as_always(service: Service, text: str, least: Level) -> None:
    chat = greeted(service)
    await say(service, chat, text)
    keys = keys_said(service, chat)
    assert case_of(service, chat).level >= least
    assert case_of(service, chat).wish == "risk"
    assert keys[0].startswith("safety.")
    assert "complaint.taken" in keys
    assert len(complaints(service)) == 1


@pytest.mark.parametrize("before", [CRISIS, EMERGENCY])
async def test_a_complaint_of_somebody_in_danger_silences_nothing(service: Service, clock: Clock, before: str) -> None:
    plain, angry = greeted(service, "plain"), greeted(service, "angry")
    for chat in (plain, angry):
        await say(service, chat, before, f"1{chat}")
    clock.forward(seconds=5)
    await say(service, angry, WORD)
    assert case_of(service, angry).level == case_of(service, plain).level
    alerts = rows(service.store.engine, t.alert, state="ringing")
    assert {alert.case_id for alert in alerts} == {case_of(service, plain).id, case_of(service, angry).id}


async def test_the_question_about_danger_is_asked_all_the_same(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, "我要投诉你们，" + LOW)
    assert {"complaint.taken", "safety.low"} <= set(keys_said(service, chat))


async def test_the_counsellor_who_serves_is_kept_out_and_the_person_hears_that(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, "转人工")
    lin = counsellor(service.store, service.writer)
    do(service.writer, lambda c: service.desk.claim(c, case_of(service, chat).id, lin, service.now()))
    await say(service, chat, WORD)
    (made,) = complaints(service)
    assert lin.id in made.about
    await deliver(service)
    assert any("不由被投诉的人自己处理" in message.body for message in heard(service, chat, "system"))


async def test_the_same_complaint_is_kept_once_and_answered_once_a_minute(service: Service, clock: Clock) -> None:
    chat = greeted(service)
    for number in range(3):
        await say(service, chat, WORD, f"m{number}")
    assert len(complaints(service)) == 1
    assert keys_said(service, chat) == ["complaint.taken", "complaint.again"]
    clock.forward(minutes=2)
    await say(service, chat, WORD, "m9")
    assert keys_said(service, chat)[-1] == "complaint.again"


async def test_a_complaint_that_a_counsellor_entered_stands_in_nobodys_way(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, "转人工")
    lin, other = counsellor(service.store, service.writer), counsellor(service.store, service.writer, "other")
    case_id, desk, now = case_of(service, chat).id, service.desks.safeguarding, service.now()
    do(service.writer, lambda c: service.desk.claim(c, case_id, lin, now))
    form = {**MADE["complaint"], f"about:{other.id}": "yes"}
    do(service.writer, lambda c: desk.make(c, "complaint", case_id, lin, form, now))
    await say(service, chat, WORD)
    (by_the_person,) = [made for made in complaints(service) if made.made_by is None]
    assert lin.id in by_the_person.about


async def test_whoever_is_blocked_may_complain(service: Service) -> None:
    chat = greeted(service)
    contact_id, now = str(rows(service.store.engine, t.conversation, id=chat)[0].contact_id), service.now()
    do(service.writer, lambda c: service.store.contacts.change(c, contact_id, blocked_at=now))
    await say(service, chat, WORD)
    assert len(complaints(service)) == 1
