"""A restart, a caller that hangs up, a secret that is changed: nothing that a partner brought is lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.bot.channels.partner.people import stored, until
from tests.bot.channels.partner_platform import SECRET, PartnerRig, Platform, partner_settings, running, signed
from tests.bot.channels.rig import Trouble
from tests.browsing import serving
from tests.building import CRISIS

pytestmark = pytest.mark.anyio


async def test_what_was_confirmed_is_answered_after_a_restart(tmp_path: Path) -> None:
    platform = Platform(trouble=Trouble.DOWN)
    async with serving(platform.app()) as address:
        settings = partner_settings(tmp_path, f"{address}/hotline")
        async with running(settings, platform) as first:
            assert await first.post("restart", 1, CRISIS) == 202
        platform.set_trouble(Trouble.NONE)
        async with running(settings, platform) as second:
            await until(lambda: second.seen("restart"), "the reply after the restart")
            answer = await second.send({"id": "m-1", "person": "restart", "kind": "text", "text": CRISIS})
            assert answer.json()["repeat"] is True
            assert stored(second, "restart") == [("text", CRISIS)]
    assert len(platform.taken) == 1
    assert platform.refused == []


async def test_a_caller_that_hangs_up_before_our_answer_has_lost_nothing(rig: PartnerRig) -> None:
    message = {"id": "m-1", "person": "hangs-up", "text": CRISIS}
    body = json.dumps(message).encode()
    place = urlsplit(str(rig.http.base_url))
    _, writer = await asyncio.open_connection(place.hostname, place.port)
    head = {"Host": "hotline", "Content-Length": str(len(body)), **signed(SECRET, body)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"POST /partners/cityapp/messages HTTP/1.1\r\n{lines}\r\n".encode() + body)
    await writer.drain()
    writer.close()
    await until(lambda: stored(rig, "hangs-up"), "the message is kept")
    assert (await rig.send(message)).json()["repeat"] is True


async def test_while_a_secret_is_changed_both_are_good_and_we_sign_with_the_new(tmp_path: Path) -> None:
    new = "the-new-secret-of-the-city-app-2026-12"
    platform = Platform(secret=new)
    async with serving(platform.app()) as address:
        settings = partner_settings(tmp_path, f"{address}/hotline")
        file = settings.http_channels_file
        assert file is not None
        text = file.read_text(encoding="utf-8").replace(f'secret = "{SECRET}"', f'secrets = ["{new}", "{SECRET}"]')
        file.write_text(text, encoding="utf-8")
        async with running(settings, platform) as rig:
            for number, secret in enumerate((SECRET, new)):
                answer = await rig.send({"id": f"m-{number}", "person": "rotation", "text": CRISIS}, secret=secret)
                assert answer.status_code == 202
            await until(lambda: rig.seen("rotation"), "a callback signed with the new secret")
    assert platform.refused == []
