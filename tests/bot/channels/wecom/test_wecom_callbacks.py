"""The address and its callbacks: only the platform's own are followed; forged and broken ones fetch nothing."""

from __future__ import annotations

import pytest
from wechatpy.enterprise.crypto import WeChatCrypto

from tests.bot.channels.wecom.people import note
from tests.bot.channels.wecom_phones import AES_KEY, PAYLOADS
from tests.bot.channels.wecom_rig import WecomRig
from tests.building import CRISIS

pytestmark = pytest.mark.anyio


async def test_the_platforms_check_of_the_address_gets_its_word_back(rig: WecomRig) -> None:
    answer = await rig.platform.check_address("1616140317555161061")
    assert (answer.status_code, answer.text) == (200, "1616140317555161061")


@pytest.mark.parametrize("query", [{"msg_signature": "0" * 40}, {"nonce": "other"}, {"timestamp": ""}, {"echostr": ""},
                                   {"echostr": "%%%"}, {"msg_signature": "汉字"}])  # fmt: skip
async def test_a_check_that_is_not_the_platforms_is_refused(rig: WecomRig, query: dict[str, str]) -> None:
    assert (await rig.platform.check_address("word", **query)).status_code == 403


async def test_a_forged_callback_is_refused_and_fetches_nothing(rig: WecomRig) -> None:
    before = rig.platform.calls["sync_msg"]
    assert await rig.forge("nobody", 1, CRISIS) == 403
    for query in ({"msg_signature": "0" * 40}, {"timestamp": "1"}, {"nonce": "x"}):
        assert await rig.platform.deliver((PAYLOADS / "callback.xml").read_bytes(), **query) == 403
    stranger = WeChatCrypto("callback-token", AES_KEY, "wwAnotherCorp")
    assert await rig.platform.deliver((PAYLOADS / "callback.xml").read_bytes(), stranger) == 403
    assert note(rig) is None
    assert rig.platform.calls["sync_msg"] <= before + 2  # what looks every now and then


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><xml><Event>&b;</Event></xml>'


@pytest.mark.parametrize(
    "body",
    [b"", b"not xml", b"<xml>", b"<other/>", b"<xml/>", b"\xff\xfe\x00", BOMB, b"<xml><Event>kf_msg_or_event</Event></xml>",
     b"<xml><Event>kf_msg_or_event</Event><OpenKfId>a</OpenKfId><OpenKfId>b</OpenKfId><Token>t</Token></xml>"],
)  # fmt: skip
async def test_a_signed_callback_without_a_good_event_is_refused(rig: WecomRig, body: bytes) -> None:
    assert await rig.post_broken(body) in (400, 403)


@pytest.mark.parametrize("body", [b"", b"not xml", b"<xml></xml>", b"<xml><Encrypt/></xml>", b"\x00" * 100, BOMB,
                                  b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>"])  # fmt: skip
async def test_bytes_that_are_no_envelope_are_refused(rig: WecomRig, body: bytes) -> None:
    assert await rig.platform.post(body, msg_signature="x", timestamp="1", nonce="1") in (400, 403)


async def test_a_callback_of_more_than_a_mebibyte_is_refused_by_its_size(rig: WecomRig) -> None:
    assert await rig.post_broken(b"x" * (1 << 20)) == 413


async def test_a_callback_of_another_kind_is_thanked_for_and_changes_nothing(rig: WecomRig) -> None:
    assert await rig.post_broken(b"<xml><Event>change_external_contact</Event></xml>") == 200
