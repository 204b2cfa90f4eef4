"""`hotline report` prints what may leave the house, and refuses what is no month."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

import wiring
from command.main import app
from command.report import made
from escalation.reports.periods import BadPeriod, day_of, period_of
from records.writer import Writer
from settings import load_settings
from tests.report_samples import fill


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "200")


def past_month() -> str:
    """A month of a small hotline that is over; returns its name."""
    now: datetime = wiring.utc_now()
    month = period_of("month", day_of(now)).before
    store = wiring.open_store(load_settings())
    writer = Writer(store.engine)
    fill(store, writer, month.since + timedelta(days=3), 20, a_day=6)
    writer.close()
    store.engine.dispose()
    return month.code


def test_the_report_has_every_heading_and_no_small_number() -> None:
    code = past_month()
    done = CliRunner().invoke(app, ["report", code])
    assert done.exit_code == 0, done.output
    assert all(sign in done.output for sign in "①②③④⑤⑥⑦⑧⑨⑩⑪⑫")
    assert "＊" in done.output
    report = made(load_settings(), code)
    cells = [cell for section in report.sections for table in section.tables for row in table.rows for cell in row[1:]]
    assert not {1, 2, 3, 4} & {cell for cell in cells if isinstance(cell, int)}


def test_what_is_no_month_is_said_in_one_line() -> None:
    with pytest.raises(BadPeriod, match="2026-Q4"):
        made(load_settings(), "november")
