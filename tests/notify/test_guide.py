"""docs/calling.md promises what the code does: the signature, the words, the settings, who is called when."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from escalation.routing import RUNG_WORDS
from notify.words import load_words
from records.crypto import sign_body
from settings import PREFIX, Settings, load_settings

GUIDE = (Path(__file__).parents[2] / "docs" / "calling.md").read_text(encoding="utf-8")


def test_the_numbers_to_check_an_implementation_with_are_right() -> None:
    found = re.search(r"密钥 `(.+?)`，时间戳 `(.+?)`，请求体 `(.+?)`.*?(v1=[0-9a-f]{64})", GUIDE)
    assert found
    assert sign_body(found[1], found[2], found[3].encode()) == found[4]


def test_the_example_is_what_a_gateway_gets() -> None:
    found = re.search(r"```json\n(.+?)\n```", GUIDE)
    assert found
    example = json.loads(found[1])
    assert set(example) == {"id", "to", "text"}
    assert example["text"] == load_words()["call.climbed"].fill({"colour": "红", "waited": "60 秒"}, "https://…")


def test_every_setting_that_it_names_exists_and_every_way_is_named() -> None:
    named = {name for name in re.findall(rf"{PREFIX}([A-Z0-9_]+[A-Z0-9])", GUIDE)}
    known = {field.upper() for field in Settings.model_fields}
    assert {name for name in named if not any(field.startswith(name) for field in known)} == set()
    assert {name for name in known if name.startswith(("SMTP", "SMS", "WECOM_ROBOT", "PUSH", "MAIL"))} <= named


@pytest.mark.parametrize(("place", "rung"), list(enumerate(list(RUNG_WORDS)[1:])))
def test_the_table_says_the_seconds_of_a_red_alarm(place: int, rung: str) -> None:
    assert f"| {RUNG_WORDS[rung]} | {load_settings({}).ladder_emergency_s[place]} 秒 |" in GUIDE
