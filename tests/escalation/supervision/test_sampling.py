"""Which ended cases are drawn, as values: by level, by share, once a month for everybody, never a drill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.supervision.sampling import BadSampling, Ended, draw, ended_cases, load_sampling, month_start
from records.reviews import Served
from triage.risk import Level

RULES = load_sampling()
EARLY, LATE = datetime(2026, 12, 5, 2, tzinfo=UTC), datetime(2026, 12, 22, 2, tzinfo=UTC)


def ended(case_id: str, level: Level = Level.LOW, who: str = "lin", at: datetime = EARLY, **more: bool) -> Ended:
    return Ended(case_id, who, level, at, more.get("is_drill", False))


@pytest.mark.parametrize("level", [Level.HIGH, Level.EMERGENCY])
def test_every_orange_and_red_case_is_drawn_within_a_day(level: Level) -> None:
    (one,) = draw([ended("a", level)], {}, RULES, lambda _: 0.999, EARLY)
    assert (one.why, one.due_by) == ("all", EARLY + timedelta(hours=24))


@pytest.mark.parametrize(
    ("level", "ticket", "is_drawn"),
    [(Level.MEDIUM, 0.09, True), (Level.MEDIUM, 0.11, False), (Level.LOW, 0.01, True), (Level.LOW, 0.03, False),
     (Level.NONE, 0.0, False)],
)  # fmt: skip
def test_of_the_others_a_share_is_drawn(level: Level, ticket: float, *, is_drawn: bool) -> None:
    found = draw([ended("a", level)], {}, RULES, lambda _: ticket, EARLY)
    assert [one.why for one in found] == (["share"] if is_drawn else [])


@pytest.mark.parametrize("level", Level)
def test_a_drill_is_never_drawn(level: Level) -> None:
    assert draw([ended("a", level, at=LATE, is_drill=True)], {}, RULES, lambda _: 0.0, LATE) == []


def test_late_in_the_month_whoever_has_had_nothing_gets_the_lowest_ticket() -> None:
    cases = [ended("a"), ended("b"), ended("c", who="wang"), ended("d", who="wang")]
    ticket = {"a": 0.9, "b": 0.5, "c": 0.6, "d": 0.7}.__getitem__
    assert draw(cases, {}, RULES, ticket, EARLY) == []
    assert [(one.case.case_id, one.why) for one in draw(cases, {}, RULES, ticket, LATE)] == [
        ("b", "monthly"), ("c", "monthly"),
    ]  # fmt: skip
    assert [one.case.case_id for one in draw(cases, {"lin": 1}, RULES, ticket, LATE)] == ["c"]


def test_a_case_drawn_for_its_level_is_enough_for_the_month() -> None:
    cases = [ended("a", Level.HIGH), ended("b")]
    assert [one.case.case_id for one in draw(cases, {}, RULES, lambda _: 0.9, LATE)] == ["a"]


def test_work_of_the_month_before_does_not_count_for_this_one() -> None:
    assert draw([ended("a", at=month_start(LATE) - timedelta(minutes=1))], {}, RULES, lambda _: 0.9, LATE) == []


def test_a_month_begins_at_midnight_in_shanghai() -> None:
    assert month_start(datetime(2026, 11, 30, 16, 0, tzinfo=UTC)) == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    assert month_start(datetime(2026, 11, 30, 15, 59, tzinfo=UTC)) == datetime(2026, 10, 31, 16, 0, tzinfo=UTC)


def test_a_case_is_of_whoever_spent_most_time_with_it_at_its_highest_level() -> None:
    def stretch(who: str, peak: Level, begin: int, end: int) -> Served:
        return Served("a", who, peak, EARLY + timedelta(minutes=begin), EARLY + timedelta(minutes=end), is_drill=False)

    found = ended_cases(
        [stretch("lin", Level.EMERGENCY, 0, 10), stretch("wang", Level.LOW, 10, 40), stretch("lin", Level.LOW, 40, 55)]
    )
    assert found == [Ended("a", "wang", Level.EMERGENCY, EARLY + timedelta(minutes=55), is_drill=False)]


@given(st.lists(st.tuples(st.sampled_from(list(Level)), st.sampled_from(["lin", "wang"]), st.booleans()), max_size=12))
def test_nobody_is_drawn_twice_and_the_same_is_drawn_again(found: list[tuple[Level, str, bool]]) -> None:
    cases = [ended(str(n), level, who, LATE, is_drill=drill) for n, (level, who, drill) in enumerate(found)]
    ticket = {case.case_id: (n * 37 % 100) / 100 for n, case in enumerate(cases)}.__getitem__
    first = draw(cases, {}, RULES, ticket, LATE)
    ids = [one.case.case_id for one in first]
    assert len(ids) == len(set(ids))
    assert draw(cases, {}, RULES, ticket, LATE) == first
    heavy = {case.case_id for case in cases if case.level >= Level.HIGH and not case.is_drill}
    assert heavy <= set(ids)


@pytest.mark.parametrize(
    ("before", "after"),
    [("high = 1.0", "high = 1.5"), ("from_day = 20", "from_day = 31"), ('chosen = "督导选的"', ""), ("low = 168", "")],
)
def test_rules_that_cannot_be_used_stop_the_start(tmp_path: Path, before: str, after: str) -> None:
    shipped = Path(load_sampling.__code__.co_filename).with_name("sampling.toml").read_text(encoding="utf-8")
    (tmp_path / "rules.toml").write_text(shipped.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(BadSampling):
        load_sampling(tmp_path / "rules.toml")
