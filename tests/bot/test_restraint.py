"""Floods and blocked people: everything is kept, screened and alarmed; only answers are held back, never safety."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.first_words import ASKS, Moment, first_words
from bot.messages import Arrival
from bot.restraint import SLOW_DOWN, Hold
from records import tables as t
from tests.building import (
    CRISIS,
    EMERGENCY,
    LOW,
    NOW,
    SMALL_TALK,
    Clock,
    FakeChannel,
    connect,
    counsellor,
    deliver,
    do,
    greeted,
    inbound,
    keys_said,
    rows,
    say,
)  # fmt: skip
from triage.protocol import decide
from triage.risk import Level
from wiring import Service

pytestmark = pytest.mark.anyio
REPEAT = timedelta(seconds=60)
NUMBERS = itertools.count()
TOO_FAST = (Hold.SLOW, Hold.SILENT)


def block(service: Service, chat: str) -> None:
    contact_id = rows(service.store.engine, t.conversation, id=chat)[0].contact_id
    do(service.writer, lambda c: service.store.contacts.change(c, contact_id, blocked_at=service.now()))


async def flood(service: Service, chat: str, text: str, count: int) -> None:
    for _ in range(count):
        await say(service, chat, text, str(next(NUMBERS)))


# ---- the decision alone


def moments() -> st.SearchStrategy[Moment]:
    def build(level: Level, before: Level, **more: Any) -> Moment:
        disposition = decide(level, Level.NONE, person_owns=False)
        reply = disposition.safety_reply if disposition.opens_case else None
        return Moment(level=level, level_before=min(before, level), safety_reply=reply, **more)

    return st.builds(
        build,
        level=st.sampled_from(Level),
        before=st.sampled_from(Level),
        intent=st.sampled_from(["", "person", "emergency", "hello"]),
        unread_words=st.sampled_from(["", "safety.voice"]),
        safety_said_at=st.sampled_from([None, *(NOW - timedelta(seconds=s) for s in (1, 59, 60, 3600, 90_000))]),
        had_case=st.booleans(),
        hold=st.sampled_from(Hold),
        remark=st.sampled_from(["", "talk.late"]),
    )


@given(moments())
def test_what_is_held_back_is_never_a_word_of_safety(moment: Moment) -> None:
    free = first_words(replace(moment, hold=Hold.NONE), NOW, REPEAT)
    held = first_words(moment, NOW, REPEAT)
    if moment.level >= Level.MEDIUM and free.startswith("safety.") and free != "safety.voice":
        assert held == free
    if moment.intent == "emergency" or (moment.intent == "person" and not moment.had_case):
        assert held == free
    assert held != SLOW_DOWN or (moment.hold is Hold.SLOW and moment.level <= Level.LOW)


@given(moments())
def test_who_is_held_back_at_low_is_asked_the_direct_question_once(moment: Moment) -> None:
    low = replace(moment, level=Level.LOW, level_before=Level.LOW, safety_reply=None, intent="", remark="")
    for hold in (Hold.BLOCKED, *TOO_FAST):
        assert first_words(replace(low, hold=hold, safety_said_at=None), NOW, REPEAT) == ASKS
        assert first_words(replace(low, hold=hold, safety_said_at=NOW - REPEAT), NOW, REPEAT) != ASKS


@given(moments())
def test_a_blocked_person_hears_nothing_but_words_of_safety(moment: Moment) -> None:
    said = first_words(replace(moment, hold=Hold.BLOCKED), NOW, REPEAT)
    assert not said or said.startswith(("safety.", "handover."))


# ---- floods, on the real store


async def test_ten_messages_a_minute_are_answered_and_more_get_one_line(service: Service, clock: Clock) -> None:
    chat = greeted(service)
    most = service.settings.answers_per_minute
    await flood(service, chat, "你好", most)
    assert keys_said(service, chat) == ["talk.hello"] * most
    await flood(service, chat, "你好", 30)
    assert keys_said(service, chat)[most:] == [SLOW_DOWN]
    assert len(rows(service.store.engine, t.message, author="visitor")) == most + 30
    assert len(rows(service.store.engine, t.assessment)) == most + 30
    assert rows(service.store.engine, t.message, handling="new") == []
    clock.forward(seconds=61)
    await flood(service, chat, "你好", 1)
    assert keys_said(service, chat)[most + 1 :] == ["talk.hello"]


async def test_a_flood_that_goes_on_is_told_once_a_minute(service: Service, clock: Clock) -> None:
    chat = greeted(service)
    for _ in range(180):
        await flood(service, chat, SMALL_TALK, 1)
        clock.forward(seconds=1)
    said = [row for row in rows(service.store.engine, t.outbox, conversation_id=chat) if row.key == SLOW_DOWN]
    times = sorted(row.made_at for row in said)
    assert 2 <= len(times) <= 3
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in itertools.pairwise(times))


async def test_another_person_is_answered_meanwhile(small_service: Service) -> None:
    await flood(small_service, greeted(small_service, "one"), "你好", 40)
    calm = greeted(small_service, "two")
    await say(small_service, calm, "你好")
    assert keys_said(small_service, calm) == ["talk.hello"]


async def test_low_distress_in_a_flood_is_asked_once(service: Service) -> None:
    chat = greeted(service)
    await flood(service, chat, SMALL_TALK, 20)
    await flood(service, chat, LOW, 20)
    assert keys_said(service, chat).count(ASKS) == 1


async def test_danger_in_a_flood_is_heard_and_spoken_to_at_once(service: Service) -> None:
    chat = greeted(service)
    await flood(service, chat, SMALL_TALK, 30)
    await flood(service, chat, CRISIS, 1)
    assert keys_said(service, chat)[-1] == "safety.medium"
    await flood(service, chat, SMALL_TALK, 5)
    await flood(service, chat, EMERGENCY, 1)
    assert keys_said(service, chat)[-1] == "safety.emergency"
    (alert,) = rows(service.store.engine, t.alert, state="ringing")
    assert alert.level == Level.EMERGENCY


async def test_somebody_in_danger_who_writes_fast_is_not_told_to_slow_down(small_service: Service) -> None:
    chat = greeted(small_service)
    await flood(small_service, chat, CRISIS, 40)
    assert keys_said(small_service, chat) == ["safety.medium"]


async def test_who_calls_for_a_person_in_a_flood_gets_one_and_is_told(small_service: Service) -> None:
    chat = greeted(small_service)
    await flood(small_service, chat, SMALL_TALK, 20)
    await flood(small_service, chat, "转人工", 20)
    assert keys_said(small_service, chat)[-1] == "handover.called"
    assert len(rows(small_service.store.engine, t.alert, state="ringing")) == 1


_SAID = st.sampled_from([SMALL_TALK, "你好", LOW, CRISIS, EMERGENCY, "转人工", "紧急求助", "绑定"])


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.tuples(_SAID, st.sampled_from([0, 0, 1, 5, 30, 70])), min_size=1, max_size=25))
async def test_no_flood_mutes_a_sign_of_danger(
    small_service: Service, clock: Clock, said: list[tuple[str, int]]
) -> None:
    """The same words on two conversations, one with a limit of three answers, one without: safety is the same."""
    service = small_service
    free, held = (greeted(service, f"{name} {next(NUMBERS)}") for name in ("free", "held"))
    ordinary = service.pipeline.restraint
    for text, gap_s in said:
        for chat, most in ((free, 10_000), (held, 3)):
            service.pipeline.restraint = replace(ordinary, most_a_minute=most)
            await say(service, chat, text, str(next(NUMBERS)))
        clock.forward(seconds=gap_s)
    service.pipeline.restraint = ordinary

    def of(chat: str, table: Any) -> list[Any]:
        return rows(service.store.engine, table, conversation_id=chat)

    def spoken(chat: str) -> list[str]:
        urgent = ("safety.medium", "safety.high", "safety.emergency", "handover.emergency_button", "handover.called")
        return [key for key in keys_said(service, chat) if key.startswith(urgent)]

    assert spoken(held) == spoken(free)
    assert (ASKS in keys_said(service, held)) == (ASKS in keys_said(service, free))
    assert len([row for row in of(held, t.message) if row.author == "visitor"]) == len(said)
    assert [a.level for a in of(held, t.assessment)] == [a.level for a in of(free, t.assessment)]
    cases = [[(case.level, case.state, case.wish) for case in of(chat, t.case_record)] for chat in (held, free)]
    assert cases[0] == cases[1]
    assert [a.level for a in of(held, t.alert)] == [a.level for a in of(free, t.alert)]
    told = sorted(row.made_at for row in of(held, t.outbox) if row.key == SLOW_DOWN)
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in itertools.pairwise(told))


# ---- people blocked somebody


async def test_a_blocked_person_is_not_answered_and_is_again_when_unblocked(service: Service) -> None:
    chat = greeted(service)
    block(service, chat)
    receipt = await say(service, chat, "你好", "m1")
    assert not receipt.needs_answer
    await say(service, chat, "", "m2", kind="sticker")
    assert keys_said(service, chat) == []
    contact_id = rows(service.store.engine, t.conversation, id=chat)[0].contact_id
    do(service.writer, lambda c: service.store.contacts.change(c, contact_id, blocked_at=None))
    await say(service, chat, "你好", "m3")
    assert keys_said(service, chat) == ["talk.hello"]


@pytest.mark.parametrize(
    ("text", "key"),
    [(CRISIS, "safety.medium"), (EMERGENCY, "safety.emergency"), ("紧急求助", "handover.emergency_button")],
)
async def test_a_blocked_person_in_danger_rings_and_is_spoken_to(service: Service, text: str, key: str) -> None:
    chat = greeted(service)
    block(service, chat)
    await say(service, chat, text)
    assert keys_said(service, chat) == [key]
    (alert,) = rows(service.store.engine, t.alert, state="ringing")
    assert alert.level >= Level.MEDIUM


async def test_a_blocked_person_who_asks_for_one_still_gets_a_person(service: Service) -> None:
    chat = greeted(service)
    block(service, chat)
    await say(service, chat, "转人工")
    assert keys_said(service, chat) == ["handover.called"]
    assert len(rows(service.store.engine, t.alert, state="ringing")) == 1


async def test_a_blocked_person_in_low_distress_is_asked_once(service: Service) -> None:
    chat = greeted(service)
    block(service, chat)
    await flood(service, chat, LOW, 15)
    assert keys_said(service, chat) == [ASKS]
    assert len(rows(service.store.engine, t.assessment)) == 15


async def test_an_answer_under_way_is_not_said_to_somebody_blocked_meanwhile(service: Service) -> None:
    chat = greeted(service)
    receipt = await service.pipeline.receive(inbound(chat, "你好"))
    for task in tuple(service.pipeline._running):  # its answerer died
        task.cancel()
    await service.pipeline.drain()
    block(service, chat)
    await service.pipeline.handle(receipt.message_id)
    assert keys_said(service, chat) == []


async def test_platforms_bring_a_blocked_person_no_welcome_and_no_late_line(service: Service) -> None:
    connect(service, FakeChannel())
    (arrived,) = await service.intake.arrive(Arrival("fake", "openid-1", "m1", "text", "你好"))
    await service.pipeline.drain()
    block(service, arrived.conversation_id)
    before = keys_said(service, arrived.conversation_id)
    old = service.now() - timedelta(hours=5)
    await service.intake.arrive(
        Arrival("fake", "openid-1", "m2", "text", "你好", sent_at=old),
        Arrival("fake", "openid-1", "e1", "joined"),
        Arrival("fake", "openid-1", "m3", "text", "你好"),
    )
    await service.pipeline.drain()
    assert keys_said(service, arrived.conversation_id) == before
    assert len(rows(service.store.engine, t.message, author="visitor")) == 3
    await service.intake.arrive(Arrival("fake", "openid-1", "m4", "text", CRISIS))
    assert keys_said(service, arrived.conversation_id)[len(before) :] == ["safety.medium"]


async def test_a_counsellor_may_answer_a_blocked_person(service: Service) -> None:
    chat = greeted(service)
    block(service, chat)
    await say(service, chat, CRISIS)
    lin = counsellor(service.store, service.writer)
    case_id = rows(service.store.engine, t.case_record)[0].id
    do(service.writer, lambda c: service.desk.claim(c, case_id, lin, service.now()))
    do(service.writer, lambda c: service.desk.reply(c, case_id, lin, "我在", "a" * 32, service.now()))
    await deliver(service)
    assert rows(service.store.engine, t.message, author="counsellor")
