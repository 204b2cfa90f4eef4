"""Voices that a machine turns into text: a real HTTP server that speaks the protocol, and misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

import wiring
from bot.channels import ChannelUnavailable, MediaGone, TooLarge
from bot.recogniser import HttpRecogniser, RecogniserFailed, RecogniserRefused
from command import releases
from records import tables as t
from records.conversations import body_hash
from settings import BadSettings, Settings, load_settings
from tests.browsing import serving
from tests.building import (
    CRISIS,
    EMERGENCY,
    LOW,
    PLAN,
    SMALL_TALK,
    Clock,
    FakeChannel,
    connect,
    counsellor,
    do,
    fetch_media,
    rows,
    send_file,
)
from tests.media_samples import SAMPLES, voice
from triage.risk import Level
from triage.screen import Screener
from wiring import Service

pytestmark = pytest.mark.anyio
KEY = "sk-of-the-test"
Answer = Callable[[], Awaitable[Response]]


def says(text: Any) -> Answer:
    async def answer() -> Response:
        return JSONResponse({"text": text})

    return answer


def status(code: int) -> Answer:
    async def answer() -> Response:
        return JSONResponse({"error": {"message": "no"}}, code)

    return answer


def body(content: bytes, media_type: str = "application/json") -> Answer:
    async def answer() -> Response:
        return Response(content, media_type=media_type)

    return answer


async def never() -> Response:
    await asyncio.Event().wait()
    raise AssertionError


async def drips() -> Response:
    async def drops() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    return StreamingResponse(drops())


async def endless() -> Response:
    async def flood() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 65536

    return StreamingResponse(flood())


async def breaks_off() -> Response:
    return Response(b'{"text": "', headers={"Content-Length": "100"})


FAILS: dict[str, Answer] = {
    "server error": status(500),
    "bad gateway": status(502),
    "wrong key": status(401),
    "no such model": status(404),
    "throttled": status(429),
    "a page": body(b"<html>Welcome to nginx!</html>", "text/html"),
    "nothing": body(b""),
    "a list": body(b'["text"]'),
    "a number": body(b"7"),
    "no text": body(b'{"words": "x"}'),
    "text that is a number": says(7),
    "text that is a list": says(["我", "想"]),
    "bytes that are no UTF-8": body(b'{"text": "\xff\xfe"}'),
    "deep nesting": body(b"[" * 100_000),
    "text without measure": says("我" * 30_000),
    "an endless answer": endless,
    "an answer in drips": drips,
    "no answer": never,
    "half an answer": breaks_off,
}


@dataclass
class Ear:
    """The recogniser's side: checks what it is sent as strictly as the real ones, and answers in turn."""

    answers: list[Answer] = field(default_factory=list)
    heard: list[tuple[str, str, bytes]] = field(default_factory=list)
    always: Answer = field(default_factory=lambda: says(SMALL_TALK))
    url: str = ""

    def app(self) -> FastAPI:
        made = FastAPI()

        @made.post("/v1/audio/transcriptions")
        async def transcriptions(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {KEY}":
                return JSONResponse({"error": {"message": "Incorrect API key"}}, 401)
            async with request.form() as form:
                file = form.get("file")
                if file is None or isinstance(file, str) or form.get("model") != "whisper-1":
                    return JSONResponse({"error": {"message": "file and model are required"}}, 400)
                self.heard.append((file.filename or "", file.content_type or "", await file.read()))
            return await (self.answers.pop(0) if self.answers else self.always)()

        return made


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    made = Ear()
    async with serving(made.app()) as url:
        made.url = url
        yield made


@pytest.fixture
async def recogniser(ear: Ear) -> AsyncIterator[HttpRecogniser]:
    async with httpx.AsyncClient() as http:
        yield HttpRecogniser(http, ear.url, KEY, "whisper-1", 0.5)


# ---- the protocol


@pytest.mark.parametrize(("media_type", "name"), [("audio/wav", "voice.wav"), ("audio/amr", "voice.amr"), ("audio/ogg", "voice.ogg"), ("video/mp4", "voice.mp4"), ("application/octet-stream", "voice.bin")])  # fmt: skip
async def test_a_voice_is_sent_whole_under_a_name_of_our_own(
    ear: Ear, recogniser: HttpRecogniser, media_type: str, name: str
) -> None:
    ear.answers = [says("  我睡不着。\n")]
    assert await recogniser.hear(voice(0.2), media_type) == "我睡不着。"
    assert ear.heard == [(name, media_type, voice(0.2))]


async def test_without_a_key_none_is_sent(ear: Ear) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(RecogniserFailed, match="401"):
            await HttpRecogniser(http, ear.url, "", "whisper-1", 5).hear(voice(0.1), "audio/wav")


@pytest.mark.parametrize("name", FAILS)
async def test_every_misbehaviour_is_a_failure_that_ends_in_time(
    ear: Ear, recogniser: HttpRecogniser, name: str
) -> None:
    ear.answers = [FAILS[name]]
    async with asyncio.timeout(10):
        with pytest.raises(RecogniserFailed):
            await recogniser.hear(voice(0.1), "audio/wav")


@pytest.mark.parametrize("code", [400, 413, 415, 422])
async def test_a_voice_that_it_cannot_read_is_refused_for_good(ear: Ear, recogniser: HttpRecogniser, code: int) -> None:
    ear.answers = [status(code)]
    with pytest.raises(RecogniserRefused):
        await recogniser.hear(SAMPLES["silk"], "audio/silk")


async def test_nobody_there_is_a_failure() -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(RecogniserFailed):
            await HttpRecogniser(http, "http://127.0.0.1:9", KEY, "whisper-1", 5).hear(voice(0.1), "audio/wav")


def test_it_is_off_until_somebody_says_where_it_is(small_service: Service) -> None:
    assert small_service.media.hearing is None
    assert not small_service.pipeline.hears_voices


@pytest.mark.parametrize("given", [{"HOTLINE_RECOGNISER_KEY": KEY}, {"HOTLINE_RECOGNISER_URL": "ear.local:8000"}, {"HOTLINE_RECOGNISER_URL": "file:///etc/passwd"}])  # fmt: skip
def test_half_a_recogniser_stops_the_start(given: dict[str, str]) -> None:
    with pytest.raises(BadSettings, match=r"RECOGNISER|recogniser"):
        load_settings(given)


# ---- what is heard counts as if it had been written


@dataclass
class House:
    """A service with a recogniser and a platform, on each database."""

    service: Service
    platform: FakeChannel
    ear: Ear
    clock: Clock

    async def voice(self, number: int = 1, body: Any = None, **more: Any) -> tuple[str, str]:
        """A voice arrives and is fetched and heard."""
        sent = await send_file(self.service, self.platform, "voice", body or voice(0.1), number, **more)
        await fetch_media(self.service)
        return sent

    async def write(self, text: str, number: int = 100, person: str = "p1") -> str:
        conversation_id, _ = await send_file(
            self.service, self.platform, "text", None, number, person=person, text=text, files=()
        )
        await self.service.pipeline.drain()
        return conversation_id

    def rows(self, table: Any, **where: Any) -> list[Any]:
        return rows(self.service.store.engine, table, **where)

    def keys_said(self, conversation_id: str) -> list[str]:
        said = self.rows(t.outbox, conversation_id=conversation_id)
        return [row.key for row in sorted(said, key=lambda row: row.seq)]

    def level(self, conversation_id: str) -> int:
        (found,) = self.rows(t.conversation, id=conversation_id)
        return int(found.level)

    def transcript(self, message_id: str) -> str | None:
        with self.service.store.engine.connect() as connection:
            return self.service.store.transcripts.texts(connection, [message_id]).get(message_id)

    def keeps_the_voice(self) -> bool:
        with self.service.store.engine.connect() as connection:
            return all(
                self.service.store.attachments.read(connection, row.id) == voice(0.1) for row in self.rows(t.attachment)
            )


@contextlib.asynccontextmanager
async def opened(settings: Settings, clock: Clock, rules: Screener, ear: Ear) -> AsyncIterator[House]:
    heard = {"recogniser_url": ear.url, "recogniser_key": KEY, "recogniser_timeout_s": 1}
    service = wiring.build_service(settings.model_copy(update=heard), now=clock, screener=rules)
    platform = FakeChannel()
    connect(service, platform)
    yield House(service, platform, ear, clock)
    await service.media.stop()
    await service.http.aclose()
    service.writer.close()
    service.store.engine.dispose()


@pytest.fixture
async def house(sqlite_settings: Settings, clock: Clock, compiled_rules: Screener, ear: Ear) -> AsyncIterator[House]:
    async with opened(sqlite_settings, clock, compiled_rules, ear) as made:
        yield made


@pytest.fixture
async def each_house(settings: Settings, clock: Clock, compiled_rules: Screener, ear: Ear) -> AsyncIterator[House]:
    """On each database."""
    async with opened(settings, clock, compiled_rules, ear) as made:
        yield made


async def test_a_voice_is_heard_and_its_words_are_kept_sealed_as_a_machines(each_house: House) -> None:
    each_house.ear.answers = [says(SMALL_TALK)]
    _, message_id = await each_house.voice()

    (row,) = each_house.rows(t.transcript)
    assert (row.id, row.state, row.made_by) == (message_id, "heard", "whisper-1")
    assert SMALL_TALK.encode() not in row.body_sealed
    assert each_house.transcript(message_id) == SMALL_TALK
    (message,) = each_house.rows(t.message, author="visitor")
    assert (message.kind, message.body_hash) == ("voice", body_hash("voice", ""))  # the voice is as it came


@pytest.mark.parametrize("text", [SMALL_TALK, LOW, CRISIS, PLAN, EMERGENCY, "转人工。", "紧急求助"])
async def test_a_voice_does_what_the_same_words_would_do(house: House, text: str) -> None:
    house.ear.answers = [says(text)]
    spoken, message_id = await house.voice(person="speaks")
    written = await house.write(text, person="writes")

    def outcome(conversation_id: str) -> tuple[Any, ...]:
        cases = house.rows(t.case_record, conversation_id=conversation_id)
        assessed = house.rows(t.assessment, conversation_id=conversation_id)
        alerts = house.rows(t.alert, conversation_id=conversation_id)
        said = [
            key for key in house.keys_said(conversation_id) if key not in ("greeting.first", "safety.voice_listening")
        ]
        return (
            house.level(conversation_id), [(case.state, case.level, case.wish) for case in cases],
            [(alert.state, alert.level) for alert in alerts], max((row.level, row.signals) for row in assessed), said,
        )  # fmt: skip

    assert outcome(spoken) == outcome(written)
    assert {row.message_id for row in house.rows(t.assessment, conversation_id=spoken)} == {message_id}
    with house.service.store.engine.connect() as connection:
        shown = house.service.store.conversations.assessments(connection, spoken)[message_id]
    assert shown["level"] == house.service.pipeline.screen(text).level


async def test_danger_in_a_voice_calls_people_and_speaks_in_one_transaction(each_house: House) -> None:
    each_house.ear.answers = [says(EMERGENCY)]
    chat, _ = await each_house.voice()
    (case,), (alert,) = each_house.rows(t.case_record), each_house.rows(t.alert)
    assert (case.level, alert.state) == (Level.EMERGENCY, "ringing")
    assert each_house.keys_said(chat) == ["greeting.first", "safety.voice_listening", "safety.emergency"]
    (event,) = each_house.rows(t.event, kind="transcript")
    assert (event.topic, event.case_id) == ("desk", case.id)


async def test_a_voice_counts_in_the_memory_of_the_conversation(house: House) -> None:
    chat = await house.write(LOW, 1)
    assert house.level(chat) == Level.LOW
    house.ear.answers = [says("有")]
    await house.voice(3)
    written = await house.write(LOW, 1, person="writes")
    await house.write("有", 3, person="writes")
    assert house.level(chat) == house.level(written) == Level.MEDIUM


async def test_a_voice_that_brought_its_own_words_needs_no_machine(house: House) -> None:
    chat, _ = await house.voice(text=CRISIS)
    assert house.ear.heard == []
    assert house.rows(t.transcript) == []
    assert house.level(chat) == Level.MEDIUM


@pytest.mark.parametrize("kind", ["image", "video", "file"])
async def test_only_voices_are_heard(house: House, kind: str) -> None:
    await send_file(house.service, house.platform, kind, voice(0.1))
    await fetch_media(house.service)
    assert house.ear.heard == []


async def test_while_a_counsellor_speaks_the_bot_is_silent_and_still_hears(house: House) -> None:
    chat = await house.write(CRISIS)
    lin = counsellor(house.service.store, house.service.writer)
    (case,) = house.rows(t.case_record)
    do(house.service.writer, lambda c: house.service.desk.claim(c, case.id, lin, house.clock()))
    said = house.keys_said(chat)
    house.ear.answers = [says(EMERGENCY)]
    await house.voice()
    assert house.keys_said(chat) == said
    (case,) = house.rows(t.case_record)
    assert (case.level, case.owner_id) == (Level.EMERGENCY, lin.id)


async def test_a_fresh_voice_is_answered_and_an_old_one_gets_an_honest_line(house: House) -> None:
    house.ear.always = says("你好。")
    fresh, _ = await house.voice(person="fresh")
    assert house.keys_said(fresh)[-1] == "talk.hello"

    old, _ = await send_file(house.service, house.platform, "voice", voice(0.1), person="old")
    house.clock.forward(seconds=house.service.settings.late_s + 1)
    await fetch_media(house.service)
    assert house.keys_said(old)[-1] == "talk.late"

    was_late, _ = await house.voice(person="was late", sent_at=house.clock() - house.service.intake.late * 2)
    assert house.keys_said(was_late)[-1] == "talk.late"


async def test_danger_in_an_old_voice_still_calls_people(house: House) -> None:
    house.ear.always = says(EMERGENCY)
    chat, _ = await send_file(house.service, house.platform, "voice", voice(0.1))
    house.clock.forward(hours=20)
    await fetch_media(house.service)
    assert house.keys_said(chat)[-1] == "safety.emergency"
    assert [row.state for row in house.rows(t.alert)] == ["ringing"]


async def test_a_blocked_person_is_heard_and_not_answered(house: House) -> None:
    chat = await house.write(SMALL_TALK)
    (contact,) = house.rows(t.contact)
    do(house.service.writer, lambda c: house.service.store.contacts.change(c, contact.id, blocked_at=house.clock()))
    said = house.keys_said(chat)
    house.ear.always = says("焦虑怎么办")
    _, message_id = await house.voice()
    assert house.transcript(message_id) == "焦虑怎么办"
    assert house.keys_said(chat) == [*said, "safety.voice_listening"]


async def test_a_repeated_delivery_of_a_heard_voice_changes_nothing(each_house: House) -> None:
    each_house.ear.always = says(CRISIS)
    chat, message_id = await each_house.voice()
    before = {table.name: len(each_house.rows(table)) for table in t.metadata.sorted_tables}
    assert await each_house.voice() == (chat, message_id)
    assert {table.name: len(each_house.rows(table)) for table in t.metadata.sorted_tables} == before


# ---- a recogniser that misbehaves takes nothing away


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


async def test_a_new_release_is_tried_on_what_was_heard(each_house: House) -> None:
    each_house.ear.always = says(EMERGENCY)
    _, message_id = await each_house.voice()
    with each_house.service.store.engine.connect() as connection:
        stored = releases._stored(each_house.service.store, connection, each_house.clock() - timedelta(days=1))
    assert [(each.message_id, each.text, each.level) for each in stored] == [(message_id, EMERGENCY, Level.EMERGENCY)]
