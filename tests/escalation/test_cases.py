"""The tables of a case: every state with every action, and who may change a level or close."""

from __future__ import annotations

from itertools import product

import pytest

from escalation.cases import (
    ACTION_WORDS,
    DISPOSITIONS,
    ENDED,
    STATE_WORDS,
    TRANSITIONS,
    NotAllowed,
    State,
    after,
    change_level,
    check_closing,
    check_hand_back,
)
from triage.risk import Level

ACTIONS = sorted({action for _, action in TRANSITIONS})


@pytest.mark.parametrize(("state", "action"), list(product(State, ACTIONS)))
def test_an_action_leads_on_by_the_table_or_is_refused_in_words(state: State, action: str) -> None:
    if (state, action) in TRANSITIONS:
        assert after(state, action) in State
        return
    with pytest.raises(NotAllowed) as refused:
        after(state, action)
    assert STATE_WORDS[state] in str(refused.value)
    assert ACTION_WORDS[action] in str(refused.value)


def test_every_state_and_action_has_a_word() -> None:
    assert set(STATE_WORDS) == set(State)
    assert set(ACTION_WORDS) == set(ACTIONS)


def test_a_closed_case_is_only_merged_opened_again_or_rescued() -> None:
    assert [action for state, action in TRANSITIONS if state is State.CLOSED] == ["merge", "reopen", "rescue"]


def test_rescue_begins_in_every_state_passes_to_colleagues_and_ends_in_one_way() -> None:
    states = set(State) - {State.RESCUE, State.MERGED}
    assert {state for state, action in TRANSITIONS if action == "rescue"} == states
    assert [action for state, action in TRANSITIONS if state is State.RESCUE] == ["pass_on", "end_rescue"]


def test_a_merged_case_stays() -> None:
    assert [action for state, action in TRANSITIONS if state is State.MERGED] == []


def test_a_case_is_closed_only_after_a_person_has_had_it() -> None:
    assert (State.NEW, "close") not in TRANSITIONS


def test_every_state_can_be_reached_and_every_case_can_be_closed() -> None:
    reached = {State.NEW}
    for _ in State:
        reached |= {to for (state, _), to in TRANSITIONS.items() if state in reached}
    assert reached == set(State)
    closable = set(ENDED)
    for _ in State:
        closable |= {state for (state, _), to in TRANSITIONS.items() if to in closable}
    assert closable == set(State)


def test_what_waits_for_a_signature_is_signed_sent_back_or_taken_up_again() -> None:
    ways = {to for (state, _), to in TRANSITIONS.items() if state is State.CLOSING}
    assert ways == {State.CLOSED, State.FOLLOW_UP, State.IN_SERVICE, State.NEW, State.RESCUE, State.MERGED}
    assert (State.CLOSING, "close") not in TRANSITIONS  # nobody closes around the signature


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(NotAllowed):
        after(State.NEW, "delete")


@pytest.mark.parametrize(("current", "wanted"), list(product(Level, Level)))
def test_one_person_alone_lowers_one_step_below_orange_and_nothing_more(current: Level, wanted: Level) -> None:
    if wanted == current:
        with pytest.raises(NotAllowed):
            change_level(current, wanted, "理由")
        return
    change = change_level(current, wanted, "理由")
    assert change.to == wanted
    is_alone = wanted > current or (current <= Level.MEDIUM and wanted == current - 1)
    assert change.needs_second_person == (not is_alone)


def test_steps_that_one_person_took_alone_before_count_as_one_lowering() -> None:
    second = change_level(Level.LOW, Level.NONE, "好转", lowered_from=Level.MEDIUM)
    assert second.needs_second_person
    assert not change_level(Level.LOW, Level.HIGH, "又提到计划", lowered_from=Level.MEDIUM).needs_second_person


@pytest.mark.parametrize("reason", ["", " ", "\n\u3000"])
@pytest.mark.parametrize(("current", "wanted"), [(Level.LOW, Level.HIGH), (Level.HIGH, Level.LOW)])
def test_a_level_changes_only_with_a_reason(current: Level, wanted: Level, reason: str) -> None:
    with pytest.raises(NotAllowed):
        change_level(current, wanted, reason)


@pytest.mark.parametrize("level", Level)
def test_only_green_and_blue_go_back_to_the_bot(level: Level) -> None:
    if level <= Level.LOW:
        check_hand_back(level)
    else:
        with pytest.raises(NotAllowed, match=level.colour):
            check_hand_back(level)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("may_close_high", [True, False])
def test_orange_and_red_are_closed_only_by_who_may(level: Level, may_close_high: bool) -> None:
    if level >= Level.HIGH and not may_close_high:
        with pytest.raises(NotAllowed, match="督导"):
            check_closing(level, "calmed", "已约定明天再联系", may_close_high=False)
    else:
        check_closing(level, "calmed", "已约定明天再联系", may_close_high=may_close_high)


@pytest.mark.parametrize(
    ("disposition", "summary"),
    [
        ("", "已约定明天再联系"),
        ("unknown", "已约定明天再联系"),
        ("calmed", ""),
        ("calmed", "好的"),
        ("calmed", "  好  的  "),
    ],
)
def test_a_case_is_not_closed_without_a_record(disposition: str, summary: str) -> None:
    with pytest.raises(NotAllowed):
        check_closing(Level.LOW, disposition, summary, may_close_high=True)


@pytest.mark.parametrize("disposition", DISPOSITIONS)
def test_every_disposition_closes_a_case_with_a_summary(disposition: str) -> None:
    check_closing(Level.MEDIUM, disposition, "谈了睡眠，约定周五再谈", may_close_high=False)
