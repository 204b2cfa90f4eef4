"""Merging: nobody in danger is left without a person, nothing is deleted, new danger calls people as ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from escalation.cases import NotAllowed
from escalation.record.merge_desk import MergeDesk
from escalation.record.record_desk import RecordDesk
from records import tables as t
from tests.building import do, rows
from tests.escalation.conftest import Office
from tests.escalation.record.conftest import link
from triage.risk import Level

REASON = "同一个人在两个渠道写来"
Merge = Callable[..., None]


@pytest.fixture
def merge(office: Office, record: RecordDesk) -> Merge:
    desk = MergeDesk(office.desk.handling, record)
    lead = office.counsellor("lead", "duty_lead")

    def merge(case_id: str, into_id: str, reason: str = REASON) -> None:
        do(office.writer, lambda c: desk.merge(c, case_id, lead, into_id, reason, office.clock()))

    return merge


def two(office: Office, level: Level = Level.HIGH, into: Level = Level.MEDIUM) -> tuple[str, str]:
    """Two cases of one person on two channels; a counsellor serves the second."""
    case_id, into_id = office.case_at(level, "one"), office.case_at(into, "other")
    link(office, case_id, into_id)
    office.act("claim", into_id, office.counsellor())
    return case_id, into_id


def test_the_merged_case_points_to_the_other_and_rings_no_more(office: Office, merge: Merge) -> None:
    case_id, into_id = two(office)
    merge(case_id, into_id)
    case = office.case(case_id)
    assert (case.state, case.merged_into, case.closed_at) == ("merged", into_id, office.clock())
    assert office.ringing(case_id) is None
    assert office.said(case_id)[-1] == "handover.merged"
    assert [n["body"] for n in notes(office, into_id)] == [f"{case.case_no} 并入本案。理由：{REASON}"]
    assert [row.object_id for row in office.audited("merged")] == [case_id]


def notes(office: Office, case_id: str) -> list[dict[str, str]]:
    with office.store.engine.connect() as connection:
        return [dict(note) for note in office.store.cases.notes(connection, case_id)]


def test_the_graver_level_goes_along_with_its_reason(office: Office, merge: Merge) -> None:
    case_id, into_id = two(office, Level.EMERGENCY, Level.MEDIUM)
    merge(case_id, into_id)
    assert office.case(into_id).level == office.conversation_of(into_id).level == Level.EMERGENCY
    assert office.changes(into_id)[-1]["reason"] == REASON


def test_a_lower_level_lowers_nothing(office: Office, merge: Merge) -> None:
    case_id, into_id = two(office, Level.MEDIUM, Level.EMERGENCY)
    merge(case_id, into_id)
    assert office.case(into_id).level == Level.EMERGENCY


def test_the_merged_conversation_keeps_its_level_so_that_any_word_there_calls_people(
    office: Office, merge: Merge
) -> None:
    case_id, into_id = two(office)
    merge(case_id, into_id)
    assert (office.conversation_of(case_id).owner_id, office.conversation_of(case_id).level) == (None, Level.HIGH)
    fresh = office.danger(office.case(case_id).conversation_id, Level.HIGH)
    assert fresh not in (case_id, into_id)
    assert office.ringing(fresh) is not None


def test_a_merged_case_is_in_no_queue_and_nothing_is_done_to_it(office: Office, merge: Merge) -> None:
    case_id, into_id = two(office)
    merge(case_id, into_id)
    with office.store.engine.connect() as connection:
        assert [case.id for case in office.store.cases.queue(connection)] == [into_id]
    lin = office.counsellor("wang", "supervisor")
    for action, arguments in (("claim", ()), ("set_level", (Level.LOW, "理由"))):
        with pytest.raises(NotAllowed):
            office.act(action, case_id, lin, *arguments)


def test_an_open_case_is_merged_only_where_somebody_serves(office: Office, merge: Merge) -> None:
    case_id, into_id = office.case_at(Level.HIGH, "one"), office.case_at(Level.HIGH, "other")
    link(office, case_id, into_id)
    with pytest.raises(NotAllowed, match="接手"):
        merge(case_id, into_id)
    assert office.ringing(case_id) is not None


def test_cases_of_different_people_are_not_merged(office: Office, merge: Merge) -> None:
    case_id, into_id = office.case_at(Level.HIGH, "one"), office.case_at(Level.HIGH, "other")
    office.act("claim", into_id, office.counsellor())
    with pytest.raises(NotAllowed, match="同一位"):
        merge(case_id, into_id)


def test_a_closed_case_joins_the_next_one_of_the_same_conversation(office: Office, merge: Merge) -> None:
    conversation_id, lin = office.conversation(), office.counsellor()
    first = office.danger(conversation_id, Level.LOW)
    office.act("claim", first, lin)
    office.act("close", first, lin, "calmed", "谈了睡眠，约定周五再谈")
    office.clock.forward(days=100)
    second = office.danger(conversation_id, Level.LOW)
    before = office.said(first)
    merge(first, second)
    assert (office.case(first).state, office.case(first).summary) == ("merged", "谈了睡眠，约定周五再谈")
    assert office.said(first) == before  # the person hears nothing of paperwork
    assert office.ringing(second) is not None


@pytest.mark.parametrize("reason", ["", "短", "长" * 1001])
def test_without_a_reason_nothing_is_merged(office: Office, merge: Merge, reason: str) -> None:
    case_id, into_id = two(office)
    with pytest.raises(NotAllowed):
        merge(case_id, into_id, reason)
    assert office.case(case_id).state == "new"


def test_a_case_is_merged_neither_into_itself_nor_into_a_merged_one_nor_twice(office: Office, merge: Merge) -> None:
    case_id, into_id = two(office)
    with pytest.raises(NotAllowed):
        merge(into_id, into_id)
    merge(case_id, into_id)
    for pair in ((into_id, case_id), (case_id, into_id)):
        with pytest.raises(NotAllowed):
            merge(*pair)
    assert len(rows(office.store.engine, t.case_record, state="merged")) == 1
