"""hotline retention: counts without touching, or one night at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

import wiring
from command.main import app
from records import tables as t
from records.database import open_engine
from settings import load_settings
from tests.building import rows


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An installation with one look-up of six weeks ago."""
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    store = wiring.open_store(load_settings())
    at = wiring.utc_now() - timedelta(days=42)
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        store.conversations.open(connection, channel="web", external_id="x", now=at)
    store.engine.dispose()
    engine = open_engine(load_settings().engine_url)
    yield engine
    engine.dispose()


def test_a_dry_run_says_what_would_happen_and_does_nothing(deployment) -> None:
    done = CliRunner().invoke(app, ["retention", "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "lookups" in done.output
    assert "officer" in done.output  # in a narrow column
    assert len(rows(deployment, t.conversation)) == 1
    assert rows(deployment, t.retention) == []


def test_without_it_one_night_is_done_at_once(deployment) -> None:
    done = CliRunner().invoke(app, ["retention"])
    assert done.exit_code == 0, done.output
    assert rows(deployment, t.conversation) == []
    assert all(row.is_done for row in rows(deployment, t.retention))
    assert "0 rows done" in CliRunner().invoke(app, ["retention"]).output
