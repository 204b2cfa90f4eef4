"""`hotline check` finds each fault of a deployment, and `serve --production` refuses to start with one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

import wiring
from command.check import faults, show_missing_years, ways_out
from command.main import app
from records import tables as t
from records.crypto import SAMPLE_KEY
from settings import BadSettings, load_settings
from tests.building import PASSED
from triage.release import SHIPPED, adopt

_NOW = wiring.utc_now()


@pytest.fixture
def fit(tmp_path: Path) -> dict[str, str]:
    """A deployment in which nothing is wrong."""
    environment = {
        "HOTLINE_DATA_DIR": str(tmp_path / "data"),
        "HOTLINE_KEY_FILE": str(tmp_path / "keys.json"),
        "HOTLINE_LOCAL_24H": "0571-85029595",
        "HOTLINE_ONCALL_NAME": "王主任",
        "HOTLINE_ONCALL_PHONE": "13800000000",
        "HOTLINE_PUBLIC_URL": "https://xin.example",
        "HOTLINE_SECOND_FACTOR": "supervisor,duty_lead,admin,privacy_officer",
    }
    staffed(environment, [("lin", ["counsellor"]), ("lead", ["duty_lead"])])
    return environment


@contextlib.contextmanager
def opened(environment: dict[str, str]) -> Iterator[tuple[wiring.Store, sa.Connection]]:
    """The deployment's own database, to be changed."""
    store = wiring.open_store(load_settings(environment))
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield store, connection
    store.engine.dispose()


def staffed(environment: dict[str, str], people: Sequence[tuple[str, list[str]]]) -> None:
    with opened(environment) as (store, connection):
        for login, roles in people:
            staff_id = store.staff.add(connection, login, login, roles, PASSED, _NOW)
            store.staff.change(connection, staff_id, must_change=False)


def change_everybody(environment: dict[str, str], **values: object) -> None:
    with opened(environment) as (store, connection):
        for who in store.staff.all(connection):
            store.staff.change(connection, who.id, **values)


def write_sample_key(environment: dict[str, str]) -> None:
    folder = Path(environment["HOTLINE_DATA_DIR"])
    for file in folder.glob("hotline.db*"):
        file.unlink()
    key = {"current": 1, "keys": {"1": SAMPLE_KEY}, "index_key": SAMPLE_KEY}
    Path(environment["HOTLINE_KEY_FILE"]).write_text(json.dumps(key))
    staffed(environment, [("lin", ["counsellor"]), ("lead", ["supervisor"])])


def without(name: str) -> Callable[[dict[str, str]], object]:
    return lambda environment: environment.pop(name)


def test_a_fit_deployment_has_no_fault(fit: dict[str, str]) -> None:
    assert faults(load_settings(fit)) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without("HOTLINE_LOCAL_24H"), ["HOTLINE_LOCAL_24H"]),
        (without("HOTLINE_ONCALL_NAME"), ["HOTLINE_ONCALL_NAME"]),
        (without("HOTLINE_ONCALL_PHONE"), ["HOTLINE_ONCALL_NAME"]),
        (without("HOTLINE_PUBLIC_URL"), ["HOTLINE_PUBLIC_URL"]),
        (lambda e: e.update(HOTLINE_PUBLIC_URL="http://xin.example"), ["HOTLINE_PUBLIC_URL"]),
        (without("HOTLINE_SECOND_FACTOR"), ["HOTLINE_SECOND_FACTOR"]),
        (lambda e: e.update(HOTLINE_SECOND_FACTOR="supervisor,admin"), ["HOTLINE_SECOND_FACTOR"]),
        (write_sample_key, ["示例密钥"]),
        (lambda e: change_everybody(e, roles='["duty_lead"]'), ["接线员"]),
        (lambda e: change_everybody(e, roles='["counsellor"]'), ["值班长或督导"]),
        (lambda e: change_everybody(e, roles='["admin"]'), ["接线员", "值班长或督导", "第二人"]),
        (lambda e: change_everybody(e, must_change=True), ["接线员", "值班长或督导", "第二人"]),
        (lambda e: change_everybody(e, is_active=False), ["接线员", "值班长或督导", "第二人"]),
    ],
)
def test_each_fault_is_found_alone_and_says_what_to_do(
    fit: dict[str, str], spoil: Callable[[dict[str, str]], object], words: list[str]
) -> None:
    spoil(fit)
    found = faults(load_settings(fit))
    assert len(found) == len(words)
    assert all(word in fault for word, fault in zip(words, found, strict=True))


def test_a_key_beside_the_database_is_a_fault(tmp_path: Path, fit: dict[str, str]) -> None:
    fit["HOTLINE_DATA_DIR"] = str(tmp_path / "other")
    del fit["HOTLINE_KEY_FILE"]
    staffed(fit, [("lin", ["counsellor"]), ("lead", ["supervisor"])])
    (found,) = faults(load_settings(fit))
    assert "HOTLINE_KEY_FILE" in found


def test_one_person_with_every_role_is_not_enough(tmp_path: Path, fit: dict[str, str]) -> None:
    fit["HOTLINE_DATA_DIR"] = str(tmp_path / "other")
    staffed(fit, [("lin", ["counsellor", "supervisor"])])
    (found,) = faults(load_settings(fit))
    assert "第二人" in found


