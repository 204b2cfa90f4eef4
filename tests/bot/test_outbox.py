"""Delivery: order, second tries, loud failures, and the fence at both ends of a send."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import ChannelRefused, ChannelUnavailable
from bot.marking import BACK_OFF_CAP_S, MOST_ATTEMPTS, Outcome, back_off_s
from bot.messages import Outbound
from bot.parcels import Verdict, verdict
from escalation.alarm import Danger
from records import tables as t
from records.outbox_rows import PLAIN, Lane, Pending
from server import sweep_once
from tests.building import (
    WAIT_S,
    Clock,
    FakeChannel,
    connect,
    counsellor,
    deliver,
    deliver_once,
    do,
    greeted,
    heard,
    rows,
)
from triage.risk import Level
from wiring import Service

pytestmark = pytest.mark.anyio


@pytest.fixture
def channel(service: Service) -> FakeChannel:
    """A platform outside that the service can send to."""
    fake = FakeChannel()
    connect(service, fake)
    return fake


def queue(service: Service, chat: str, text: str, lane: Lane = Lane.REPLY, origin: str = "bot", **more: str) -> str:
    channel = rows(service.store.engine, t.conversation, id=chat)[0].channel
    item = Pending(chat, channel, lane, origin, 0, more.pop("key", PLAIN), text=text, **more)
    return do(service.writer, lambda c: service.store.outbox.add(c, item, service.now()))


def state(service: Service, row: str) -> str:
    return rows(service.store.engine, t.outbox, id=row)[0].state


def bodies(service: Service, chat: str) -> list[str]:
    return [message.body for message in heard(service, chat)]


def take_over(service: Service, chat: str) -> None:
    """A counsellor claims the conversation's case."""
    lin = counsellor(service.store, service.writer)

    def work(connection) -> None:
        conversation = service.store.conversations.get(connection, chat, lock=True)
        case = service.alarm.raise_case(connection, conversation, Danger(Level.LOW, "risk", "m", ()), service.now())
        service.desk.claim(connection, case.id, lin, service.now())

    do(service.writer, work)


@pytest.mark.parametrize(
    ("origin", "epoch", "owner", "wanted"),
    [
        ("bot", 2, None, Verdict.SEND),
        ("bot", 1, None, Verdict.DROP),
        ("bot", 2, "lin", Verdict.DROP),
        ("bot", 1, "lin", Verdict.DROP),
        ("counsellor", 1, None, Verdict.SEND),
        ("counsellor", 2, "lin", Verdict.SEND),
        ("system", 1, "lin", Verdict.SEND),
    ],
)
def test_the_bots_words_go_only_while_nobody_owns_and_they_are_of_this_ownership(origin, epoch, owner, wanted) -> None:
    item = Pending("c", "web", Lane.REPLY, origin, epoch, PLAIN, owner_epoch=2, owner_id=owner)
    assert verdict(item) is wanted


@given(st.integers(0, 60), st.floats(0, 1, exclude_max=True))
def test_the_wait_for_the_next_try_grows_to_a_limit_and_is_spread(attempts: int, spread: float) -> None:
    wait = back_off_s(attempts, spread)
    assert 0.5 <= wait <= BACK_OFF_CAP_S
    assert back_off_s(attempts + 1, spread) >= wait
    assert back_off_s(attempts, 0) * 2 == back_off_s(attempts, 1)


async def test_one_conversation_hears_everything_in_the_order_it_was_said(service: Service) -> None:
    chat = greeted(service)
    for number in range(8):
        queue(service, chat, str(number))
    await deliver(service)
    assert bodies(service, chat) == [str(number) for number in range(8)]
    assert [message.seq for message in heard(service, chat)] == list(range(1, 9))


async def test_who_is_in_danger_is_served_before_all_others(service: Service, channel: FakeChannel) -> None:
    for lane in reversed(Lane):
        queue(service, greeted(service, lane.name, channel="fake"), lane.name, lane)
    await deliver(service)
    assert channel.heard == ["CRISIS", "REPLY", "FOLLOW_UP", "CAMPAIGN"]


