"""The rules of follow-up as values: when, how tries count, what an answer may be, what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.care.plan import (
    OPEN,
    TASK_TRANSITIONS,
    TASK_WORDS,
    Answers,
    Consent,
    TaskState,
    after,
    agreed_window,
    calls_again,
    check_answers,
    consent,
    load_rules,
    next_rung,
    part_of_day,
    standing,
    untried,
    windows,
)
from escalation.cases import NotAllowed
from tests.building import NOW
from tests.escalation.care.conftest import CALM
from triage.risk import Level

RULES = load_rules(3, (7200, 86400), "服务中心", with_year=False)
ACTIONS = sorted({action for _, action in TASK_TRANSITIONS})
MISSING = tuple(RULES.words["missing"])
MORNING = NOW  # ten o'clock in Shanghai


@pytest.mark.parametrize(
    ("level", "codes"),
    [
        (Level.NONE, []),
        (Level.LOW, []),
        (Level.MEDIUM, ["7d", "30d"]),
        (Level.HIGH, ["24h", "7d", "30d", "90d"]),
        (Level.EMERGENCY, ["24h", "7d", "30d", "90d"]),
    ],
)
def test_each_level_has_its_calls(level: Level, codes: list[str]) -> None:
    assert [window.code for window in windows(level, NOW, RULES)] == codes


def test_a_year_is_added_where_the_hotline_wants_it() -> None:
    with_year = load_rules(3, (7200, 86400), "服务中心", with_year=True)
    assert [window.code for window in windows(Level.HIGH, NOW, with_year)][-1] == "365d"


def test_the_first_call_in_danger_is_due_within_a_day_and_every_window_is_ahead() -> None:
    found = windows(Level.EMERGENCY, NOW, RULES)
    assert found[0].end == NOW + timedelta(hours=24)
    assert all(NOW <= window.start < window.end for window in found)


@pytest.mark.parametrize(("state", "action"), list(product(TaskState, ACTIONS)))
def test_a_task_follows_its_table_or_says_why_not(state: TaskState, action: str) -> None:
    if (state, action) in TASK_TRANSITIONS:
        assert after(state, action) in TaskState
        return
    with pytest.raises(NotAllowed):
        after(state, action)


def test_what_has_ended_stays_ended_and_every_state_has_a_word() -> None:
    assert {state for state, _ in TASK_TRANSITIONS} == set(OPEN)
    assert set(TASK_WORDS) == set(TaskState)


def test_nobody_is_lost_who_was_never_tried() -> None:
    with pytest.raises(NotAllowed, match="还没有联系过"):
        after(TaskState.TODO, "lose")


@pytest.mark.parametrize(
    ("answers", "level", "expected"),
    [
        ([], Level.HIGH, Consent.OPEN),
        (["not_asked"], Level.MEDIUM, Consent.OPEN),
        (["agreed"], Level.HIGH, Consent.GIVEN),
        (["agreed", "refused"], Level.MEDIUM, Consent.REFUSED),
        (["refused"], Level.HIGH, Consent.UNDECIDED),
        (["refused"], Level.EMERGENCY, Consent.UNDECIDED),
        (["refused", "go_on"], Level.HIGH, Consent.GIVEN),
        (["refused", "stop"], Level.HIGH, Consent.REFUSED),
        (["refused", "go_on", "refused"], Level.HIGH, Consent.UNDECIDED),
    ],
)
def test_the_newest_answer_counts_and_a_refusal_in_danger_goes_upwards(
    answers: list[str], level: Level, expected: Consent
) -> None:
    assert consent(level, answers) is expected


@pytest.mark.parametrize(
    ("hours", "part"), [(-5, "晚上"), (-4, "上午"), (0, "上午"), (2, "下午"), (8, "晚上"), (13, "晚上")]
)
def test_parts_of_the_day_are_those_of_shanghai(hours: int, part: str) -> None:
    assert part_of_day(MORNING + timedelta(hours=hours), RULES) == part


def test_three_tries_in_three_parts_of_the_day_are_enough() -> None:
    tried = [MORNING, MORNING + timedelta(hours=4), MORNING + timedelta(hours=10)]
    assert [untried(tried[:count], RULES) for count in range(4)] == [
        ["上午", "下午", "晚上"], ["下午", "晚上"], ["晚上"], [],
    ]  # fmt: skip


@given(st.lists(st.integers(0, 59), max_size=20))
def test_however_often_in_one_morning_is_never_enough(minutes: list[int]) -> None:
    assert untried([MORNING + timedelta(minutes=minute) for minute in minutes], RULES) != []


def test_overdue_climbs_from_all_seats_to_the_lead_and_the_supervisor_and_ends() -> None:
    assert [next_rung(NOW, step, RULES) for step in range(4)] == [
        NOW, NOW + timedelta(hours=2), NOW + timedelta(hours=24), None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start_h", "end_h", "expected"),
    [
        (-30, -1, "overdue"),
        (-30, 0, "overdue"),
        (-1, 2, "today"),
        (5, 40, "today"),
        (13, 40, "today"),
        (14, 40, "coming"),
    ],
)
def test_today_ends_at_midnight_of_shanghai(start_h: int, end_h: int, expected: str) -> None:
    assert standing(NOW + timedelta(hours=start_h), NOW + timedelta(hours=end_h), NOW) == expected


@pytest.mark.parametrize("code", MISSING)
def test_each_of_the_four_reasons_answers_every_question(code: str) -> None:
    check_answers(Answers(code, code, code, (code,), code, Level.LOW), RULES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ideas": ""}, {"ideas": "101"}, {"ideas": "-1"}, {"ideas": "很多"}, {"ideas": "１０"}, {"hopelessness": ""},
        {"acts": ""}, {"acts": "maybe"}, {"help": ()}, {"help": ("hospital", "unknown")}, {"help": ("magic",)},
        {"obstacles": " "},
    ],
)  # fmt: skip
def test_an_empty_or_unknown_answer_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(NotAllowed, match="："):
        check_answers(replace(CALM, **wrong), RULES)


@pytest.mark.parametrize(("before", "level"), list(product(Level, Level)))
def test_danger_now_or_more_than_before_calls_again(before: Level, level: Level) -> None:
    assert calls_again(before, replace(CALM, level=level)) == (level >= Level.HIGH or level > before)
    assert calls_again(before, replace(CALM, level=level, acts="attempt"))


@pytest.mark.parametrize("days", [-1, 401])
def test_a_day_that_is_over_or_too_far_is_not_agreed(days: int) -> None:
    with pytest.raises(NotAllowed):
        agreed_window(NOW + timedelta(days=days), NOW)


def test_more_tries_than_parts_of_the_day_stop_the_start() -> None:
    with pytest.raises(ValueError, match="parts of the day"):
        load_rules(4, (7200, 86400), "服务中心", with_year=False)
