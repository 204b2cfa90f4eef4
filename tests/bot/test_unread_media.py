"""What no machine reads, in an open case: people have to look."""

from __future__ import annotations

from typing import Any

import pytest

from bot.messages import UNREAD_KINDS
from records import tables as t
from tests.building import CRISIS, LOW, counsellor, do, greeted, inbound, keys_said, rows, say
from triage.risk import Level
from wiring import Service

pytestmark = pytest.mark.anyio


def told(service: Service, kind: str) -> list[Any]:
    return rows(service.store.engine, t.event, topic="desk", kind=kind)


def case_of(service: Service) -> Any:
    (found,) = rows(service.store.engine, t.case_record)
    return found


@pytest.mark.parametrize("kind", UNREAD_KINDS)
async def test_outside_danger_nothing_is_flagged(service: Service, kind: str) -> None:
    chat = greeted(service)
    await say(service, chat, LOW)
    await say(service, chat, "", kind=kind)
    assert told(service, "unread_media") == []
    assert keys_said(service, chat)[-1] == "safety.voice"


@pytest.mark.parametrize("kind", UNREAD_KINDS)
async def test_with_an_open_case_a_person_has_to_look(service: Service, kind: str) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS)
    receipt = await say(service, chat, "", kind=kind)
    (event,) = told(service, "unread_media")
    assert (event.case_id, receipt.message_id in event.data) == (case_of(service).id, True)
    assert keys_said(service, chat)[-1] == "safety.voice_called"
    assert [row.state for row in rows(service.store.engine, t.alert)] == ["ringing"]


@pytest.mark.parametrize(("kind", "text"), [("sticker", ""), ("sticker", "[裂开]"), ("place", ""), ("unknown", ""), ("voice", "今天好一点"), ("image", "给你看我的猫")])  # fmt: skip
async def test_what_brings_words_or_can_bring_none_is_not_flagged(service: Service, kind: str, text: str) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS)
    await say(service, chat, text, kind=kind)
    assert told(service, "unread_media") == []


async def test_while_a_counsellor_has_the_case_it_is_flagged_and_nothing_rings(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS)
    lin = counsellor(service.store, service.writer)
    do(service.writer, lambda c: service.desk.claim(c, case_of(service).id, lin, service.now()))
    said = keys_said(service, chat)
    await say(service, chat, "", kind="voice")
    assert len(told(service, "unread_media")) == 1
    assert [row.state for row in rows(service.store.engine, t.alert)] == ["answered"]
    assert case_of(service).owner_id == lin.id
    assert keys_said(service, chat) == said


async def test_a_case_that_was_handed_back_calls_people_again(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, "转人工")
    lin = counsellor(service.store, service.writer)
    do(service.writer, lambda c: service.desk.claim(c, case_of(service).id, lin, service.now()))
    do(service.writer, lambda c: service.desk.hand_back(c, case_of(service).id, lin, service.now()))
    await say(service, chat, "", kind="voice")
    assert len(told(service, "unread_media")) == 1
    assert (case_of(service).state, case_of(service).owner_id) == ("new", None)
    assert sorted(row.state for row in rows(service.store.engine, t.alert)) == ["answered", "ringing"]
    assert keys_said(service, chat)[-1] == "safety.voice_called"


async def test_at_medium_without_a_case_one_is_opened_and_it_rings(service: Service) -> None:
    chat = greeted(service)
    do(
        service.writer,
        lambda c: service.store.conversations.remember(c, chat, {"level": "medium", "peak": "medium"}, Level.MEDIUM),
    )
    await say(service, chat, "", kind="image")
    assert case_of(service).level == Level.MEDIUM
    assert len(told(service, "unread_media")) == 1
    assert [row.state for row in rows(service.store.engine, t.alert)] == ["ringing"]


async def test_a_repeated_delivery_of_a_voice_is_flagged_once(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS)
    for _ in range(3):
        await service.pipeline.receive(inbound(chat, "", "v1", kind="voice"))
    assert len(told(service, "unread_media")) == 1
