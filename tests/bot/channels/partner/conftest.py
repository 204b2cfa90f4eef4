"""A partner's system beside our real application: one for a file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.bot.channels.partner_platform import PartnerRig, partner_rig


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for the module: its service runs on between the tests."""
    return "asyncio"


@pytest.fixture(scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PartnerRig]:
    """One service and one platform for all tests that need no other; each test has people of its own."""
    async with partner_rig(tmp_path_factory.mktemp("partner")) as made:
        yield made
        assert made.platform.refused == []
