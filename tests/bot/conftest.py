"""A recogniser, and a service with one beside it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

import wiring
from records import tables as t
from settings import Settings
from tests.bot.ear import KEY, Ear
from tests.browsing import serving
from tests.building import Clock, FakeChannel, connect, fetch_media, keys_said, rows, send_file
from tests.media_samples import voice
from triage.screen import Screener
from wiring import Service


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    made = Ear()
    async with serving(made.app()) as url:
        made.url = url
        yield made


@dataclass
class House:
    """A service with a recogniser and a platform, on each database."""

    service: Service
    platform: FakeChannel
    ear: Ear
    clock: Clock

    async def voice(self, number: int = 1, body: Any = None, **more: Any) -> tuple[str, str]:
        """A voice arrives and is fetched and heard."""
        sent = await send_file(self.service, self.platform, "voice", body or voice(0.1), number, **more)
        await fetch_media(self.service)
        return sent

    async def write(self, text: str, number: int = 100, person: str = "p1") -> str:
        conversation_id, _ = await send_file(
            self.service, self.platform, "text", None, number, person=person, text=text, files=()
        )
        await self.service.pipeline.drain()
        return conversation_id

    def rows(self, table: Any, **where: Any) -> list[Any]:
        return rows(self.service.store.engine, table, **where)

    def keys_said(self, conversation_id: str) -> list[str]:
        return keys_said(self.service, conversation_id)

    def level(self, conversation_id: str) -> int:
        (found,) = self.rows(t.conversation, id=conversation_id)
        return int(found.level)

    def transcript(self, message_id: str) -> str | None:
        with self.service.store.engine.connect() as connection:
            return self.service.store.transcripts.texts(connection, [message_id]).get(message_id)

    def keeps_the_voice(self) -> bool:
        with self.service.store.engine.connect() as connection:
            return all(
                self.service.store.attachments.read(connection, row.id) == voice(0.1) for row in self.rows(t.attachment)
            )


@contextlib.asynccontextmanager
async def opened(settings: Settings, clock: Clock, rules: Screener, ear: Ear) -> AsyncIterator[House]:
    heard = {"recogniser_url": ear.url, "recogniser_key": KEY, "recogniser_timeout_s": 1}
    service = wiring.build_service(settings.model_copy(update=heard), now=clock, screener=rules)
    platform = FakeChannel()
    connect(service, platform)
    yield House(service, platform, ear, clock)
    await service.media.stop()
    await service.http.aclose()
    service.writer.close()
    service.store.engine.dispose()


@pytest.fixture
async def house(sqlite_settings: Settings, clock: Clock, compiled_rules: Screener, ear: Ear) -> AsyncIterator[House]:
    async with opened(sqlite_settings, clock, compiled_rules, ear) as made:
        yield made


@pytest.fixture
async def each_house(settings: Settings, clock: Clock, compiled_rules: Screener, ear: Ear) -> AsyncIterator[House]:
    """On each database."""
    async with opened(settings, clock, compiled_rules, ear) as made:
        yield made
