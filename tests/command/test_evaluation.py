"""`hotline eval` prints the measures of a labelled file beside a baseline, and refuses other files in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from command.main import app


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


@pytest.mark.parametrize("what", ["screening", "answers"])
def test_a_file_without_labels_is_refused(tmp_path: Path, what: str) -> None:
    file = tmp_path / "plain.jsonl"
    file.write_text('{"text": "没有标签"}')
    result = CliRunner().invoke(app, ["eval", what, str(file)])
    assert result.exit_code == 2
    assert "not labelled" in result.output
