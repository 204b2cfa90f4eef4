"""What leaves towards phones and lock screens: fixed, short, and without anything of anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from notify.words import BadWords, load_words

WORDS = load_words()
LINK = "https://hotline.example/console/seen/" + "a" * 32


@pytest.mark.parametrize("key", sorted(key for key in WORDS if not key.startswith("reply")))
def test_a_counsellor_is_told_what_to_do_and_gets_the_link(key: str) -> None:
    text = WORDS[key].fill({"colour": "红", "waited": "60 秒"}, LINK)
    assert text.startswith(("【值班提醒】", "【演练】"))
    assert text.endswith(LINK)
    assert "{" not in text
    assert len(text) <= 140  # two text messages at most


def test_an_alarm_says_how_urgent_and_how_late() -> None:
    text = WORDS["call.climbed"].fill({"colour": "红", "waited": "60 秒"}, "L")
    assert text == "【值班提醒】有红色警报 60 秒无人接手，请立即打开值班台 L"


def test_a_trial_says_that_nothing_has_happened() -> None:
    assert "没有警报" in WORDS["trial.sent"].text


def test_a_visitor_is_told_only_that_something_is_there() -> None:
    assert (WORDS["reply.message"].title, WORDS["reply.message"].text) == ("您有一条新消息", "您有一条新消息")


@pytest.mark.parametrize("word", ["自杀", "心理", "危机", "热线", "来访者", "姓名"])
def test_no_lock_screen_tells_a_stranger_what_this_is_for(word: str) -> None:
    assert not any(word in text.title + text.text for text in WORDS.values())


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ('[call.x]\ntitle = "a"\ntext = "{name} 在等"', "name"),
        ('[call.x]\ntitle = "{words}"\ntext = "b"', "words"),
        ('[call.x]\ntitle = "a"', "call.x"),
        ('[call.x]\ntitle = "a"\ntext = "b"\nmore = "c"', "call.x"),
        ('[call.x]\ntitle = "a"\ntext = "{}"', "call.x"),
    ],
)
def test_words_that_could_carry_more_are_refused_at_start(tmp_path: Path, toml: str, named: str) -> None:
    file = tmp_path / "texts.toml"
    file.write_text(toml, encoding="utf-8")
    with pytest.raises(BadWords, match=named):
        load_words(file)
