"""What platforms allow, in the real outbox: merged bubbles, kept messages, rates, pauses, long texts, lost words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.channels import ChannelBusy, ChannelUnavailable, OutOfReach, SendRules
from bot.messages import Arrival
from records import tables as t
from records.outbox_rows import PLAIN, Lane, Pending
from tests.building import CRISIS, SMALL_TALK, Clock, FakeChannel, connect, counsellor, deliver, do, rows
from wiring import Service

pytestmark = pytest.mark.anyio
LIMITED = SendRules(window=timedelta(hours=48), messages=5, kept_for_people=3, merges=True)


async def writes(service: Service, text: str = SMALL_TALK, id: str = "m1") -> str:
    """Somebody writes on the platform; the greeting is out of the way."""
    (arrived,) = await service.intake.arrive(Arrival("fake", "openid-1", id, "text", text))
    await service.pipeline.drain()
    await deliver(service)
    return arrived.conversation_id


def platform(service: Service, rules: SendRules = LIMITED) -> FakeChannel:
    fake = FakeChannel(rules=rules)
    connect(service, fake)
    return fake


def queue(service: Service, chat: str, text: str, origin: str = "bot", lane: Lane = Lane.REPLY) -> str:
    with service.store.engine.connect() as connection:
        epoch = service.store.conversations.get(connection, chat).epoch
    item = Pending(chat, "fake", lane, origin, epoch, PLAIN, text=text)
    return do(service.writer, lambda c: service.store.outbox.add(c, item, service.now()))


def row(service: Service, row_id: str):
    return rows(service.store.engine, t.outbox, id=row_id)[0]


def left(service: Service) -> int:
    return rows(service.store.engine, t.allowance)[0].left


async def test_what_the_bot_says_in_one_turn_goes_as_one_bubble_and_stays_separate_in_the_record(
    service: Service,
) -> None:
    channel = platform(service)
    chat = await writes(service)
    before = len(channel.heard)
    for text in ("一", "二", "三"):
        queue(service, chat, text)
    await deliver(service)
    assert channel.heard[before:] == ["一\n\n二\n\n三"]
    assert [m.seq for m in rows(service.store.engine, t.message)] == list(
        range(1, len(rows(service.store.engine, t.message)) + 1)
    )
    assert left(service) == 3


async def test_the_bot_stops_where_the_counsellors_messages_begin(service: Service) -> None:
    channel = platform(service)
    chat = await writes(service)
    assert left(service) == 4
    queue(service, chat, "还有一句")
    await deliver(service)
    spare = queue(service, chat, "太多了")
    await deliver(service)
    assert (row(service, spare).state, row(service, spare).reason) == ("dropped", "spare")
    for number in range(3):
        queue(service, chat, f"counsellor {number}", "counsellor", Lane.CRISIS)
        await deliver(service)
    assert channel.heard[-3:] == ["counsellor 0", "counsellor 1", "counsellor 2"]
    assert left(service) == 0
    lost = queue(service, chat, "counsellor 3", "counsellor", Lane.CRISIS)
    await deliver(service)
    assert (row(service, lost).state, row(service, lost).reason) == ("dead", "used_up")


async def test_who_presses_the_menu_when_only_peoples_messages_are_left_is_answered_once(service: Service) -> None:
    channel = platform(service)
    chat = await writes(service)
    queue(service, chat, "还有一句")
    await deliver(service)
    assert left(service) == 3
    press = Arrival("fake", "openid-1", "click-1", "text", "紧急求助", opens=(3, timedelta(minutes=1)))
    await service.intake.arrive(press)
    await deliver(service)
    answer = channel.heard[-1]
    assert "紧急" in answer or "120" in answer
    spare = queue(service, chat, "太多了")
    await deliver(service)
    assert (channel.heard[-1], row(service, spare).reason, left(service)) == (answer, "spare", 2)


async def test_words_that_cannot_reach_somebody_in_danger_ring_and_climb(service: Service, clock: Clock) -> None:
    channel = platform(service)
    await writes(service, CRISIS)
    lin = counsellor(service.store, service.writer)
    (case,) = rows(service.store.engine, t.case_record)
    do(service.writer, lambda c: service.desk.claim(c, case.id, lin, service.now()))
    await deliver(service)
    channel.answers = [OutOfReach("blocked")]
    do(service.writer, lambda c: service.desk.reply(c, case.id, lin, "我在", "r-1", service.now()))
    await deliver(service)
    assert (row(service, "r-1").state, row(service, "r-1").reason) == ("dead", "blocked")
    assert rows(service.store.engine, t.contact)[0].unreachable == "blocked"
    assert rows(service.store.engine, t.event, kind="undelivered")[0].case_id == case.id
    clock.forward(seconds=1)
    do(service.writer, lambda c: service.alarm.sweep(c, service.now()))
    (ringing,) = rows(service.store.engine, t.alert, state="ringing")
    assert ringing.step == 1
    assert rows(service.store.engine, t.conversation)[0].owner_id == lin.id
    found = service.store.cases
    do(service.writer, lambda c: service.alarm.reached(c, found.get(c, case.id), lin.id, service.now()))
    assert rows(service.store.engine, t.alert, state="ringing") == []


async def test_a_channels_rate_lets_the_crisis_out_first_and_the_rest_a_second_later(
    service: Service, clock: Clock
) -> None:
    channel = platform(service, SendRules(per_second=2))
    chats = [await _stranger(service, n) for n in range(4)]
    clock.forward(seconds=10)
    for chat in chats[:3]:
        queue(service, chat, "reply")
    queue(service, chats[3], "crisis", lane=Lane.CRISIS)
    before = len(channel.heard)
    await deliver(service)
    assert sorted(channel.heard[before:]) == ["crisis", "reply"]
    await deliver(service)
    assert len(channel.heard) - before == 2
    clock.forward(seconds=1)
    await deliver(service)
    assert len(channel.heard) - before == 4


async def _stranger(service: Service, number: int) -> str:
    def work(connection) -> str:
        return service.store.contacts.enter(connection, "fake", f"person-{number}", service.now())[1]

    return do(service.writer, work)


async def test_a_platform_that_asks_for_patience_gets_exactly_that(service: Service, clock: Clock) -> None:
    channel = platform(service, SendRules(per_second=30))
    chat, other = await _stranger(service, 1), await _stranger(service, 2)
    row_id = queue(service, chat, "one")
    channel.answers = [ChannelBusy(37)]
    await deliver(service)
    queue(service, other, "two", lane=Lane.CRISIS)
    assert row(service, row_id).due_at == clock() + timedelta(seconds=37)
    assert row(service, row_id).attempts == 0
    clock.forward(seconds=36)
    await deliver(service)
    assert channel.heard == []
    clock.forward(seconds=1)
    await deliver(service)
    clock.forward(seconds=1)
    await deliver(service)
    assert channel.heard == ["two", "one"]


async def test_a_long_text_goes_in_parts_and_goes_on_where_it_stopped(service: Service, clock: Clock) -> None:
    channel = platform(service, SendRules(longest_bytes=30))
    chat = await _stranger(service, 1)
    row_id = queue(service, chat, "一二三四五六七八九。一二三四五六七八九。完。", "counsellor")
    channel.answers = [None, ChannelUnavailable()]
    await deliver(service)
    assert (row(service, row_id).state, row(service, row_id).progress) == ("pending", 1)
    clock.forward(minutes=10)
    await deliver(service)
    assert channel.heard == ["一二三四五六七八九。", "一二三四五六七八九。", "完。"]
    assert len(rows(service.store.engine, t.message)) == 1


async def test_one_person_gets_a_burst_of_three_and_then_one_bubble_a_second(service: Service, clock: Clock) -> None:
    channel = platform(service, SendRules(per_second=30, per_contact=1))
    chat, other = await _stranger(service, 1), await _stranger(service, 2)
    for number in range(5):
        queue(service, chat, str(number))
    for _ in range(5):
        await deliver(service)
    assert channel.heard == ["0", "1", "2"]
    queue(service, other, "other")
    await deliver(service)
    assert channel.heard[-1] == "other"
    clock.forward(seconds=1)
    await deliver(service)
    assert channel.heard[-1] == "3"


async def test_after_the_window_a_neutral_line_asks_the_person_back_once_a_day(service: Service, clock: Clock) -> None:
    channel = platform(service, replace(LIMITED, knocks=True))
    chat = await writes(service)
    clock.forward(hours=49)
    for number in range(3):
        queue(service, chat, f"counsellor {number}", "counsellor", Lane.CRISIS)
        await deliver(service)
    assert [text for text in channel.heard if "新的回复" in text] == ["您有新的回复，请点开查看"]
    assert len(rows(service.store.engine, t.outbox, state="dead", reason="closed")) == 3
    clock.forward(days=1)
    channel.answers = [OutOfReach("left")]
    queue(service, chat, "counsellor 4", "counsellor", Lane.CRISIS)
    await deliver(service)
    (knock,) = rows(service.store.engine, t.outbox, key="talk.knock", state="dropped")
    assert knock.reason == "left"


async def test_where_the_platform_has_no_such_line_nobody_knocks(service: Service, clock: Clock) -> None:
    platform(service)
    chat = await writes(service)
    clock.forward(hours=49)
    queue(service, chat, "counsellor", "counsellor", Lane.CRISIS)
    await deliver(service)
    assert rows(service.store.engine, t.outbox, key="talk.knock") == []
