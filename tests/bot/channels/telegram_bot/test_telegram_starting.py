"""Telegram while we start, stop and fail; and its settings."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import platforms
import wiring
from bot.channels.telegram import TelegramDoor
from platforms import Outside
from records import tables as t
from records.store import Store
from records.writer import Writer
from settings import BadSettings, Settings, load_settings
from tests.bot.channels.telegram_platform import PUBLIC_URL, SECRET, TOKEN, TelegramPlatform, until
from tests.bot.channels.telegram_rig import HEARD, TelegramRig, hotline_beside, payload, said_by, telegram_settings
from tests.building import CRISIS, Clock, do, rows
from wiring import Service

pytestmark = pytest.mark.anyio


def text_update(number: int, text: str, person: int = 6_123_456_789) -> dict[str, Any]:
    """A message that waits at Telegram while our service is away."""
    update = payload("text")
    update["message"] |= {"message_id": number, "text": text, "date": int(datetime.now(UTC).timestamp())}
    update["message"]["chat"]["id"] = update["message"]["from"]["id"] = person
    return update


def stored(rig: TelegramRig) -> list[str]:
    """Every visitor's words, in order."""
    store = rig.site.service.store
    with store.engine.connect() as connection:
        chats = rows(store.engine, t.conversation)
        found = [store.conversations.messages(connection, chat.id, limit=10_000) for chat in chats]
    return [message.body for messages in found for message in messages if message.author == "visitor"]


@contextlib.asynccontextmanager
async def half_running(settings: Settings) -> AsyncIterator[tuple[Service, TelegramDoor]]:
    """A service whose tasks do not run, so that a test can stop it anywhere."""
    service = wiring.build_service(settings)
    (door,) = service.doors
    assert isinstance(door, TelegramDoor)
    yield service, door
    await service.pipeline.drain()
    service.writer.close()
    service.store.engine.dispose()
    await service.http.aclose()
    await door.channel.bot.request.shutdown()


async def test_a_kill_between_storing_and_confirming_loses_and_doubles_nothing(
    platform: tuple[TelegramPlatform, str], tmp_path: Path
) -> None:
    telegram, url = platform
    telegram.queue(text_update(1, "第一句"), text_update(2, CRISIS), text_update(3, "第三句"))
    telegram.chats.add(6_123_456_789)
    async with half_running(telegram_settings(tmp_path, url, polls=True)) as (service, door):
        await door.poll()  # and here the process dies: it never asks again
        assert len(rows(service.store.engine, t.message, author="visitor")) == 3
    assert len(telegram.pending) == 3  # nothing confirmed
    async with hotline_beside(telegram, url, tmp_path, polls=True) as rig:
        assert await rig.confirmed() == 200
        assert stored(rig) == ["第一句", CRISIS, "第三句"]
        await until(lambda: any(HEARD in bubble.text for bubble in telegram.phones[6_123_456_789]))
        assert len(rows(rig.site.service.store.engine, t.case_record)) == 1


async def test_a_kill_between_receiving_and_storing_loses_nothing(
    platform: tuple[TelegramPlatform, str], tmp_path: Path
) -> None:
    telegram, url = platform
    telegram.queue(text_update(1, CRISIS))
    async with httpx.AsyncClient() as dying:
        answer = await dying.post(f"{url}/bot{TOKEN}/getUpdates", data={"allowed_updates": '["message"]'})
    assert len(answer.json()["result"]) == 1
    async with hotline_beside(telegram, url, tmp_path, polls=True) as rig:
        assert await rig.confirmed() == 200
        assert stored(rig) == [CRISIS]


async def test_a_repeat_after_a_restart_is_known(platform: tuple[TelegramPlatform, str], tmp_path: Path) -> None:
    telegram, url = platform
    update = text_update(1, CRISIS) | {"update_id": 5}
    for _ in range(2):  # the first 200 got lost
        async with hotline_beside(telegram, url, tmp_path, polls=False) as rig:
            assert await telegram.call_webhook(update) == 200
            assert stored(rig) == [CRISIS]
        telegram.webhook = {}


async def test_while_our_store_fails_nothing_is_confirmed_and_afterwards_all_is_kept(rig: TelegramRig) -> None:
    writer, platform = rig.site.service.writer, rig.platform
    update = rig.update("unlucky", 151, "text", text=CRISIS, entities=[])
    do(writer, lambda c: c.exec_driver_sql("ALTER TABLE message RENAME TO message_away"))
    if rig.polls:
        before = platform.calls["getupdates"]
        platform.queue(update)
        await until(lambda: platform.calls["getupdates"] > before + 1)  # it asked, failed and asked again
        assert len(platform.pending) == 1
    else:
        assert await platform.call_webhook(update) == 503
    do(writer, lambda c: c.exec_driver_sql("ALTER TABLE message_away RENAME TO message"))
    assert rig.polls or await platform.call_webhook(update) == 200
    assert await rig.confirmed() == 200
    assert said_by(rig, "unlucky") == [("text", CRISIS)]


