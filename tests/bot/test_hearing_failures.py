"""A recogniser that misbehaves takes nothing away."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from fastapi import Response
from fastapi.responses import JSONResponse

from bot.channels import ChannelUnavailable, MediaGone, TooLarge
from records import tables as t
from tests.bot.conftest import House
from tests.bot.ear import FAILS, Answer, body, never, says, status
from tests.building import CRISIS, fetch_media, send_file
from tests.media_samples import voice
from triage.risk import Level

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["server error", "wrong key", "a page", "text without measure", "no answer"])
async def test_whatever_it_answers_the_voice_stays_and_is_heard_once_it_works(house: House, name: str) -> None:
    house.ear.always = FAILS[name]
    chat, message_id = await house.voice()
    assert house.keeps_the_voice()
    assert house.transcript(message_id) is None
    assert house.keys_said(chat)[-1] == "safety.voice"

    house.ear.always = says(CRISIS)
    house.clock.forward(minutes=10)
    await fetch_media(house.service)
    assert house.transcript(message_id) == CRISIS
    assert house.level(chat) == Level.MEDIUM


async def test_that_nobody_heard_a_voice_is_said_once_and_tries_become_rare(house: House) -> None:
    house.ear.always = status(503)
    chat, _ = await house.voice()
    for _ in range(60):
        house.clock.forward(seconds=10)
        await fetch_media(house.service)
    assert 5 < len(house.ear.heard) < 12
    assert house.keys_said(chat).count("safety.voice") == 1


async def test_after_a_day_the_machine_gives_up_and_people_listen(house: House) -> None:
    house.ear.always = status(503)
    await house.voice()
    house.clock.forward(hours=25)
    await fetch_media(house.service)
    assert [row.state for row in house.rows(t.transcript)] == ["unheard"]
    tries = len(house.ear.heard)
    house.clock.forward(hours=1)
    await fetch_media(house.service)
    assert len(house.ear.heard) == tries
    assert house.keeps_the_voice()


@pytest.mark.parametrize("answer", [says(""), says(" \n "), status(400)])
async def test_a_voice_without_words_is_left_to_people_at_once(house: House, answer: Answer) -> None:
    house.ear.always = answer
    chat, _ = await house.voice()
    assert [row.state for row in house.rows(t.transcript)] == ["unheard"]
    assert house.keys_said(chat)[-1] == "safety.voice"
    assert house.keeps_the_voice()


@pytest.mark.parametrize(
    "odd", ["\ud83d 我想死", "a\0b", "<script>alert(1)</script>", "谢谢观看" * 5000, "\u202e我想死"]
)
async def test_odd_words_are_kept_character_for_character(house: House, odd: str) -> None:
    house.ear.always = body(json.dumps({"text": odd}).encode())
    _, message_id = await house.voice()
    assert house.transcript(message_id) == odd


async def test_a_slow_recogniser_holds_up_no_message(house: House) -> None:
    house.service.media.hearing.recogniser = replace(house.service.media.hearing.recogniser, timeout_s=60)
    house.ear.always = never
    for number in range(4):
        await send_file(house.service, house.platform, "voice", voice(0.1), number, person=f"p{number}")
    await house.service.media.run_due()
    await house.service.media.hands.drain()
    await asyncio.wait_for(house.service.media.run_due(), 5)
    chat = await house.write(CRISIS, person="other")
    assert house.keys_said(chat)[-1] == "safety.medium"
    async with asyncio.timeout(10):
        while len(house.ear.heard) < 2:
            await asyncio.sleep(0.01)
    assert len(house.ear.heard) == 2  # two at a time


async def test_a_hearing_whose_worker_died_is_made_again(each_house: House) -> None:
    each_house.service.media.hearing.recogniser = replace(each_house.service.media.hearing.recogniser, timeout_s=60)
    each_house.ear.answers = [never]
    chat, message_id = await send_file(each_house.service, each_house.platform, "voice", voice(0.1))
    await each_house.service.media.run_due()
    await each_house.service.media.hands.drain()
    await each_house.service.media.run_due()
    async with asyncio.timeout(10):
        while not each_house.ear.heard:
            await asyncio.sleep(0.01)
    await each_house.service.media.stop()
    await fetch_media(each_house.service)
    assert each_house.transcript(message_id) is None  # still leased
    each_house.ear.always = says(CRISIS)
    each_house.clock.forward(minutes=11)
    await fetch_media(each_house.service)
    assert each_house.transcript(message_id) == CRISIS
    assert each_house.level(chat) == Level.MEDIUM


async def test_a_second_voice_of_one_message_is_heard_with_the_first(each_house: House) -> None:
    each_house.ear.answers = [says("今天"), says("今天"), says("我想死")]
    each_house.platform.files |= {"one": voice(0.1), "two": ChannelUnavailable()}
    chat, message_id = await each_house.voice(files=("one", "two"))
    assert each_house.transcript(message_id) == "今天"
    each_house.platform.files["two"] = voice(0.1)
    each_house.clock.forward(minutes=1)
    await fetch_media(each_house.service)
    assert sorted((each_house.transcript(message_id) or "").split("\n")) == ["今天", "我想死"]
    assert each_house.level(chat) == Level.MEDIUM


async def test_a_voice_that_cannot_be_read_takes_nothing_from_the_other(house: House) -> None:
    house.ear.answers = [status(400), says("我想死")]
    house.platform.files |= {"one": voice(0.1), "two": voice(0.1)}
    chat, message_id = await send_file(house.service, house.platform, "voice", None, files=("one", "two"))
    while house.rows(t.attachment, state="waiting"):
        await house.service.media.run_due()
        await house.service.media.hands.drain()
    await fetch_media(house.service)
    assert house.transcript(message_id) == "我想死"
    assert house.level(chat) == Level.MEDIUM


async def test_words_of_a_hearing_that_a_second_voice_overtook_are_not_the_last(each_house: House) -> None:
    goes_on = asyncio.Event()

    async def late() -> Response:
        await goes_on.wait()
        return JSONResponse({"text": "今天"})

    each_house.ear.answers = [late]
    each_house.ear.always = says("我想死")
    each_house.platform.files |= {"one": voice(0.1), "two": ChannelUnavailable()}
    _, message_id = await send_file(each_house.service, each_house.platform, "voice", None, files=("one", "two"))
    await each_house.service.media.run_due()
    await each_house.service.media.hands.drain()
    await each_house.service.media.run_due()
    each_house.platform.files["two"] = voice(0.1)
    each_house.clock.forward(seconds=5)
    await each_house.service.media.run_due()
    await each_house.service.media.hands.drain()
    goes_on.set()
    await each_house.service.media.drain()
    await fetch_media(each_house.service)
    assert each_house.transcript(message_id) == "我想死\n我想死"


@pytest.mark.parametrize("why", [MediaGone(), TooLarge()])
async def test_a_voice_that_cannot_be_fetched_is_told_to_the_person_while_it_is_fresh(
    house: House, why: Exception
) -> None:
    chat, _ = await house.voice(body=why)
    assert house.keys_said(chat) == ["greeting.first", "safety.voice_listening", "safety.voice"]


async def test_with_an_open_case_people_were_called_for_the_voice_already(house: House) -> None:
    chat = await house.write(CRISIS)
    house.ear.always = status(503)
    await house.voice()
    assert house.keys_said(chat)[-1] == "safety.voice_called"
    assert len(house.rows(t.event, kind="unread_media")) == 1
