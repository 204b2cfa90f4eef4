"""What is said at once to who is in danger or asks for a person, and when the bot is silent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.first_words import Moment, first_words, situation
from bot.restraint import Hold
from records import tables as t
from tests.building import (
    CRISIS,
    EMERGENCY,
    LOW,
    NOW,
    PLAN,
    SMALL_TALK,
    Clock,
    counsellor,
    do,
    greeted,
    keys_said,
    rows,
    say,
)
from triage.risk import Category, Level, Screening
from wiring import Service

pytestmark = pytest.mark.anyio


async def test_the_same_danger_is_answered_once_a_minute_and_a_higher_one_at_once(
    small_service: Service, clock: Clock
) -> None:
    chat = greeted(small_service)
    await say(small_service, chat, CRISIS, "m1")
    clock.forward(seconds=59)
    await say(small_service, chat, CRISIS, "m2")
    assert keys_said(small_service, chat) == ["safety.medium"]
    clock.forward(seconds=1)
    await say(small_service, chat, CRISIS, "m3")
    assert keys_said(small_service, chat) == ["safety.medium", "safety.medium_again"]
    await say(small_service, chat, EMERGENCY, "m4")
    assert keys_said(small_service, chat)[-1] == "safety.emergency"


async def test_who_asks_for_a_person_gets_a_case_and_a_word_each_time(small_service: Service) -> None:
    chat = greeted(small_service)
    await say(small_service, chat, "转人工", "m1")
    await say(small_service, chat, "转人工", "m2")

    assert keys_said(small_service, chat) == ["handover.called", "handover.already_called"]
    (case,) = rows(small_service.store.engine, t.case_record)
    assert (case.wish, case.level) == ("asked_for_person", Level.LOW)


async def test_who_asks_for_a_person_in_a_crisis_is_not_met_with_silence(small_service: Service) -> None:
    chat = greeted(small_service)
    await say(small_service, chat, CRISIS)
    await say(small_service, chat, "转人工")
    assert keys_said(small_service, chat) == ["safety.medium", "handover.already_called"]


async def test_the_emergency_button_opens_a_high_case_without_any_other_word(small_service: Service) -> None:
    chat = greeted(small_service)
    await say(small_service, chat, "紧急求助")
    assert keys_said(small_service, chat) == ["handover.emergency_button"]
    (case,) = rows(small_service.store.engine, t.case_record)
    assert (case.level, case.wish) == (Level.HIGH, "risk")


async def test_low_distress_opens_no_case(small_service: Service) -> None:
    chat = greeted(small_service)
    await say(small_service, chat, LOW)
    assert rows(small_service.store.engine, t.case_record) == []


async def test_while_a_person_speaks_the_bot_is_silent_and_still_watches(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS)
    lin = counsellor(service.store, service.writer)
    case_id = rows(service.store.engine, t.case_record)[0].id
    do(service.writer, lambda c: service.desk.claim(c, case_id, lin, service.now()))
    said = keys_said(service, chat)

    for text in (SMALL_TALK, "转人工", "紧急求助", PLAN, EMERGENCY):
        receipt = await say(service, chat, text)
        assert not receipt.needs_answer

    assert keys_said(service, chat) == said
    (case,) = rows(service.store.engine, t.case_record)
    assert case.level == Level.EMERGENCY
    assert len(rows(service.store.engine, t.assessment)) == 6


@pytest.mark.parametrize(
    ("level", "categories", "key"),
    [
        (Level.MEDIUM, "suicide", "safety.medium"),
        (Level.MEDIUM, "self_harm abuse", "safety.medium"),
        (Level.MEDIUM, "suicide third_party", "safety.medium_other"),
        (Level.MEDIUM, "abuse", "safety.medium_abuse"),
        (Level.HIGH, "harm_others psychosis", "safety.high_harm"),
        (Level.HIGH, "psychosis", "safety.high_voices"),
        (Level.HIGH, "panic_medical", "safety.high_body"),
        (Level.HIGH, "", "safety.high_unclear"),
        (Level.LOW, "panic_medical", "safety.medium_unclear"),
        (Level.EMERGENCY, "abuse", "safety.emergency"),
    ],
)
def test_nobody_is_told_of_thoughts_they_did_not_speak_of(level: Level, categories: str, key: str) -> None:
    found = Screening(level, tuple(Category(name) for name in categories.split()))
    risen = max(level, Level.MEDIUM)
    moment = Moment("", "", risen, Level.NONE, f"safety.{risen.code}", None, False, Hold.NONE, "", situation(found))

    assert first_words(moment, NOW, timedelta(minutes=1)) == key


async def test_who_worries_about_somebody_is_asked_about_them(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, "我朋友昨天说他不想活了")

    assert keys_said(service, chat) == ["safety.medium_other"]
