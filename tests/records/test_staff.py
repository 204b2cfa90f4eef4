"""The audit chain: whatever is changed afterwards is found, also when many write at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from records import tables as t
from records.staff import first_broken
from records.store import Store
from records.writer import Writer
from tests.building import NOW, WAIT_S, do

CHANGES = {
    "actor_id": "somebody else",
    "action": "nothing",
    "object_id": "another case",
    "case_id": "another",
    "detail": "{}",
    "at": NOW.replace(year=2020),
    "hash": "0" * 64,
    "previous_hash": "0" * 64,
}


def chain(store: Store, writer: Writer, length: int = 6) -> list[Any]:
    for number in range(length):
        do(writer, lambda c, n=number: store.staff.audit(c, "case_view", NOW, actor_id="a", object_id="c", n=n))
    return audit(store)


def audit(store: Store) -> list[Any]:
    with store.engine.connect() as connection:
        return list(store.staff.audit_rows(connection))


def test_an_untouched_chain_holds(store: Store, writer: Writer) -> None:
    assert first_broken(chain(store, writer)) is None
    assert first_broken([]) is None


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_row_is_found_by_its_number(store: Store, writer: Writer, column: str) -> None:
    target = chain(store, writer)[2]
    change = t.audit.update().where(t.audit.c.seq == target.seq).values({column: CHANGES[column]})
    do(writer, lambda c: c.execute(change))
    assert first_broken(audit(store)) == target.seq


def test_every_column_of_the_audit_is_guarded() -> None:
    assert {column.name for column in t.audit.columns} - {"district_id", "seq"} == set(CHANGES)


def test_a_row_taken_out_of_the_middle_is_found(store: Store, writer: Writer) -> None:
    found = chain(store, writer)
    do(writer, lambda c: c.execute(t.audit.delete().where(t.audit.c.seq == found[2].seq)))
    assert first_broken(audit(store)) == found[3].seq


def test_two_rows_that_changed_places_are_found(store: Store, writer: Writer) -> None:
    rows = chain(store, writer)
    assert first_broken([rows[0], rows[2], rows[1], *rows[3:]]) == rows[2].seq


def test_many_writers_at_once_make_one_chain(store: Store, writer: Writer) -> None:
    def work(_number: int) -> None:
        for _ in range(10):
            do(writer, lambda c: store.staff.audit(c, "claimed", NOW, actor_id="a"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)

    rows = audit(store)
    assert len(rows) == 60
    assert first_broken(rows) is None


def test_an_action_that_is_rolled_back_leaves_no_gap_in_the_chain(store: Store, writer: Writer) -> None:
    def fail(connection: sa.Connection) -> None:
        store.staff.audit(connection, "claimed", NOW)
        raise LookupError

    chain(store, writer, 2)
    with pytest.raises(LookupError):
        do(writer, fail)
    assert first_broken(chain(store, writer, 2)) is None
