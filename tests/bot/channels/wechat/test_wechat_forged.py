"""The door: only WeChat's own calls come in, in each of its modes; forged, captured and broken ones leave nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.bot.channels.wechat.people import contact, meet, texts, words
from tests.bot.channels.wechat_platform import TOKEN, openid, payload
from tests.bot.channels.wechat_rig import WeChatRig, sign
from tests.building import CRISIS

pytestmark = pytest.mark.anyio


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
