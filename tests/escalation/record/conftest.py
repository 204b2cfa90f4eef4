"""The record's desk over the real rows of each database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from escalation.contact_desk import ContactDesk
from escalation.desks import open_record
from escalation.record.answers import Change
from escalation.record.record_desk import RecordDesk, Saved
from records.entries import Entry
from records.staff import Counsellor
from tests.building import do
from tests.escalation.conftest import Office

Save = Callable[..., Saved]


def record_of(office: Office) -> RecordDesk:
    """The record's desk of an office."""
    store = office.store
    people = ContactDesk(store.cases, store.contacts, store.links, store.decisions, store.ledger, store.staff)
    return open_record(store, office.desk.handling, people)


@pytest.fixture
def record(office: Office) -> RecordDesk:
    return record_of(office)


@pytest.fixture
def save(office: Office, record: RecordDesk) -> Save:
    """One save of a counsellor: save(case_id, who, field, value, missing="", based_on=0)."""

    def save(
        case_id: str, who: Counsellor, field: str, value: str, missing: str = "", based_on: int = 0, **more: Any
    ) -> Saved:
        change = Change(field, value, missing, based_on, **more)
        return do(office.writer, lambda c: record.save(c, case_id, who, change, office.clock()))

    return save


@pytest.fixture
def current(office: Office) -> Callable[[str], dict[str, Entry]]:
    """What a case's record says now."""

    def current(case_id: str) -> dict[str, Entry]:
        with office.store.engine.connect() as connection:
            return office.store.entries.current(connection, [case_id])

    return current


def link(office: Office, *case_ids: str) -> None:
    """These cases' people show that they are one."""
    contacts = [office.case(case_id).contact_id for case_id in case_ids]

    def work(connection: sa.Connection) -> None:
        for other in contacts[1:]:
            office.store.links.join(connection, contacts[0], other)

    do(office.writer, work)
