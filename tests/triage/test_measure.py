"""The measures themselves, on numbers small enough to check by hand."""

import math

import pytest

from triage.measure import (
    Example,
    Share,
    by_keywords,
    measure_conversations,
    parse_examples,
    percentile,
    quadratic_kappa,
    report,
)
from triage.risk import Level


def example(level: int, form: str = "plain") -> Example:
    return Example("x", "t", Level(level), ("suicide",), form)


def test_wilson_bound_of_all_right_is_below_one():
    low, high = Share(100, 100).interval
    assert (round(low, 3), high) == (0.963, pytest.approx(1.0))


def test_a_share_of_nothing_is_no_number():
    assert math.isnan(Share(0, 0).value)


def test_full_agreement_has_kappa_one():
    assert quadratic_kappa([(0, 0), (2, 2), (4, 4)]) == 1.0


def test_opposite_answers_have_kappa_minus_one():
    assert quadratic_kappa([(0, 4), (4, 0)]) == -1.0


def test_the_report_counts_misses_and_false_alarms():
    labels = [example(4), example(3), example(1), example(0, "idiom")]
    made = report(labels, [Level.HIGH, Level.LOW, Level.HIGH, Level.MEDIUM], [1.0, 2.0, 3.0, 4.0])
    assert made.recall_high == Share(1, 2)
    assert made.recall_emergency == Share(1, 1)
    assert made.false_high == Share(1, 2)
    assert made.false_medium == Share(1, 1)
    assert made.under_by_two == Share(1, 4)
    assert [name for name, _, _ in made.by_form] == ["idiom", "plain"]


def test_percentiles_are_taken_from_the_values():
    assert (percentile([3, 1, 2], 0.5), percentile([3, 1, 2], 0.99)) == (2, 3)


def test_a_line_becomes_an_example():
    line = '{"id": "d1", "text": "t", "level": 3, "categories": ["abuse"], "form": "child"}'
    assert parse_examples([line, ""]) == (Example("d1", "t", Level.HIGH, ("abuse",), "child"),)


def test_the_baseline_is_a_plain_keyword_list():
    assert (by_keywords("我不想活了"), by_keywords("你好")) == (Level.HIGH, Level.NONE)


def test_a_conversation_is_measured_turn_by_turn(screener):
    rows = ['{"turns": ["你好", "我不想活了", "今晚"], "levels": [0, 2, 3]}']
    found = measure_conversations(rows, screener)
    assert (found.reached, found.reached_in_time) == (Share(1, 1), Share(1, 1))
    assert (found.alarmed, found.disturbed) == (Share(0, 1), Share(0, 0))


def test_without_memory_a_short_answer_means_nothing(screener):
    rows = ['{"turns": ["你好", "我不想活了", "今晚"], "levels": [0, 2, 3]}']
    assert measure_conversations(rows, screener, remembers=False).reached == Share(0, 1)


def test_a_calm_conversation_that_alarms_is_counted_as_disturbed(screener):
    rows = ['{"turns": ["我在楼顶边上，准备跳下去"], "levels": [1]}']
    assert measure_conversations(rows, screener).disturbed == Share(1, 1)
