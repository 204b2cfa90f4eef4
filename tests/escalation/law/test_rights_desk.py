"""A person's wishes about their own records: kept once, answered into the same conversation, carried out afterwards."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bot.messages import Arrival
from escalation.cases import NotAllowed
from escalation.law.own_copy import as_page
from escalation.law.rights import Outcome
from records import tables as t
from records.consents import Consent
from records.law_requests import Request
from tests.building import CRISIS, LOW, FakeChannel, connect, counsellor, deliver, do, greeted, heard, rows, say
from tests.record_samples import fill_record
from wiring import Service

pytestmark = pytest.mark.anyio
ASKS = {"copy": "我的记录", "correction": "更正我的记录", "deletion": "删除我的记录"}


def officer(service: Service):
    with service.store.engine.connect() as connection:
        found = service.store.staff.by_login(connection, "officer")
    return found or counsellor(service.store, service.writer, "officer", "privacy_officer", "supervisor")


async def asked(service: Service, kind: str, chat: str = "") -> tuple[str, Request]:
    """Somebody asks; returns the conversation and the wish."""
    chat = chat or greeted(service)
    await say(service, chat, ASKS[kind], f"ask {kind}")
    await deliver(service)
    with service.store.engine.connect() as connection:
        (request,) = [one for one in service.store.law_requests.in_state(connection, "open") if one.kind == kind]
    return chat, request


def answer(service: Service, request: Request, words: str = "") -> None:
    who = officer(service)
    do(service.writer, lambda c: service.desks.rights.answer(c, request.id, who, words, service.now()))


def later(service: Service, **parts: float) -> None:
    service.now.forward(**parts)
    do(service.writer, lambda c: service.desks.rights.sweep(c, service.now()))


def state(service: Service, request: Request) -> str:
    return str(rows(service.store.engine, t.law_request, id=request.id)[0].state)


def closed_case(service: Service, chat: str) -> str:
    with service.store.engine.connect() as connection:
        case = service.store.cases.open_case_of(connection, chat)
    assert case is not None
    who = officer(service)
    do(service.writer, lambda c: service.desk.claim(c, case.id, who, service.now()))
    fill_record(service, case.id, who)
    do(service.writer, lambda c: service.desk.close(c, case.id, who, "mistaken", "谈过了，情绪平稳", service.now()))
    return case.id


@pytest.mark.parametrize("kind", ASKS)
async def test_a_wish_gets_a_row_a_clock_and_an_honest_line(service: Service, kind: str) -> None:
    chat, request = await asked(service, kind)
    assert request.due_at == service.desks.rights.rights.due(service.now())
    (line,) = heard(service, chat)
    assert "15个工作日" in line.body
    assert rows(service.store.engine, t.case_record) == []  # nobody is alarmed


async def test_asking_again_makes_no_second_row(service: Service) -> None:
    chat, _ = await asked(service, "deletion")
    await say(service, chat, ASKS["deletion"], "again")
    await deliver(service)
    assert "还在办理" in heard(service, chat)[-1].body
    assert len(rows(service.store.engine, t.law_request)) == 1


async def test_while_a_counsellor_speaks_the_wish_is_kept_and_the_bot_is_silent(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS, "m1")
    with service.store.engine.connect() as connection:
        case = service.store.cases.open_case_of(connection, chat)
    who = officer(service)
    do(service.writer, lambda c: service.desk.claim(c, case.id, who, service.now()))
    await deliver(service)
    before = heard(service, chat, "bot")
    await asked(service, "copy", chat)
    assert heard(service, chat, "bot") == before


async def test_words_about_something_else_are_no_wish(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, "怎么删除我的记录会不会被学校知道", "m1")
    assert rows(service.store.engine, t.law_request) == []


async def test_a_copy_comes_by_a_link_into_the_same_conversation_and_ends(service: Service) -> None:
    chat, request = await asked(service, "copy")
    answer(service, request)
    await deliver(service)
    link = heard(service, chat, "system")[-1].body
    token = link.split("/my-records/")[1].split(" ")[0]
    take = service.store.law_requests.take_copy
    copy = do(service.writer, lambda c: take(c, token, service.now()))
    said = [message["text"] for message in json.loads(copy)["messages"]]
    assert "我的记录" in said
    assert "我的记录" in as_page(copy, {})
    assert do(service.writer, lambda c: take(c, "guess", service.now())) is None
    later(service, hours=72)
    assert do(service.writer, lambda c: take(c, token, service.now())) is None
    assert rows(service.store.engine, t.record_copy) == []


async def test_the_page_of_a_copy_shows_markup_as_text() -> None:
    copy = json.dumps({"made_at": "2026-12-01T02:00:00+00:00", "consents": [], "messages": [
        {"at": "2026-12-01T02:00:00+00:00", "from": "visitor", "kind": "text", "text": "<script>alert(1)</script>"}]})  # fmt: skip
    assert "<script>" not in as_page(copy, {})


async def test_a_correction_is_kept_beside_the_record(service: Service) -> None:
    chat, request = await asked(service, "correction")
    with pytest.raises(NotAllowed):
        answer(service, request, "")
    answer(service, request, "年龄应为二十岁")
    await deliver(service)
    with service.store.engine.connect() as connection:
        found = service.store.law_requests.get(connection, request.id)
    assert found is not None
    assert (found.state, found.answer) == ("done", "年龄应为二十岁")
    assert "更正已经记在" in heard(service, chat)[-1].body


async def test_without_a_case_everything_goes_once_the_answer_had_time_to_arrive(service: Service) -> None:
    chat, request = await asked(service, "deletion")
    answer(service, request)
    await deliver(service)
    assert "全部删除" in heard(service, chat)[-1].body
    later(service, hours=23)
    assert rows(service.store.engine, t.message, conversation_id=chat)
    later(service, hours=2)
    assert state(service, request) == "done"
    assert rows(service.store.engine, t.message, conversation_id=chat) == []
    (contact,) = rows(service.store.engine, t.contact)
    assert contact.nameless_at is not None


async def test_a_record_under_the_floor_stays_restricted_and_nameless(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS, "m1")
    closed_case(service, chat)
    _, request = await asked(service, "deletion", chat)
    answer(service, request)
    await deliver(service)
    assert "2029年12月1日" in heard(service, chat)[-1].body
    later(service, hours=25)
    (contact,) = rows(service.store.engine, t.contact)
    assert contact.restricted_at == contact.nameless_at == service.now()
    assert rows(service.store.engine, t.message, conversation_id=chat)
    assert rows(service.store.engine, t.law_request)[0].outcome == "partly"


async def test_while_somebody_helps_the_answer_waits(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS, "m1")
    with service.store.engine.connect() as connection:
        conversation = service.store.conversations.get(connection, chat)
    do(service.writer, lambda c: service.desks.rights.ask(c, conversation, "deletion", service.now(), speaks=False))
    with service.store.engine.connect() as connection:
        (request,) = service.store.law_requests.in_state(connection, "open")
    with pytest.raises(NotAllowed, match="未结的个案"):
        answer(service, request)
    assert state(service, request) == "open"


@pytest.mark.parametrize(("kept", "outcome"), [("case", Outcome.WAITS), ("hold", Outcome.HELD)])
async def test_what_concerns_the_person_on_a_linked_channel_keeps_this_one_too(
    service: Service, kept: str, outcome: Outcome
) -> None:
    other = greeted(service, "other")
    _, request = await asked(service, "deletion")
    do(service.writer, lambda c: c.execute(t.contact.update().values(person_id="p")))
    desk, now = service.desks.rights, service.now()
    if kept == "case":
        await say(service, other, CRISIS, "m1")
    else:
        (talk,) = rows(service.store.engine, t.conversation, id=other)
        do(service.writer, lambda c: desk.holds.place(c, talk.contact_id, "zhao", "公安机关依法调取", now))
    with service.store.engine.connect() as connection:
        assert desk.going(connection, request.contact_id, now).outcome is outcome


async def test_new_danger_after_the_answer_puts_the_deletion_off(service: Service) -> None:
    chat, request = await asked(service, "deletion")
    answer(service, request)
    await say(service, chat, CRISIS, "m2")
    later(service, hours=25)
    assert state(service, request) == "answered"
    assert rows(service.store.engine, t.message, conversation_id=chat)


async def test_a_legal_hold_refuses_with_words_and_ends_again(service: Service) -> None:
    chat, request = await asked(service, "deletion")
    desk, who = service.desks.rights, officer(service)
    do(service.writer, lambda c: desk.hold(c, request.id, who, "公安机关依法调取", service.now()))
    with pytest.raises(NotAllowed):
        do(service.writer, lambda c: desk.hold(c, request.id, who, "公安机关依法调取", service.now()))
    answer(service, request)
    await deliver(service)
    assert state(service, request) == "refused"
    assert "法律要求必须保留" in heard(service, chat)[-1].body
    do(service.writer, lambda c: desk.release(c, request.id, who, service.now()))
    with pytest.raises(NotAllowed):
        do(service.writer, lambda c: desk.release(c, request.id, who, service.now()))


async def test_a_refusal_keeps_its_reason_and_says_how_to_object(service: Service) -> None:
    chat, request = await asked(service, "copy")
    refuse, who = service.desks.rights.refuse, officer(service)
    do(service.writer, lambda c: refuse(c, request.id, who, "本人说不要了", service.now()))
    await deliver(service)
    assert "投诉" in heard(service, chat)[-1].body
    with pytest.raises(NotAllowed, match="答复过"):
        answer(service, request)


async def test_every_consent_is_taken_back_by_one_word(service: Service) -> None:
    chat = greeted(service)
    (row,) = rows(service.store.engine, t.contact)
    consents = service.store.consents
    for purpose, answer_ in (("follow_up", "given"), ("referral", "refused")):
        given = Consent(purpose, answer_, "said", "2026-11", "lin", service.now() - timedelta(hours=1))
        do(service.writer, lambda c, given=given: consents.add(c, row.id, given))
    await say(service, chat, "撤回同意", "m1")
    await deliver(service)
    with service.store.engine.connect() as connection:
        now_given = {purpose: one.answer for purpose, one in consents.all_current(connection, row.id).items()}
        assert consents.current(connection, row.id, "research") is None
    assert now_given == {"follow_up": "withdrawn", "referral": "refused"}
    assert "随访" in heard(service, chat)[-1].body
    await say(service, chat, "撤回同意", "m2")
    await deliver(service)
    assert "没有要撤回的" in heard(service, chat)[-1].body


async def test_on_a_platform_the_next_message_after_a_deletion_is_a_first_one(service: Service) -> None:
    connect(service, FakeChannel("wechat"))
    (arrived,) = await service.intake.arrive(Arrival("wechat", "openid-1", "m1", "text", "删除我的记录"))
    await deliver(service)
    with service.store.engine.connect() as connection:
        (request,) = service.store.law_requests.in_state(connection, "open")
    answer(service, request)
    await deliver(service)
    later(service, hours=25)
    (again,) = await service.intake.arrive(Arrival("wechat", "openid-1", "m2", "text", LOW))
    assert again.conversation_id != arrived.conversation_id
