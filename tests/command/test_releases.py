"""Trying a screening release in the dark, and switching it on, as a supervisor does it from the command line."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import server
import wiring
from bot.messages import Inbound
from command.main import app
from escalation.accounts import hash_password
from records import tables as t
from settings import load_settings
from tests.building import NOW, SMALL_TALK, rows, visitor
from triage.release import SHIPPED
from triage.risk import Level, Screening

PASSWORD = "a-long-test-password"
HARMLESS_RULE = """
[[frame]]
id = "suicide.weather"
level = "emergency"
categories = ["suicide"]
says = "说天气"
patterns = ["天气"]
must_match = ["今天天气不错", "天气好"]
must_not_match = ["你好", "谢谢"]
"""


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "240")
    store = wiring.open_store(load_settings())
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        for login, role in (("wang", "supervisor"), ("lin", "counsellor")):
            store.staff.add(connection, login, login, (role,), hash_password(PASSWORD), NOW)
    store.engine.dispose()


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    folder = tmp_path / "candidate"
    for part in ("rulebook", "lexicon", "model"):
        shutil.copytree(SHIPPED / part, folder / part)
    return folder


def run(*words: str, password: str = PASSWORD) -> Result:
    return CliRunner().invoke(app, list(words), input=password + "\n")


def store_message(text: str, level: Level) -> str:
    """One stored message that was judged at this level when it came."""
    settings = load_settings()
    service = wiring.build_service(settings)
    conversation_id = visitor(service.store, service.writer, now=service.now())
    service.pipeline.screener.judge = lambda _: Screening(level)  # type: ignore[method-assign]  # an older release
    inbound = Inbound("web", conversation_id, "m1", "text", text)
    message_id = asyncio.run(service.pipeline.receive(inbound)).message_id
    service.writer.close()
    service.store.engine.dispose()
    return str(message_id)


def test_a_replay_lists_whom_the_old_release_missed(candidate: Path, tmp_path: Path) -> None:
    message_id = store_message("我已经站在桥栏杆外面了，马上跳下去", Level.NONE)
    out = tmp_path / "changed.jsonl"
    done = run("screen", "--replay", "--release", str(candidate), "--by", "wang", "--json", str(out))
    assert done.exit_code == 0, done.output
    assert "1 more call people" in done.output
    (row,) = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert (row["message"], row["old"]) == (message_id, "none")
    assert "text" not in row
    assert out.stat().st_mode & 0o077 == 0
    assert "桥栏杆" not in done.output


def test_a_replay_lists_whom_the_new_release_lets_go(candidate: Path) -> None:
    store_message(SMALL_TALK, Level.HIGH)
    done = run("screen", "--replay", "--release", str(candidate), "--by", "wang")
    assert "1 no longer do" in done.output


def test_reading_the_texts_of_a_replay_is_audited(candidate: Path) -> None:
    message_id = store_message("我已经站在桥栏杆外面了，马上跳下去", Level.NONE)
    done = run("screen", "--replay", "--release", str(candidate), "--by", "wang", "--texts")
    assert "桥栏杆" in done.output
    (entry,) = [row for row in rows(wiring.open_store(load_settings()).engine, t.audit) if "texts_read" in row.action]
    assert message_id in entry.detail


@pytest.mark.parametrize(("login", "password"), [("lin", PASSWORD), ("wang", "wrong"), ("nobody", PASSWORD)])
def test_only_a_supervisor_with_the_password_replays_or_adopts(candidate: Path, login: str, password: str) -> None:
    for words in (("screen", "--replay", "--release", str(candidate)), ("screening", "adopt", str(candidate))):
        done = run(*words, "--by", login, password=password)
        assert done.exit_code == 2
        assert "not a supervisor" in done.output


def test_a_replay_without_a_name_is_refused() -> None:
    done = run("screen", "--replay")
    assert done.exit_code == 2
    assert "--by" in done.output


def test_an_adopted_release_judges_from_then_on(candidate: Path) -> None:
    (candidate / "rulebook" / "zz.toml").write_text(HARMLESS_RULE, encoding="utf-8")
    before = run("screening", "status").output
    done = run("screening", "adopt", str(candidate), "--by", "wang")
    assert done.exit_code == 0, done.output
    assert run("screening", "status").output != before
    (entry,) = [row for row in rows(wiring.open_store(load_settings()).engine, t.audit) if "adopted" in row.action]
    assert json.loads(entry.detail)["version"] in done.output.replace("\n", "")
    line = CliRunner().invoke(app, ["screen"], input=json.dumps({"id": "a", "text": "天气"})).output
    assert "suicide.weather" in line


def test_a_running_service_takes_an_adopted_release_over(candidate: Path) -> None:

    service = wiring.build_service(load_settings())
    before = service.pipeline.screener.version
    (candidate / "rulebook" / "zz.toml").write_text(HARMLESS_RULE, encoding="utf-8")
    run("screening", "adopt", str(candidate), "--by", "wang")
    asyncio.run(server.sweep_once(service))
    assert service.pipeline.screener.version != before
    assert service.pipeline.screener.explain("suicide.weather") == "说天气"
    service.writer.close()


def test_a_release_that_became_unreadable_leaves_the_shipped_one_judging(candidate: Path) -> None:
    run("screening", "adopt", str(candidate), "--by", "wang")
    for file in load_settings().screening_dir.glob("*/rulebook/suicide.toml"):
        file.write_text("[[frame", encoding="utf-8")
    assert wiring.screening_in_force(load_settings()).judge(SMALL_TALK).level == Level.NONE


def test_a_release_that_fails_its_sentences_is_not_switched_on(candidate: Path) -> None:
    (candidate / "rulebook" / "zz.toml").write_text(HARMLESS_RULE.replace("今天天气不错", "下雨"), encoding="utf-8")
    done = run("screening", "adopt", str(candidate), "--by", "wang")
    assert done.exit_code == 1
    assert "suicide.weather does not find" in done.output
