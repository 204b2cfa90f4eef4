"""What is due: the head of each conversation only, crisis first, never what another worker holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

import wiring
from records import tables as t
from records.outbox_rows import PLAIN, Lane, Pending
from records.store import Store
from records.writer import Writer
from settings import Settings
from tests.building import NOW, do, rows, visitor

LEASE = timedelta(seconds=10)
MOMENT = timedelta(microseconds=1)


def queue(store: Store, writer: Writer, chat: str, text: str, lane: Lane = Lane.REPLY, at: datetime = NOW) -> str:
    item = Pending(chat, "web", lane, "bot", 0, PLAIN, text=text)
    return do(writer, lambda c: store.outbox.add(c, item, at))


def due(store: Store, writer: Writer, at: datetime = NOW) -> list[Pending]:
    return do(writer, lambda c: store.outbox.due(c, at))


def set_state(store: Store, writer: Writer, row: str, state: str, **values: object) -> None:
    do(writer, lambda c: store.outbox.set_state(c, [row], state, **values))


def texts(items: list[Pending]) -> list[str]:
    return [item.text for item in items]


def test_only_the_head_of_each_conversation_is_due(store: Store, writer: Writer) -> None:
    one, other = visitor(store, writer, "one"), visitor(store, writer, "two")
    for text in ("a1", "a2", "a3"):
        queue(store, writer, one, text)
    queue(store, writer, other, "b1")
    assert sorted(texts(due(store, writer))) == ["a1", "b1"]


def test_a_crisis_goes_before_every_other_lane_of_everybody(store: Store, writer: Writer) -> None:
    for lane in reversed(Lane):
        queue(store, writer, visitor(store, writer, lane.name), lane.name, lane)
    assert texts(due(store, writer)) == ["CRISIS", "REPLY", "FOLLOW_UP", "CAMPAIGN"]


def test_a_crisis_overtakes_its_own_conversations_older_replies(store: Store, writer: Writer) -> None:
    chat = visitor(store, writer)
    queue(store, writer, chat, "an answer")
    queue(store, writer, chat, "danger", Lane.CRISIS)
    assert texts(due(store, writer)) == ["danger"]


@pytest.mark.parametrize("state", ["sent", "dropped", "dead"])
def test_what_is_finished_lets_the_next_one_go(store: Store, writer: Writer, state: str) -> None:
    chat = visitor(store, writer)
    first = queue(store, writer, chat, "first")
    queue(store, writer, chat, "second")
    set_state(store, writer, first, state)
    assert texts(due(store, writer)) == ["second"]


def test_a_leased_row_is_nobody_elses_until_the_lease_ends(store: Store, writer: Writer) -> None:
    chat = visitor(store, writer)
    first = queue(store, writer, chat, "first")
    queue(store, writer, chat, "second")
    set_state(store, writer, first, "sending", lease_until=NOW + LEASE)
    assert due(store, writer, NOW + LEASE) == []
    assert texts(due(store, writer, NOW + LEASE + MOMENT)) == ["first"]


def test_a_row_that_waits_for_its_next_try_keeps_its_place(store: Store, writer: Writer) -> None:
    chat = visitor(store, writer)
    first = queue(store, writer, chat, "first")
    queue(store, writer, chat, "second")
    set_state(store, writer, first, "pending", due_at=NOW + timedelta(seconds=8))
    assert due(store, writer) == []
    assert texts(due(store, writer, NOW + timedelta(seconds=8))) == ["first"]


def test_a_row_knows_who_owns_the_conversation_now(store: Store, writer: Writer) -> None:
    chat = visitor(store, writer)
    queue(store, writer, chat, "before")
    do(writer, lambda c: store.conversations.change(c, chat, epoch=3, owner_id="lin"))
    (item,) = due(store, writer)
    assert (item.epoch, item.owner_epoch, item.owner_id) == (0, 3, "lin")


def test_a_row_comes_back_as_it_was_queued(store: Store, writer: Writer) -> None:
    chat = visitor(store, writer)
    item = Pending(
        chat, "web", Lane.CRISIS, "system", 4, "handover.person_joined", params={"title": "林老师"},
        extra={"article": "E001"}, origin_id="lin", id="r-1",
    )  # fmt: skip
    do(writer, lambda c: store.outbox.add(c, item, NOW))
    contact = rows(store.engine, t.contact)[0].id
    assert due(store, writer) == [replace(item, owner_epoch=0, contact_id=contact)]
    assert do(writer, lambda c: store.outbox.exists(c, "r-1"))
    assert not do(writer, lambda c: store.outbox.exists(c, "r-2"))
    assert do(writer, lambda c: store.outbox.waiting(c, chat)) == 1


@pytest.mark.postgres
def test_two_workers_on_postgresql_never_hold_the_same_row(postgres_url: str, sqlite_settings: Settings) -> None:
    store = wiring.open_store(sqlite_settings.model_copy(update={"database_url": postgres_url}))
    writer = Writer(store.engine)
    for number in range(20):
        queue(store, writer, visitor(store, writer, str(number)), str(number))
    with store.engine.begin() as one, store.engine.begin() as other:
        mine = store.outbox.due(one, NOW, limit=10)
        theirs = store.outbox.due(other, NOW)
    writer.close()
    store.engine.dispose()
    assert len(mine) == 10
    assert set(texts(mine)).isdisjoint(texts(theirs))
    assert len(theirs) == 10


UNTIL = NOW + timedelta(seconds=3)


def hold(store: Store, writer: Writer, chat: str, text: str = "an article") -> str:
    row = queue(store, writer, chat, text)
    set_state(store, writer, row, "pending", due_at=UNTIL)
    return row


def reword(store: Store, writer: Writer, row: str, at: datetime = NOW) -> bool:
    extra = {"article": "E001"}
    return do(writer, lambda c: store.outbox.reword(c, row, "other words", extra, held_until=UNTIL, now=at))


def test_a_row_that_is_held_back_takes_other_words_and_goes_out_at_once(store: Store, writer: Writer) -> None:
    row = hold(store, writer, visitor(store, writer))
    assert due(store, writer) == []
    assert reword(store, writer, row)
    (item,) = due(store, writer)
    assert (item.text, item.extra) == ("other words", {"article": "E001"})


def test_once_it_is_due_it_takes_no_other_words(store: Store, writer: Writer) -> None:
    row = hold(store, writer, visitor(store, writer))
    assert not reword(store, writer, row, UNTIL)
    assert texts(due(store, writer, UNTIL)) == ["an article"]


@pytest.mark.parametrize("change", [{"state": "sending"}, {"state": "sent"}, {"state": "dropped"}, {"attempts": 1}, {"due_at": UNTIL + MOMENT}])  # fmt: skip
def test_what_was_touched_meanwhile_takes_no_other_words(store: Store, writer: Writer, change: dict[str, Any]) -> None:
    row = hold(store, writer, visitor(store, writer))
    set_state(store, writer, row, **{"state": "pending", **change})
    assert not reword(store, writer, row)


def test_what_is_released_goes_out_as_it_was(store: Store, writer: Writer) -> None:
    chat, other = visitor(store, writer, "one"), visitor(store, writer, "two")
    row = hold(store, writer, chat)
    hold(store, writer, other)
    do(writer, lambda c: store.outbox.release(c, chat, NOW))
    assert [item.id for item in due(store, writer)] == [row]
    assert not reword(store, writer, row)


@pytest.mark.parametrize("origin", ["counsellor", "system"])
def test_words_of_people_wait_for_nothing_that_is_held_back(store: Store, writer: Writer, origin: str) -> None:
    chat = visitor(store, writer)
    row = hold(store, writer, chat)
    words = Pending(chat, "web", Lane.REPLY, origin, 0, PLAIN, text="I am here")
    do(writer, lambda c: store.outbox.add(c, words, NOW))
    assert [item.id for item in due(store, writer)] == [row]
