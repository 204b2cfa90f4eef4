"""A model, and a service that knows the real articles and may ask it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import wiring
from records import tables as t
from settings import Settings
from tests.bot.rephrasing.model import KEY, MODEL, TITLE, Model
from tests.browsing import serving
from tests.building import Clock, deliver, do, greeted, heard, inbound, rows
from triage.screen import Screener
from wiring import Service

PLAIN_START = "意思是：最先发现自己不对劲"


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    made = Model()
    async with serving(made.app()) as url:
        made.url = url
        yield made


@dataclass
class House:
    """A service that may ask the model, and a person at the web chat."""

    service: Service
    model: Model
    clock: Clock

    def person(self, name: str = "visitor") -> str:
        return greeted(self.service, name)

    async def asks(self, conversation_id: str, text: str = TITLE, id: str = "", **more: str) -> None:
        """The person writes; the answer is queued and the model asked, nobody waits for it."""
        receipt = await self.service.pipeline.receive(inbound(conversation_id, text, id, **more))
        await self.service.pipeline.handle(receipt.message_id)

    async def hears(self, conversation_id: str, text: str = TITLE, id: str = "", **more: str) -> str:
        """The same, up to what the person has read in the end."""
        await self.asks(conversation_id, text, id, **more)
        await self.service.pipeline.drain()
        await deliver(self.service)
        return self.last(conversation_id)

    def last(self, conversation_id: str) -> str:
        found = heard(self.service, conversation_id)
        return found[-1].body if found else ""

    def said(self, conversation_id: str) -> list[str]:
        return [message.body for message in heard(self.service, conversation_id)]

    def change(self, conversation_id: str, **values: Any) -> None:
        conversations = self.service.store.conversations
        do(self.service.writer, lambda c: conversations.change(c, conversation_id, **values))

    def outbox(self, conversation_id: str) -> list[Any]:
        return sorted(rows(self.service.store.engine, t.outbox, conversation_id=conversation_id), key=lambda r: r.seq)


@contextlib.asynccontextmanager
async def opened(
    settings: Settings, clock: Clock, rules: Screener, model: Model, index: Path, **more: Any
) -> AsyncIterator[House]:
    shutil.copytree(index, settings.data_dir / "index", dirs_exist_ok=True)
    generation = {"generation_url": model.url, "generation_key": KEY, "generation_model": MODEL, **more}
    service = wiring.build_service(settings.model_copy(update=generation), now=clock, screener=rules)
    yield House(service, model, clock)
    if service.pipeline.rephrasing is not None:
        await service.pipeline.rephrasing.hands.stop()
    await service.http.aclose()
    service.writer.close()
    service.store.engine.dispose()


@pytest.fixture
async def house(
    sqlite_settings: Settings, clock: Clock, compiled_rules: Screener, model: Model, index_folder: Path
) -> AsyncIterator[House]:
    async with opened(sqlite_settings, clock, compiled_rules, model, index_folder) as made:
        yield made


@pytest.fixture
async def each_house(
    settings: Settings, clock: Clock, compiled_rules: Screener, model: Model, index_folder: Path
) -> AsyncIterator[House]:
    """On each database."""
    async with opened(settings, clock, compiled_rules, model, index_folder) as made:
        yield made
