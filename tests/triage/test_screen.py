"""Screening one message: levels, reasons, and the safe side when something breaks."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.memory import Memory
from triage.release import open_screener
from triage.risk import Category, Level

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SCREENER = open_screener()


@given(st.text(st.characters(), max_size=200))
@settings(deadline=None)
def test_no_text_breaks_the_screening(text):
    screening = SCREENER.judge(text)
    assert not screening.failed
    for signal in screening.signals:
        assert 0 <= signal.start < signal.end <= len(text)


@pytest.mark.parametrize("text", ["", "a\ud800b", "\x00", "死" * 65536, "我想" * 32768, "\u202e💊" * 3000])
def test_hard_texts_are_screened(text):
    assert not SCREENER.judge(text).failed


@pytest.mark.parametrize("padding", [0, 1950, 5000, 60000])
def test_one_line_is_found_anywhere_in_a_long_text(padding):
    text = "天气很好。" * (padding // 5) + "我已经站在天台边上了，现在就要跳下去。" + "天气很好。" * 100
    assert SCREENER.judge(text).level == Level.EMERGENCY


def test_a_signal_points_at_the_original_words():
    text = "今天天气好。我 不 想 活 了"
    signal = next(s for s in SCREENER.judge(text).signals if not s.rule.startswith("model."))
    assert text[signal.start : signal.end].startswith("不 想 活")


def test_the_message_level_is_that_of_its_worst_unlowered_words():
    screening = SCREENER.judge("我没打算自杀，刚才用刀片划了几道")
    assert screening.level == Level.HIGH
    assert Category.SELF_HARM in screening.categories
    assert "negation" in {signal.scope for signal in screening.signals}


@pytest.mark.parametrize("text", ["天台", "桥", "河边", "站台", "楼顶"])
def test_a_place_alone_never_raises_the_level(text):
    assert SCREENER.judge(text).level == Level.NONE


@pytest.mark.parametrize(
    "text",
    ["我要自杀", "今晚就去死", "我不想活了，今晚就去死", "遗书写好了，明天就走", "我現在要自殺", "今晚自杀", "我马上就死",
     "我在自杀", "我妈要自杀", "老公要杀我"],
)  # fmt: skip
def test_plain_words_of_intent_are_high(text):
    assert SCREENER.judge(text).level >= Level.HIGH


@pytest.mark.parametrize("text", ["我要死", "我要死了", "想死", "我不活了", "让我死吧"])
def test_a_plain_wish_to_die_is_asked_about(text):
    assert SCREENER.judge(text).level >= Level.MEDIUM


@pytest.mark.parametrize(
    "text", ["热死了，我要死了", "游戏里我要自杀", "我段考低空飛過，我媽要殺了我", "男主要自杀那段我哭了"]
)
def test_hyperbole_and_games_in_plain_words_ring_no_alarm(text):
    assert SCREENER.judge(text).level < Level.HIGH


def test_a_joke_never_lowers_what_was_done():
    assert SCREENER.judge("哈哈哈我把一整瓶安眠药都吞了").level == Level.EMERGENCY


def test_a_broken_screening_counts_as_high():
    broken = open_screener()
    broken._rulebook = replace(broken._rulebook, tables=None)
    screening = broken.judge("你好")
    assert screening.failed
    assert screening.level == Level.HIGH


def test_every_rule_is_explained_in_chinese(rulebook):
    for rule in rulebook.frames.by_id:
        assert SCREENER.explain(rule) != rule


def test_an_unknown_rule_explains_itself_by_its_id():
    assert SCREENER.explain("old.rule") == "old.rule"


def test_screening_carries_the_memory_on():
    first = SCREENER.screen("我不想活了", Memory(), NOW)
    second = SCREENER.screen("今晚", first.memory, NOW)
    assert first.memory.level == Level.MEDIUM
    assert second.screening.level <= Level.LOW
    assert second.memory.level == Level.HIGH