async def test_a_platform_that_is_away_is_tried_again_and_nothing_overtakes(
    service: Service, channel: FakeChannel, clock: Clock
) -> None:
    chat = greeted(service, channel="fake")
    first = queue(service, chat, "first")
    queue(service, chat, "second")
    channel.answers = [ChannelUnavailable(), ChannelUnavailable()]

    await deliver(service)
    assert state(service, first) == "pending"
    await deliver(service)  # not yet due
    assert channel.answers == [channel.answers[0]]
    for _ in range(2):
        clock.forward(seconds=BACK_OFF_CAP_S)
        await deliver(service)

    assert channel.heard == ["first", "second"]
    assert bodies(service, chat) == ["first", "second"]
    assert rows(service.store.engine, t.outbox, id=first)[0].attempts == 2


async def test_a_refused_message_is_dead_and_the_console_hears_of_it(service: Service, channel: FakeChannel) -> None:
    chat = greeted(service, channel="fake")
    row = queue(service, chat, "first")
    queue(service, chat, "second")
    channel.answers = [ChannelRefused()]

    await deliver(service)

    assert state(service, row) == "dead"
    (event,) = rows(service.store.engine, t.event, topic="desk")
    assert (event.kind, event.conversation_id) == ("undelivered", chat)
    assert bodies(service, chat) == ["second"]


async def test_after_enough_tries_a_message_is_dead_and_not_before(
    service: Service, channel: FakeChannel, clock: Clock
) -> None:
    row = queue(service, greeted(service, channel="fake"), "words")
    channel.answers = [ChannelUnavailable() for _ in range(MOST_ATTEMPTS)]
    for _ in range(MOST_ATTEMPTS):
        assert state(service, row) == "pending"
        await deliver(service)
        clock.forward(seconds=BACK_OFF_CAP_S)
    assert state(service, row) == "dead"
    assert rows(service.store.engine, t.event, kind="undelivered")


async def test_a_platform_that_never_answers_holds_nobody_up(service: Service, channel: FakeChannel) -> None:
    class Silent(FakeChannel):
        async def send(self, outbound: Outbound) -> None:
            await asyncio.Event().wait()

    service.outbox.lease = timedelta(seconds=0.2)
    connect(service, Silent("silent"))
    stuck = queue(service, greeted(service, "one", channel="silent"), "stuck")
    queue(service, greeted(service, "two", channel="fake"), "fine")
    await asyncio.wait_for(deliver(service), WAIT_S)
    assert channel.heard == ["fine"]
    assert state(service, stuck) == "pending"


@pytest.mark.parametrize("fault", ["unknown text", "unknown channel", "broken channel"])
async def test_one_row_that_cannot_be_sent_does_not_keep_others_from_being_marked(
    service: Service, channel: FakeChannel, clock: Clock, fault: str
) -> None:
    channels = {"unknown text": "web", "unknown channel": "gone", "broken channel": "fake"}
    bad_chat, good_chat = greeted(service, "one", channel=channels[fault]), greeted(service, "two")
    channel.answers = [ZeroDivisionError()]
    bad = queue(service, bad_chat, "x", Lane.CRISIS, key="no.such_text" if fault == "unknown text" else PLAIN)
    good = queue(service, good_chat, "fine", Lane.CRISIS)

    clock.forward(minutes=1)
    await deliver_once(service)

    assert state(service, good) == "sent"
    assert bodies(service, good_chat) == ["fine"]
    assert state(service, bad) == ("pending" if fault == "broken channel" else "dead")


async def test_the_sweeper_gives_up_words_for_a_channel_that_stays_switched_off(service: Service, clock: Clock) -> None:
    row = queue(service, greeted(service, channel="gone"), "words", Lane.CRISIS, "counsellor")
    await sweep_once(service)
    assert state(service, row) == "pending"  # another process may have the channel
    clock.forward(minutes=1)
    await sweep_once(service)
    assert state(service, row) == "dead"
    assert rows(service.store.engine, t.event, kind="undelivered")


