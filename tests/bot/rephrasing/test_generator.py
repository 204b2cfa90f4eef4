"""The protocol of generative models: what we send, and that every misbehaviour ends in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.generator import GeneratorFailed, HttpGenerator
from settings import BadSettings, load_settings
from tests.bot.rephrasing.model import FAILS, GOOD, KEY, MODEL, Model, says
from wiring import Service, make_rephrasing

pytestmark = pytest.mark.anyio
ASKED = [{"role": "system", "content": "请改写"}, {"role": "user", "content": "[1] 有关系。"}]


@pytest.fixture
async def generator(model: Model) -> AsyncIterator[HttpGenerator]:
    async with httpx.AsyncClient() as http:
        yield HttpGenerator(http, model.url, KEY, MODEL)


async def test_the_messages_go_out_and_the_text_comes_back(model: Model, generator: HttpGenerator) -> None:
    model.answers = [says(f"\n{GOOD} ")]
    assert await generator.write(ASKED, 5) == GOOD
    (asked,) = model.asked
    assert (asked["messages"], asked["model"], asked["stream"], asked["n"]) == (ASKED, MODEL, False, 1)


async def test_without_a_key_none_is_sent(model: Model) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(GeneratorFailed, match="401"):
            await HttpGenerator(http, model.url, "", MODEL).write(ASKED, 5)


@pytest.mark.parametrize("name", FAILS)
async def test_every_misbehaviour_is_a_failure_that_ends_in_time(
    model: Model, generator: HttpGenerator, name: str
) -> None:
    model.answers = [FAILS[name]]
    async with asyncio.timeout(5):
        with pytest.raises(GeneratorFailed):
            await generator.write(ASKED, 0.5)


async def test_a_redirect_is_not_followed_even_by_a_client_that_would(model: Model) -> None:
    model.answers = [FAILS["a redirect"]]
    async with httpx.AsyncClient(follow_redirects=True) as http:
        with pytest.raises(GeneratorFailed, match="307"):
            await HttpGenerator(http, model.url, KEY, MODEL).write(ASKED, 5)
    assert not model.strayed


async def test_nobody_there_is_a_failure() -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(GeneratorFailed):
            await HttpGenerator(http, "http://127.0.0.1:9", KEY, MODEL).write(ASKED, 5)


def test_it_is_off_until_somebody_says_where_it_is(small_service: Service) -> None:
    assert small_service.pipeline.rephrasing is None


@pytest.mark.parametrize(
    "given",
    [
        {"HOTLINE_GENERATION_URL": "https://model.example"},
        {"HOTLINE_GENERATION_MODEL": MODEL},
        {"HOTLINE_GENERATION_KEY": KEY},
        {"HOTLINE_GENERATION_URL": "http://model.example", "HOTLINE_GENERATION_MODEL": MODEL},
        {"HOTLINE_GENERATION_URL": "http://127.0.0.1.example", "HOTLINE_GENERATION_MODEL": MODEL},
        {"HOTLINE_GENERATION_URL": "http://localhost@model.example", "HOTLINE_GENERATION_MODEL": MODEL},
        {"HOTLINE_GENERATION_URL": "file:///etc/passwd", "HOTLINE_GENERATION_MODEL": MODEL},
        {"HOTLINE_GENERATION_TIMEOUT_S": "20"},
    ],
)
def test_half_a_model_one_in_clear_text_or_a_slow_one_stops_the_start(given: dict[str, str]) -> None:
    with pytest.raises(BadSettings, match=r"GENERATION|generation"):
        load_settings(given)


@pytest.mark.parametrize("url", ["https://model.example/api", "http://127.0.0.1:8080", "http://localhost:11434"])
def test_a_model_behind_tls_or_on_this_machine_is_taken(url: str) -> None:
    assert load_settings({"HOTLINE_GENERATION_URL": url, "HOTLINE_GENERATION_MODEL": MODEL}).generation_url == url


def test_a_tone_that_nobody_reviewed_stops_the_start(small_service: Service) -> None:
    given = {"generation_url": "https://model.example", "generation_model": MODEL, "generation_tone": "幽默"}
    settings = small_service.settings.model_copy(update=given)
    with pytest.raises(BadSettings, match="平实"):
        make_rephrasing(settings, small_service.store, small_service.pipeline, small_service.http)
