"""The tables of states: complete, with two people where the law and our rules want two, and no clock that stays lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.cases import NotAllowed
from escalation.record.timeline import load_words
from escalation.safeguarding import states
from escalation.safeguarding.states import BREACH, COMPLAINT, NOTIFICATION, REPORT, STARTS, STATE_WORDS, TRANSITIONS

_DONE = {
    (REPORT, "reported"), (REPORT, "not_reported"), (BREACH, "shared"), (BREACH, "disputed"), (BREACH, "refused"),
    (BREACH, "withdrawn"), (NOTIFICATION, "acknowledged"), (NOTIFICATION, "refused"), (NOTIFICATION, "withdrawn"),
    (COMPLAINT, "closed"),
}  # fmt: skip
_ACTIONS = sorted({action for _, _, action in TRANSITIONS} | set(states.TELLING))


@pytest.mark.parametrize("place", sorted(STATE_WORDS))
def test_a_clock_runs_exactly_while_something_is_to_be_done(place: tuple[str, str]) -> None:
    kind, state = place
    assert bool(states.clocks(kind, state, owes_notice=False)) == (place not in _DONE)
    assert "notice" in states.clocks(kind, state, owes_notice=True)


@pytest.mark.parametrize("move", sorted(TRANSITIONS))
def test_every_state_has_words(move: tuple[str, str, str]) -> None:
    kind, state, _ = move
    assert {(kind, state), (kind, TRANSITIONS[move])} <= set(STATE_WORDS)


@pytest.mark.parametrize("move", sorted(TRANSITIONS))
def test_every_step_about_a_case_has_words_in_its_timeline(move: tuple[str, str, str]) -> None:
    kind, _, action = move
    if kind != NOTIFICATION:
        assert load_words()[f"safeguarding_{kind}_{action}"]


@given(st.sampled_from(sorted(STARTS)), st.lists(st.sampled_from(_ACTIONS), max_size=12))
def test_nothing_is_given_away_or_left_undone_without_a_second_person(kind: str, actions: list[str]) -> None:
    state, agreed = STARTS[kind], False
    for action in actions:
        try:
            state = states.after(kind, state, action, owes_notice=False)
        except NotAllowed:
            continue
        agreed = agreed or action == "agree"
        if (kind, state) in {(REPORT, "not_reported"), (BREACH, "shared"), (NOTIFICATION, "sent")}:
            assert agreed


@pytest.mark.parametrize("state", ["open", "declined", "reported", "not_reported"])
def test_a_report_can_be_made_at_any_time(state: str) -> None:
    assert states.after(REPORT, state, "report", owes_notice=False) == "reported"


@pytest.mark.parametrize("state", ["proposed", "approved", "refused", "withdrawn"])
def test_while_nothing_was_given_nobody_has_to_be_told(state: str) -> None:
    assert not states.owes_notice(BREACH, state, was_told=False)
    with pytest.raises(NotAllowed):
        states.after(BREACH, state, "notify", owes_notice=False)


@pytest.mark.parametrize("state", ["shared_first", "shared", "disputed"])
def test_whoever_was_not_told_before_is_told_afterwards(state: str) -> None:
    assert states.owes_notice(BREACH, state, was_told=False)
    assert not states.owes_notice(BREACH, state, was_told=True)
