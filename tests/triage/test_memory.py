"""The conversation's level: the machine only raises it, people may lower it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.memory import Memory, after_silence, floor, remember, set_by_person
from triage.risk import Category, Level, Screening, Signal

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
RULES = ["suicide.wish", "cue.time", "cue.denial", "cue.yes", "cue.farewell", "cue.calm", "abuse.ongoing"]


def said(level: Level, *rules: str, category: Category = Category.SUICIDE) -> Screening:
    signals = tuple(Signal(r, 0, 1, Level.NONE if r.startswith("cue.") else level) for r in rules)
    return Screening(level, (category,) if level else (), signals)


def after(*screenings: Screening, memory: Memory | None = None, text: str = "嗯") -> Memory:
    memory = memory or Memory()
    for screening in screenings:
        memory = remember(memory, screening, text, NOW)
    return memory


SCREENINGS = st.builds(
    lambda level, rules: said(level, *rules), st.sampled_from(Level), st.lists(st.sampled_from(RULES), max_size=3)
)


@settings(deadline=None)
@given(st.lists(st.tuples(SCREENINGS, st.text(max_size=20), st.integers(0, 200)), max_size=12))
def test_the_level_never_falls_without_a_person(turns):
    memory, now, emergency = Memory(), NOW, False
    for screening, text, hours in turns:
        now += timedelta(hours=hours)
        later = remember(memory, screening, text, now)
        emergency |= screening.level == Level.EMERGENCY
        assert later.level >= max(memory.level, screening.level)
        assert not emergency or later.level >= Level.HIGH
        assert Memory.from_dict(json.loads(json.dumps(later.to_dict()))) == later
        memory = later


def test_unknown_keys_are_ignored():
    stored = Memory(level=Level.HIGH).to_dict() | {"new": 1, "categories": ["suicide", "later"]}
    assert Memory.from_dict(stored) == Memory(level=Level.HIGH, categories=(Category.SUICIDE,))


def test_after_an_emergency_nothing_counts_below_high():
    assert floor(after(said(Level.EMERGENCY)), NOW + timedelta(days=9)) == Level.HIGH


@pytest.mark.parametrize(("hours", "expected"), [(1, Level.MEDIUM), (23, Level.MEDIUM), (25, Level.NONE)])
def test_after_high_medium_holds_for_a_day(hours, expected):
    assert floor(after(said(Level.HIGH)), NOW + timedelta(hours=hours)) == expected


def test_two_elevated_messages_with_something_new_are_high():
    second = said(Level.MEDIUM, "abuse.ongoing", category=Category.ABUSE)
    assert after(said(Level.MEDIUM, "suicide.wish"), second).level == Level.HIGH


def test_the_same_words_again_stay_medium():
    assert after(said(Level.MEDIUM, "suicide.wish"), said(Level.MEDIUM, "suicide.wish")).level == Level.MEDIUM


def test_elevated_messages_far_apart_stay_medium():
    turns = [said(Level.MEDIUM, "suicide.wish"), *[said(Level.NONE)] * 5, said(Level.MEDIUM, "abuse.ongoing")]
    assert after(*turns).level == Level.MEDIUM


@pytest.mark.parametrize("cue", ["cue.farewell", "cue.calm", "cue.ready", "cue.time", "cue.means"])
def test_a_cue_after_an_elevated_message_is_high(cue):
    assert after(said(Level.MEDIUM, "suicide.wish"), said(Level.NONE, cue)).level == Level.HIGH


@pytest.mark.parametrize("cue", ["cue.farewell", "cue.calm", "cue.ready", "cue.time", "cue.means", "cue.yes"])
def test_a_cue_alone_means_nothing(cue):
    assert after(said(Level.NONE, cue)).level == Level.NONE


def test_a_time_in_a_long_message_is_no_answer():
    first = after(said(Level.MEDIUM, "suicide.wish"))
    assert after(said(Level.NONE, "cue.time"), memory=first, text="今晚" * 20).level == Level.MEDIUM


def test_a_yes_to_the_direct_question_is_medium():
    assert after(said(Level.LOW), said(Level.NONE, "cue.yes")).level == Level.MEDIUM


def test_a_denial_clears_nothing():
    assert after(said(Level.MEDIUM, "suicide.wish"), said(Level.NONE, "cue.denial")).level == Level.MEDIUM


def test_a_person_lowers_and_only_new_messages_raise_again():
    lowered = set_by_person(after(said(Level.EMERGENCY)), Level.LOW, NOW)
    assert after(said(Level.NONE), memory=lowered).level == Level.LOW
    assert after(said(Level.HIGH), memory=lowered).level == Level.HIGH


def test_the_memory_holds_no_text():
    memory = after(said(Level.MEDIUM, "suicide.wish"), text="我不想活了")
    assert "不想活" not in json.dumps(memory.to_dict(), ensure_ascii=False)


@pytest.mark.parametrize(("minutes", "expected"), [(9, Level.MEDIUM), (10, Level.HIGH)])
def test_long_silence_after_a_wish_to_die_is_high(minutes, expected):
    memory = after(said(Level.MEDIUM, "suicide.wish"))
    later = after_silence(memory, NOW, NOW + timedelta(minutes=minutes), timedelta(minutes=10))
    assert later.level == expected


@pytest.mark.parametrize("level", [Level.NONE, Level.LOW, Level.HIGH, Level.EMERGENCY])
def test_silence_says_nothing_at_other_levels(level):
    memory = Memory(level=level)
    assert after_silence(memory, NOW, NOW + timedelta(hours=9), timedelta(minutes=10)) == memory
