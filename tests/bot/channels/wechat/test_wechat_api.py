"""The parts of the WeChat channel that need no server: fields, slots, bubbles, the menu, settings."""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import platforms
from bot.channels import Channel
from bot.channels.tencent import BrokenXml, legal, read_xml
from bot.channels.wechat import read, write_xml
from bot.channels.wechat_api import Slots, compose, menu
from bot.dialogue import TOPIC_BUTTONS
from settings import BadSettings, Settings, load_settings

patient = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_NAMES = ("MsgType", "Event", "EventKey", "Content", "MsgId", "CreateTime", "Recognition", "Label", "Title")
_VALUES = st.text() | st.none() | st.sampled_from(("text", "voice", "event", "CLICK", "9" * 20, "9" * 5000))
_TRICKY = st.text(alphabet='<>/aA"&?#=%\n\r \t\x00失眠\ud800😀', max_size=40)


# --- fields ---


@patient
@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES | st.just({"nested": "1"})))
def test_whatever_stands_in_the_fields_a_message_is_read_or_refused(fields: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenXml):
        found = read({"FromUserName": "o1", **fields})
        assert found is None or (found.address == "o1" and found.external_id)


def test_a_message_without_an_id_gets_one_that_names_nobody() -> None:
    fields = {"FromUserName": "o-secret", "MsgType": "text", "Content": "你好", "CreateTime": "1796090000"}
    first, again, other = read(fields), read(dict(fields)), read({**fields, "Content": "再见"})
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.external_id == again.external_id != other.external_id
    assert "o-secret" not in first.external_id
    assert first.sent_at == datetime.fromtimestamp(1796090000, UTC)


@patient
@given(st.text(max_size=60) | _TRICKY | st.sampled_from(("]]>", "a]]>b<xml>&amp;", "12356", "]]]]>>")))
def test_what_we_write_as_xml_is_read_as_it_was(text: str) -> None:
    found = read_xml(write_xml(Content=text, MsgType="text"))
    assert found["MsgType"] == "text"
    assert (found["Content"] or "") == re.sub("\r\n?", "\n", legal(text)).strip()


# --- slots ---


@pytest.mark.anyio
async def test_words_for_one_person_never_go_out_in_the_call_of_another() -> None:
    slots, until = Slots(), asyncio.get_running_loop().time() + 5
    with slots.opened("anna", until):
        assert slots.give("bea", "x") is None
    assert slots.give("anna", "x") is None  # the call is over


@pytest.mark.anyio
async def test_each_call_takes_one_text_and_the_oldest_call_comes_first() -> None:
    slots, until = Slots(), asyncio.get_running_loop().time() + 5
    with slots.opened("anna", until) as first, slots.opened("anna", until) as second:
        assert slots.give("anna", "one") is first
        assert slots.give("anna", "two") is second
        assert slots.give("anna", "three") is None
        assert [await first.wait(), await second.wait()] == ["one", "two"]


@pytest.mark.anyio
async def test_a_call_that_has_waited_long_enough_takes_nothing() -> None:
    slots, now = Slots(), asyncio.get_running_loop().time()
    with slots.opened("anna", now) as slot:
        assert slots.give("anna", "x") is None
        assert await slot.wait() == ""


@pytest.mark.anyio
async def test_whoever_gave_words_hears_whether_they_were_written() -> None:
    slots, until = Slots(), asyncio.get_running_loop().time() + 5
    with slots.opened("anna", until) as slot:
        slots.give("anna", "x")
    told = asyncio.create_task(slot.went_out())
    slot.end(is_out=True)
    slot.end(is_out=False)  # the first word counts
    assert await told is True


@pytest.mark.anyio
async def test_a_call_that_fails_gives_its_words_back() -> None:
    slots, until = Slots(), asyncio.get_running_loop().time() + 5
    with contextlib.suppress(LookupError), slots.opened("anna", until) as slot:
        slots.give("anna", "x")
        raise LookupError
    assert await slot.went_out() is False


