"""The file of partner systems: what it says, and what is wrong with it, in words without secrets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import wiring
from bot.channels.partner_file import BadPartners
from settings import BadSettings, load_settings
from tests.bot.channels.partner.lines import SECRET, load, toml


def test_a_partner_needs_a_name_a_secret_and_an_address(tmp_path: Path) -> None:
    (partner,) = load(tmp_path, toml())
    assert partner.channel == "http.cityapp"
    assert partner.secrets == (SECRET,)
    assert partner.rules.per_second == 20
    assert partner.rules.messages is None
    assert partner.media_hosts == frozenset()


def test_a_partner_with_an_allowance_keeps_half_of_it_for_people(tmp_path: Path) -> None:
    (partner,) = load(tmp_path, toml(window_h="48", messages="5", per_second="2.5"))
    rules = partner.rules
    assert (rules.window, rules.messages, rules.kept_for_people) == (timedelta(hours=48), 5, 2)
    assert rules.merges
    assert rules.per_second == 2.5


def test_the_secret_is_not_shown_where_a_partner_is_printed(tmp_path: Path) -> None:
    assert SECRET not in repr(load(tmp_path, toml()))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": None}, "name must be"), ({"name": '"City"'}, "name must be"), ({"name": '"a"'}, "name must be"),
        ({"name": '"a/b"'}, "name must be"), ({"name": "5"}, "name must be str"),
        ({"name": '"cityapp\\n"'}, "name must be"), ({"name": f'"{"x" * 17}"'}, "name must be"),
        ({"secret": None}, "needs either secret or secrets"), ({"secret": '"short"'}, "at least 32 characters"),
        ({"secrets": f'["{SECRET}"]'}, "needs either secret or secrets"),
        ({"secret": None, "secrets": "[]"}, "at most two"), ({"secret": None, "secrets": "[5]"}, "at least 32"),
        ({"secret": None, "secrets": f'["{SECRET}1", "{SECRET}2", "{SECRET}3"]'}, "at most two"),
        ({"secret": '"change-me-0123456789abcdefghijklmnop"'}, "published sample secret"),
        ({"callback_url": None}, "callback_url must be"), ({"callback_url": '"app.example"'}, "callback_url must be"),
        ({"callback_url": '"http://app.example/"'}, "allow_http = true"),
        ({"callback_url": '"ftp://app.example/"', "allow_http": "true"}, "callback_url must be https"),
        ({"callback_url": '"https://app.example:99999/"'}, "callback_url"),
        ({"callback_url": '"https://a:b@app.example/"'}, "without user name"),
        ({"callback_url": '"https://169.254.169.254/"'}, "address that we do not call"),
        ({"callback_url": '"https://100.100.100.200/"'}, "address that we do not call"),
        ({"callback_url": '"https://[::ffff:169.254.169.254]/"'}, "address that we do not call"),
        ({"callback_url": '"http://93.184.216.34/"', "allow_http": "true"}, "address that we do not call"),
        ({"allow_http": '"yes"'}, "allow_http must be bool"), ({"per_second": "0.5"}, "per_second must be"),
        ({"per_second": "nan"}, "per_second must be"), ({"per_second": "true"}, "per_second must be int or float"),
        ({"window_h": "48"}, "belong together"), ({"messages": "5"}, "belong together"),
        ({"window_h": "inf", "messages": "5"}, "window_h must be"), ({"window_h": "1", "messages": "0"}, "messages"),
        ({"media_hosts": '["https://files.example"]'}, "media_hosts must be"), ({"media_hosts": "[1]"}, "media_hosts"),
        ({"media_hosts": '["*.example"]'}, "media_hosts must be"), ({"colour": '"red"'}, "unknown key 'colour'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words_and_without_secrets(
    tmp_path: Path, changes: dict[str, str | None], words: str
) -> None:
    with pytest.raises(BadPartners, match="partner 1: ") as raised:
        load(tmp_path, toml(**changes))
    assert words in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["", "partner = 5", "[partner]\n", "nonsense", "[[partners]]\n", "partner = [1]", "\0"]
)
def test_a_file_that_is_no_list_of_partners_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadPartners):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("other", "what"), [({"secret": f'"{"z" * 32}"'}, "name"), ({"name": '"schoolapp"'}, "secret")]
)
def test_two_partners_share_neither_name_nor_secret(tmp_path: Path, other: dict[str, str], what: str) -> None:
    with pytest.raises(BadPartners, match=f"two partners have the same {what}"):
        load(tmp_path, toml() + toml(**other))


def test_a_file_that_is_not_there_stops_the_start_and_names_the_setting(tmp_path: Path) -> None:
    settings = load_settings(
        {"HOTLINE_DATA_DIR": str(tmp_path), "HOTLINE_HTTP_CHANNELS_FILE": str(tmp_path / "none.toml")}
    )
    with pytest.raises(BadSettings, match=r"HOTLINE_HTTP_CHANNELS_FILE.*none\.toml: cannot be read"):
        wiring.platforms.open_channels(settings, None)  # type: ignore[arg-type]  # it is refused before that is used
