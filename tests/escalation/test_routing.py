"""The clocks of the ladder and the words for those who wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

import desk_rules
from bot.replies import load_replies
from escalation.routing import RUNG_WORDS, RUNGS, Clocks, rung, waiting_key
from settings import load_settings
from tests.building import NOW
from triage.risk import Level

SETTINGS = load_settings({})


@pytest.fixture
def clocks() -> Clocks:
    return desk_rules.make_clocks(SETTINGS)


@pytest.mark.parametrize(
    ("level", "seconds"),
    [
        (Level.NONE, (1800,)),
        (Level.LOW, (1800,)),
        (Level.MEDIUM, (600, 1200)),
        (Level.HIGH, (120, 300, 600)),
        (Level.EMERGENCY, (60, 120, 180)),
    ],
)
def test_each_level_climbs_after_its_own_seconds_and_stops_at_its_top(
    clocks: Clocks, level: Level, seconds: tuple[int, ...]
) -> None:
    due = [clocks.next_rung_at(level, step, NOW) for step in range(len(seconds) + 2)]
    assert due == [*(NOW + timedelta(seconds=s) for s in seconds), None, None]
    assert clocks.claim_by(level, NOW) == NOW + timedelta(seconds=seconds[0])


def test_the_more_urgent_the_level_the_earlier_every_rung(clocks: Clocks) -> None:
    levels = [level for level in Level if level >= Level.LOW]
    for calm, urgent in zip(levels, levels[1:], strict=False):
        for step, seconds in enumerate(clocks.ladder[calm]):
            assert clocks.ladder[urgent][step] < seconds


@pytest.mark.parametrize("level", Level)
def test_a_waiting_person_always_hears_from_us_again(clocks: Clocks, level: Level) -> None:
    for sent in range(100):
        assert clocks.next_note_at(level, sent, NOW) > NOW


def test_a_person_in_danger_hears_from_us_each_minute_and_after_ten_times_less_often(clocks: Clocks) -> None:
    waits = [clocks.next_note_at(Level.HIGH, sent, NOW) - NOW for sent in (0, 9, 10, 50)]
    assert waits == [timedelta(minutes=m) for m in (1, 1, 5, 5)]


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HIGH, Level.EMERGENCY])
def test_two_waiting_messages_in_a_row_differ_and_the_third_admits_that_it_is_late(level: Level) -> None:
    keys = [waiting_key(level, sent) for sent in range(12)]
    assert all(one != other for one, other in zip(keys, keys[1:], strict=False))
    assert keys[2] == "waiting.late"


@pytest.mark.parametrize("level", [level for level in Level if level >= Level.LOW])
def test_every_waiting_message_is_a_text_with_a_number_to_call(level: Level) -> None:
    replies = load_replies(SETTINGS.numbers(), "热线")
    for sent in range(6):
        text = replies.render(waiting_key(level, sent))
        assert "12356" in text
        assert "120" in text


def test_every_rung_has_a_word_and_the_last_one_is_the_outside_person() -> None:
    assert set(RUNG_WORDS) == set(RUNGS)
    assert [rung(step) for step in range(6)] == [*RUNGS, "oncall", "oncall"]


def test_no_ladder_has_more_rungs_than_there_are(clocks: Clocks) -> None:
    assert all(len(seconds) < len(RUNGS) for seconds in clocks.ladder.values())
