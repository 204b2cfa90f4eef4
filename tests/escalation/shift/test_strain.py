"""What is said beside a planned shift: the rule alone, and what holds of it for every plan."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.shift.strain import Strain, advice, nights_of
from records.roster import Planned

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 30, tzinfo=ZONE)
RULES = Strain(timedelta(hours=8), timedelta(hours=10), timedelta(hours=40), 3)


def shift(day: int, begins: float, ends: float, role: str = "seat", who: str = "lin") -> Planned:
    start = MONDAY + timedelta(days=day)
    return Planned(
        f"{who} {day} {begins} {role}", who, role, start + timedelta(hours=begins), start + timedelta(hours=ends)
    )


def beside(one: Planned, *others: Planned, least: int = 1) -> dict[str, str]:
    """Kind -> words, with a lead there unless the plan is about that."""
    return {said.kind: said.words for said in advice(one, [one, *others], RULES, least)}


def led(day: int = -3, until: int = 12) -> Planned:
    return shift(day, 0, 24 * (until - day), "lead", "wang")


@pytest.mark.parametrize(
    ("one", "others", "said"),
    [
        (shift(0, 8, 16), [], {}),
        # rest between two shifts
        (shift(1, 1, 8), [shift(0, 8, 16)], {"rest": "离上一个班只有 9 小时（建议至少 10 小时）"}),
        (shift(0, 8, 16), [shift(1, 1, 8)], {"rest": "离下一个班只有 9 小时（建议至少 10 小时）"}),
        (shift(1, 2, 8), [shift(0, 8, 16)], {}),
        (shift(0, 16, 20), [shift(0, 8, 16)], {"long": "连续 12 小时（建议不超过 8 小时）"}),  # no pause at all
        (shift(1, 1, 8), [shift(0, 8, 16, who="he")], {}),  # somebody else's
        (shift(1, 1, 8), [shift(0, 8, 16, "oncall")], {}),  # at home
        # hours a week, cut at Monday
        (shift(4, 8, 16), [shift(day, 8, 16) for day in range(4)], {}),
        (shift(5, 8, 9.5), [shift(day, 8, 16) for day in range(5)], {"week": "这一周共 41.5 小时（建议不超过 40 小时）"}),
        (shift(7, 8, 16), [shift(day, 8, 16) for day in range(5)], {}),
        (shift(6, 20, 28), [shift(day, 8, 16) for day in range(5)], {"week": "这一周共 44 小时（建议不超过 40 小时）"}),
        # nights in a row
        (shift(3, 22, 30), [shift(day, 22, 30) for day in (0, 1, 2)], {"nights": "连续 4 个夜班（建议不超过 3 个）"}),
        (shift(2, 22, 30), [shift(day, 22, 30) for day in (0, 1, 4)], {}),
        (shift(3, 16, 24), [shift(day, 22, 30) for day in (0, 1)], {}),
    ],
)  # fmt: skip
def test_what_is_said_of_a_person(one: Planned, others: list[Planned], said: dict[str, str]) -> None:
    assert beside(one, led(), *others) == said


@pytest.mark.parametrize(
    ("one", "others", "least", "said"),
    [
        (shift(0, 8, 16), [led()], 2, {}),  # a lead is a seat
        (shift(0, 8, 16), [shift(0, 8, 12, "lead", "wang")], 2, {"seats": "坐席不到 2 个：12:00–16:00", "lead": "没有值班长：12:00–16:00"}),
        (shift(0, 8, 16), [], 1, {"lead": "没有值班长：08:00–16:00"}),
        (shift(0, 8, 16, "volunteer"), [shift(0, 8, 12, "lead", "wang")], 1, {"alone": "志愿者独自一人：12:00–16:00", "lead": "没有值班长：12:00–16:00"}),
        (shift(0, 8, 16, "volunteer"), [shift(0, 0, 24, "volunteer", "xiao"), shift(0, 0, 24, "supervisor", "zhao")], 1, {"alone": "志愿者独自一人：08:00–16:00", "lead": "没有值班长：08:00–16:00"}),
        (shift(0, 8, 16, "oncall"), [], 2, {}),
        (shift(0, 20, 28), [led(), *(shift(0, hour, hour + 1, who="he") for hour in (21, 23, 25))], 3,
         {"seats": "坐席不到 3 个：20:00–21:00、22:00–23:00 等 4 段"}),
    ],
)  # fmt: skip
def test_what_is_said_of_the_hours(one: Planned, others: list[Planned], least: int, said: dict[str, str]) -> None:
    assert beside(one, *others, least=least) == said


@pytest.mark.parametrize(
    ("begins", "ends", "nights"),
    [(8, 16, 0), (16, 24, 0), (16, 24.5, 1), (20, 28, 1), (0, 8, 1), (5, 8, 0), (4, 8, 1), (22, 46, 1), (22, 49, 2)],
)
def test_a_night_has_time_between_midnight_and_five(begins: float, ends: float, nights: int) -> None:
    assert len(nights_of(shift(0, begins, ends))) == nights


PLANS = st.lists(
    st.builds(
        lambda day, begins, hours, role, who: shift(day, begins, begins + hours, role, who),
        st.integers(-7, 14), st.integers(0, 23), st.integers(1, 24),
        st.sampled_from(["seat", "lead", "supervisor", "volunteer", "oncall"]), st.sampled_from(["lin", "he", "wang"]),
    ), min_size=1, max_size=14, unique_by=lambda one: one.id,
)  # fmt: skip


@given(PLANS)
def test_advice_is_for_the_person_and_the_hours_alone_and_of_each_kind_at_most_twice(plan: list[Planned]) -> None:
    for one in plan:
        said = advice(one, plan, RULES, 2)
        kinds = [found.kind for found in said]
        assert all(kinds.count(kind) <= (2 if kind in ("rest", "week") else 1) for kind in kinds)
        assert advice(one, [*reversed(plan)], RULES, 2) == said  # in whatever order it was planned
        alone = [other for other in plan if other.counsellor_id == one.counsellor_id]
        personal = {"long", "rest", "week", "nights"}
        assert [f for f in said if f.kind in personal] == [
            f for f in advice(one, alone, RULES, 2) if f.kind in personal
        ]
        if one.role == "oncall":
            assert said == []


@given(PLANS, st.integers(1, 6))
def test_advice_is_silent_where_every_limit_is_wide_and_more_seats_never_bring_more_of_it(
    plan: list[Planned], least: int
) -> None:
    wide = Strain(timedelta(days=90), timedelta(0), timedelta(days=90), 90)
    crew = [shift(-8, 0, 24 * 25, "seat", f"seat {number}") for number in range(6)]
    for one in plan:
        assert advice(one, [*plan, *crew, led(-8, 18)], wide, least) == []
        before, after = (len(advice(one, some, RULES, least)) for some in (plan, [*plan, *crew]))
        assert after <= before


@given(PLANS)
def test_a_short_pause_is_told_on_both_its_sides(plan: list[Planned]) -> None:
    working = sorted(
        (one for one in plan if one.counsellor_id == "lin" and one.role != "oncall"), key=lambda o: o.begins_at
    )
    for first, second in zip(working, working[1:], strict=False):
        if timedelta() < second.begins_at - first.ends_at < RULES.rest:
            inner = [
                o
                for o in working
                if first.ends_at <= o.begins_at < second.begins_at or o.ends_at > first.ends_at > o.begins_at
            ]
            if not inner:
                assert "rest" in beside(first, *working)
                assert "rest" in beside(second, *working)
