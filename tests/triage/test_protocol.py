"""What follows from a level."""

import pytest

from triage.protocol import decide
from triage.risk import Level

PAIRS = [(a, b) for a in Level for b in Level]


@pytest.mark.parametrize("level", [Level.NONE, Level.LOW])
def test_the_bot_answers_where_there_is_no_danger(level):
    disposition = decide(level, level, person_owns=False)
    assert (disposition.may_answer, disposition.opens_case) == (True, False)


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HIGH, Level.EMERGENCY])
def test_danger_brings_a_person_and_no_knowledge_answer(level):
    disposition = decide(Level.NONE, level, person_owns=False)
    assert (disposition.may_answer, disposition.opens_case) == (False, True)
    assert disposition.safety_reply == f"safety.{level.code}"


def test_low_distress_is_asked_directly():
    assert decide(Level.NONE, Level.LOW, person_owns=False).safety_reply == "safety.low"


@pytest.mark.parametrize(("conversation", "message"), PAIRS)
def test_the_higher_level_decides(conversation, message):
    higher = max(conversation, message)
    expected = decide(higher, higher, person_owns=False)
    assert decide(conversation, message, person_owns=False) == expected


@pytest.mark.parametrize("level", list(Level))
def test_the_bot_is_silent_where_a_person_has_taken_over(level):
    alone, owned = decide(level, level, person_owns=False), decide(level, level, person_owns=True)
    assert (owned.may_answer, owned.safety_reply) == (False, None)
    assert owned.opens_case == alone.opens_case
