"""Who says that they are a minor, and by what right a colleague reads their case."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.cases import ENDED, State
from escalation.law.minors import Passage, Reader, load_ages, may_break, number_of, passage
from records.minors import Grant
from tests.building import NOW
from triage.risk import Level

FILE = Path("escalation/law/minors.toml")
AGES = load_ages()
EXAMPLES = tomllib.loads(FILE.read_text(encoding="utf-8"))["ages"]
READERS = st.builds(
    Reader, st.just("me"), st.booleans(), st.sampled_from(["me", "other", None]), st.sampled_from(State),
    st.none() | st.integers(-5, 5).map(lambda hours: NOW + timedelta(hours=hours)),
)  # fmt: skip
GRANTS = st.none() | st.builds(
    Grant, st.just("g"), st.just("c"), st.just("me"), st.just("督导抽查"),
    st.sampled_from(["asked", "granted", "refused", "broken", "reviewed"]), st.just(NOW),
    until=st.none() | st.integers(-5, 5).map(lambda hours: NOW + timedelta(hours=hours)),
)  # fmt: skip


@pytest.mark.parametrize("text", EXAMPLES["must_match"])
def test_who_says_so_is_a_minor(text: str) -> None:
    assert AGES.is_minor(text)
    assert AGES.is_minor(f"老师好，{text}。睡不着")


@pytest.mark.parametrize("text", EXAMPLES["must_not_match"])
def test_who_speaks_of_somebody_else_or_of_long_ago_is_none(text: str) -> None:
    assert not AGES.is_minor(text)


@given(st.integers(1, 99))
def test_every_age_is_read_in_digits_and_in_words(age: int) -> None:
    tens, ones = divmod(age, 10)
    words = ("" if tens < 2 else "一二三四五六七八九"[tens - 1]) + ("十" if tens else "")
    words += "一二三四五六七八九"[ones - 1] if ones else ""
    assert number_of(words) == number_of(str(age)) == age
    assert AGES.is_minor(f"我{age}岁") == AGES.is_minor(f"我{words}岁") == (age < 18)


@given(st.text(max_size=300))
def test_any_text_is_judged(text: str) -> None:
    assert AGES.is_minor(text) in (True, False)


def test_a_pattern_that_hears_wrongly_is_refused_at_start(tmp_path: Path) -> None:
    changed = tmp_path / "minors.toml"
    changed.write_text(FILE.read_text(encoding="utf-8").replace('must_match = ["', 'must_match = ["我三十岁", "'))
    with pytest.raises(ValueError, match="我三十岁"):
        load_ages(changed)


@given(READERS, GRANTS)
def test_whoever_serves_is_never_hindered(reader: Reader, grant: Grant | None) -> None:
    if reader.owner_id == reader.who_id and reader.state not in ENDED:
        assert passage(reader, grant, NOW) is Passage.SERVING


@given(READERS, GRANTS)
def test_a_closed_case_opens_by_leave_or_to_whoever_finishes_its_record(reader: Reader, grant: Grant | None) -> None:
    finishes = reader.owner_id == "me" and reader.finishes_until is not None and reader.finishes_until > NOW
    lives = finishes or (grant is not None and grant.opens(NOW))
    if reader.state in ENDED:
        assert (passage(reader, grant, NOW) is not None) == lives


@given(READERS, GRANTS)
def test_somebody_else_s_open_case_is_read_by_those_in_charge_or_by_leave(reader: Reader, grant: Grant | None) -> None:
    if reader.owner_id == "other" and reader.state in (State.IN_SERVICE, State.WAITING_USER):
        found = passage(reader, grant, NOW)
        assert (found is not None) == (reader.is_in_charge or (grant is not None and grant.opens(NOW)))


@given(GRANTS)
def test_what_was_refused_only_asked_or_is_over_opens_nothing(grant: Grant | None) -> None:
    if grant is not None and (grant.state in ("asked", "refused") or grant.until is None or grant.until <= NOW):
        assert not grant.opens(NOW)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("level", Level)
def test_the_glass_is_broken_only_while_danger_lasts(state: State, level: Level) -> None:
    assert may_break(state, level) == (state == State.RESCUE or (level == Level.EMERGENCY and state not in ENDED))
