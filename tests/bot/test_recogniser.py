"""The protocol of recognisers: what we send, and that every misbehaviour ends in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.recogniser import HttpRecogniser, RecogniserFailed, RecogniserRefused
from settings import BadSettings, load_settings
from tests.bot.ear import FAILS, KEY, Ear, says, status
from tests.media_samples import SAMPLES, voice
from wiring import Service

pytestmark = pytest.mark.anyio


@pytest.fixture
async def recogniser(ear: Ear) -> AsyncIterator[HttpRecogniser]:
    async with httpx.AsyncClient() as http:
        yield HttpRecogniser(http, ear.url, KEY, "whisper-1", 0.5)


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
