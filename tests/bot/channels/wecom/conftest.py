"""微信客服 beside our real application: one for a file, whole again after each test, and people that nobody knows."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from tests.bot.channels.rig import Trouble
from tests.bot.channels.wecom.people import quiet
from tests.bot.channels.wecom_rig import WecomRig, open_rig


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the module: one application serves most tests."""
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WecomRig]:
    async with open_rig(tmp_path_factory.mktemp("wecom")) as made:
        yield made


@pytest.fixture
async def rig(shared_rig: WecomRig) -> AsyncIterator[WecomRig]:
    """The shared application; afterwards nothing goes wrong any more and nothing is under way."""
    yield shared_rig
    shared_rig.trouble(Trouble.NONE)
    platform = shared_rig.platform
    platform.lost_callbacks, platform.asks_again, platform.page_items = False, True, 1000
    await quiet(shared_rig)


@pytest.fixture
def person() -> str:
    """Somebody whom nobody knows yet."""
    return f"wm{uuid.uuid4().hex[:28]}"
