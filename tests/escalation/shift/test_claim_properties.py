"""What always holds for the clocks after a claim and for what a lead assigns, whatever the numbers."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from escalation.shift import after_claim, silence, transfer
from escalation.shift.silence import Step
from records.stints import Live
from records.transfers import ASSIGNMENT, Summary, Transfer
from tests.building import NOW
from tests.escalation.shift.test_properties import LIVES, PATIENCE, PROMISED, SECONDS, followed, later
from triage.risk import Level


@given(LIVES, SECONDS)
def test_a_first_word_is_owed_only_where_it_was_promised_and_nobody_has_spoken(start: Live, risen: int) -> None:
    later_risen = replace(start, risen_at=later(risen))
    clock = after_claim.word(later_risen, PROMISED)
    assert (clock is None) == (start.stint.greeted_at is not None or start.level not in PROMISED.word)
    if clock is not None:
        assert clock.since >= max(start.stint.began_at, later(risen))
        assert clock.by - clock.since == PROMISED.word[start.level]


@given(LIVES)
def test_without_a_first_word_orange_and_red_ring_no_later_than_promised(start: Live) -> None:
    clock = after_claim.word(start, PROMISED)
    if clock is not None and start.level >= Level.HIGH:
        assert silence.due(start, PATIENCE).at <= clock.by
        assert followed(start, 200)[-1][1] is Step.CALL


@given(LIVES, st.none() | SECONDS, st.booleans(), SECONDS)
def test_a_reminder_comes_once_after_its_time_and_only_before_the_assessment(
    start: Live, risen: int | None, reminded: bool, when: int
) -> None:
    stint = replace(start.stint, reminded_at=NOW if reminded else None)
    owing = replace(start, stint=stint, risen_at=None if risen is None else later(risen))
    needs = after_claim.needs_reminder(owing, PROMISED, later(when))
    since = later(risen or 0)
    is_over = start.level in PROMISED.assessment and later(when) >= since + PROMISED.assessment[start.level]
    assert needs == (is_over and not reminded and silence.may_keep(start))
    assert not after_claim.needs_reminder(replace(owing, assessed_at=NOW), PROMISED, later(when))


@given(st.sampled_from(["lead", "lin", "zhang", None]), st.booleans())
def test_what_a_lead_assigned_stands_while_the_case_waits_for_somebody(owner: str | None, waits: bool) -> None:
    request = Transfer("t", "c", "lead", "zhang", "asked", Summary("", "", ""), "", NOW, NOW, None, ASSIGNMENT)
    assert transfer.stands(request, owner, waits=waits) == (waits and owner != "zhang")
