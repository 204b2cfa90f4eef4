"""The event table: order, resuming by cursor, and that a late commit is never passed over."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from records import events
from records.database import open_engine
from records.events import READ_AT_ONCE, Cursor
from records.store import Store
from records.writer import Writer
from tests.building import NOW, do


def tell(connection: sa.Connection, number: int, *, topic: str = "desk", conversation: str | None = None) -> None:
    events.append(connection, "local", topic, "counted", NOW, conversation_id=conversation, number=number)


def read(engine: sa.Engine, cursor: Cursor, **which: str) -> list[events.Event]:
    with engine.connect() as connection:
        return events.read_after(connection, cursor, **which)


def told(found: list[events.Event]) -> list[int]:
    return [item.data["number"] for item in found]


def test_events_are_read_in_the_order_of_their_commits(store: Store, writer: Writer) -> None:
    for number in range(20):
        do(writer, lambda c, number=number: tell(c, number))
    assert told(read(store.engine, Cursor())) == list(range(20))


def test_a_reader_resumes_from_any_event_without_loss_or_repeat(store: Store, writer: Writer) -> None:
    for number in range(10):
        do(writer, lambda c, number=number: tell(c, number))
    for place, item in enumerate(read(store.engine, Cursor())):
        assert told(read(store.engine, item.cursor)) == list(range(place + 1, 10))


def test_events_of_one_transaction_keep_their_order(store: Store, writer: Writer) -> None:
    do(writer, lambda c: [tell(c, number) for number in range(5)])
    found = read(store.engine, Cursor())
    assert told(found) == [0, 1, 2, 3, 4]
    assert told(read(store.engine, found[2].cursor)) == [3, 4]


def test_what_was_rolled_back_is_never_read(store: Store, writer: Writer) -> None:
    def fail(connection: sa.Connection) -> None:
        tell(connection, 1)
        raise LookupError

    with pytest.raises(LookupError):
        do(writer, fail)
    do(writer, lambda c: tell(c, 2))
    assert told(read(store.engine, Cursor())) == [2]


def test_a_reader_asks_for_one_topic_or_one_conversation(store: Store, writer: Writer) -> None:
    do(writer, lambda c: tell(c, 1, topic="chat", conversation="a"))
    do(writer, lambda c: tell(c, 2, topic="desk", conversation="a"))
    do(writer, lambda c: tell(c, 3, topic="chat", conversation="b"))
    assert told(read(store.engine, Cursor(), topic="chat")) == [1, 3]
    assert told(read(store.engine, Cursor(), conversation_id="a")) == [1, 2]
    assert told(read(store.engine, Cursor(), topic="chat", conversation_id="a")) == [1]


def test_a_long_absence_is_read_page_by_page(store: Store, writer: Writer) -> None:
    do(writer, lambda c: [tell(c, number) for number in range(READ_AT_ONCE + 1)])
    first = read(store.engine, Cursor())
    assert len(first) == READ_AT_ONCE
    assert told(read(store.engine, first[-1].cursor)) == [READ_AT_ONCE]


def test_the_newest_cursor_leaves_nothing_after_it(store: Store, writer: Writer) -> None:
    with store.engine.connect() as connection:
        assert events.newest(connection) == Cursor()
    do(writer, lambda c: [tell(c, number) for number in range(3)])
    with store.engine.connect() as connection:
        newest = events.newest(connection)
    assert read(store.engine, newest) == []
    assert newest == read(store.engine, Cursor())[-1].cursor


@pytest.mark.postgres
def test_an_event_that_commits_late_is_never_passed_over(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    slow = engine.connect()
    with slow.begin():
        tell(slow, 1)
        with engine.begin() as quick:
            tell(quick, 2)
        assert read(engine, Cursor()) == []  # number 2 is on disk, but number 1 may still come before it
    assert told(read(engine, Cursor())) == [1, 2]
    slow.close()
    engine.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_order_of_commits_a_following_reader_sees_each_event_once(postgres_url: str, seed: int) -> None:
    chance, engine = random.Random(seed), open_engine(postgres_url)
    cursor, seen, committed, number = Cursor(), [], [], 0
    running: list[tuple[sa.Connection, sa.Transaction, list[int]]] = []

    for _ in range(60):
        if running and (chance.random() < 0.5 or len(running) > 6):
            connection, transaction, numbers = running.pop(chance.randrange(len(running)))
            if chance.random() < 0.2:
                transaction.rollback()
            else:
                transaction.commit()
                committed += numbers
            connection.close()
        else:
            connection = engine.connect()
            running.append((connection, connection.begin(), [number]))
            tell(connection, number)
            number += 1
        for item in read(engine, cursor):
            assert item.cursor > cursor
            cursor = item.cursor
            seen.append(item.data["number"])
    for connection, transaction, _ in running:
        transaction.rollback()
        connection.close()
    seen += told(read(engine, cursor))

    assert sorted(seen) == sorted(committed)
    engine.dispose()


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_cursor_is_read_back_from_its_own_writing(txid: int, seq: int) -> None:
    assert Cursor.parse(str(Cursor(txid, seq))) == Cursor(txid, seq)


@given(st.one_of(st.text(), st.builds("{}-{}".format, st.integers(0, 2**70), st.integers(0, 2**70))))
def test_any_other_text_is_no_cursor_or_one_that_the_database_can_hold(text: str) -> None:
    found = Cursor.parse(text)
    assert found is None or (0 <= found.txid < 2**63 and 0 <= found.seq < 2**63)


@pytest.mark.parametrize("text", ["", "1", "-", "1-", "-1", "a-b", "1-2-3", "²-²", "１-２", "9" * 20 + "-1", " 1-2"])
def test_a_wrong_last_event_id_is_not_a_cursor(text: str) -> None:
    assert Cursor.parse(text) is None
