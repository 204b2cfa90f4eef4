"""Whatever people press in whatever order: what is published was approved, as it stands, by somebody who wrote none of it."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.cases import NotAllowed
from escalation.library.states import DEED_WORDS, STATE_WORDS, WRITING, Deed, State, after, check_second_person

PEOPLE = ("bian", "zhuan", "both")


class Press(NamedTuple):
    deed: Deed
    who: str


presses = st.lists(st.builds(Press, st.sampled_from(Deed), st.sampled_from(PEOPLE)), max_size=40)


@given(presses)
def test_nothing_is_published_that_a_second_person_did_not_approve_as_it_stands(pressed: list[Press]) -> None:
    state, writers, text, agreed = State.DRAFT, {"bian"}, 0, None
    for deed, who in pressed:
        try:
            if deed in (Deed.APPROVE, Deed.RETURN):
                check_second_person(who, writers)
            state = after(state, deed)
        except NotAllowed:
            continue
        if deed in WRITING:
            writers.add(who)
            text += 1
        if deed is Deed.APPROVE:
            assert who not in writers
            agreed = text
        if state is State.PUBLISHED:
            assert agreed == text


@given(presses)
def test_what_is_over_stays_over(pressed: list[Press]) -> None:
    for end in (State.PUBLISHED, State.DROPPED):
        for deed, _ in pressed:
            with pytest.raises(NotAllowed):
                after(end, deed)


@pytest.mark.parametrize("state", [State.SUBMITTED, State.APPROVED, State.PUBLISHED, State.DROPPED])
def test_what_somebody_looks_at_cannot_be_written_on(state: State) -> None:
    with pytest.raises(NotAllowed, match=STATE_WORDS[state]):
        after(state, Deed.SAVE)


def test_the_writer_is_told_to_find_another_person() -> None:
    with pytest.raises(NotAllowed, match="另一位专家"):
        check_second_person("both", {"both"})


def test_every_state_and_deed_has_words() -> None:
    assert set(STATE_WORDS) == set(State)
    assert set(DEED_WORDS) == set(Deed)
