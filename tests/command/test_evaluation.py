"""`hotline eval` prints the measures of a labelled file beside a baseline, and refuses other files in one line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from command.main import app
from knowledge.rephrasings_file import FOLDER
from triage.release import SHIPPED


def test_screening_is_measured_beside_keywords(tmp_path: Path) -> None:
    file = tmp_path / "labelled.jsonl"
    rows = [{"id": "1", "text": "我不想活了，今晚就去死", "level": 3}, {"id": "2", "text": "今天吃什么", "level": 0}]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    result = CliRunner().invoke(app, ["eval", "screening", str(file)])
    assert result.exit_code == 0, result.output
    assert "keywords" in result.output
    assert "1/1" in result.output
    assert "classifier" in result.output


def test_answers_are_measured_beside_bm25(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path / "var"))
    file = tmp_path / "labelled.jsonl"
    file.write_text(json.dumps({"id": "1", "text": "呼吸放松怎么练习", "topics": ["E001"]}))
    result = CliRunner().invoke(app, ["eval", "answers", str(file)])
    assert result.exit_code == 0, result.output
    assert "BM25 alone: recall@1" in result.output


def test_conversations_are_measured_with_and_without_memory(tmp_path: Path) -> None:
    file = tmp_path / "turns.jsonl"
    file.write_text(json.dumps({"id": "k", "turns": ["你好", "我不想活了", "今晚"], "levels": [0, 2, 3]}))
    result = CliRunner().invoke(app, ["eval", "screening", str(file)])
    assert result.exit_code == 0, result.output
    assert "memory" in result.output


def test_conversations_without_levels_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "turns.jsonl"
    file.write_text('{"id": "k", "turns": ["你好"]}')
    result = CliRunner().invoke(app, ["eval", "screening", str(file)])
    assert result.exit_code == 2
    assert "not labelled" in result.output


def test_two_releases_are_compared_message_by_message(tmp_path: Path) -> None:
    file = tmp_path / "labelled.jsonl"
    file.write_text(json.dumps({"id": "1", "text": "我不想活了，今晚就去死", "level": 3}))
    result = CliRunner().invoke(app, ["eval", "screening", str(file), "--against", str(SHIPPED)])
    assert result.exit_code == 0, result.output
    assert "by chance?" in result.output


def test_a_folder_that_is_no_release_is_refused_as_such(tmp_path: Path) -> None:
    file = tmp_path / "labelled.jsonl"
    file.write_text(json.dumps({"id": "1", "text": "你好", "level": 0}))
    result = CliRunner().invoke(app, ["eval", "screening", str(file), "--release", str(tmp_path)])
    assert result.exit_code == 2
    assert "release that works" in result.output


def test_false_alarms_are_counted_on_unlabelled_lines(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl.gz"
    file.write_bytes(gzip.compress('{"text": "今天吃什么"}\n{"text": "我已经站在天台边上了"}'.encode()))
    result = CliRunner().invoke(app, ["eval", "false-alarms", str(file)])
    assert result.exit_code == 0, result.output
    assert "1/2" in result.output


def test_rephrasings_are_measured_good_and_harmed(tmp_path: Path) -> None:
    file = tmp_path / "labelled.jsonl"
    row = {
        "id": "1",
        "article": "E031",
        "good": ["没人说话的夜里，会特别空，很多人都有过，不说明你有什么毛病。[1]"],
        "bad": [["promise", 1, "会好的。[1]"]],
    }
    file.write_text(json.dumps(row))
    result = CliRunner().invoke(app, ["eval", "generation", str(file)])
    assert result.exit_code == 0, result.output
    assert "harmed: caught" in result.output
    assert "1/1" in result.output


def test_the_thresholds_that_a_file_suggests_are_printed() -> None:
    result = CliRunner().invoke(app, ["eval", "generation", str(FOLDER / "dev.jsonl"), "--fit"])
    assert result.exit_code == 0, result.output
    assert "least_kept" in result.output


@pytest.mark.parametrize("what", ["screening", "answers", "generation"])
def test_a_file_without_labels_is_refused(tmp_path: Path, what: str) -> None:
    file = tmp_path / "plain.jsonl"
    file.write_text('{"text": "没有标签"}')
    result = CliRunner().invoke(app, ["eval", what, str(file)])
    assert result.exit_code == 2
    assert "not labelled" in result.output
