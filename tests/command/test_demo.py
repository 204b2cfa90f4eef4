"""The demo: its scripts mean what they say, and it marks everything as a drill on a real server or says why not."""

from __future__ import annotations

import functools
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from command.bench.deployment import deploy, free_port
from command.demo import NoDrill, Script, load_scripts, play, proof
from command.drill_institutions import place_institutions
from command.main import app
from records.crypto import load_vault
from settings import load_settings
from triage.memory import Memory
from triage.release import open_screener
from triage.risk import Level
from triage.screen import Screener
from wiring import utc_now

SCRIPTS = load_scripts()
LEVELS = {
    "小林": Level.NONE, "阿宁": Level.NONE, "老周": Level.NONE, "小雨": Level.LOW, "陈女士": Level.NONE,
    "小何": Level.MEDIUM, "阿哲": Level.HIGH, "小静": Level.EMERGENCY,
}  # fmt: skip


@functools.cache
def screener() -> Screener:
    return open_screener()


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.name for script in SCRIPTS])
def test_each_visitor_reaches_the_level_that_the_script_is_for(script: Script) -> None:
    memory = Memory()
    for turn in script.turns:
        memory = screener().screen(turn.text, memory, utc_now()).memory
    assert memory.level is LEVELS[script.name]


def test_the_scripts_end_within_a_minute_at_the_usual_speed() -> None:
    assert max(sum(turn.after for turn in script.turns) for script in SCRIPTS) <= 45


def test_without_a_server_the_demo_says_so_and_ends_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deploy(tmp_path / "var")
    load_vault(deployment.settings.keys)
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(deployment.settings.data_dir))
    result = CliRunner().invoke(app, ["demo", "--url", f"http://127.0.0.1:{free_port()}"])
    assert result.exit_code == 1
    assert "no server answers" in result.stderr
    assert "hotline serve" in result.stderr


def test_without_a_key_file_the_demo_names_it_and_makes_none(tmp_path: Path) -> None:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path / "var")})
    with pytest.raises(NoDrill, match="no key file"):
        proof(settings)
    assert not settings.keys.exists()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A real server: its address and its database."""
    deployment = deploy(tmp_path_factory.mktemp("demo") / "var")
    deployment.process.start()
    yield deployment.settings.base_url, deployment.settings.data_dir
    deployment.process.stop()


@pytest.mark.anyio
async def test_a_wrong_proof_stops_the_demo_before_a_word_is_written(running: tuple[str, Path]) -> None:
    url, folder = running
    with pytest.raises(NoDrill, match="proof of a drill"):
        await play(url, "forged", SCRIPTS, 1000, Console(file=io.StringIO()))
    assert _rows(folder, "SELECT count(*) FROM message WHERE author = 'visitor'") == [(0,)]


@pytest.mark.anyio
async def test_every_visitor_is_answered_and_everything_is_a_drill(running: tuple[str, Path]) -> None:
    url, folder = running
    shown = io.StringIO()
    settings = load_settings({"HOTLINE_DATA_DIR": str(folder)})
    await play(url, proof(settings), SCRIPTS, 1000, Console(file=shown, width=1000))
    for script in SCRIPTS:
        assert all(turn.text in shown.getvalue() for turn in script.turns)
        assert f"机器人 → {script.name}" in shown.getvalue()
    real = "SELECT count(*) FROM message m JOIN conversation c ON c.id = m.conversation_id WHERE NOT c.is_drill"
    assert _rows(folder, f"{real} AND m.author = 'visitor'") == [(0,)]
    assert _rows(folder, "SELECT is_drill, level FROM case_record ORDER BY level") == [(1, 1), (1, 2), (1, 3), (1, 4)]


def test_the_invented_institutions_are_marked_and_placed_once(tmp_path: Path) -> None:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path / "var")})
    assert [place_institutions(settings) for _ in range(2)] == [3, 0]
    found = _rows(tmp_path / "var", "SELECT name, is_drill, fields FROM institution")
    assert len(found) == 3
    for name, is_drill, fields in found:
        assert ("演示" in str(name), is_drill) == (True, 1)
        assert "000-0000000" in str(fields)


def _rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "hotline.db")) as connection:
        return connection.execute(query).fetchall()
