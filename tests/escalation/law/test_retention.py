"""The schedule: complete, checked at start, with a floor; the night in which it is carried out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.law.retention import BadSchedule, load_schedule
from records import tables as t
from records.erasure import (
    BY_CASE,
    BY_CONTACT,
    BY_CONVERSATION,
    BY_ITSELF,
    BY_MATTER,
    BY_MESSAGE,
    BY_REFERRAL,
    EMPTIED,
    KEPT,
    NAMES_OF_CASE,
    NAMING,
    WORDS_OF_CASE,
)

FILE = Path("escalation/law/retention.toml")
SCHEDULE = load_schedule()
ERASED = (
    {table.name for table in (*BY_CONVERSATION, *BY_CASE, *BY_REFERRAL, *BY_MATTER, *BY_CONTACT, *NAMING, *BY_ITSELF)}
    | {words.table.name for words in (*NAMES_OF_CASE, *(one for _, one in WORDS_OF_CASE), *(one for one, _ in EMPTIED))}
    | {key.table.name for key in BY_MESSAGE}
)


@pytest.mark.parametrize("table", [name for name, table in t.metadata.tables.items()
                                   if any(column.name.endswith("_sealed") for column in table.c)])  # fmt: skip
def test_every_table_with_words_of_people_is_erased_one_day_or_says_why_not(table: str) -> None:
    assert (table in ERASED) != (table in KEPT)


def test_what_must_stay_three_years_goes_only_by_a_person_s_click() -> None:
    assert [rule.kind for rule in SCHEDULE.approved()] == ["records", "talks", "handovers", "arrivals"]
    assert [rule.kind for rule in SCHEDULE.automatic()] == ["lookups", "files", "identity", "drafts", "drills"]


@pytest.mark.parametrize("rule", SCHEDULE.rules, ids=lambda rule: rule.kind)
def test_every_rule_names_its_source_and_that_no_lawyer_read_it(rule) -> None:
    assert rule.basis
    assert rule.review == "pending"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("days = 1096\nfloor_days", "days = 1095\nfloor_days", "floor"),
        ('kind = "audit"', 'kind = "gossip"', "cannot"),
        ('action = "pseudonymise"', 'action = "delete"', "cannot"),
        ("days = 180", "days = 0", "floor"),
        ('kind = "drills"', 'kind = "files"', "once"),
        ('end = "05:30"', 'end = "01:30"', "beginning"),
    ],
)
def test_a_schedule_that_would_do_harm_is_refused_at_start(tmp_path: Path, old: str, new: str, words: str) -> None:
    changed = tmp_path / "retention.toml"
    changed.write_text(FILE.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadSchedule, match=words):
        load_schedule(changed)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)))
def test_the_night_is_the_local_day_and_only_in_its_hours(naive: datetime) -> None:
    now = naive.replace(tzinfo=UTC)
    local = naive + timedelta(hours=8)
    expected = local.date().isoformat() if (2, 0) <= (local.hour, local.minute) < (5, 30) else None
    assert SCHEDULE.night(now) == expected
