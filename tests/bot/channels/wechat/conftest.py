"""WeChat beside our real application: one of each kind of account for a file, and people that nobody knows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.bot.channels.rig import Trouble
from tests.bot.channels.wechat_rig import WeChatRig, wechat_rig
from tests.building import Clock

NAMES = (f"person-{number}" for number in range(10**6))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for the whole module: most tests share one running service, each with people of its own."""
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WeChatRig]:
    """In the safe mode, with the API."""
    async with wechat_rig(tmp_path_factory.mktemp("wechat"), now=Clock()) as made:
        yield made


@pytest.fixture
def rig(shared_rig: WeChatRig) -> WeChatRig:
    """The same, and what the last test broke is whole again."""
    shared_rig.trouble(Trouble.NONE)
    shared_rig.platform.errors.clear()
    shared_rig.platform.raw.clear()
    return shared_rig


@pytest.fixture(scope="module")
async def poor_rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WeChatRig]:
    """An account without WeChat's seal, in the plain mode: it has no API."""
    async with wechat_rig(tmp_path_factory.mktemp("poor"), now=Clock(), mode="plain", has_api=False) as made:
        yield made


@pytest.fixture
def person() -> str:
    """Somebody whom no other test knows."""
    return next(NAMES)
