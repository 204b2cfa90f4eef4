"""What always holds for the rules of the shift, whatever the numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.cases import NotAllowed
from escalation.shift import limits, presence, roster, silence, transfer
from escalation.shift.after_claim import Promised
from escalation.shift.exposure import exposure
from escalation.shift.limits import Claim
from escalation.shift.presence import Person, State
from escalation.shift.silence import Patience, Step
from escalation.shift.transfer import AnswerTimes, Request, check_answer, outcome
from records.roster import Planned
from records.stints import Live, Stint
from records.transfers import Summary, Transfer
from tests.building import NOW
from triage.risk import Level

LIMITS = {Level.NONE: 3, Level.LOW: 3, Level.MEDIUM: 3, Level.HIGH: 2, Level.EMERGENCY: 1}
LEVELS = st.sampled_from(Level)
CARRIED = st.lists(LEVELS, max_size=4).map(tuple)
SECONDS = st.integers(0, 4000)
PROMISED = Promised(
    {Level.MEDIUM: timedelta(seconds=120), Level.HIGH: timedelta(seconds=60), Level.EMERGENCY: timedelta(seconds=30)},
    {Level.MEDIUM: timedelta(hours=1), Level.HIGH: timedelta(minutes=30), Level.EMERGENCY: timedelta(minutes=30)},
)
PATIENCE = Patience(
    {Level.HIGH: timedelta(seconds=300), Level.EMERGENCY: timedelta(seconds=120)},
    timedelta(seconds=60), timedelta(seconds=900), timedelta(seconds=30), PROMISED,
)  # fmt: skip
ROLES = st.sampled_from([("counsellor",), ("volunteer",), ("volunteer", "counsellor"), ("duty_lead",)])
PEOPLE = st.lists(
    st.builds(Person, st.uuids().map(str), st.just("张"), ROLES, st.sampled_from(State), st.just(NOW), CARRIED),
    max_size=5,
)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def refused(claim: Claim) -> bool:
    try:
        limits.check_claim(claim, LIMITS)
    except NotAllowed:
        return True
    return False


@given(LEVELS, CARRIED, PEOPLE, st.booleans())
def test_a_claim_is_refused_only_while_another_could_make_it(
    level: Level, mine: tuple[Level, ...], others: list[Person], late: bool
) -> None:
    if refused(Claim(level, mine, others, late)):
        assert not late
        able = limits.free(others, level, LIMITS)
        assert able
        for person in able:
            assert person.state is State.ON
            assert not refused(Claim(level, person.levels, [], late))


@given(LEVELS, CARRIED, PEOPLE)
def test_with_nobody_else_there_nobody_waits_because_of_a_limit(
    level: Level, mine: tuple[Level, ...], others: list[Person]
) -> None:
    gone = [replace(person, state=State.OFF) for person in others]
    assert not refused(Claim(level, mine, gone, False))


@given(LEVELS, PEOPLE)
def test_whoever_has_nothing_may_take_anything(level: Level, others: list[Person]) -> None:
    assert not refused(Claim(level, (), others, False))


@given(CARRIED, LEVELS)
def test_one_more_never_makes_an_overload_fit(mine: tuple[Level, ...], more: Level) -> None:
    if not limits.fits(mine, LIMITS):
        assert not limits.fits((*mine, more), LIMITS)
        assert limits.over(mine, LIMITS)


def live(level: Level, *, spoke: int | None, unanswered: int | None, seen: int | None, roles: tuple[str, ...]) -> Live:
    word = later(spoke) if spoke else None
    stint = Stint("s", "c", "v", "lin", level, NOW, None, word, None, None, None, "", NOW, word)
    return Live(
        stint, "no", level, False, False, roles, None if seen is None else later(seen), NOW,
        None if unanswered is None else later(unanswered), False, NOW,
    )  # fmt: skip


LIVES = st.builds(
    live, LEVELS, spoke=st.none() | SECONDS, unanswered=st.none() | SECONDS, seen=st.none() | SECONDS, roles=ROLES
)


def followed(start: Live, seconds: int) -> list[tuple[int, Step]]:
    """What happens when nothing changes but the time, swept every five seconds from the beginning."""
    seen, steps = start, []
    for second in range(0, seconds, 5):
        step = silence.next_step(seen, PATIENCE, later(second))
        if step is not Step.REST:
            steps.append((second, step))
        if step is Step.WARN:
            seen = replace(seen, stint=replace(seen.stint, warned_at=later(second)))
        elif step is Step.CALL:
            seen = replace(seen, stint=replace(seen.stint, called_at=later(second)), is_ringing=True)
    return steps


@given(LIVES)
def test_silence_warns_once_then_calls_once_and_never_sooner_than_the_warning_lasts(start: Live) -> None:
    steps = followed(start, 5000)
    if not silence.may_keep(start):
        assert steps == [(0, Step.CALL)]
        return
    assert [step for _, step in steps] in ([Step.WARN, Step.CALL], [])
    if steps:
        (warned, _), (called, _) = steps
        due = silence.due(start, PATIENCE)
        assert called - warned >= due.warning.total_seconds() >= 15
        assert later(called) >= due.at


@given(LIVES)
def test_nobody_in_danger_stays_with_a_console_that_is_gone(start: Live) -> None:
    if start.level >= Level.HIGH:
        assert followed(start, 5000)[-1][1] is Step.CALL


@given(LIVES, SECONDS, st.integers(0, 10_000))
def test_an_owner_who_is_there_and_has_answered_is_left_in_peace(start: Live, when: int, ago: int) -> None:
    now = later(when)
    answered = replace(start.stint, greeted_at=NOW)
    calm = replace(start, stint=answered, seen_at=now, unanswered_since=None, owner_roles=("counsellor",))
    assert silence.next_step(calm, PATIENCE, now) is Step.REST
    called = replace(calm, stint=replace(calm.stint, warned_at=NOW - timedelta(seconds=ago), called_at=NOW))
    assert silence.next_step(called, PATIENCE, now) is Step.CALM


@given(LIVES, SECONDS)
def test_the_sweep_never_calls_without_a_warning_that_the_owner_could_see(start: Live, when: int) -> None:
    if silence.may_keep(start):
        assert silence.next_step(start, PATIENCE, later(when)) in (Step.REST, Step.WARN)


@given(LEVELS, st.sampled_from(Request), st.sampled_from(["lin", "wang", None]), SECONDS, st.booleans())
def test_only_an_open_request_of_the_present_owner_in_time_is_answered(
    level: Level, state: Request, owner: str | None, when: int, waits: bool
) -> None:
    times = AnswerTimes(timedelta(seconds=60), timedelta(seconds=180))
    request = Transfer(
        "t", "c", "lin", "zhang", state.value, Summary("", "", ""), "", NOW, times.answer_by(level, NOW), None
    )
    stands = transfer.stands(request, owner, waits=waits)
    assert stands == (owner == "lin")
    may = state is Request.ASKED and stands and when < (60 if level >= Level.HIGH else 180)
    if may:
        check_answer(request, later(when), stands=stands)
    else:
        with pytest.raises(NotAllowed):
            check_answer(request, later(when), stands=stands)
    assert (outcome(stands=stands) is Request.EXPIRED) == stands


ACTIONS = st.lists(st.sampled_from(["begin", "away", "back", "end", "claim"]), max_size=12)


@given(ACTIONS)
def test_a_shift_has_its_beginning_exactly_while_somebody_is_on_duty(actions: list[str]) -> None:
    here = presence.nobody_yet("lin", NOW)
    for number, action in enumerate(actions):
        try:
            here = presence.changed(here, action, later(number))
        except NotAllowed:
            continue
        assert (here.began_at is None) == (here.state == State.OFF)
        if action == "claim":
            assert here.state == State.ON


@given(ACTIONS, st.integers(0, 200))
def test_nobody_is_seen_whose_console_is_gone(actions: list[str], ago: int) -> None:
    here = presence.nobody_yet("lin", NOW)
    for action in actions:
        try:
            here = presence.changed(here, action, NOW)
        except NotAllowed:
            continue
    shown = presence.seen(here, later(ago), timedelta(seconds=60))
    assert shown == (State(here.state) if ago <= 60 and here.seen_at else State.OFF)


def planned(who: str, role: str, begins: int, hours: int) -> Planned:
    at = NOW + timedelta(hours=begins)
    return Planned("", who, role, at, at + timedelta(hours=hours))


PLANS = st.lists(
    st.builds(
        planned,
        st.sampled_from("abcd"),
        st.sampled_from(sorted(roster.ROLE_WORDS)),
        st.integers(-10, 60),
        st.integers(1, 12),
    ),
    max_size=14,
)


@given(PLANS, st.integers(1, 3))
def test_a_gap_is_every_moment_with_too_few_seats_and_no_other(plan: list[Planned], least: int) -> None:
    end = NOW + timedelta(hours=48)
    found = roster.gaps(plan, NOW, end, least)
    for half_hour in range(96):
        at = NOW + timedelta(minutes=30 * half_hour + 15)
        seats = len({p.counsellor_id for p in plan if p.role in roster.SEATED and p.begins_at <= at < p.ends_at})
        inside = [gap for gap in found if gap.begins_at <= at < gap.ends_at]
        assert [gap.seats for gap in inside] == ([seats] if seats < least else [])
    assert all(one.ends_at <= other.begins_at for one, other in zip(found, found[1:], strict=False))


@given(PLANS, st.integers(1, 20))
def test_a_long_run_is_somebody_without_a_pause(plan: list[Planned], hours: int) -> None:
    longest = timedelta(hours=hours)
    for run in roster.long_runs(plan, longest):
        assert run.ends_at - run.begins_at > longest
        own = [p for p in plan if p.counsellor_id == run.counsellor_id]
        at = run.begins_at
        while at < run.ends_at:
            assert any(p.begins_at <= at < p.ends_at for p in own)
            at += timedelta(minutes=30)
    if all(p.ends_at - p.begins_at <= longest for p in plan) and len({p.counsellor_id for p in plan}) == len(plan):
        assert roster.long_runs(plan, longest) == []


@given(PLANS, PLANS)
def test_a_copy_plans_nobody_twice_and_is_a_week_later(plan: list[Planned], already: list[Planned]) -> None:
    sources = {(p.counsellor_id, p.role, p.begins_at + roster.WEEK, p.ends_at + roster.WEEK) for p in plan}
    for copy in roster.copied(plan, already):
        assert (copy.counsellor_id, copy.role, copy.begins_at, copy.ends_at) in sources
        roster.check(copy, already)


STINTS = st.lists(
    st.builds(
        lambda case, peak, begins, lasts: Stint(
            "s", case, "v", "lin", peak, later(begins), None if lasts is None else later(begins + lasts), None, None, None, None, "",
            later(begins),
        ),
        st.sampled_from("abc"), LEVELS, st.integers(-5000, 5000), st.none() | SECONDS,
    ),
    max_size=8,
)  # fmt: skip


@given(STINTS)
def test_exposure_counts_heavy_cases_once_and_no_time_outside_the_week(stints: list[Stint]) -> None:
    found = exposure(stints, NOW, later(3600))
    assert found.number <= len({stint.case_id for stint in stints if stint.peak >= Level.HIGH})
    assert 0 <= found.minutes <= 60 * len(stints)
    assert exposure([s for s in stints if s.peak < Level.HIGH], NOW, later(3600)).number == 0
