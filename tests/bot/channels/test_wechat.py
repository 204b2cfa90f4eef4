"""WeChat as people use it: the real application beside a strict platform, over real sockets, with its own clock."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

import wiring
from bot.channels import ChannelUnavailable, MediaGone, TooLarge
from bot.channels.wechat_api import menu
from bot.messages import Outbound
from bot.pipeline import LONGEST_BYTES, TOPIC_BUTTONS
from records import tables as t
from records.conversations import Message
from settings import Settings
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wechat_platform import (
    AES_KEY,
    EVENTS,
    KINDS,
    TEMPLATE,
    TOKEN,
    WeChatRig,
    openid,
    payload,
    running,
    sign,
    standing,
    wechat_rig,
    wechat_settings,
)
from tests.browsing import Seat, serving
from tests.building import CRISIS, EMERGENCY, SMALL_TALK, WAIT_S, Clock, rows

pytestmark = pytest.mark.anyio
NAMES = (f"person-{number}" for number in range(10**6))
MEDIA_ID = "Zx7_Qm2pLr0Kd9Vb3TnYw8HsJc5Ge1Uf4Ao6Ix_R-BvNhSgMqPzWtDyElCkFjXa"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for the whole module: most tests share one running service, each with people of its own."""
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WeChatRig]:
    """In the safe mode, with the API."""
    async with wechat_rig(tmp_path_factory.mktemp("wechat"), now=Clock()) as made:
        yield made


@pytest.fixture
def rig(shared_rig: WeChatRig) -> WeChatRig:
    """The same, and what the last test broke is whole again."""
    shared_rig.trouble(Trouble.NONE)
    shared_rig.platform.errors.clear()
    shared_rig.platform.raw.clear()
    return shared_rig


@pytest.fixture(scope="module")
async def poor_rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WeChatRig]:
    """An account without WeChat's seal, in the plain mode: it has no API."""
    async with wechat_rig(tmp_path_factory.mktemp("poor"), now=Clock(), mode="plain", has_api=False) as made:
        yield made


@pytest.fixture
def person() -> str:
    """Somebody whom no other test knows."""
    return next(NAMES)


async def soon(claim: Callable[[], Any]) -> Any:
    """What the claim says as soon as it is true; fails when it never is."""
    deadline = time.monotonic() + WAIT_S
    while not (found := claim()):
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)
    return found


def contact(rig: WeChatRig, person: str) -> Any:
    """The person's row, or None."""
    store = rig.site.service.store
    with store.engine.connect() as connection:
        return store.contacts.find(connection, "wechat", openid(person))


def chat(rig: WeChatRig, person: str) -> str:
    """The id of the person's conversation."""
    (row,) = rows(rig.site.service.store.engine, t.conversation, contact_id=contact(rig, person).id)
    return row.id


def said(rig: WeChatRig, person: str, *authors: str) -> list[Message]:
    """What is kept of this person's conversation: their own messages, or those of others."""
    if contact(rig, person) is None:
        return []
    store = rig.site.service.store
    with store.engine.connect() as connection:
        found = store.conversations.messages(connection, chat(rig, person), limit=1000)
    return [message for message in found if message.author in (authors or ("visitor",))]


def texts(rig: WeChatRig, person: str) -> list[str]:
    return [message.body for message in said(rig, person)]


def dead(rig: WeChatRig, person: str) -> list[str]:
    """Why words did not reach this person."""
    found = rows(rig.site.service.store.engine, t.outbox, conversation_id=chat(rig, person), state="dead")
    return [row.reason for row in found]


def left(rig: WeChatRig, person: str) -> int:
    """How many messages we believe that the platform still takes for this person."""
    (row,) = rows(rig.site.service.store.engine, t.allowance, id=chat(rig, person))
    return int(row.left)


async def meet(rig: WeChatRig, person: str) -> None:
    """They subscribe and are greeted."""
    assert (await rig.call(person, 0, "event-subscribe")).status_code == 200
    await soon(lambda: len(rig.seen(person)) == 1)
    rig.seen(person).clear()


async def take_over(rig: WeChatRig, person: str) -> tuple[Seat, str]:
    """The person asks for somebody, and a counsellor comes; from now on the bot is silent."""
    await meet(rig, person)
    await rig.post(person, 1, "转人工")
    case_id = await soon(lambda: rig.site.case_of(chat(rig, person)))
    seat = rig.site.seat()
    assert (await seat.act(case_id, "claim")).status_code < 400
    await soon(lambda: any("已接入" in text for text in rig.seen(person)))
    rig.seen(person).clear()
    return seat, case_id


