"""Small numbers stay hidden, whatever is added and subtracted: an attacker who tries every possibility learns none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.reports.indicators import outside
from escalation.reports.suppression import Sum, hide
from records.facts.kinds import CaseFact, Facts, House, Session, Told
from tests.escalation.reports.conftest import at, counted, definitions
from triage.risk import Level

LEAST = 5
SPLITS = st.lists(st.integers(0, 9), min_size=2, max_size=4)


def hidden_in(parts: Sequence[int]) -> frozenset[str]:
    names = [f"p{number}" for number in range(len(parts))]
    counts = dict(zip(names, parts, strict=True)) | {"total": sum(parts)}
    return hide(counts, [Sum("total", tuple(names))], LEAST)


@pytest.mark.parametrize(
    ("parts", "hidden"),
    [
        ((20, 30), set()),
        ((0, 30), set()),  # a zero tells of nobody
        ((3, 30, 40), {"p0", "p1"}),  # the next smallest hides it
        ((3, 4, 30), {"p0", "p1"}),
        ((2, 3, 30), {"p0", "p1", "p2"}),  # 2 and 3 alone leave no room for a 5
        ((1, 1, 30, 40), {"p0", "p1", "p2"}),
        ((3, 0, 0), {"p0", "total"}),  # the total is small itself
        ((3, 2, 0), {"p0", "p1", "p2"}),  # zeros are the only cover left
        ((4, 0, 9), {"p0", "p2"}),
    ],
)
def test_what_is_hidden_with_a_small_number(parts: tuple[int, ...], hidden: set[str]) -> None:
    assert hidden_in(parts) == hidden


@given(parts=SPLITS, others=SPLITS, ended=st.integers(0, 40))
@settings(max_examples=150, deadline=None)
def test_no_hidden_count_is_known_to_whoever_tries_every_possibility(
    parts: list[int], others: list[int], ended: int
) -> None:
    """Two splits of one total, and a part of it with its rest: as channels, hours and a share of all sessions."""
    total = sum(parts)
    others = [*others[:-1], 0]
    if sum(others) > total:
        others = [0] * len(others)
    others[-1] = total - sum(others)
    ended = min(ended, total)
    counts = {"total": total, "ended": ended, "rest": total - ended}
    counts |= {f"a{n}": value for n, value in enumerate(parts)} | {f"b{n}": value for n, value in enumerate(others)}
    sums = [Sum("total", tuple(f"a{n}" for n in range(len(parts)))),
            Sum("total", tuple(f"b{n}" for n in range(len(others)))), Sum("total", ("ended", "rest"))]  # fmt: skip
    hidden = hide(counts, sums, LEAST)
    assert {name for name, count in counts.items() if 0 < count < LEAST} <= hidden
    possible: dict[str, set[int]] = {name: set() for name in hidden}
    for candidate in range(total + LEAST + 1) if "total" in hidden else [total]:
        ways = [possibilities(each, counts, hidden, candidate) for each in sums]
        if all(ways):
            possible = {name: seen | ({candidate} if name == "total" else set()) for name, seen in possible.items()}
            for way in ways:
                for name, values in way.items():
                    possible.get(name, set()).update(values)
    assert all(len(values) > 1 for values in possible.values()), (counts, hidden, possible)


def possibilities(
    each: Sum, counts: Mapping[str, int], hidden: frozenset[str], total: int
) -> dict[str, set[int]]:  # fmt: skip
    """Every value that the parts may have when their total is this; nothing when that is impossible."""
    left = total - sum(counts[name] for name in each.parts if name not in hidden)
    secret = [name for name in each.parts if name in hidden]
    if left < 0 or (left and not secret):
        return {}
    found: dict[str, set[int]] = {name: {counts[name]} for name in each.parts if name not in hidden}
    for way in compositions(left, len(secret)):
        for name, value in zip(secret, way, strict=True):
            found.setdefault(name, set()).add(value)
    return found


def compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 0:
        yield ()
    elif parts == 1:
        yield (total,)
    else:
        for first in range(total + 1):
            yield from ((first, *rest) for rest in compositions(total - first, parts - 1))


@given(parts=st.lists(st.integers(0, 30), min_size=2, max_size=12))
def test_every_hidden_part_could_as_well_be_no_small_number(parts: list[int]) -> None:
    hidden = hidden_in(parts)
    inside = [parts[int(name[1:])] for name in hidden if name != "total"]
    if inside and "total" not in hidden:
        taken = 0 if 0 in inside else len(inside) - 1
        assert sum(inside) - taken >= LEAST


def test_a_count_that_follows_over_two_sums_is_covered_too() -> None:
    counts = {"all": 60, "a": 57, "b": 3, "b1": 2, "b2": 1, "c": 40, "d": 20}
    sums = [Sum("all", ("a", "b")), Sum("b", ("b1", "b2")), Sum("all", ("c", "d"))]
    assert hide(counts, sums, LEAST) == {"a", "b", "b1", "b2"}


def test_a_share_whose_rest_is_small_is_hidden_as_a_whole() -> None:
    house = House(handovers=50, handovers_signed=48)
    figure = outside(counted(Facts(house=house)), definitions()).figure("signed")
    assert (figure.words, figure.detail, figure.value, figure.interval) == ("＊", "＊/50", None, None)


def test_whoever_is_inside_sees_what_is_hidden_outside() -> None:
    cases = [CaseFact(str(n), at(), "closed", Level.LOW, told={"gender": Told(gender, "", at())})
             for n, gender in enumerate(["male"] * 12 + ["female"] * 30 + ["other"] * 2)]  # fmt: skip
    view = outside(counted(Facts(cases=cases)), definitions())
    shown = {key: view.cell("cases_by_gender", key) for key in ("male", "female", "other")}
    assert shown == {"male": None, "female": 30, "other": None}
    assert view.count("cases") == 44


AGES = st.sampled_from(["14_17", "18_25", "60_plus", "", "refused"])


@given(
    ages=st.lists(st.tuples(AGES, st.sampled_from(["male", "female", "absent"])), max_size=40),
    blocked=st.integers(0, 9),
)
@settings(max_examples=40, deadline=None)
def test_the_real_report_lets_no_small_count_be_worked_out(ages: list[tuple[str, str]], blocked: int) -> None:
    cases = [
        CaseFact(str(n), at(), "closed", Level(n % 5), told={
            "age_band": Told("" if age == "refused" else age, "refused" if age == "refused" else "", at()),
            **({} if gender == "absent" else {"gender": Told(gender, "", at())}),
        })
        for n, (age, gender) in enumerate(ages)
    ]  # fmt: skip
    sessions = [Session(str(n), "web", at(hours=n), n < blocked) for n in range(2 * blocked)]
    tally = counted(Facts(cases=cases, sessions=sessions))
    view = outside(tally, definitions())
    for name, total in definitions().totals.items():
        cells = {key: view.cell(name, key) for key in tally.splits[name]}
        small = [key for key, count in tally.splits[name].items() if 0 < count < LEAST]
        assert all(cells[key] is None for key in small)
        if small and view.count(total) is not None:
            assert sum(count is None for count in cells.values()) >= 2
    with_age, missing = view.count("cases_with_age"), ("not_asked", "refused", "not_applicable", "unknown", "absent")
    unknown = [view.cell("cases_by_age_band", key) for key in missing]
    if with_age is not None and view.count("cases") is not None and None in unknown:
        left = (view.count("cases") or 0) - with_age - sum(count or 0 for count in unknown)
        assert unknown.count(None) >= 2
        assert left >= LEAST