async def test_hundreds_of_updates_that_waited_for_a_webhook_come_in_order_and_the_odd_ones_stop_none(
    platform: tuple[TelegramPlatform, str], tmp_path: Path
) -> None:
    telegram, url = platform
    telegram.webhook = {"url": f"{PUBLIC_URL}/telegram/webhook", "secret_token": SECRET}
    odd = [payload("broken_chat"), payload("broken_group"), payload("poll_answer"), {"hologram": {"depth": 3}}]
    waiting = [text_update(number, f"第{number}句") for number in range(250)]
    telegram.queue(*odd[:2], *waiting[:150], *odd, *waiting[150:])
    async with hotline_beside(telegram, url, tmp_path, polls=True) as rig:
        assert await rig.confirmed() == 200
        assert stored(rig) == [f"第{number}句" for number in range(250)]


@pytest.mark.parametrize("both_rigs", ["polling"], indirect=True)
async def test_two_processes_that_ask_at_once_back_off_and_nothing_is_lost(rig: TelegramRig) -> None:
    calls, before = rig.platform.calls, rig.platform.calls["getupdates"]
    async with httpx.AsyncClient() as rival:
        for _ in range(20):
            query = {"allowed_updates": '["message"]', "timeout": "0"}
            await rival.post(f"{rig.site.service.settings.telegram_api_url}/bot{TOKEN}/getUpdates", data=query)
    assert calls["getupdates"] - before - 20 < 10
    assert await rig.post("rival", 161, CRISIS) == 200
    assert said_by(rig, "rival") == [("text", CRISIS)]


@pytest.mark.parametrize("both_rigs", ["polling"], indirect=True)
async def test_telegram_may_begin_to_count_anew(rig: TelegramRig) -> None:
    for number, first in enumerate((900_000_000, 1000, 2000), 171):
        rig.platform.count_from(first)
        assert await rig.post("anew", number, f"第{number}句") == 200
    assert said_by(rig, "anew") == [("text", f"第{number}句") for number in (171, 172, 173)]


@pytest.mark.parametrize("polls", [True, False])
async def test_we_start_while_telegram_is_away_and_receive_once_it_is_back(
    platform: tuple[TelegramPlatform, str], tmp_path: Path, polls: bool
) -> None:
    telegram, url = platform
    telegram.refuses_updates = True
    async with hotline_beside(telegram, url, tmp_path, polls=polls) as rig:
        await until(lambda: telegram.calls["deletewebhook" if polls else "setwebhook"] > 1)
        telegram.refuses_updates = False
        assert await rig.post("patient", 1, CRISIS) == 200
        assert stored(rig) == [CRISIS]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"SECRET": SECRET}, "HOTLINE_TELEGRAM_TOKEN"),
        ({"TOKEN": "xindeng_bot"}, "HOTLINE_TELEGRAM_TOKEN"),
        ({"TOKEN": TOKEN, "SECRET": "不行"}, "HOTLINE_TELEGRAM_SECRET"),
        ({"TOKEN": TOKEN, "SECRET": SECRET}, "HOTLINE_PUBLIC_URL"),
    ],
)
def test_half_a_channel_does_not_start_and_says_what_to_do(given: dict[str, str], words: str, outside: Outside) -> None:
    settings = load_settings({f"HOTLINE_TELEGRAM_{name}": value for name, value in given.items()})
    with pytest.raises(BadSettings, match=words):
        platforms.open_channels(settings, outside)


def test_without_a_token_there_is_no_telegram(outside: Outside) -> None:
    assert set(platforms.open_channels(load_settings({}), outside)) == {"web"}


async def test_no_object_shows_the_token_or_the_secret(rig: TelegramRig) -> None:
    shown = repr(rig.site.service.doors)
    assert "TelegramDoor" in shown
    assert TOKEN not in shown
    assert SECRET not in shown


@pytest.fixture
def outside(sqlite_store: Store) -> Iterator[Outside]:
    writer = Writer(sqlite_store.engine)
    yield Outside(httpx.AsyncClient(), sqlite_store.channel_state, writer, Clock())
    writer.close()
