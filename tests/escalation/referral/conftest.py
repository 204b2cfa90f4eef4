"""The bureau for referrals."""

from __future__ import annotations

import pytest

from settings import Settings
from tests.escalation.bureau import Bureau, open_bureau
from tests.escalation.conftest import Office


@pytest.fixture
def bureau(office: Office, settings: Settings) -> Bureau:
    return open_bureau(office, settings)