def test_the_second_person_must_be_another_than_the_only_lead(tmp_path: Path, fit: dict[str, str]) -> None:
    fit["HOTLINE_DATA_DIR"] = str(tmp_path / "other")
    staffed(fit, [("lin", ["counsellor", "supervisor"]), ("root", ["admin"])])
    (found,) = faults(load_settings(fit))
    assert "第二人" in found


def test_the_command_answers_with_its_exit_status(fit: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fit.items():
        monkeypatch.setenv(name, value)
    good = CliRunner().invoke(app, ["check"])
    monkeypatch.delenv("HOTLINE_LOCAL_24H")
    bad = CliRunner().invoke(app, ["check"])
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "HOTLINE_LOCAL_24H" in bad.output


def test_the_command_says_whether_the_audit_is_whole(fit: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fit.items():
        monkeypatch.setenv(name, value)
    with opened(fit) as (store, connection):
        for action in ("case_view", "claimed", "closed"):
            store.staff.audit(connection, action, _NOW)
    whole = CliRunner().invoke(app, ["check"])
    with opened(fit) as (_, connection):
        connection.execute(t.audit.update().where(t.audit.c.seq == 2).values(actor_id="somebody else"))
    broken = CliRunner().invoke(app, ["check"])
    assert (whole.exit_code, broken.exit_code) == (0, 1)
    assert "审计链完整" in whole.output
    assert "审计链从第2条起对不上" in broken.output
    assert faults(load_settings(fit)) == []  # a hotline with a broken audit still starts


def test_production_does_not_start_with_a_fault(fit: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    del fit["HOTLINE_PUBLIC_URL"]
    for name, value in fit.items():
        monkeypatch.setenv(name, value)
    refused = CliRunner().invoke(app, ["serve", "--production"])
    assert refused.exit_code == 1
    assert "HOTLINE_PUBLIC_URL" in refused.output
    assert not (Path(fit["HOTLINE_DATA_DIR"]) / "index").exists()  # it stopped before anything was started


def test_a_screening_release_that_cannot_work_is_a_fault(fit: dict[str, str]) -> None:
    home = load_settings(fit).screening_dir
    adopt(SHIPPED, home)
    (weights,) = home.glob("*/model/weights.npz")
    weights.write_bytes(b"damaged")
    assert ["文字模型用不了" in fault for fault in faults(load_settings(fit))] == [True]
    (rules,) = home.glob("*/rulebook/suicide.toml")
    rules.write_text("[[frame", encoding="utf-8")
    assert ["规则读不了" in fault for fault in faults(load_settings(fit))] == [True]


def called_at(environment: dict[str, str], login: str, carrier: str, address: str) -> None:
    store = wiring.open_store(load_settings(environment))
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        who = store.staff.by_login(connection, login)
        assert who is not None
        store.addresses.add(connection, "staff", who.id, carrier, address, _NOW)
    store.engine.dispose()


def test_it_says_how_each_rung_is_called_outside_the_screens(fit: dict[str, str]) -> None:
    fit |= {"HOTLINE_SMS_URL": "https://sms.x.cn/send", "HOTLINE_SMS_SECRET": "s" * 32}
    called_at(fit, "lead", "sms", "13800000001")
    called_at(fit, "lead", "mail", "lead@x.cn")  # mail is not switched on
    called_at(fit, "lin", "sms", "13800000002")  # seats are called at their browsers only
    assert ways_out(load_settings(fit)) == {"全体坐席": [], "值班长": ["短信 1"], "督导": [], "外部值守": ["短信 1"]}


def test_it_warns_when_nobody_can_be_called_and_production_starts_all_the_same(
    fit: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in fit.items():
        monkeypatch.setenv(name, value)
    found = CliRunner().invoke(app, ["check"])
    assert found.exit_code == 0
    assert "警报叫不到任何人" in found.output
    assert faults(load_settings(fit)) == []


@pytest.mark.parametrize(("month", "says"), [(6, ""), (12, "没有 2027 年的节假日")])
def test_it_warns_before_clocks_in_working_days_run_into_a_year_without_holidays(
    fit: dict[str, str], capsys: pytest.CaptureFixture[str], month: int, says: str
) -> None:
    show_missing_years(load_settings(fit), datetime(2026, month, 1, tzinfo=UTC))
    shown = capsys.readouterr().out
    assert says in shown if says else shown == ""


def test_a_deployment_that_entered_the_year_hears_nothing_and_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, fit: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "holidays.toml"
    own.write_text('[2027]\nsource = "notice"\nreview = "pending"\nfree = [[2027-01-01, 2027-01-03]]\nworked = []\n')
    fit["HOTLINE_HOLIDAYS_FILE"] = str(own)
    show_missing_years(load_settings(fit), datetime(2026, 12, 1, tzinfo=UTC))
    assert capsys.readouterr().out == ""
    own.write_text("[2027]\nfree = []\n")
    with pytest.raises(BadSettings, match="HOLIDAYS_FILE"):
        show_missing_years(load_settings(fit), datetime(2026, 12, 1, tzinfo=UTC))
