"""Files that people send on 微信客服 are fetched, now or later, if they are there and not too large."""

from __future__ import annotations

import pytest

from bot.channels import ChannelUnavailable, MediaGone, TooLarge
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wecom.people import channel
from tests.bot.channels.wecom_rig import WecomRig

pytestmark = pytest.mark.anyio


async def test_a_file_is_fetched(rig: WecomRig) -> None:
    rig.platform.media["m1"] = (b"#!AMR\nvoice", "audio/amr")
    assert await channel(rig).fetch("m1") == (b"#!AMR\nvoice", "audio/amr")


@pytest.mark.parametrize("body", [b'{"mood": "low"}', b"\xff\xfe", b"[1]", b'{"errcode": "x"}'])
async def test_a_persons_own_text_file_is_no_error_of_the_platform(rig: WecomRig, body: bytes) -> None:
    rig.platform.media["m2"] = (body, "application/json")
    assert await channel(rig).fetch("m2") == (body, "application/json")


async def test_a_file_that_the_platform_no_longer_has_is_gone(rig: WecomRig) -> None:
    with pytest.raises(MediaGone):
        await channel(rig).fetch("nowhere")


async def test_a_file_larger_than_we_keep_is_refused(rig: WecomRig) -> None:
    rig.platform.media["m3"] = (b"x" * 10_000_001, "video/mp4")
    with pytest.raises(TooLarge):
        await channel(rig).fetch("m3")


async def test_a_file_that_cannot_be_had_now_can_be_had_later(rig: WecomRig) -> None:
    rig.platform.media["m4"] = (b"picture", "image/png")
    rig.trouble(Trouble.DOWN)
    with pytest.raises(ChannelUnavailable):
        await channel(rig).fetch("m4")
    rig.trouble(Trouble.NONE)
    assert await channel(rig).fetch("m4") == (b"picture", "image/png")


async def test_a_file_is_fetched_with_a_new_token_when_the_old_one_has_expired(rig: WecomRig) -> None:
    rig.platform.media["m5"] = (b"picture", "image/png")
    rig.trouble(Trouble.TOKEN_EXPIRED)
    assert await channel(rig).fetch("m5") == (b"picture", "image/png")
