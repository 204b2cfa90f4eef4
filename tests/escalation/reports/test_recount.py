"""The same numbers again, counted in another and slower way over random facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from records.facts.kinds import Call, CaseFact, Facts, FollowUpFact, Session, Start, Step, Stretch, Told
from tests.escalation.reports.conftest import CLOCKS, LATER, NOVEMBER, NUMBERS, at, counted
from triage.risk import Level

SECONDS = st.integers(-40 * 86400, 25 * 86400)
PEOPLE = st.sampled_from("abc")
LEVELS = st.sampled_from(list(Level))
SESSIONS = st.lists(st.builds(lambda who, s: Session(who, "web", at(seconds=s)), PEOPLE, SECONDS), max_size=25)
NEAR = st.integers(0, 3000)  # so that requests meet within ten minutes
STEPS = st.lists(st.tuples(st.integers(0, 9), LEVELS, st.booleans()), min_size=1, max_size=4)


@given(sessions=SESSIONS)
@settings(deadline=None)
def test_people_who_come_again_and_again(sessions: list[Session]) -> None:
    own = [one for one in sessions if NOVEMBER.since <= one.at < NOVEMBER.until]
    again = {
        last.person
        for last in own
        if sum(
            1 for one in sessions
            if one.person == last.person and one.at <= last.at and last.at - one.at < timedelta(days=30)
        ) >= 3
    }  # fmt: skip
    tally = counted(Facts(sessions=sessions))
    assert (tally.counts["sessions"], tally.counts["people"]) == (len(own), len({one.person for one in own}))
    assert tally.counts["people_repeat"] == len(again)
    assert sum(tally.splits["sessions_by_hour"].values()) == len(own)
    assert sum(tally.splits["sessions_by_slot"].values()) == len(own)
    assert sum(tally.splits["sessions_by_day"].values()) == len(own)


WAITS = st.lists(
    st.tuples(
        PEOPLE, NEAR, st.one_of(st.none(), st.integers(1, 400)), st.one_of(st.none(), st.integers(0, 400)), LEVELS
    ),
    max_size=12,
)


@given(waits=WAITS)
@settings(deadline=None)
def test_requests_answered_left_and_open(waits: Sequence[tuple[str, int, int | None, int | None, Level]]) -> None:
    calls = [
        Call(f"case{number}", who, level, at(seconds=s),
             None if came is None else at(seconds=s + came), None if left is None else at(seconds=s + left))
        for number, (who, s, came, left, level) in enumerate(waits)
    ]  # fmt: skip
    starts = [Start(call.case_id, call.raised_at) for call in calls]
    tally = counted(Facts(calls=calls, starts=starts))
    kept: list[list[Call]] = []  # calls that are one request
    for call in sorted(calls, key=lambda one: one.raised_at):
        group = next((g for g in reversed(kept) if g[0].person == call.person), None)
        if group and (call.raised_at - group[0].raised_at).total_seconds() < 600:
            group.append(call)
        else:
            kept.append([call])
    answered = left = 0
    for group in kept:
        came = min((c.answered_at for c in group if c.answered_at), default=None)
        gone = group[-1].left_at
        if gone and gone >= group[0].raised_at and (came is None or gone < came):
            left += 1
        elif came:
            answered += 1
    found = [tally.counts[name] for name in ("requests", "requests_answered", "requests_left", "requests_open")]
    assert found == [len(kept), answered, left, len(kept) - answered - left]
    assert tally.spreads["wait_s"].count == answered
    for level in (Level.MEDIUM, Level.HIGH, Level.EMERGENCY):
        promise = timedelta(seconds=CLOCKS.ladder[level][0])
        own = [c for c in calls if c.level == level]
        kept_promise = [c for c in own if c.answered_at and c.answered_at - c.raised_at <= promise]
        assert tally.counts[f"alarms_{level.code}"] == len(own)
        assert tally.counts[f"alarms_{level.code}_in_time"] == len(kept_promise)


@given(steps=st.lists(st.tuples(STEPS, st.integers(-1, 9)), max_size=12))
@settings(deadline=None)
def test_what_people_and_the_machine_said_of_levels(steps: list[tuple[list[tuple[int, Level, bool]], int]]) -> None:
    """`asked`: the minute in which the core questions were answered; -1 = never."""
    cases, judged_high, judged, heard, wrong, first = [], 0, 0, 0, 0, 0
    for number, (raw, asked) in enumerate(steps):
        made = [Step(at(minutes=m), to, by) for m, to, by in sorted(raw, key=lambda one: one[0])]
        told = (
            {key: Told("x", "", at(minutes=asked)) for key in ("ideation", "plan", "current_act")} if asked >= 0 else {}
        )
        level = made[-1].to
        cases.append(CaseFact(str(number), at(), "closed", level, made, told))
        moments = [s.at for s in made if s.by_person][:1] + ([at(minutes=asked)] if asked >= 0 else [])
        machine = [s.at for s in made if not s.by_person and s.to >= Level.HIGH]
        heard += bool(machine)
        if moments:
            when, judged = min(moments), judged + 1
            in_force = [s.to for s in made if s.at <= when][-1:]
            said = [*in_force, *(s.to for s in made if s.at > when and s.by_person), level]
            judged_high += max(said) >= Level.HIGH
            first += bool(max(said) >= Level.HIGH and machine and machine[0] <= when)
            wrong += bool(machine and level <= Level.LOW)
    counts = counted(Facts(cases=cases)).counts
    assert (counts["cases_judged"], counts["cases_judged_high"]) == (judged, judged_high)
    assert (counts["cases_heard_high"], counts["cases_heard_high_wrongly"]) == (heard, wrong)
    assert counts["cases_judged_high_heard"] == first


STATES = st.sampled_from(["todo", "doing", "done", "lost", "refused", "dead", "cancelled"])


@given(tasks=st.lists(st.tuples(STATES, st.integers(-5, 5), st.one_of(st.none(), st.integers(-5, 5))), max_size=20))
@settings(deadline=None)
def test_follow_ups_in_their_windows(tasks: list[tuple[str, int, int | None]]) -> None:
    end: datetime = at(days=1)
    facts = [
        FollowUpFact(str(number), "24h", Level.HIGH, end, state, end + timedelta(hours=ended),
                     None if reached is None else end + timedelta(hours=reached))
        for number, (state, ended, reached) in enumerate(tasks)
    ]  # fmt: skip
    owed = [one for one in facts if one.state not in ("dead", "cancelled")]
    counts = counted(Facts(follow_ups=facts), now=LATER).counts
    assert counts["follow_ups"] == counts["first_calls"] == len(owed)
    assert counts["follow_ups_in_time"] == sum(
        1 for one in owed if one.state == "done" and (one.ended_at or end) <= end
    )
    assert counts["first_calls_reached"] == sum(1 for one in owed if one.reached_at and one.reached_at <= end)
    assert counts["follow_ups_lost"] == sum(1 for one in owed if one.state == "lost")


def test_a_person_served_all_the_while_asks_for_nobody() -> None:
    calls = [Call("a", "a", Level.HIGH, at(seconds=s), at(seconds=s + 5)) for s in (0, 3600)]
    served = [Stretch("a", "lin", at(seconds=5), at(days=1))]
    assert counted(Facts(calls=calls, starts=[Start("a", at())], stretches=served)).counts["requests"] == 1
    assert NUMBERS.queue_again < timedelta(hours=1)
