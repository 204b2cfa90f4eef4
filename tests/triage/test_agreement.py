"""Who may do what: frames, classifier, and both."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.agreement import CALM, LAMENESS, MODEL_SAYS, calmed, heard, named
from triage.classifier import GRADES, Opinion, Points
from triage.risk import Category, Level, Signal

POINTS = Points(
    low=0.5,
    ask=(0.6, 0.6, 0.4, 0.2, 0.1),
    alarm=(0.9, 0.8, 0.7, 0.3, 0.1),
    sure=0.9,
    after=0.3,
    agree=0.5,
    category=0.5,
)
levels = st.sampled_from(list(Level))
chances = st.floats(0, 1)


def signal(level: Level) -> Signal:
    return Signal("suicide.wish", 0, 2, level, (Category.SUICIDE,))


def opinion(low: float, medium: float, high: float, emergency: float) -> Opinion:
    return Opinion((low, medium, high, emergency), (0.0,) * len(Category))


@given(st.lists(levels, max_size=3), st.lists(chances, min_size=4, max_size=4))
def test_the_classifier_alone_never_says_emergency(framed, values):
    said = Opinion(tuple(sorted(values, reverse=True)), (0.0,) * len(Category))
    signals = [signal(level) for level in framed]
    level = heard(signals, said, POINTS)
    if level == Level.EMERGENCY:
        assert max(framed) >= Level.MEDIUM


@given(st.lists(levels, max_size=3), st.lists(chances, min_size=4, max_size=4))
def test_what_a_frame_heard_is_never_taken_below_low_and_never_raised(framed, values):
    said = Opinion(tuple(sorted(values, reverse=True)), (0.0,) * len(Category))
    after = calmed([signal(level) for level in framed], said, POINTS)
    assert all(min(level, Level.LOW) <= s.level <= level for s, level in zip(after, framed, strict=True))


def test_danger_in_a_frame_and_an_emergency_in_the_classifier_are_an_emergency():
    assert heard([signal(Level.MEDIUM)], opinion(1, 0.9, 0.8, 0.6), POINTS) == Level.EMERGENCY
    assert heard([signal(Level.LOW)], opinion(1, 1, 0.95, 0.9), POINTS) == Level.HIGH


@pytest.mark.parametrize(("framed", "needed"), [(Level.NONE, 0.9), (Level.LOW, 0.8), (Level.MEDIUM, 0.7)])
def test_the_more_the_frames_heard_the_less_it_takes(framed, needed):
    signals = [signal(framed)]
    assert heard(signals, opinion(1, 0.95, needed, 0), POINTS) == Level.HIGH
    assert heard(signals, opinion(1, 0.95, needed - 0.01, 0), POINTS) == Level.MEDIUM


def test_a_frame_is_held_at_medium_where_the_classifier_hears_nothing():
    (after,) = calmed([signal(Level.HIGH)], opinion(0.9, 0.2, 0.05, 0), POINTS)
    assert (after.level, after.scope) == (Level.MEDIUM, CALM)


def test_a_frame_is_held_at_low_where_the_classifier_hears_not_even_sadness():
    (after,) = calmed([signal(Level.EMERGENCY)], opinion(0.1, 0.05, 0.05, 0), POINTS)
    assert (after.level, after.scope) == (Level.LOW, CALM)


def test_a_frame_is_believed_where_the_classifier_is_sure_of_danger():
    (after,) = calmed([signal(Level.HIGH)], opinion(1, 0.95, 0.05, 0), POINTS)
    assert after.level == Level.HIGH


def test_an_emergency_frame_takes_less_to_be_believed():
    believed = calmed([signal(Level.EMERGENCY)], opinion(0.2, 0.2, 0.15, 0), POINTS)
    assert believed[0].level == Level.EMERGENCY


def test_the_grades_are_read_in_order():
    said = opinion(0.55, 0.4, 0.1, 0)
    assert heard([], said, POINTS) == Level.LOW
    assert heard([], opinion(0.7, 0.65, 0.1, 0), POINTS) == Level.MEDIUM
    assert heard([], opinion(0.1, 0.1, 0.1, 0), POINTS) == Level.NONE


def test_categories_are_named_from_their_point_on():
    said = replace(opinion(1, 1, 1, 1), categories=(0.9, 0.4, 0.0, 0.5, 0.0, 0.0, 0.0))
    assert named(said, POINTS) == (Category.SUICIDE, Category.PSYCHOSIS)


def test_everything_the_classifier_may_say_is_said_in_chinese():
    assert set(MODEL_SAYS) == {f"model.{level.code}" for level in GRADES}
    assert set(LAMENESS) == {"missing", "broken", "slow"}


@given(levels, st.lists(chances, min_size=4, max_size=4))
def test_plain_words_of_danger_stay_whatever_the_classifier_hears(level, values):
    said = Opinion(tuple(sorted(values, reverse=True)), (0.0,) * len(Category))
    assert calmed([signal(level)], said, POINTS, firm={"suicide.wish"}) == [signal(level)]


def test_a_scope_that_lowered_plain_words_leaves_them_to_the_classifier():
    quoted = replace(signal(Level.HIGH), scope="quote")
    (after,) = calmed([quoted], opinion(0.1, 0.05, 0.05, 0), POINTS, firm={"suicide.wish"})
    assert (after.level, after.scope) == (Level.LOW, CALM)
