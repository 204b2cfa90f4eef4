"""When a drill may begin, what the screens say of it, what counts as carried out, and what a result may hold."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from escalation.cases import NotAllowed
from escalation.practice import plans, results
from escalation.practice.plans import Wanted
from escalation.practice.results import CallerResult
from escalation.practice.scripts import load_playbook
from records.drills import Plan, Run
from tests.building import NOW

BOOK = load_playbook()
RULES = BOOK.rules
HOUR = timedelta(hours=1)
PLAN = Plan("p", "one_red", 3, NOW, True, False, plans.PLANNED, "zhao", "", None)
WANTED = Wanted("one_red", 3, NOW + HOUR, True, False)
RUN = Run("r", "p", "flood", 9, "running", NOW, NOW + HOUR, None, "")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (replace(WANTED, scenario="party"), "请选择场景"),
        (replace(WANTED, callers=0), "在 1 到"),
        (replace(WANTED, callers=RULES.most_callers + 1), "在 1 到"),
        (replace(WANTED, planned_for=NOW - RULES.token_after - HOUR), "已经过去"),
        (replace(WANTED, is_announced=False), "由督导安排"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused_in_words(wanted: Wanted, words: str) -> None:
    with pytest.raises(NotAllowed, match=words):
        plans.check_plan(wanted, BOOK, NOW, may_hide=False)


def test_a_supervisor_may_surprise_the_house() -> None:
    plans.check_plan(replace(WANTED, is_announced=False), BOOK, NOW, may_hide=True)


@pytest.mark.parametrize(
    ("moment", "may"),
    [
        (NOW - RULES.token_before, True), (NOW + RULES.token_after, True),
        (NOW - RULES.token_before - HOUR, False), (NOW + RULES.token_after + HOUR, False),
    ],
)  # fmt: skip
def test_a_run_begins_only_around_its_time(moment: Any, may: bool) -> None:
    if may:
        plans.check_beginning(PLAN, RULES, moment)
        return
    with pytest.raises(NotAllowed):
        plans.check_beginning(PLAN, RULES, moment)


def test_a_cancelled_drill_does_not_begin() -> None:
    with pytest.raises(NotAllowed, match="已经取消"):
        plans.check_beginning(replace(PLAN, state=plans.CANCELLED), RULES, NOW)


def test_after_its_time_a_drill_cannot_vanish_from_the_rate() -> None:
    plans.check_cancelling(PLAN, NOW - HOUR)
    with pytest.raises(NotAllowed, match="不能再取消"):
        plans.check_cancelling(PLAN, NOW)
    assert plans.stands(PLAN, RULES, NOW + RULES.token_after + HOUR) == "missed"


def test_the_rate_is_of_plans_whose_time_is_over() -> None:
    long_ago = NOW - RULES.token_after - HOUR
    done, missed, today = replace(PLAN, state=plans.DONE), replace(PLAN, planned_for=long_ago), PLAN
    cancelled = replace(missed, state=plans.CANCELLED)
    assert plans.completion([done, done, missed, today, cancelled], RULES, NOW).words == "66.67%（2/3）"
    assert plans.completion([today, cancelled], RULES, NOW).words == "无数据"


def test_an_announced_drill_stands_on_every_screen_from_a_while_before_until_its_end() -> None:
    assert plans.banner([PLAN], None, BOOK, NOW - RULES.banner_before - HOUR) == ""
    assert "将有演练" in plans.banner([PLAN], None, BOOK, NOW - RULES.banner_before)
    running = plans.banner([PLAN], (PLAN, RUN), BOOK, NOW + HOUR)
    assert "演练进行中" in running
    assert "9 位" in running
    assert "真实来电永远优先" in running


@pytest.mark.parametrize("is_running", [True, False])
def test_an_unannounced_drill_says_nothing(is_running: bool) -> None:
    hidden = replace(PLAN, is_announced=False)
    assert plans.banner([hidden], (hidden, RUN) if is_running else None, BOOK, NOW) == ""


def test_times_are_summed_up_over_callers_in_danger_only() -> None:
    found = [
        CallerResult("edge", {"stored": 1.0, "claim": 30.0}), CallerResult("edge", {"stored": 3.0}),
        CallerResult("question", {}, is_danger=False),
    ]  # fmt: skip
    sums = {one.words: one for one in results.summed_up(found)}
    assert (sums["存好"].reached, sums["存好"].of, sums["存好"].median, sums["存好"].worst) == (2, 2, 2.0, 3.0)
    assert (sums["有人接手"].reached, sums["有人接手"].of, sums["有人接手"].worst) == (1, 2, 30.0)
    assert (sums["老师第一句话"].reached, sums["老师第一句话"].median) == (0, None)


def test_a_result_comes_back_as_it_was_kept() -> None:
    found = [CallerResult("edge", {"stored": 0.5}, fault="ReadError")]
    assert results.from_json(results.to_json(found)) == found
    assert results.from_json("") == []


@pytest.mark.parametrize(
    "raw",
    [None, {}, "x", [1], [{"script": "nobody", "seconds": {}}], [{"script": "edge"}], [{"script": "edge", "seconds": {}}] * 4],
)  # fmt: skip
def test_a_result_of_another_shape_is_refused(raw: object) -> None:
    with pytest.raises(NotAllowed, match="格式"):
        results.read_results(raw, BOOK.scripts, 3)


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, True, "1", None, 1e9])
def test_a_time_that_is_none_is_left_out(value: object) -> None:
    raw = [{"script": "edge", "seconds": {"stored": value, "claim": 2, "身份证": 3}, "fault": "a b"}]
    assert results.read_results(raw, BOOK.scripts, 3) == [CallerResult("edge", {"claim": 2})]
