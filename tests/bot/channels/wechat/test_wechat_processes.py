"""Several processes of one deployment, and restarts: no message of a person gets lost between them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

import wiring
from records import tables as t
from settings import Settings
from tests.bot.channels.wechat.people import soon, texts, words
from tests.bot.channels.wechat_rig import WeChatRig, running, wechat_settings
from tests.browsing import serving
from tests.building import CRISIS, rows

pytestmark = pytest.mark.anyio


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
