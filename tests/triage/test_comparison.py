"""Two screenings on the same messages."""

import math

import pytest

from triage.comparison import Paired, compare
from triage.measure import Example
from triage.risk import Level


def example(id: str, level: int) -> Example:
    return Example(id, id, Level(level), (), "plain")


def test_what_only_one_of_both_found_is_named():
    examples = [example("a", 4), example("b", 3), example("c", 0), example("d", 1)]
    old = {"a": 4, "b": 0, "c": 0, "d": 3}
    new = {"a": 0, "b": 3, "c": 0, "d": 1}
    found = compare(examples, lambda t: Level(old[t]), lambda t: Level(new[t]))
    assert (found.found.only_old, found.found.only_new) == (("a",), ("b",))
    assert (found.quiet.whole, found.quiet.only_old, found.quiet.only_new) == (2, (), ("d",))
    assert found.exact.only_new == ("b", "d")


def test_one_against_one_may_be_chance_and_ten_against_none_is_not():
    assert Paired(100, ("a",), ("b",)).chance == 1.0
    assert Paired(100, (), tuple("abcdefghij")).chance == pytest.approx(2 / 2**10)


def test_the_difference_lies_within_its_interval():
    paired = Paired(50, ("a",), ("b", "c", "d", "e"))
    low, high = paired.interval
    assert paired.difference == pytest.approx(0.06)
    assert low < 0.06 < high


def test_nothing_compared_is_no_number():
    assert math.isnan(Paired(0, (), ()).difference)
    assert all(math.isnan(bound) for bound in Paired(0, (), ()).interval)