async def reply(seat: Seat, case_id: str, text: str) -> None:
    answer = await seat.act(case_id, "reply", text=text, reply_id=uuid.uuid4().hex)
    assert answer.status_code < 400


def words(rig: WeChatRig, key: str) -> str:
    return rig.site.service.outbox.replies.render(key)


# --- the door ---


async def test_the_platform_may_check_that_we_know_the_token(rig: WeChatRig) -> None:
    query = {**rig.signed(b""), "echostr": "5837590823742"}
    answer = await rig.http.get("/wechat", params=query)
    assert (answer.status_code, answer.text) == (200, "5837590823742")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_nobody_else_gets_an_echo(rig: WeChatRig) -> None:
    good = {**rig.signed(b""), "echostr": "<script>alert(1)</script>"}
    old = rig.signed(b"", at=rig.platform.now() - timedelta(minutes=6))
    for query in ({}, {"echostr": "1"}, {**good, "signature": "0" * 40}, {**good, "nonce": "other"}, old):
        answer = await rig.http.get("/wechat", params=query)
        assert answer.status_code == 403
        assert "script" not in answer.text


KEPT: dict[str, tuple[str, str, bool]] = {  # payload -> kind, text, has a file
    "text": ("text", "最近总是睡不着，白天也没有精神", False),
    "text-from-choice": ("text", "失眠怎么办", False),
    "text-with-emoji": ("text", "谢谢你们[玫瑰]/::)😭 <b>5</b> & 3 < 4", False),
    "text-unsupported": ("unknown", "", False),
    "voice": ("voice", "我这几天心里很慌。", True),
    "voice-not-recognised": ("voice", "", True),
    "voice-without-recognition": ("voice", "", True),
    "image": ("image", "", True),
    "video": ("video", "", True),
    "shortvideo": ("video", "", True),
    "location": ("place", "广州市天河区中山大道西55号（23.134521, 113.358803）", False),
    "location-without-label": ("place", "（23.134521, 113.358803）", False),
    "link": ("text", "抑郁的十个信号\n看看你有几个\nhttps://mp.weixin.qq.com/s/k3WvZ8dQnR2xTq", False),
    "file": ("file", "写给爸妈的信.docx", False),
    "unknown": ("unknown", "", False),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_message_is_kept(rig: WeChatRig, person: str, kind: str) -> None:
    assert await rig.post_kind(person, 1, kind) == 200
    (message,) = said(rig, person)
    (row,) = rows(rig.site.service.store.engine, t.message, id=message.id)
    files = rows(rig.site.service.store.engine, t.attachment, message_id=message.id)
    assert (message.kind, message.body, bool(files)) == KEPT[kind]
    assert row.sent_at == rig.platform.now()
    assert all(file.state == "waiting" and file.kind == message.kind for file in files)


async def test_the_name_of_a_file_is_kept_so_that_it_can_be_fetched(rig: WeChatRig, person: str) -> None:
    await rig.post_kind(person, 1, "image")
    store = rig.site.service.store
    (message,) = said(rig, person)
    with store.engine.connect() as connection:
        (file,) = store.attachments.of_messages(connection, [message.id])[message.id]
    assert file.reference == MEDIA_ID


SILENT = sorted(set(EVENTS) - {"event-subscribe", "event-subscribe-by-code", "event-scan", "event-click"})


@pytest.mark.parametrize("event", SILENT)
async def test_an_event_that_says_nothing_is_accepted_and_kept_by_nobody(
    rig: WeChatRig, person: str, event: str
) -> None:  # fmt: skip
    before = time.monotonic()
    answer = await rig.call(person, 1, event)
    assert (answer.status_code, answer.text) == (200, "success")
    assert time.monotonic() - before < 3  # nobody waited for words
    assert said(rig, person) == []
    assert rig.seen(person) == []


@pytest.mark.parametrize(
    ("event", "scene"),
    [("event-subscribe", ""), ("event-subscribe-by-code", "school-17"), ("event-scan", "hospital-4")],
)
async def test_who_comes_is_greeted_at_once_and_their_code_is_known(
    rig: WeChatRig, person: str, event: str, scene: str
) -> None:
    await rig.call(person, 1, event)
    assert rig.seen(person)[0].startswith(words(rig, "greeting.first"))
    assert rig.phone(person).passive == 1
    assert said(rig, person) == []
    assert contact(rig, person).scene == scene


async def test_a_greeting_that_missed_the_call_may_still_go_by_the_api(rig: WeChatRig, person: str) -> None:
    await rig.hang_up(person, 1, "event-subscribe")
    await soon(lambda: rig.seen(person))
    assert rig.phone(person).passive == 0


async def test_a_press_on_the_menu_is_as_good_as_writing(rig: WeChatRig, person: str) -> None:
    await meet(rig, person)
    await rig.call(person, 1, "event-click", EventKey="紧急求助")
    assert [(message.kind, message.body) for message in said(rig, person)] == [("text", "紧急求助")]
    assert rig.seen(person) == [words(rig, "handover.emergency_button")]
    assert rig.site.case_of(chat(rig, person))


async def test_who_leaves_cannot_be_reached_and_who_comes_back_can(rig: WeChatRig, person: str) -> None:
    await meet(rig, person)
    await rig.call(person, 1, "event-unsubscribe")
    assert contact(rig, person).unreachable == "left"
    rig.phone(person).follows = True
    rig.platform.now.forward(seconds=1)
    await rig.call(person, 2, "event-subscribe")
    assert contact(rig, person).unreachable == ""
    assert len(rig.seen(person)) == 1


async def test_repeats_change_nothing_and_are_answered_like_the_first(rig: WeChatRig, person: str) -> None:
    await meet(rig, person)
    first = await rig.call(person, 1, Content=CRISIS)
    again = await rig.call(person, 1, Content=CRISIS)
    third = await rig.call(person, 1, Content=CRISIS)
    assert texts(rig, person) == [CRISIS]
    assert {rig.opened(answer.text)["Content"] for answer in (first, again, third)} == {words(rig, "safety.medium")}
    assert len(said(rig, person, "bot")) == 2  # the greeting and this


async def test_repeats_at_the_same_moment_change_nothing(rig: WeChatRig, person: str) -> None:
    await asyncio.gather(*(rig.call(person, 1, Content=CRISIS) for _ in range(6)))
    assert texts(rig, person) == [CRISIS]
    assert len(rows(rig.site.service.store.engine, t.case_record, conversation_id=chat(rig, person))) == 1
    assert len(said(rig, person, "bot")) == 1
    assert set(rig.seen(person)) == {words(rig, "safety.medium")}


async def test_an_event_that_is_told_twice_happens_once(rig: WeChatRig, person: str) -> None:
    await asyncio.gather(*(rig.call(person, 1, "event-subscribe") for _ in range(3)))
    await asyncio.gather(*(rig.call(person, 1, "event-click", EventKey="紧急求助") for _ in range(3)))
    assert texts(rig, person) == ["紧急求助"]
    assert len(said(rig, person, "bot")) == 2


async def test_two_presses_within_one_second_are_two_when_they_differ(rig: WeChatRig, person: str) -> None:
    await asyncio.gather(*(rig.call(person, 1, "event-click", EventKey=key) for key in ("心慌", "失眠怎么办")))
    assert sorted(texts(rig, person)) == ["失眠怎么办", "心慌"]


async def test_two_messages_under_one_id_are_both_kept(rig: WeChatRig, person: str) -> None:
    await asyncio.gather(*(rig.post(person, 1, text) for text in ("一", "二")))
    assert sorted(texts(rig, person)) == ["一", "二"]


async def test_messages_that_overtake_each_other_are_all_kept_with_their_own_time(rig: WeChatRig, person: str) -> None:
    now = rig.platform.now()
    await asyncio.gather(
        *(rig.post(person, number, f"第{number}句", sent_at=now - timedelta(seconds=number)) for number in range(1, 9))
    )
    times = {message.body: rows(rig.site.service.store.engine, t.message, id=message.id)[0].sent_at for message in said(rig, person)}  # fmt: skip
    assert times == {f"第{number}句": now - timedelta(seconds=number) for number in range(1, 9)}


async def test_a_message_of_yesterday_gets_the_honest_line(rig: WeChatRig, person: str) -> None:
    await meet(rig, person)
    await rig.post(person, 1, SMALL_TALK, sent_at=rig.platform.now() - timedelta(hours=23))
    assert rig.seen(person) == [words(rig, "talk.late")]
    (message,) = said(rig, person)
    assert message.extra == {"late": True}


async def test_danger_of_yesterday_still_calls_people(rig: WeChatRig, person: str) -> None:
    await rig.post(person, 1, EMERGENCY, sent_at=rig.platform.now() - timedelta(hours=23))
    assert rig.seen(person) == [words(rig, "safety.emergency")]
    assert rig.site.case_of(chat(rig, person))


async def test_what_a_phone_can_write_and_xml_cannot_hold_loses_no_message(rig: WeChatRig, person: str) -> None:
    assert await rig.post(person, 1, "我\x00真的\x08很\x1b累\ufffe了") == 200
    assert texts(rig, person) == ["我真的很累了"]


async def test_a_text_longer_than_we_keep_is_cut_and_marked(rig: WeChatRig, person: str) -> None:
    assert await rig.post(person, 1, "累" * 100_000) == 200
    (message,) = said(rig, person)
    assert message.extra == {"cut": True}
    assert len(message.body.encode()) <= LONGEST_BYTES


async def test_a_body_far_too_large_is_refused_unread(rig: WeChatRig, person: str) -> None:
    assert await rig.post(person, 1, "累" * 400_000) == 413
    assert contact(rig, person) is None


async def test_forged_calls_are_refused_and_leave_nothing(rig: WeChatRig, person: str) -> None:
    xml = payload("text", FromUserName=openid(person), Content=CRISIS)
    body, query = rig.sealed(xml)
    now = rig.platform.now()
    calls = {
        "a guessed token": rig.sealed(xml, token="a guess"),
        "no signature": (body, {}),
        "an old call": rig.sealed(xml, at=now - timedelta(minutes=5, seconds=2)),
        "a call from the future": rig.sealed(xml, at=now + timedelta(minutes=5, seconds=2)),
        "a time that is none": (body, {**query, "timestamp": "soon"}),
        "a signature of other bytes": (body, {**query, "msg_signature": "0" * 40}),
        "a signature in other letters": (body, {**query, "msg_signature": "é" * 40}),
        "another nonce": (body, {**query, "nonce": "other"}),
        "a plain body": (xml.encode(), rig.signed(xml.encode())),
    }
    got = {name: (await rig.post_raw(*call)).status_code for name, call in calls.items()}
    assert got == dict.fromkeys(calls, 403)
    assert await rig.forge(person, 1, CRISIS) == 403
    assert contact(rig, person) is None


async def test_a_time_that_is_signed_but_none_is_refused(rig: WeChatRig) -> None:
    for timestamp in ("", "-1", "now", "9" * 5000, "１２"):
        query = {"signature": sign(TOKEN, timestamp, "n"), "timestamp": timestamp, "nonce": "n"}
        assert (await rig.post_raw(b"<xml/>", query)).status_code == 403


async def test_a_call_that_was_captured_and_changed_says_nothing(rig: WeChatRig, person: str) -> None:
    """Every byte of the ciphertext is under the signature, and under the padding and the receiver besides."""
    body, query = rig.sealed(payload("text", FromUserName=openid(person)))
    place = body.index(b"<Encrypt><![CDATA[") + 40
    changed = body[:place] + (b"A" if body[place : place + 1] != b"A" else b"B") + body[place + 1 :]
    assert (await rig.post_raw(changed, query)).status_code == 403  # signed as it was
    assert (await rig.post_raw(changed, rig.signed(changed))).status_code in (400, 403)  # even by who knows the token
    assert contact(rig, person) is None


BROKEN = {
    "nothing": b"",
    "json": b'{"MsgType":"text"}',
    "binary": bytes(range(256)),
    "half": b"<xml><MsgType>text</MsgType>",
    "other root": b"<html><body/></html>",
    "only text": b"<xml>text</xml>",
    "two roots": b"<xml/><xml/>",
    "entities": b'<!DOCTYPE x [<!ENTITY a "aaaa">]><xml><Content>&a;</Content></xml>',
}


@pytest.mark.parametrize("name", BROKEN)
async def test_bytes_that_are_no_message_are_refused(rig: WeChatRig, poor_rig: WeChatRig, name: str) -> None:
    assert await rig.post_broken(BROKEN[name]) in (400, 403)
    assert await poor_rig.post_broken(BROKEN[name]) == 400


@pytest.mark.parametrize("fields", [{"FromUserName": ""}, {"FromUserName": "o" * 200}, {"MsgType": ""}])
async def test_a_message_without_its_sender_or_kind_is_refused(rig: WeChatRig, fields: dict[str, str]) -> None:
    answer = await rig.post_raw(*rig.sealed(payload("text", **fields)))
    assert answer.status_code == 400


async def test_fields_within_fields_are_refused(poor_rig: WeChatRig) -> None:
    for xml in ("<FromUserName><a>1</a></FromUserName>", "<FromUserName>1</FromUserName>" * 2):
        assert await poor_rig.post_broken(f"<xml>{xml}<MsgType>text</MsgType></xml>".encode()) == 400


# --- modes ---


async def test_in_the_plain_mode_calls_and_answers_are_plain(poor_rig: WeChatRig, person: str) -> None:
    answer = await poor_rig.call(person, 1, Content=CRISIS)
    assert "<Content><![CDATA[" in answer.text
    assert poor_rig.seen(person) == [words(poor_rig, "safety.medium")]
    assert await poor_rig.forge(person, 2, CRISIS) == 403
    assert texts(poor_rig, person) == [CRISIS]


async def test_an_account_in_the_safe_mode_without_our_key_is_our_own_fault(poor_rig: WeChatRig) -> None:
    body = b"<xml><ToUserName>gh_1</ToUserName><Encrypt>AAAA</Encrypt></xml>"
    assert (await poor_rig.post_raw(body, poor_rig.signed(body))).status_code == 503


async def test_in_the_compatible_mode_what_is_encrypted_counts(rig: WeChatRig, person: str) -> None:
    both = WeChatRig(rig.site, rig.http, rig.platform, "compatible")
    await meet(rig, person)
    body, query = both.sealed(payload("text", FromUserName=openid(person), Content=CRISIS))
    changed = body.replace(CRISIS.encode(), "今天很好".encode())
    answer = both.show(person, await both.post_raw(changed, query))
    assert answer.status_code == 200
    assert texts(rig, person) == [CRISIS]
    assert both.seen(person) == [words(rig, "safety.medium")]


async def test_without_the_api_the_answer_to_a_call_is_all_there_is(poor_rig: WeChatRig, person: str) -> None:
    await poor_rig.call(person, 0, "event-subscribe")
    await poor_rig.call(person, 1, Content="转人工")
    assert len(poor_rig.seen(person)) == 2
    seat, case_id = poor_rig.site.seat(), poor_rig.site.case_of(chat(poor_rig, person))
    await seat.act(case_id, "claim")
    await soon(lambda: dead(poor_rig, person))
    assert dead(poor_rig, person) == ["closed"]
    assert sum(poor_rig.platform.calls.values()) == 0

    async def answer_when_it_is_read() -> None:
        await soon(lambda: "在吗" in texts(poor_rig, person))
        await reply(seat, case_id, "我是林老师，我在")

    await asyncio.gather(poor_rig.post(person, 2, "在吗"), answer_when_it_is_read())
    assert poor_rig.seen(person)[2:] == ["我是林老师，我在"]
    assert dead(poor_rig, person) == ["closed"]


# --- words that reach the person ---


async def test_the_first_contact_is_greeted_once_and_may_press_a_topic(rig: WeChatRig, person: str) -> None:
    await rig.post(person, 1, SMALL_TALK)
    await soon(lambda: len(rig.seen(person)) == 2)
    greeting, answer = rig.seen(person)
    assert greeting == "\n".join((words(rig, "greeting.first"), *(c["label"] for c in TOPIC_BUTTONS["choices"])))
    assert answer.startswith(words(rig, "answer.unavailable"))
    assert rig.phone(person).choices == {choice["label"]: choice["text"] for choice in TOPIC_BUTTONS["choices"]}
    assert rig.phone(person).passive == 1

    await rig.call(person, 2, "text-from-choice", Content=rig.phone(person).choices["转人工"])
    assert rig.seen(person)[2:] == [words(rig, "handover.called")]


async def test_danger_opens_a_case_and_safety_comes_in_the_answer_to_the_call(rig: WeChatRig, person: str) -> None:
    answer = await rig.call(person, 1, Content=EMERGENCY)
    assert rig.opened(answer.text)["Content"] == words(rig, "safety.emergency")
    assert rig.seen(person) == [words(rig, "safety.emergency")]
    case = rows(rig.site.service.store.engine, t.case_record, conversation_id=chat(rig, person))[0]
    assert (case.level, case.state) == (4, "new")
    await soon(lambda: said(rig, person, "bot"))
    assert (rig.phone(person).left, left(rig, person)) == (5, 5)  # it counted against nothing


async def test_a_counsellors_words_reach_the_person(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    await reply(seat, case_id, "我是林老师，我在")
    await soon(lambda: rig.seen(person) == ["我是林老师，我在"])
    assert rig.phone(person).left == 3  # of five: somebody came, and spoke
    await soon(lambda: left(rig, person) == 3)


async def test_what_a_counsellor_says_while_a_call_waits_goes_out_in_its_answer(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    before = rig.phone(person).passive

    async def answer_when_it_is_read() -> None:
        await soon(lambda: "您在吗" in texts(rig, person))
        await reply(seat, case_id, "我在，您说")

    await asyncio.gather(rig.post(person, 2, "您在吗"), answer_when_it_is_read())
    assert rig.seen(person) == ["我在，您说"]
    assert rig.phone(person).passive == before + 1
    assert rig.phone(person).left == 5


async def test_a_call_that_nobody_answers_ends_before_the_platform_gives_up(rig: WeChatRig, person: str) -> None:
    await take_over(rig, person)
    before = time.monotonic()
    answer = await rig.call(person, 2, Content="谢谢老师")
    assert (answer.status_code, answer.text) == (200, "success")
    assert 3.5 < time.monotonic() - before < 5


async def test_when_the_line_breaks_the_words_go_by_the_api(rig: WeChatRig, person: str) -> None:
    await meet(rig, person)
    before = rig.phone(person).passive
    await rig.hang_up(person, 1, Content=CRISIS)
    await soon(lambda: rig.seen(person) == [words(rig, "safety.medium")])
    assert rig.phone(person).passive == before
    assert texts(rig, person) == [CRISIS]


async def test_a_line_that_breaks_while_it_waits_takes_no_words(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    await rig.hang_up(person, 2, Content="您在吗")
    await soon(lambda: "您在吗" in texts(rig, person))
    await reply(seat, case_id, "我在，您说")
    await soon(lambda: rig.seen(person) == ["我在，您说"])


async def test_nobody_can_slip_a_link_into_a_bubble(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    await reply(seat, case_id, '看这里 <a href="https://evil.example">点我</a> < A href=x> 1<2')
    await soon(lambda: rig.seen(person))
    (shown,) = rig.seen(person)  # the phone itself refuses foreign links
    assert "点我" in shown
    assert "1<2" in shown


async def test_a_long_text_comes_in_several_bubbles_in_order(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    long = "".join(f"第{number}句话，慢慢呼吸。" for number in range(150))
    await reply(seat, case_id, long)
    await soon(lambda: "".join(rig.seen(person)) == long)
    assert all(len(text.encode()) <= 2000 for text in rig.seen(person))
    assert len(rig.seen(person)) == 3


# --- a platform that fails ---


async def row_of(rig: WeChatRig, person: str) -> Any:
    """What waits for this person after a failed try."""
    found = await soon(
        lambda: [
            row
            for row in rows(rig.site.service.store.engine, t.outbox, conversation_id=chat(rig, person), state="pending")
            if row.due_at > row.made_at
        ]
    )
    return found[0]


@pytest.mark.parametrize("trouble", [Trouble.DOWN, Trouble.SLOW])
async def test_what_the_platform_did_not_take_is_sent_when_it_is_back(
    rig: WeChatRig, person: str, trouble: Trouble
) -> None:
    seat, case_id = await take_over(rig, person)
    rig.trouble(trouble)
    await reply(seat, case_id, "我在")
    row = await row_of(rig, person)
    assert row.attempts == 1
    assert rig.seen(person) == []

    rig.trouble(Trouble.NONE)
    rig.platform.now.forward(seconds=5)
    await soon(lambda: rig.seen(person) == ["我在"])


@pytest.mark.parametrize(("retry_after", "wait_s"), [("", 5), ("17", 17), ("a while", 10)])
async def test_when_the_platform_asks_us_to_wait_we_wait_so_long_and_no_longer(
    rig: WeChatRig, person: str, retry_after: str, wait_s: int
) -> None:
    seat, case_id = await take_over(rig, person)
    if not retry_after:
        rig.trouble(Trouble.THROTTLED)
    else:
        rig.platform.raw.append(Response(status_code=429, headers={"Retry-After": retry_after}))
    await reply(seat, case_id, "我在")
    row = await row_of(rig, person)
    assert row.due_at - row.made_at == timedelta(seconds=wait_s)
    assert row.attempts == 0  # waiting is no failure
    rig.platform.now.forward(seconds=wait_s)
    await soon(lambda: rig.seen(person) == ["我在"])


@pytest.mark.parametrize(
    ("trouble", "code", "reason", "unreachable"),
    [
        (Trouble.QUOTA, None, "used_up", ""),
        (Trouble.BLOCKED, None, "left", "left"),
        (Trouble.NONE, 45015, "closed", ""),
        (Trouble.NONE, 40003, "blocked", "blocked"),
        (Trouble.NONE, 45002, "refused", ""),
        (Trouble.NONE, 48001, "closed", ""),
    ],
)
async def test_what_the_platform_refuses_for_good_is_given_up_loudly(
    rig: WeChatRig, person: str, trouble: Trouble, code: int | None, reason: str, unreachable: str
) -> None:
    seat, case_id = await take_over(rig, person)
    rig.trouble(trouble)
    rig.platform.errors |= {openid(person): code} if code else {}
    await reply(seat, case_id, "我在")
    assert await soon(lambda: dead(rig, person)) == [reason]
    assert contact(rig, person).unreachable == unreachable
    told = rows(rig.site.service.store.engine, t.event, kind="undelivered", conversation_id=chat(rig, person))
    assert len(told) == 1
    assert (left(rig, person) == 0) is (reason in ("used_up", "closed"))


async def test_who_writes_again_can_be_reached_again(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    rig.trouble(Trouble.BLOCKED)
    await reply(seat, case_id, "我在")
    await soon(lambda: contact(rig, person).unreachable == "left")
    rig.trouble(Trouble.NONE)
    await rig.post(person, 2, "我回来了")
    assert contact(rig, person).unreachable == ""
    await reply(seat, case_id, "欢迎回来")
    await soon(lambda: rig.seen(person) == ["欢迎回来"])


@pytest.mark.parametrize("code", [-1, 50001, 50002])
async def test_a_platform_that_is_busy_with_itself_is_tried_again(rig: WeChatRig, person: str, code: int) -> None:
    seat, case_id = await take_over(rig, person)
    rig.platform.errors[openid(person)] = code
    await reply(seat, case_id, "我在")
    assert (await row_of(rig, person)).attempts == 1
    rig.platform.now.forward(seconds=5)
    await soon(lambda: rig.seen(person) == ["我在"])


async def test_a_token_that_expired_is_renewed_and_nothing_is_lost(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    asked = rig.platform.calls["/cgi-bin/stable_token"]
    rig.trouble(Trouble.TOKEN_EXPIRED)
    await reply(seat, case_id, "我在")
    await soon(lambda: rig.seen(person) == ["我在"])
    assert rig.platform.calls["/cgi-bin/stable_token"] == asked + 1


async def test_a_token_is_renewed_before_it_ends(rig: WeChatRig) -> None:
    channel: Any = rig.site.service.outbox.channels["wechat"]
    rig.platform.media["p1"] = ("image/jpeg", b"x")
    await channel.fetch("p1")
    calls = rig.platform.calls.copy()
    rig.platform.now.forward(seconds=7200 - 299)
    await channel.fetch("p1")
    assert rig.platform.calls["/cgi-bin/stable_token"] == calls["/cgi-bin/stable_token"] + 1
    assert rig.platform.calls["/cgi-bin/media/get"] == calls["/cgi-bin/media/get"] + 1  # no call failed before


async def test_while_the_platform_is_away_safety_still_comes_in_the_answer_to_the_call(
    rig: WeChatRig, person: str
) -> None:
    await meet(rig, person)
    rig.trouble(Trouble.DOWN)
    await rig.post(person, 1, EMERGENCY)
    assert rig.seen(person) == [words(rig, "safety.emergency")]


async def test_nothing_of_a_person_stands_in_the_log(
    rig: WeChatRig, person: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seat, case_id = await take_over(rig, person)
    rig.platform.errors[openid(person)] = 45002
    await rig.post(person, 2, "我叫王小明，住在学府路9号")
    await reply(seat, case_id, "小明你好")
    await soon(lambda: dead(rig, person))
    await rig.forge(person, 3, "伪造的话")
    logged = "".join(capsys.readouterr())
    assert "45002" in logged
    for secret in (openid(person), "王小明", "小明你好", "伪造", TOKEN, AES_KEY, *rig.platform.tokens):
        assert secret not in logged


# --- several processes, restarts ---


@contextlib.asynccontextmanager
async def only_a_door(rig: WeChatRig, config: Settings) -> AsyncIterator[WeChatRig]:
    """A process of the same deployment in which nothing is delivered: it takes calls, and may end at any moment."""
    service = wiring.build_service(config, now=rig.platform.now, screener=rig.site.service.pipeline.screener)
    front = FastAPI()
    front.include_router(service.doors[0].router())
    async with serving(front) as address, httpx.AsyncClient(base_url=address, timeout=5) as line:
        yield WeChatRig(rig.site, line, rig.platform)
    await service.http.aclose()
    service.writer.close()
    service.store.engine.dispose()


async def test_when_another_process_sends_the_api_is_used(rig: WeChatRig, person: str) -> None:
    async with only_a_door(rig, rig.site.service.settings) as door:
        answer = await door.call(person, 1, Content=CRISIS)
    assert (answer.status_code, answer.text) == (200, "success")
    await soon(lambda: rig.seen(person) == [words(rig, "safety.medium")])
    assert rig.phone(person).passive == 0
    assert texts(rig, person) == [CRISIS]


async def test_a_restart_between_receiving_and_answering_loses_nothing(
    rig: WeChatRig, tmp_path: Path, person: str
) -> None:
    config = wechat_settings(tmp_path, rig.platform.address)
    async with only_a_door(rig, config) as door:
        await door.hang_up(person, 1, Content=CRISIS)
    assert rig.seen(person) == []
    async with running(config, rig.platform) as restarted:
        await soon(lambda: rig.seen(person) == [words(rig, "safety.medium")])
        await restarted.call(person, 1, Content=CRISIS)  # WeChat calls again: it heard nothing
        assert texts(restarted, person) == [CRISIS]
        assert len(rows(restarted.site.service.store.engine, t.case_record)) == 1
    assert rig.seen(person) == [words(rig, "safety.medium")]


# --- the menu, files, settings ---


async def test_the_account_gets_our_menu_once(rig: WeChatRig) -> None:
    assert await soon(lambda: rig.platform.menu) == {"button": menu()}
    door, made = rig.site.service.doors[0], rig.platform.calls["/cgi-bin/menu/create"]
    await door.run()
    assert rig.platform.calls["/cgi-bin/menu/create"] == made  # it is there already

    rig.platform.menu = {"button": [{"type": "click", "name": "旧", "key": "旧"}]}
    await door.run()
    assert rig.platform.menu == {"button": menu()}


@pytest.mark.parametrize("trouble", [Trouble.DOWN, Trouble.SLOW, Trouble.THROTTLED])
async def test_a_menu_that_cannot_be_had_stops_nothing(rig: WeChatRig, trouble: Trouble) -> None:
    rig.trouble(trouble)
    await rig.site.service.doors[0].run()


async def test_files_are_fetched_and_videos_too(rig: WeChatRig) -> None:
    channel: Any = rig.site.service.outbox.channels["wechat"]
    rig.platform.media = {
        "p1": ("image/jpeg", b"\xff\xd8picture"),
        "v1": ("video/mp4", b"moving"),
        "t1": ("text/plain", b'{"not": "an error"}'),
        "big": ("image/jpeg", b"x" * 10_000_001),
        "bigvideo": ("video/mp4", b"x" * 10_000_001),
    }
    assert await channel.fetch("p1") == (b"\xff\xd8picture", "image/jpeg")
    assert await channel.fetch("v1") == (b"moving", "video/mp4")
    assert await channel.fetch("t1") == (b'{"not": "an error"}', "text/plain")
    for name in ("big", "bigvideo"):
        with pytest.raises(TooLarge):
            await channel.fetch(name)
    with pytest.raises(MediaGone):
        await channel.fetch("gone")
    rig.trouble(Trouble.TOKEN_EXPIRED)
    assert await channel.fetch("p1") == (b"\xff\xd8picture", "image/jpeg")
    rig.platform.errors["/cgi-bin/media/get"] = -1
    with pytest.raises(ChannelUnavailable):
        await channel.fetch("p1")
    rig.trouble(Trouble.DOWN)
    with pytest.raises(ChannelUnavailable):
        await channel.fetch("p1")


async def test_without_the_api_no_file_can_be_fetched(poor_rig: WeChatRig) -> None:
    channel: Any = poor_rig.site.service.outbox.channels["wechat"]
    with pytest.raises(MediaGone):
        await channel.fetch("p1")


async def test_the_line_after_the_window_goes_out_as_a_template_message(tmp_path: Path) -> None:
    async with standing() as platform:
        settings = wechat_settings(tmp_path, platform.address, HOTLINE_WECHAT_TEMPLATE_ID=TEMPLATE)
        async with running(settings, platform) as rig:
            await rig.post("away", 1, "你好")
            channel = rig.site.service.outbox.channels["wechat"]
            assert channel.rules.knocks
            line = Outbound(
                "c", "wechat", "您有新的回复，请点开查看", "system", extra={"knock": True}, address=openid("away")
            )
            assert not await channel.send(line)
            assert rig.phone("away").templates == ["您有新的回复，请点开查看"]


async def test_an_account_without_a_template_does_not_knock(tmp_path: Path) -> None:
    async with standing() as platform, running(wechat_settings(tmp_path, platform.address), platform) as rig:
        assert not rig.site.service.outbox.channels["wechat"].rules.knocks
