"""Accounts from the command line, in the database that the service uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import wiring
from command import user
from command.main import app
from escalation.accounts import password_fits
from records import tables as t
from records.staff import Counsellor
from settings import load_settings
from tests.building import Clock, rows


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["user", *words])


def stored(login: str) -> Counsellor:
    store = wiring.open_store(load_settings())
    with store.engine.connect() as connection:
        found = store.staff.by_login(connection, login)
    store.engine.dispose()
    assert found is not None
    return found


def password_of(done: Result) -> str:
    found = re.search(r"one-time password (\S+)", done.output)
    assert found is not None, done.output
    return found[1]


def test_add_prints_the_one_time_password_once_and_keeps_only_its_hash(tmp_path: Path) -> None:
    password = password_of(run("add", "lin", "--name", "林老师", "--role", "counsellor", "--role", "supervisor"))
    who = stored("lin")
    assert (who.display_name, who.roles, who.must_change) == ("林老师", ("counsellor", "supervisor"), True)
    assert password_fits(who, password)
    assert not any(password.encode() in file.read_bytes() for file in tmp_path.iterdir() if file.is_file())


def test_an_account_without_a_role_is_a_counsellor_named_by_its_login() -> None:
    run("add", "lin")
    assert (stored("lin").display_name, stored("lin").roles) == ("lin", ("counsellor",))


@pytest.mark.parametrize("words", [("add", "lin", "--role", "boss"), ("reset", "nobody"), ("disable", "nobody")])
def test_what_cannot_be_done_is_said_and_changes_nothing(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert "boss" in done.output or "nobody" in done.output
    store = wiring.open_store(load_settings())
    assert rows(store.engine, t.audit) == []
    store.engine.dispose()


def test_a_login_is_given_once() -> None:
    run("add", "lin")
    before = stored("lin")
    assert run("add", "lin", "--role", "admin").exit_code == 2
    assert stored("lin") == before


def test_reset_gives_a_new_one_time_password() -> None:
    first = password_of(run("add", "lin"))
    second = password_of(run("reset", "lin"))
    assert not password_fits(stored("lin"), first)
    assert password_fits(stored("lin"), second)


def test_disable_closes_and_reset_opens_again() -> None:
    run("add", "lin")
    run("disable", "lin")
    assert not stored("lin").is_active
    run("reset", "lin")
    assert stored("lin").is_active


def test_list_shows_accounts_and_no_secret() -> None:
    password = password_of(run("add", "lin", "--name", "林老师"))
    shown = run("list").output
    assert "林老师" in shown
    assert password not in shown
    assert "argon2" not in shown


def test_a_closed_account_is_listed_as_closed() -> None:
    run("add", "lin")
    run("disable", "lin")
    assert "disabled" in run("list").output


def test_a_fresh_installation_says_how_to_sign_in_and_says_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings()
    service = wiring.build_service(settings, now=Clock())
    user.welcome(settings, service)
    first = capsys.readouterr().out
    user.welcome(settings, service)
    second = capsys.readouterr().out
    service.writer.close()
    service.store.engine.dispose()
    found = re.search(r"用户名 (\S+)\s+一次性密码 ([a-z0-9-]+)", first)
    assert found is not None
    assert password_fits(stored(found[1]), found[2])
    assert found[2] not in second
    assert "hotline user reset" in second
