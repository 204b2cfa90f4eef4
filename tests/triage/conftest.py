"""One rulebook and one screener for all tests of triage: loading and warming up costs half a second."""

import pytest

from triage.loading import Rulebook, load_rulebook
from triage.screen import Screener


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return load_rulebook()


@pytest.fixture(scope="session")
def screener(rulebook: Rulebook) -> Screener:
    return Screener(rulebook)
