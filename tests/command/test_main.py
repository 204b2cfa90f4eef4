"""The commands that read lines and write lines keep their formats; faults of set-up are said in one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from command.main import app
from settings import PREFIX
from tests.building import EMERGENCY, SMALL_TALK


def screen(*lines: str) -> list[dict[str, object]]:
    done = CliRunner().invoke(app, ["screen"], input="\n".join(lines))
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.output.splitlines()]


def test_screen_answers_each_line_with_level_score_and_evidence() -> None:
    (danger, calm) = screen(json.dumps({"id": "a", "text": EMERGENCY}), "", json.dumps({"id": 2, "text": SMALL_TALK}))
    assert list(danger) == ["id", "level", "score", "categories", "signals", "ms"]
    assert (danger["id"], danger["level"], danger["score"]) == ("a", "emergency", 4)
    assert danger["categories"]
    assert all(list(signal) == ["rule", "span"] for signal in danger["signals"])  # type: ignore[attr-defined]  # JSON
    assert (calm["id"], calm["level"], calm["score"], calm["signals"]) == (2, "none", 0, [])


def test_screen_tells_the_level_of_a_conversation_after_each_turn() -> None:
    (line,) = screen(json.dumps({"id": "a", "turns": [SMALL_TALK, EMERGENCY, SMALL_TALK]}))
    assert line["levels"] == ["none", "emergency", "emergency"]
    assert line["level"] == "none"  # of the last message alone


def test_screen_reads_a_file(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(json.dumps({"id": "a", "text": SMALL_TALK}), encoding="utf-8")
    done = CliRunner().invoke(app, ["screen", str(file)])
    assert json.loads(done.output)["level"] == "none"


@pytest.mark.parametrize("bad", ["not json", "[]", "5", '{"id":'])
def test_a_bad_line_ends_the_command_with_its_number(bad: str) -> None:
    done = CliRunner().invoke(app, ["screen"], input=json.dumps({"text": "a"}) + "\n" + bad)
    assert done.exit_code == 2
    assert "line 2" in done.output


def test_ask_answers_with_zone_article_and_text(
    tmp_path: Path, index_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(index_folder, tmp_path / "index")
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path))
    lines = [json.dumps({"id": "a", "text": "失眠怎么办"}), json.dumps({"id": "b", "text": "今天股票涨了吗"})]
    done = CliRunner().invoke(app, ["ask"], input="\n".join(lines))
    known, unknown = (json.loads(line) for line in done.output.splitlines())
    assert list(known) == ["id", "zone", "article", "articles", "score", "text"]
    assert known["zone"] in ("answer", "choices")
    assert known["text"]
    assert (unknown["id"], unknown["zone"], unknown["article"]) == ("b", "abstain", None)


def hotline(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, with a clean environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment = kept | {"HOTLINE_DATA_DIR": str(folder), "COLUMNS": "200", **settings}
    return subprocess.run(
        [sys.executable, "-m", "command", *words], env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"HOTLINE_LOCAL24H": "1"}, "did you mean HOTLINE_LOCAL_24H?"),
        ({"HOTLINE_LADDER_HIGH_S": "300,200"}, "rising numbers"),
        ({"HOTLINE_ENCODER": "bge-small-zh-v1.5"}, "String should match pattern '^(sentence-transformers:"),
        ({"HOTLINE_KEY_FILE": "bad.json"}, "bad.json: not a key file"),
    ],
)
def test_a_fault_of_set_up_is_said_without_a_traceback(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    (tmp_path / "bad.json").write_text("[]")
    given = {name: str(tmp_path / value) if name.endswith("FILE") else value for name, value in settings.items()}
    done = hotline(tmp_path, "migrate", **given)
    assert done.returncode == 2
    assert words in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr


def test_an_encoder_that_cannot_be_read_is_a_fault_of_the_check(tmp_path: Path) -> None:
    done = hotline(tmp_path, "check", HOTLINE_ENCODER=f"sentence-transformers:{tmp_path}")
    assert done.returncode == 1
    assert "机器人现在答不了知识问题" in done.stdout.replace("\n", "")


@pytest.mark.parametrize("command", ["index", "ask"])
def test_an_encoder_that_cannot_be_read_is_said_in_both_languages(tmp_path: Path, command: str) -> None:
    done = hotline(tmp_path, command, HOTLINE_ENCODER=f"sentence-transformers:{tmp_path}")
    assert done.returncode == 2
    assert "请检查名称或文件夹" in done.stderr
    assert "check the name" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_is_not_opened_with_the_key_of_another(tmp_path: Path) -> None:
    assert hotline(tmp_path, "migrate").returncode == 0
    done = hotline(tmp_path, "migrate", HOTLINE_KEY_FILE=str(tmp_path / "other.json"))
    assert done.returncode == 2
    assert "HOTLINE_KEY_FILE" in done.stderr
    assert hotline(tmp_path, "migrate").returncode == 0
