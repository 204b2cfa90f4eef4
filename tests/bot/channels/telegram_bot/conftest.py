"""Both ways of receiving from Telegram, and Telegram alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.bot.channels.rig import Rig, Trouble
from tests.bot.channels.telegram_platform import TelegramPlatform
from tests.bot.channels.telegram_rig import TelegramRig, telegram_rig
from tests.browsing import serving


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the rigs that the module's tests use together."""
    return "asyncio"


@pytest.fixture(scope="module", params=["webhook", "polling"])
async def both_rigs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with telegram_rig(tmp_path_factory.mktemp("telegram"), polls=request.param == "polling") as rig:
        yield rig


@pytest.fixture
def rig(both_rigs: TelegramRig) -> TelegramRig:
    """A rig without trouble, in either way of receiving; every test brings its own person."""
    both_rigs.trouble(Trouble.NONE)
    both_rigs.platform.refuses_updates = False
    return both_rigs


@pytest.fixture
async def platform() -> AsyncIterator[tuple[TelegramPlatform, str]]:
    """Telegram alone and its address, for tests that start and stop our service."""
    made = TelegramPlatform()
    async with serving(made.app()) as url:
        yield made, url
