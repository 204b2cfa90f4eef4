"""Settings are read once, checked at start, and refused in words that help."""

from __future__ import annotations

import pytest

from settings import PREFIX, BadSettings, Settings, load_settings

LADDERS = ["LADDER_EMERGENCY_S", "LADDER_HIGH_S", "LADDER_MEDIUM_S", "LADDER_LOW_S"]


def test_without_any_setting_the_embedded_default_runs_on_this_machine_alone() -> None:
    settings = load_settings({})
    assert settings.host == "127.0.0.1"
    assert settings.engine_url == "sqlite:///var/hotline.db"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert not settings.is_https


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_a_misspelt_setting_is_refused_and_the_right_one_is_named(name: str) -> None:
    given = f"{PREFIX}{name.upper()}X"
    with pytest.raises(BadSettings, match=rf"unknown setting {given}; did you mean {PREFIX}[A-Z0-9_]+\?"):
        load_settings({given: "1"})


def test_a_setting_that_is_like_no_other_is_refused_without_a_guess() -> None:
    with pytest.raises(BadSettings, match="unknown setting HOTLINE_QQQQQQQQ$"):
        load_settings({"HOTLINE_QQQQQQQQ": "1"})


def test_variables_of_other_programs_are_no_business_of_ours() -> None:
    assert load_settings({"PATH": "/bin", "HOTLINES": "1"}) == load_settings({})


def test_the_environment_is_read_when_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_PORT", "8123")
    assert load_settings().port == 8123


@pytest.mark.parametrize("name", LADDERS)
@pytest.mark.parametrize("value", ["", ",", "60,60", "120,60", "0,60", "-1", "sixty", "60;120", "60,,x"])
def test_a_ladder_that_does_not_rise_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadSettings):
        load_settings({f"{PREFIX}{name}": value})


@pytest.mark.parametrize("name", LADDERS)
def test_a_rising_ladder_is_taken(name: str) -> None:
    settings = load_settings({f"{PREFIX}{name}": "30, 60,90"})
    assert getattr(settings, name.lower()) == (30, 60, 90)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"), ("PORT", "65536"), ("PORT", "http"), ("DISTRICT", "Two Words"), ("DISTRICT", "x" * 17),
        ("OUTBOX_LEASE_S", "11"), ("WAITING_NOTE_S", "0"), ("SESSION_IDLE_S", "1"), ("LOCK_FAILURES", "0"),
        ("SWEEP_S", "0"),
    ],
)  # fmt: skip
def test_a_value_out_of_its_bounds_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name.lower()):
        load_settings({f"{PREFIX}{name}": value})


def test_settings_do_not_change_while_the_service_runs() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings({}).port = 1  # type: ignore[misc]  # that is what is tested


def test_every_setting_that_is_not_a_plain_number_says_what_it_is_for() -> None:
    numbers = set(load_settings({}).numbers()) - {"local_24h", "help"}
    silent = {name for name, field in Settings.model_fields.items() if not field.description}
    assert silent == numbers


def test_without_a_local_line_the_national_one_takes_its_place() -> None:
    numbers = load_settings({}).numbers()
    assert numbers["local_24h"] == numbers["help"] == "12356"


def test_a_local_line_is_told_beside_the_national_one() -> None:
    numbers = load_settings({"HOTLINE_LOCAL_24H": "0571-85029595"}).numbers()
    assert numbers["local_24h"] == "0571-85029595"
    assert numbers["help"] == "12356、本地24小时热线0571-85029595"