@pytest.mark.anyio
async def test_a_caller_who_hung_up_ends_the_waiting_at_once() -> None:
    slots, until = Slots(), asyncio.get_running_loop().time() + 5
    with slots.opened("anna", until) as slot:
        waiting = asyncio.create_task(slot.wait())
        await asyncio.sleep(0)
        slot.end(is_out=False)
        assert await asyncio.wait_for(waiting, 1) == ""
        assert slots.give("anna", "x") is None


# --- bubbles ---


def choices(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"label": label, "text": text} for label, text in pairs]


def test_choices_become_links_below_the_words() -> None:
    assert compose("您好", choices(("睡不着", "失眠怎么办")), 2000) == (
        '您好\n<a href="weixin://bizmsgmenu?msgmenucontent=失眠怎么办&msgmenuid=1">睡不着</a>'
    )


def test_choices_that_do_not_fit_are_plain_lines_or_left_out() -> None:
    pair = choices(("睡不着", "失眠怎么办"))
    assert compose("好" * 600, pair, 2000).endswith("</a>")
    assert compose("好" * 650, pair, 2000) == "好" * 650 + "\n睡不着"
    assert compose("好" * 666, pair, 2000) == "好" * 666


def test_what_a_choice_says_survives_the_address_it_stands_in() -> None:
    shown = compose("", choices(("a<b>", 'x"&y=1#?% 失')), 2000)
    assert shown.endswith('?msgmenucontent=x%22%26y%3D1%23%3F%25%20失&msgmenuid=1">a b </a>')


@patient
@given(st.text(max_size=300) | _TRICKY, st.lists(st.tuples(_TRICKY, _TRICKY), max_size=6))
def test_whatever_is_said_only_our_choices_are_links(text: str, pairs: list[tuple[str, str]]) -> None:
    words, shown = compose(text, (), 100_000), compose(text, choices(*pairs), 100_000)
    links = re.findall(r'<a href="weixin://bizmsgmenu\?msgmenucontent=[^"&<>\s]*&msgmenuid=1">[^<>]*</a>', shown)
    assert len(links) == len(pairs)
    assert len(re.findall(r"<[\s/]*a", shown, re.IGNORECASE)) == 2 * len(pairs)
    assert shown.startswith(words)
    assert len(words.encode()) <= len(text.encode("utf-8", "surrogatepass"))  # safe words are no longer


# --- menu and settings ---


def test_every_button_of_the_menu_means_something() -> None:
    urgent, topics = menu()[:2], menu()[2]["sub_button"]
    assert [button["key"] for button in urgent] == ["转人工", "紧急求助"]
    assert {button["key"] for button in topics} < {choice["text"] for choice in TOPIC_BUTTONS["choices"]}
    assert len(topics) == 5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"APP_ID": "wx1"}, "HOTLINE_WECHAT_TOKEN"),
        ({"TOKEN": "t"}, "HOTLINE_WECHAT_APP_ID"),
        ({"APP_SECRET": "s"}, "HOTLINE_WECHAT_APP_ID and HOTLINE_WECHAT_TOKEN"),
        ({"AES_KEY": "a" * 43}, "HOTLINE_WECHAT_APP_ID and HOTLINE_WECHAT_TOKEN"),
        ({"APP_ID": "wx1", "TOKEN": "t", "AES_KEY": "short"}, "43"),
        ({"APP_ID": "wx1", "TOKEN": "t", "AES_KEY": "-" * 43}, "43"),
    ],
)
def test_half_a_configuration_is_refused_in_words(tmp_path: Path, given: dict[str, str], words: str) -> None:
    named = {f"HOTLINE_WECHAT_{name}": value for name, value in given.items()}
    with pytest.raises(BadSettings, match=words):
        _opened(load_settings({"HOTLINE_DATA_DIR": str(tmp_path), **named}))


def test_without_its_settings_there_is_no_wechat(tmp_path: Path) -> None:
    assert set(_opened(load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}))) == {"web"}


def _opened(settings: Settings) -> dict[str, Channel]:
    http: Any = None  # nobody is called
    return platforms.open_channels(settings, platforms.Outside(http, http, http, http))
