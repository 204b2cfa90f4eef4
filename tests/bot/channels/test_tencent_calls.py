"""Calls to WeChat and WeCom with a token that all processes share, and what every answer means."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Response

import wiring
from bot.channels import ChannelBusy, ChannelRefused, ChannelUnavailable, MediaGone, OutOfReach
from bot.channels.tencent import Api, refusals
from bot.channels.wechat_api import REFUSALS, fetch_token
from records.writer import Writer
from settings import load_settings
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wechat_platform import APP_ID, SECRET, Platform, standing
from tests.building import Clock

SEND, TOKENS = "/cgi-bin/message/custom/send", "/cgi-bin/stable_token"


@contextlib.asynccontextmanager
async def process(
    folder: Path, platform: Platform, token_source: Callable[..., Any] | None = None
) -> AsyncIterator[Api]:
    """One process: its own connections to the one database, its own calls."""
    store = wiring.open_store(load_settings({"HOTLINE_DATA_DIR": str(folder)}))
    writer = Writer(store.engine)
    async with httpx.AsyncClient(timeout=5) as http:
        source = token_source or partial(fetch_token, APP_ID, SECRET)
        yield Api("wechat", http, platform.address, source, REFUSALS, store.channel_state, writer, platform.now)
    writer.close()
    store.engine.dispose()


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async with standing(Clock()) as made:
        yield made


@pytest.fixture
async def api(tmp_path: Path, platform: Platform) -> AsyncIterator[Api]:
    async with process(tmp_path, platform) as made:
        yield made


async def menu_of(api: Api) -> None:
    """A call that works whenever the token does: the account has no menu."""
    with pytest.raises(ChannelRefused):
        await api.get("/cgi-bin/menu/get")


@pytest.mark.anyio
async def test_two_processes_that_start_at_once_ask_for_one_token(tmp_path: Path, platform: Platform) -> None:
    async with process(tmp_path, platform) as one, process(tmp_path, platform) as two:
        await asyncio.gather(*(menu_of(api) for _ in range(8) for api in (one, two)))
        assert platform.calls[TOKENS] <= 2  # one wave: at most once each
        assert len(platform.tokens) == 1
        assert await one.token() == await two.token()


@pytest.mark.anyio
async def test_a_token_that_expires_in_two_processes_at_once_is_renewed_in_one_wave(
    tmp_path: Path, platform: Platform
) -> None:
    async with process(tmp_path, platform) as one, process(tmp_path, platform) as two:
        await asyncio.gather(menu_of(one), menu_of(two))
        for wave in range(3):
            before = platform.calls.copy()
            platform.tokens.clear()
            await asyncio.gather(*(menu_of(api) for _ in range(8) for api in (one, two)))
            assert platform.calls[TOKENS] - before[TOKENS] <= 2, wave
            assert platform.calls["/cgi-bin/menu/get"] - before["/cgi-bin/menu/get"] <= 2 * 16


@pytest.mark.anyio
async def test_processes_whose_fetches_end_each_others_tokens_come_to_rest(tmp_path: Path, platform: Platform) -> None:
    """Not so with the stable token; but a platform that gives every asker a new one must not make us ask for ever."""

    async def jealous(_http: httpx.AsyncClient, _base_url: str) -> Any:
        platform.calls[TOKENS] += 1
        token = secrets.token_hex(8)
        platform.tokens = {token: platform.now().replace(year=2030)}
        return {"access_token": token, "expires_in": 7200}

    async with process(tmp_path, platform, jealous) as one, process(tmp_path, platform, jealous) as two:
        for _ in range(6):
            await asyncio.gather(*(_try(api) for _ in range(8) for api in (one, two)))
        before = platform.calls[TOKENS]
        assert before <= 12
        await asyncio.gather(*(menu_of(api) for api in (one, two)))
        assert platform.calls[TOKENS] <= before + 1


async def _try(api: Api) -> None:
    with contextlib.suppress(ChannelRefused, ChannelUnavailable):
        await api.get("/cgi-bin/menu/get")


@pytest.mark.anyio
async def test_a_restart_needs_no_new_token_and_no_token_lies_open_in_the_database(
    tmp_path: Path, platform: Platform
) -> None:
    async with process(tmp_path, platform) as first:
        token = await first.token()
    async with process(tmp_path, platform) as second:
        assert await second.token() == token
    assert platform.calls[TOKENS] == 1
    assert not any(token.encode() in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())


@pytest.mark.anyio
async def test_a_platform_that_refuses_every_token_is_asked_twice_and_then_left_alone(
    api: Api, platform: Platform
) -> None:
    async def forgotten(_http: httpx.AsyncClient, _base_url: str) -> Any:
        platform.calls[TOKENS] += 1
        return {"access_token": "never-heard-of", "expires_in": 7200}

    api.fetch_token = forgotten
    with pytest.raises(ChannelUnavailable):  # not given up: another token may be good in a minute
        await api.post(SEND, {})
    assert platform.calls == {TOKENS: 2, SEND: 2}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>", 200),
        Response("<html>", 502),
        Response("[]", 200),
        Response("{}", 200),
        Response('{"access_token": "", "expires_in": 7200}'),
        Response('{"access_token": 7}'),
        Response('{"errcode": 40164, "errmsg": "invalid ip"}'),
        Response(status_code=429),
    ],
)
async def test_without_a_token_the_channel_is_away_and_comes_back(api: Api, platform: Platform, answer: Any) -> None:
    platform.raw.append(answer)
    with pytest.raises(ChannelUnavailable):
        await api.token()
    assert await api.token()


@pytest.mark.anyio
async def test_why_no_token_is_given_is_told_to_whoever_runs_the_service(
    api: Api, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.raw.append(Response('{"errcode": 40164, "errmsg": "invalid ip"}'))
    with pytest.raises(ChannelUnavailable):
        await api.token()
    logged = capsys.readouterr().out
    assert "40164" in logged
    assert SECRET not in logged


@pytest.mark.anyio
@pytest.mark.parametrize("lasts", ["7200", None, 0, -5, 299, True])
async def test_a_token_without_a_sensible_end_is_kept_for_a_while(api: Api, platform: Platform, lasts: object) -> None:
    platform.raw.append(Response(json.dumps({"access_token": "t1", "expires_in": lasts})))
    assert [await api.token(), await api.token()] == ["t1", "t1"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("<html>", 200), ChannelUnavailable),
        (Response("<html>", 500), ChannelUnavailable),
        (Response("[1]", 200), ChannelUnavailable),
        (Response("[" * 100_000, 200), ChannelUnavailable),
        (Response('{"errcode": "45015"}'), ChannelUnavailable),
        (Response('{"errcode": -1}'), ChannelUnavailable),
        (Response('{"errcode": 45009}'), ChannelBusy),
        (Response('{"errcode": 45011}'), ChannelBusy),
        (Response(status_code=429), ChannelBusy),
        (Response('{"errcode": 43004}'), OutOfReach),
        (Response('{"errcode": 45015}'), OutOfReach),
        (Response('{"errcode": 45047}'), OutOfReach),
        (Response('{"errcode": 99999}'), ChannelRefused),
    ],
)
async def test_every_answer_has_one_meaning(api: Api, platform: Platform, answer: Any, error: type[Exception]) -> None:
    await api.token()
    platform.raw.append(answer)
    with pytest.raises(error) as caught:
        await api.post(SEND, {"touser": "o1"})
    assert type(caught.value) is error


@pytest.mark.anyio
async def test_an_answer_without_a_code_or_with_zero_is_good(api: Api, platform: Platform) -> None:
    await api.token()
    for body in ('{"errcode": 0, "errmsg": "ok"}', "{}", '{"errcode": null, "x": 1}'):
        platform.raw.append(Response(body))
        assert await api.post(SEND, {}) == json.loads(body)


@pytest.mark.anyio
async def test_a_platform_that_is_gone_is_unavailable_whatever_is_asked(api: Api, platform: Platform) -> None:
    await api.token()
    api.base_url = "http://127.0.0.1:9"
    with pytest.raises(ChannelUnavailable):
        await api.post(SEND, {})
    with pytest.raises(ChannelUnavailable):
        await api.download("/cgi-bin/media/get", {"media_id": "m"}, 1000)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response('{"errcode": 40007}', media_type="application/json"), MediaGone),
        (Response('{"errcode": 40007}', media_type="text/plain"), MediaGone),
        (Response('{"errcode": 45011}', media_type="application/json"), ChannelBusy),
        (Response('{"errcode": -1}', media_type="application/json"), ChannelUnavailable),
        (Response("gone", 404), MediaGone),
        (Response("moved", 302, {"Location": "http://127.0.0.1:9/"}), MediaGone),
        (Response("later", 503), ChannelUnavailable),
        (Response("later", 429), ChannelBusy),
    ],
)
async def test_a_file_that_cannot_be_had_is_gone_or_comes_later(
    api: Api, platform: Platform, answer: Any, error: type[Exception]
) -> None:
    await api.token()
    platform.raw.append(answer)
    with pytest.raises(error):
        await api.download("/cgi-bin/media/get", {"media_id": "m"}, 1000)


@pytest.mark.anyio
async def test_a_slow_platform_does_not_hold_us_for_ever(api: Api, platform: Platform) -> None:
    await api.token()
    platform.set_trouble(Trouble.SLOW)
    api.http.timeout = httpx.Timeout(0.2)
    with pytest.raises(ChannelUnavailable):
        await api.post(SEND, {})
    platform.set_trouble(Trouble.NONE)


def test_each_refusal_is_made_anew() -> None:
    table = refusals({1: "busy:7", 2: "unavailable", 3: "left"})
    first, again, away, left = table[1](), table[1](), table[2](), table[3]()
    assert isinstance(first, ChannelBusy)
    assert first.retry_after_s == 7
    assert first is not again
    assert type(away) is ChannelUnavailable
    assert isinstance(left, OutOfReach)
    assert left.reason == "left"
