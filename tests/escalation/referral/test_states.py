"""The tables of a referral: every stage with every action, and what no sequence of actions can do."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.cases import NotAllowed
from escalation.referral.states import (
    ACTION_WORDS,
    PARTNER_ACTIONS,
    QUEUE_TASKS,
    READABLE,
    SETTLES,
    STAGE_WORDS,
    TASK_WORDS,
    TRANSITIONS,
    Stage,
    after,
    task_after,
    task_when_due,
)

ACTIONS = sorted({action for _, action in TRANSITIONS})
ENDS = {Stage.REFUSED, Stage.DECLINED, Stage.WITHDRAWN, Stage.FINISHED}


@pytest.mark.parametrize(("stage", "action"), list(product(Stage, ACTIONS)))
def test_an_action_leads_on_by_the_table_or_is_refused_in_words(stage: Stage, action: str) -> None:
    if (stage, action) in TRANSITIONS:
        assert after(stage, action) in Stage
        return
    with pytest.raises(NotAllowed) as refused:
        after(stage, action)
    assert STAGE_WORDS[stage] in str(refused.value)
    assert ACTION_WORDS[action] in str(refused.value)


def test_every_stage_action_and_task_has_words() -> None:
    assert set(STAGE_WORDS) == set(Stage)
    assert set(ACTIONS) <= set(ACTION_WORDS)
    assert set(SETTLES) <= set(ACTION_WORDS)
    named = {task_when_due(stage) for stage in Stage} | {task_after(s, "no") for s in Stage} - {""}
    assert named | QUEUE_TASKS | {kind for kinds in SETTLES.values() for kind in kinds} <= set(TASK_WORDS)


def test_an_end_is_an_end_and_everything_else_has_a_way_to_one() -> None:
    assert {stage for stage, _ in TRANSITIONS} == set(Stage) - ENDS
    ending = set(ENDS)
    for _ in Stage:
        ending |= {stage for (stage, _), to in TRANSITIONS.items() if to in ending}
    assert ending == set(Stage)


def test_the_partner_does_nothing_where_the_link_shows_nothing() -> None:
    assert {stage for stage, action in TRANSITIONS if action in PARTNER_ACTIONS} == set(READABLE)


@given(st.lists(st.sampled_from(ACTIONS), max_size=12))
def test_nothing_reaches_the_partner_before_the_second_person_agreed(actions: list[str]) -> None:
    stage, agreed = Stage.PROPOSED, False
    for action in actions:
        if (stage, action) in TRANSITIONS:
            agreed = agreed or action == "confirm"
            stage = after(stage, action)
        assert agreed or stage not in READABLE


@given(st.lists(st.sampled_from(sorted(PARTNER_ACTIONS)), max_size=12))
def test_what_was_returned_or_declined_is_never_unsaid_by_the_partner(actions: list[str]) -> None:
    stage, said = Stage.SENT, set()
    for action in actions:
        if (stage, action) in TRANSITIONS:
            stage = after(stage, action)
            said.add(stage)
        if Stage.RETURNED in said:
            assert stage is Stage.RETURNED
        if Stage.DECLINED in said:
            assert stage is Stage.DECLINED
