"""What is heard in a voice counts as if it had been written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from command import releases
from records import tables as t
from records.conversations import body_hash
from tests.bot.conftest import House
from tests.bot.ear import says
from tests.building import CRISIS, EMERGENCY, LOW, PLAN, SMALL_TALK, counsellor, do, fetch_media, send_file
from tests.media_samples import voice
from triage.risk import Level

pytestmark = pytest.mark.anyio


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
        shown = house.service.store.conversations.assessments(connection, [message_id])[message_id]
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


async def test_a_new_release_is_tried_on_what_was_heard(each_house: House) -> None:
    each_house.ear.always = says(EMERGENCY)
    _, message_id = await each_house.voice()
    with each_house.service.store.engine.connect() as connection:
        stored = releases._stored(each_house.service.store, connection, each_house.clock() - timedelta(days=1))
    assert [(each.message_id, each.text, each.level) for each in stored] == [(message_id, EMERGENCY, Level.EMERGENCY)]
