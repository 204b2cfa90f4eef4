"""Linking: proved with a one-time code, told on both sides, undone by one word, never guessed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.linking import MOST_TRIES
from bot.messages import Arrival
from records import tables as t
from tests.building import (
    CRISIS,
    LOW,
    Clock,
    FakeChannel,
    connect,
    counsellor,
    deliver,
    do,
    greeted,
    heard,
    keys_said,
    rows,
    say,
)
from wiring import Service

pytestmark = pytest.mark.anyio


def links_of(service: Service, chat: str) -> set[str]:
    """The other conversations of the person who writes here."""
    with service.store.engine.connect() as connection:
        conversation = service.store.conversations.get(connection, chat)
        assert conversation is not None
        person_id = service.store.links.person_of(connection, conversation.contact_id)
        if person_id is None:
            return set()
        return {thread.conversation_id for thread in service.store.links.threads(connection, person_id)} - {chat}


async def code_of(service: Service, chat: str, id: str = "code") -> str:
    """Ask for a code as a person does, and read it as they do."""
    await say(service, chat, "绑定", id)
    await deliver(service)
    text = heard(service, chat)[-1].body
    return text.split("绑定码是：")[1][:8]


async def link(service: Service, one: str, other: str) -> None:
    await say(service, other, f"绑定 {await code_of(service, one)}", f"offer {one}")


async def test_a_code_of_one_channel_links_it_with_another_and_both_are_told(service: Service) -> None:
    phone = FakeChannel("wechat")
    connect(service, phone)
    web = greeted(service)
    code = await code_of(service, web)
    (arrived,) = await service.intake.arrive(Arrival("wechat", "openid-1", "m1", "text", f"绑定 {code}"))
    await deliver(service)

    assert links_of(service, web) == {arrived.conversation_id}
    assert keys_said(service, web)[-1] == keys_said(service, arrived.conversation_id)[-1] == "link.done"
    assert "微信公众号" in heard(service, web)[-1].body
    assert "网页" in phone.heard[-1]
    for told in (heard(service, web)[-1].body, phone.heard[-1]):
        assert "值班老师能看到您在两边说的话" in told
        assert "解除绑定" in told
    told = {row.conversation_id for row in rows(service.store.engine, t.event, kind="linked", topic="desk")}
    assert told == {web, arrived.conversation_id}


async def test_the_code_and_the_words_about_it_are_kept_sealed_and_the_code_itself_is_not(service: Service) -> None:
    web = greeted(service)
    code = await code_of(service, web)
    (kept,) = rows(service.store.engine, t.link_code)
    assert code not in str(kept)
    assert code not in str([tuple(row) for table in (t.message, t.outbox) for row in rows(service.store.engine, table)])
    assert len(rows(service.store.engine, t.message, author="visitor")) == 1
    assert len(rows(service.store.engine, t.assessment)) == 1


async def test_the_words_come_with_the_message_and_no_answer_is_looked_up(service: Service) -> None:
    web = greeted(service)
    receipt = await say(service, web, "绑定")
    assert not receipt.needs_answer
    assert keys_said(service, web) == ["link.code"]
    assert (await say(service, web, "绑定 00000000")).needs_answer is False
    assert keys_said(service, web) == ["link.code", "link.wrong"]


async def test_a_repeated_delivery_gives_no_second_code_and_counts_no_second_try(service: Service) -> None:
    web = greeted(service)
    await say(service, web, "绑定", "m1")
    await say(service, web, "绑定", "m1")
    await say(service, web, "绑定 1", "m2")
    await say(service, web, "绑定 1", "m2")
    assert keys_said(service, web) == ["link.code", "link.wrong"]
    assert len(rows(service.store.engine, t.event, kind="link_tried")) == 1


async def test_a_new_code_ends_the_old_one(service: Service) -> None:
    web, other = greeted(service, "web"), greeted(service, "other")
    old, new = await code_of(service, web, "1"), await code_of(service, web, "2")
    assert len(rows(service.store.engine, t.link_code)) == 1
    await say(service, other, f"绑定 {old}")
    assert links_of(service, other) == set()
    await say(service, other, f"绑定 {new}")
    assert links_of(service, other) == {web}


async def test_a_draw_that_is_somebodys_living_code_is_drawn_again_and_not_for_ever(small_service: Service) -> None:
    draws = [7, 7, 8]
    pipeline = small_service.pipeline
    pipeline.linking = replace(pipeline.linking, draw=lambda _below: draws.pop(0) if draws else 7)
    assert [await code_of(small_service, greeted(small_service, name)) for name in "ab"] == ["00000007", "00000008"]
    unlucky = greeted(small_service, "c")
    await say(small_service, unlucky, "绑定")
    assert keys_said(small_service, unlucky) == ["answer.unavailable"]


async def test_a_code_serves_once(service: Service) -> None:
    web, other, third = (greeted(service, name) for name in ("web", "other", "third"))
    code = await code_of(service, web)
    await say(service, other, f"绑定 {code}")
    await say(service, third, f"绑定 {code}")
    assert keys_said(service, third) == ["link.wrong"]
    assert links_of(service, third) == set()


async def test_an_expired_code_gets_an_honest_line(service: Service, clock: Clock) -> None:
    web, other = greeted(service, "web"), greeted(service, "other")
    code = await code_of(service, web)
    clock.forward(seconds=service.settings.link_code_s)
    await say(service, other, f"绑定 {code}")
    assert keys_said(service, other) == ["link.wrong"]
    assert links_of(service, other) == set()


async def test_ones_own_code_links_nothing_and_stays_good(service: Service) -> None:
    web, other = greeted(service, "web"), greeted(service, "other")
    code = await code_of(service, web)
    await say(service, web, f"绑定 {code}")
    assert keys_said(service, web)[-1] == "link.own"
    await say(service, other, f"绑定 {code}")
    assert links_of(service, other) == {web}


async def test_after_five_tries_an_hour_even_the_right_code_has_to_wait(service: Service, clock: Clock) -> None:
    web, other = greeted(service, "web"), greeted(service, "other")
    for number in range(MOST_TRIES):
        await say(service, other, f"绑定 0000000{number}", f"wrong {number}")
        clock.forward(seconds=20)
    await say(service, other, f"绑定 {await code_of(service, web)}", "right")
    assert keys_said(service, other) == ["link.wrong"] * MOST_TRIES + ["link.too_many"]
    assert links_of(service, other) == set()
    clock.forward(hours=1)
    await say(service, other, f"绑定 {await code_of(service, web, 'again')}", "later")
    assert links_of(service, other) == {web}


async def test_trying_on_during_the_wait_does_not_make_it_longer(service: Service, clock: Clock) -> None:
    chat = greeted(service)
    for number in range(MOST_TRIES + 3):
        await say(service, chat, "绑定 1", str(number))
    clock.forward(hours=1, seconds=1)
    await say(service, chat, "绑定 2", "later")
    assert keys_said(service, chat)[-1] == "link.wrong"


async def test_two_persons_become_one_with_all_their_channels(service: Service) -> None:
    chats = [greeted(service, name) for name in "abcd"]
    a, b, c, d = chats
    await link(service, a, b)
    await link(service, c, d)
    assert links_of(service, a) == {b}
    await link(service, b, c)
    for chat in chats:
        assert links_of(service, chat) == set(chats) - {chat}
    assert len({row.person_id for row in rows(service.store.engine, t.contact)}) == 1


async def test_links_at_the_same_moment_leave_one_person(service: Service) -> None:
    middle = greeted(service, "middle")
    others = [greeted(service, f"other {number}") for number in range(6)]
    codes = [await code_of(service, other) for other in others]
    pairs = [await code_of(service, middle, "m"), *codes[1:]]
    offers = zip([others[0], *[others[number] for number in range(5)]], pairs, strict=True)
    await asyncio.gather(*(say(service, chat, f"绑定 {code}", f"x{code}") for chat, code in offers))
    assert links_of(service, middle) == set(others)


async def test_who_is_linked_already_is_told_so(service: Service) -> None:
    a, b = greeted(service, "a"), greeted(service, "b")
    await link(service, a, b)
    await say(service, b, f"绑定 {await code_of(service, a, 'second')}", "again")
    assert keys_said(service, b)[-1] == "link.already"


async def test_undoing_frees_this_contact_and_leaves_the_others_together(service: Service) -> None:
    a, b, c = (greeted(service, name) for name in "abc")
    await link(service, a, b)
    await link(service, b, c)
    await say(service, c, "解除绑定")
    assert keys_said(service, c)[-1] == "link.undone"
    assert (links_of(service, c), links_of(service, a)) == (set(), {b})
    await say(service, b, "解除绑定")
    assert (links_of(service, a), links_of(service, b)) == (set(), set())
    await say(service, a, "解除绑定")
    assert keys_said(service, a)[-1] == "link.none"


async def test_the_same_name_or_number_links_nobody(service: Service) -> None:
    for name in ("wechat", "telegram"):
        connect(service, FakeChannel(name))
        await service.intake.arrive(Arrival(name, "openid-1", f"{name} 1", "text", "你好", nickname="小雨"))
    assert {row.person_id for row in rows(service.store.engine, t.contact)} == {None}


@pytest.mark.parametrize("text", ["绑定", "绑定 12345678", "解除绑定"])
async def test_in_a_crisis_people_handle_it(service: Service, text: str) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS)
    await say(service, chat, text)
    assert keys_said(service, chat) == ["safety.medium"]
    assert rows(service.store.engine, t.link_code) == []
    assert len(rows(service.store.engine, t.message, author="visitor")) == 2


@pytest.mark.parametrize("text", ["绑定", "绑定 12345678", "解除绑定"])
async def test_while_a_person_speaks_the_bot_links_nothing(service: Service, text: str) -> None:
    chat = greeted(service)
    await say(service, chat, "转人工")
    lin = counsellor(service.store, service.writer)
    case_id = rows(service.store.engine, t.case_record)[0].id
    do(service.writer, lambda c: service.desk.claim(c, case_id, lin, service.now()))
    before = keys_said(service, chat)
    await say(service, chat, text)
    assert keys_said(service, chat) == before
    assert rows(service.store.engine, t.link_code) == []


async def test_low_distress_does_not_stand_in_the_way(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, LOW)
    await say(service, chat, "绑定")
    assert keys_said(service, chat) == ["safety.low", "link.code"]


async def test_a_late_or_a_blocked_wish_is_not_granted(service: Service) -> None:
    connect(service, FakeChannel())
    old = service.now() - timedelta(hours=2)
    await service.intake.arrive(Arrival("fake", "openid-1", "m1", "text", "绑定", sent_at=old))
    chat = greeted(service)
    contact_id = rows(service.store.engine, t.conversation, id=chat)[0].contact_id
    do(service.writer, lambda c: service.store.contacts.change(c, contact_id, blocked_at=service.now()))
    await say(service, chat, "绑定")
    assert rows(service.store.engine, t.link_code) == []
    assert keys_said(service, chat) == []


async def test_linked_words_reach_a_conversation_that_a_person_took_meanwhile(service: Service) -> None:
    a, b = greeted(service, "a"), greeted(service, "b")
    code = await code_of(service, a)
    await say(service, a, "转人工")
    lin = counsellor(service.store, service.writer)
    case_id = rows(service.store.engine, t.case_record)[0].id
    do(service.writer, lambda c: service.desk.claim(c, case_id, lin, service.now()))
    await say(service, b, f"绑定 {code}")
    await deliver(service)
    assert "绑定在一起" in heard(service, a)[-1].body
