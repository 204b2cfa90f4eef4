"""Files that people send on WeChat are fetched, videos too."""

from __future__ import annotations

from typing import Any

import pytest

from bot.channels import ChannelUnavailable, MediaGone, TooLarge
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wechat_rig import WeChatRig

pytestmark = pytest.mark.anyio


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
