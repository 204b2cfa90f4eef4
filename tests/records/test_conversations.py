"""Conversations and messages: order, repeats, and work that was left behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from records.conversations import Conversations, NewMessage, body_hash
from records.store import Store
from records.writer import Writer
from tests.building import NOW, do, visitor

LATER = NOW + timedelta(seconds=10)
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def keep(store: Store, writer: Writer, chat: str, seq: int, text: str = "你好", *, answer: bool = False) -> str:
    new = NewMessage(
        chat, "visitor", "text", "web", f"{chat}:{seq}", text, NOW, to_handle_until=LATER if answer else None
    )
    return do(writer, lambda c: store.conversations.add(c, new, seq))


def test_messages_are_read_in_order_after_a_number_and_page_by_page(store: Store, writer: Writer) -> None:
    chat = visitor(store, writer)
    for seq in (2, 1, 4, 3):
        keep(store, writer, chat, seq, f"第{seq}句")
    with store.engine.connect() as connection:
        all_of_them = store.conversations.messages(connection, chat)
        rest = store.conversations.messages(connection, chat, after=1, limit=2)
    assert [message.body for message in all_of_them] == ["第1句", "第2句", "第3句", "第4句"]
    assert [message.seq for message in rest] == [2, 3]


def test_conversations_do_not_see_each_others_messages(store: Store, writer: Writer) -> None:
    mine, other = visitor(store, writer, "one"), visitor(store, writer, "two")
    keep(store, writer, other, 1)
    with store.engine.connect() as connection:
        assert store.conversations.messages(connection, mine) == []


def test_another_district_sees_nothing(store: Store, writer: Writer) -> None:
    chat = visitor(store, writer)
    message_id = keep(store, writer, chat, 1)
    elsewhere = Conversations("elsewhere", store.vault)
    with store.engine.connect() as connection:
        assert elsewhere.get(connection, chat) is None
        assert elsewhere.message(connection, message_id) is None
        assert elsewhere.find_external(connection, "web", f"{chat}:1") is None


@pytest.mark.parametrize("same", ["external_id", "seq"])
def test_the_database_itself_refuses_a_second_message_under_one_number(store: Store, writer: Writer, same: str) -> None:
    chat = visitor(store, writer)
    keep(store, writer, chat, 1)
    external = f"{chat}:1" if same == "external_id" else "another"
    new = NewMessage(chat, "visitor", "text", "web", external, "again", NOW)
    with pytest.raises(sa.exc.IntegrityError):
        do(writer, lambda c: store.conversations.add(c, new, 1 if same == "seq" else 2))


def test_a_token_finds_its_conversation_and_no_other(store: Store, writer: Writer) -> None:
    chat = do(
        writer,
        lambda c: store.conversations.open(c, channel="web", external_id="x", now=NOW, token_hash="hash-of-x"),
    )
    with store.engine.connect() as connection:
        assert store.conversations.by_token(connection, "hash-of-x") == chat
        assert store.conversations.by_token(connection, "hash-of-y") is None


def test_unanswered_messages_are_taken_only_after_their_lease_and_by_one_worker(store: Store, writer: Writer) -> None:
    chat = visitor(store, writer)
    message_id = keep(store, writer, chat, 1, answer=True)
    keep(store, writer, chat, 2)  # this one needs no answer

    def take(now):
        return do(writer, lambda c: list(store.conversations.take_unhandled(c, now, now + timedelta(seconds=10))))

    assert take(NOW + timedelta(seconds=9)) == []
    assert take(NOW + timedelta(seconds=11)) == [message_id]
    assert take(NOW + timedelta(seconds=12)) == []
    assert take(NOW + timedelta(seconds=22)) == [message_id]


def test_a_message_is_marked_as_answered_once(store: Store, writer: Writer) -> None:
    message_id = keep(store, writer, visitor(store, writer), 1, answer=True)
    assert do(writer, lambda c: store.conversations.set_handled(c, message_id))
    assert not do(writer, lambda c: store.conversations.set_handled(c, message_id))
    assert do(writer, lambda c: list(store.conversations.take_unhandled(c, LATER + timedelta(1), LATER))) == []


@given(ANY_TEXT, ANY_TEXT)
def test_two_texts_share_a_fingerprint_only_when_they_are_equal(one: str, other: str) -> None:
    assert (body_hash("text", one) == body_hash("text", other)) is (one == other)
    assert body_hash("text", one) != body_hash("voice", one)
