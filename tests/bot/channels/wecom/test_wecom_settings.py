"""The settings of 微信客服: all or none, and a key that is one."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

import platforms
from records.store import Store
from records.writer import Writer
from settings import BadSettings, Settings
from tests.bot.channels.wecom_phones import AES_KEY
from tests.bot.channels.wecom_rig import wecom_settings
from tests.building import Clock


@pytest.fixture
def outside(sqlite_store: Store, clock: Clock) -> platforms.Outside:
    return platforms.Outside(httpx.AsyncClient(), sqlite_store.channel_state, Writer(sqlite_store.engine), clock)


@pytest.mark.parametrize("name", ["CORP_ID", "SECRET", "TOKEN", "AES_KEY"])
def test_half_a_configuration_is_refused_by_name(outside: platforms.Outside, tmp_path: Path, name: str) -> None:
    settings = wecom_settings(tmp_path, "http://nowhere.test", **{f"HOTLINE_WECOM_{name}": ""})
    with pytest.raises(BadSettings, match=f"HOTLINE_WECOM_{name}"):
        platforms.open_channels(settings, outside)


@pytest.mark.parametrize("key", ["short", AES_KEY[:-1], AES_KEY + "x", "汉" * 43, "-" * 43])
def test_a_key_that_is_none_is_refused(outside: platforms.Outside, tmp_path: Path, key: str) -> None:
    with pytest.raises(BadSettings, match="HOTLINE_WECOM_AES_KEY"):
        platforms.open_channels(wecom_settings(tmp_path, "", HOTLINE_WECOM_AES_KEY=key), outside)


def test_without_settings_there_is_no_wecom(outside: platforms.Outside, sqlite_settings: Settings) -> None:
    assert set(platforms.open_channels(sqlite_settings, outside)) == {"web"}
