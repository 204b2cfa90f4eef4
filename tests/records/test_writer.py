"""The writing thread: what it promises about commits, failures, company and closing."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future

import pytest
import sqlalchemy as sa

from records import tables as t
from records.store import Store
from records.writer import Writer, WriterClosed
from tests.building import NOW, WAIT_S, do, rows


class Broken(Exception):
    """A unit of work that fails."""


class Gate:
    """A unit of work that keeps its writing thread busy until it is opened."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, _connection: sa.Connection) -> None:
        self.entered.set()
        assert self.open.wait(WAIT_S)


def note(number: int, *, breaks: bool = False):
    def work(connection: sa.Connection) -> int:
        connection.execute(
            t.note.insert().values(district_id="local", id=str(number), case_id="c", by_id="b", body_sealed=b"", at=NOW)
        )
        if breaks:
            raise Broken
        return number

    return work


def behind_a_gate(writer: Writer, *works) -> list[Future]:
    """Submit everything while the (first) writing thread is busy, so that SQLite takes it as one batch."""
    gate = Gate()
    writer.submit(gate)
    assert gate.entered.wait(WAIT_S)
    futures = [writer.submit(work) for work in works]
    gate.open.set()
    return futures


def numbers(store: Store) -> set[int]:
    return {int(row.id) for row in rows(store.engine, t.note)}


def test_a_result_comes_after_the_commit_so_that_another_connection_sees_the_row(store: Store) -> None:
    seen_at_the_bell: list[set[int]] = []
    writer = Writer(store.engine, after_commit=lambda: seen_at_the_bell.append(numbers(store)))
    seen_inside: list[set[int]] = []

    def work(connection: sa.Connection) -> str:
        note(1)(connection)
        seen_inside.append(numbers(store))
        return "stored"

    assert do(writer, work) == "stored"
    assert numbers(store) == {1}
    writer.close()
    assert seen_inside == [set()]
    assert seen_at_the_bell == [{1}]


def test_a_failing_unit_is_rolled_back_alone_while_its_neighbours_commit(store: Store, writer: Writer) -> None:
    first, bad, last = behind_a_gate(writer, note(1), note(2, breaks=True), note(3))

    assert first.result(WAIT_S) == 1
    assert last.result(WAIT_S) == 3
    with pytest.raises(Broken):
        bad.result(WAIT_S)
    assert numbers(store) == {1, 3}


def test_a_refused_statement_belongs_to_its_own_unit(store: Store, writer: Writer) -> None:
    first, twice, last = behind_a_gate(writer, note(1), lambda c: (note(7)(c), note(7)(c)), note(3))

    assert isinstance(twice.exception(WAIT_S), sa.exc.IntegrityError)
    assert (first.result(WAIT_S), last.result(WAIT_S)) == (1, 3)
    assert numbers(store) == {1, 3}


def test_on_sqlite_what_waits_together_shares_one_commit(sqlite_store: Store) -> None:
    writer = Writer(sqlite_store.engine)
    commits: list[int] = []
    sa.event.listen(sqlite_store.engine, "commit", lambda _connection: commits.append(1))

    for future in behind_a_gate(writer, *(note(n) for n in range(50))):
        future.result(WAIT_S)
    writer.close()

    assert numbers(sqlite_store) == set(range(50))
    assert len(commits) == 2  # the gate's, and one for all fifty


def test_closing_finishes_what_is_queued_and_refuses_what_comes_later(store: Store) -> None:
    writer = Writer(store.engine)
    futures = behind_a_gate(writer, *(note(n) for n in range(40)))

    writer.close()

    assert all(future.done() for future in futures)
    assert numbers(store) == set(range(40))
    with pytest.raises(WriterClosed):
        writer.submit(note(99))


class LateQueue(queue.SimpleQueue):
    """A queue that a unit enters slowly, so that closing may overtake it if nothing forbids it."""

    def __init__(self) -> None:
        super().__init__()
        self.entering, self.overtaken = threading.Event(), threading.Event()

    def put(self, unit: object) -> None:
        if unit is None:
            self.overtaken.set()
        else:
            self.entering.set()
            self.overtaken.wait(0.3)
        super().put(unit)


def test_closing_never_overtakes_what_was_accepted(store: Store) -> None:
    writer = Writer(store.engine, threads=1)
    gate = Gate()
    writer.submit(gate)
    assert gate.entered.wait(WAIT_S)
    writer._queue = late = LateQueue()
    gate.open.set()
    accepted: list[Future[int]] = []
    pressing = threading.Thread(target=lambda: accepted.append(writer.submit(note(1))))
    pressing.start()
    assert late.entering.wait(WAIT_S)

    writer.close()
    pressing.join(WAIT_S)

    assert accepted[0].result(1) == 1
    assert numbers(store) == {1}


def test_a_failed_commit_tells_everybody_whose_work_was_in_it(store: Store, writer: Writer) -> None:
    def make_tables(connection: sa.Connection) -> None:
        connection.execute(sa.text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        connection.execute(
            sa.text("CREATE TABLE child (parent_id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)")
        )

    def orphan(connection: sa.Connection) -> None:  # the database finds out at the commit
        connection.execute(sa.text("INSERT INTO child VALUES (1)"))

    do(writer, make_tables)
    good, bad, failing = behind_a_gate(writer, note(1), orphan, note(2, breaks=True))

    assert isinstance(bad.exception(WAIT_S), sa.exc.IntegrityError)
    assert isinstance(failing.exception(WAIT_S), Broken)
    if store.engine.dialect.name == "sqlite":  # one commit for all: nothing of it is stored, and all know
        assert isinstance(good.exception(WAIT_S), sa.exc.IntegrityError)
        assert numbers(store) == set()
    else:
        assert good.result(WAIT_S) == 1
        assert numbers(store) == {1}
    assert do(writer, note(5)) == 5
    assert 5 in numbers(store)


def test_a_unit_that_was_given_up_before_its_turn_is_not_run(store: Store) -> None:
    writer = Writer(store.engine, threads=1)
    gate = Gate()
    writer.submit(gate)
    assert gate.entered.wait(WAIT_S)
    given_up, kept = writer.submit(note(1)), writer.submit(note(2))
    assert given_up.cancel()
    gate.open.set()

    assert kept.result(WAIT_S) == 2
    writer.close()
    assert numbers(store) == {2}