async def test_what_was_sent_but_not_marked_is_sent_again_and_shown_once(
    service: Service, channel: FakeChannel, clock: Clock
) -> None:
    chat = greeted(service, channel="fake")
    row = queue(service, chat, "words")
    items = do(service.writer, lambda c: service.outbox._take(c, clock(), "fake"))
    await service.outbox._send(items[0])  # and here the process dies
    await deliver(service)
    assert channel.heard == ["words"]

    clock.forward(seconds=service.settings.outbox_lease_s + 1)
    await deliver(service)
    late = list(zip(items, [Outcome("sent")], strict=True))
    do(service.writer, lambda c: service.outbox.marking.mark(c, late, clock()))  # it was only slow, and marks as well

    assert channel.heard == ["words", "words"]
    assert bodies(service, chat) == ["words"]
    assert state(service, row) == "sent"


async def test_what_the_bot_made_before_a_claim_is_dropped_when_it_is_due(service: Service) -> None:
    chat = greeted(service)
    row = queue(service, chat, "from the bot")
    take_over(service, chat)
    await deliver(service)
    assert state(service, row) == "dropped"
    assert [message.author for message in heard(service, chat)] == ["system"]


async def test_behind_dropped_words_the_next_ones_go_in_the_same_round(service: Service) -> None:
    chat = greeted(service)
    for number in range(3):
        queue(service, chat, str(number), Lane.CRISIS)
    take_over(service, chat)
    assert await deliver_once(service) == 1
    assert [message.author for message in heard(service, chat)] == ["system"]


async def test_on_the_web_page_a_claim_during_the_send_still_drops_it(service: Service) -> None:
    chat = greeted(service)
    page = FakeChannel("web", delivers_by_store=True, before_answer=lambda: take_over(service, chat))
    connect(service, page)
    row = queue(service, chat, "from the bot")
    await deliver_once(service)
    page.before_answer = lambda: None
    await deliver(service)
    assert state(service, row) == "dropped"
    assert [message.author for message in heard(service, chat)] == ["system"]


async def test_what_a_platform_already_showed_is_recorded_as_said(service: Service, channel: FakeChannel) -> None:
    chat = greeted(service, channel="fake")
    channel.before_answer = lambda: take_over(service, chat)
    row = queue(service, chat, "from the bot")
    await deliver_once(service)
    assert state(service, row) == "sent"
    assert bodies(service, chat) == ["from the bot"]


async def test_the_words_of_people_pass_the_fence(service: Service) -> None:
    chat = greeted(service)
    take_over(service, chat)
    queue(service, chat, "from a person", Lane.CRISIS, "counsellor")
    await deliver(service)
    assert [message.author for message in heard(service, chat)] == ["system", "counsellor"]


async def test_a_commit_wakes_the_delivery_without_waiting_for_the_clock(service: Service) -> None:
    chat = greeted(service)
    await service.feed.start()
    listening = service.feed.listen("chat", chat, None)
    running = asyncio.create_task(service.outbox.run(60))
    hearing = asyncio.create_task(anext(listening))
    await asyncio.sleep(0)
    item = Pending(chat, "web", Lane.REPLY, "bot", 0, PLAIN, text="words")
    await service.writer.write(lambda c: service.store.outbox.add(c, item, service.now()))

    event = await asyncio.wait_for(hearing, WAIT_S)

    assert event is not None
    assert bodies(service, chat) == ["words"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await listening.aclose()
    await service.feed.stop()


def test_a_fixed_text_is_rendered_at_the_moment_of_sending(small_service: Service) -> None:
    item = Pending("c", "web", Lane.CRISIS, "system", 0, "handover.person_joined", params={"title": "林老师"})
    assert small_service.outbox.replies.text_of(item).startswith("林老师（真人）")
    assert small_service.outbox.replies.text_of(replace(item, key=PLAIN, text="as it is {title}")) == "as it is {title}"
