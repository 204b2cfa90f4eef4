"""After erasing, no word of the person is left in any table; what is still to be done for them keeps everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from escalation.law.rights import Matter, Outcome, load_rights, what_goes
from escalation.workdays import load_workdays
from records import tables as t
from records.conversations import new_id
from records.erasure import BY_ITSELF, KEPT
from records.tables.cases import ENDED
from tests.building import NOW, do, rows
from tests.escalation.law.conftest import TWO_AT_NIGHT, Archive
from triage.risk import Level

WORDS = b"what they told us"
_SEALED = [table for table in t.metadata.sorted_tables if any(column.name.endswith("_sealed") for column in table.c)]
_OF_A_CASE = [
    table for table in _SEALED
    if {"case_id", "contact_id", "referral_id"} & set(table.c.keys()) and table not in (t.case_record, t.referral)
]  # fmt: skip
TO_DO = [
    (t.follow_up, {"state": "todo"}),
    (t.rescue, {"decision": "started", "ended_at": None}),
    (t.referral, {"state": "sent"}),
    (t.referral_task, {"done_at": None}),
    (t.matter, {"state": "open"}),
]
DONE = {"matter": {"state": "closed"}}


def written(archive: Archive, table: sa.Table, of_case: str, **given: Any) -> None:
    """A row of this case in which every column is filled."""
    known = {
        "district_id": "local", "id": new_id(), "case_id": of_case, "referral_id": "r",
        "contact_id": archive.office.case(of_case).contact_id,
        "conversation_id": archive.office.case(of_case).conversation_id,
    }  # fmt: skip

    def value(column: sa.Column[Any]) -> Any:
        if column.name in given or column.name in known:
            return given[column.name] if column.name in given else known[column.name]
        if column.name.endswith("_sealed"):
            return WORDS
        kind = column.type
        return NOW if isinstance(kind, t.UtcTime) else 0 if isinstance(kind, sa.Integer | sa.Boolean) else "x"

    row = {column.name: value(column) for column in table.c}
    row |= {column.name: False for column in table.c if isinstance(column.type, sa.Boolean)}
    do(archive.office.writer, lambda c: c.execute(table.insert().values(**row)))


def erased(archive: Archive) -> None:
    """The night after the privacy officer's click."""
    officer = archive.supervisor()
    with archive.office.store.engine.connect() as connection:
        waiting = {due.rule.kind: due.count for due in archive.desk.waiting(connection, TWO_AT_NIGHT)}
    assert waiting == {"records": 1}
    do(archive.office.writer, lambda c: archive.desk.approve(c, "records", 1, officer, TWO_AT_NIGHT))
    archive.night()


def test_after_three_years_no_table_holds_a_word_of_the_case(archive: Archive) -> None:
    case_id = archive.case("old", 1097, Level.HIGH)
    written(archive, t.referral, case_id, id="r")
    for table in _OF_A_CASE:
        if table not in (t.law_request, t.legal_hold):  # these keep what they are about
            written(archive, table, case_id, **DONE.get(table.name, {}))
    erased(archive)
    engine = archive.office.store.engine
    left = {
        table.name
        for table in _SEALED
        if table.name not in KEPT and any(WORDS in tuple(row) for row in rows(engine, table))
    }
    assert left == set()
    assert rows(engine, t.rescue, case_id=case_id)[0].outcome == "x"  # a figure stays a figure
    with engine.connect() as connection:
        assert archive.office.store.rescues.of(connection, case_id)[0].reason == ""


def test_what_left_the_house_stays_on_record(archive: Archive) -> None:
    case_id = archive.case("old", 1097)
    written(archive, t.provision, case_id)
    written(archive, t.referral, case_id, id="r")
    erased(archive)
    engine = archive.office.store.engine
    assert rows(engine, t.referral) == []
    assert len(rows(engine, t.provision)) == 1


@pytest.mark.parametrize(("table", "columns"), TO_DO, ids=lambda one: getattr(one, "name", ""))
def test_what_is_still_to_be_done_keeps_a_case(archive: Archive, table: sa.Table, columns: dict[str, Any]) -> None:
    case_id = archive.case("old", 1097)
    written(archive, table, case_id, **columns)
    case = archive.office.case(case_id)
    assert case.state in ENDED
    with archive.office.store.engine.connect() as connection:
        assert archive.desk.waiting(connection, TWO_AT_NIGHT) == []
        matters = [
            Matter(is_open, closed_at)
            for _, is_open, closed_at in archive.office.store.law_requests.cases_of(connection, case.contact_id)
        ]
    going = what_goes(matters, is_held=False, floor=load_rights(load_workdays()).floor, now=TWO_AT_NIGHT)
    assert going.outcome is Outcome.WAITS
    archive.night()
    (contact,) = rows(archive.office.store.engine, t.contact, id=case.contact_id)
    assert contact.nameless_at is None


def test_with_the_name_goes_whoever_leads_to_the_person(archive: Archive) -> None:
    case_id = archive.case("old", 181)
    chat = archive.office.case(case_id).conversation_id
    written(archive, t.emergency_contact, case_id)
    written(archive, t.follow_up_consent, case_id)
    written(archive, t.notice_address, case_id, owner="visitor", owner_id=chat)
    written(archive, t.notice_address, case_id, owner="staff", owner_id="lin")
    archive.night()
    engine = archive.office.store.engine
    assert rows(engine, t.emergency_contact) == []
    assert [row.owner for row in rows(engine, t.notice_address)] == ["staff"]
    (consent,) = rows(engine, t.follow_up_consent)
    assert (consent.phone_sealed, consent.reason_sealed) == (None, WORDS)


@pytest.mark.parametrize("table", [*BY_ITSELF, t.incoming_referral])
def test_what_belongs_to_no_case_goes_by_its_own_age(archive: Archive, table: sa.Table) -> None:
    case_id = archive.case("young", 10)
    kind = "handovers" if table is t.handover else "arrivals"
    long_ago = TWO_AT_NIGHT - timedelta(days=2 * archive.desk.schedule.rule(kind).days)
    free = {} if table is t.handover else {"case_id": None}
    for at in (long_ago, NOW):
        written(archive, table, case_id, **{name: at for name in ("out_at", "done_at") if name in table.c}, **free)
    officer = archive.supervisor()
    do(archive.office.writer, lambda c: archive.desk.approve(c, kind, 1, officer, TWO_AT_NIGHT))
    archive.night()
    assert len(rows(archive.office.store.engine, table)) == 1


def test_nothing_of_a_drill_is_left(archive: Archive) -> None:
    case_id = archive.case("drill", 366)
    chat = archive.office.case(case_id).conversation_id
    written(archive, t.referral, case_id, id="r")
    for table in _OF_A_CASE:
        if table.name not in KEPT:
            written(archive, table, case_id, **DONE.get(table.name, {}))
    do(archive.office.writer, lambda c: archive.office.store.conversations.change(c, chat, is_drill=True))
    archive.night()
    engine = archive.office.store.engine
    assert {table.name for table in _OF_A_CASE if table.name not in KEPT and rows(engine, table)} == set()
