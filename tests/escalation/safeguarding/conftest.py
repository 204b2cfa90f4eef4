"""The safeguarding desk over the office's rows."""

from __future__ import annotations

import pytest

from tests.escalation.conftest import Office
from tests.escalation.guard import Guard


@pytest.fixture
def guard(office: Office) -> Guard:
    return Guard(office)
