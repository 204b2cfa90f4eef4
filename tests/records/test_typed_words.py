"""Words typed and not sent: kept for the one who typed them."""

from __future__ import annotations

from datetime import timedelta

from records import tables as t
from records.store import Store
from records.writer import Writer
from tests.building import NOW, do, rows

LIN, WANG = "lin", "wang"


def drafts_of(store: Store, owner: str) -> dict[str, str]:
    with store.engine.connect() as connection:
        return store.drafts.of(connection, owner)


def test_the_newest_words_at_a_place_are_kept_for_their_writer_alone(store: Store, writer: Writer) -> None:
    do(writer, lambda c: store.drafts.keep(c, LIN, "draft:1", "我在", NOW, "1"))
    do(writer, lambda c: store.drafts.keep(c, LIN, "draft:1", "我在，慢慢说", NOW, "1"))
    do(writer, lambda c: store.drafts.keep(c, WANG, "draft:1", "别的话", NOW))
    assert drafts_of(store, LIN) == {"draft:1": "我在，慢慢说"}
    assert drafts_of(store, WANG) == {"draft:1": "别的话"}


def test_empty_words_end_a_draft(store: Store, writer: Writer) -> None:
    do(writer, lambda c: store.drafts.keep(c, LIN, "draft:1", "我在", NOW))
    do(writer, lambda c: store.drafts.keep(c, LIN, "draft:1", "", NOW))
    assert drafts_of(store, LIN) == {}


def test_the_oldest_drafts_make_room(sqlite_store: Store) -> None:
    with sqlite_store.engine.begin() as connection:
        for number in range(203):
            sqlite_store.drafts.keep(connection, LIN, f"p{number}", "x", NOW + timedelta(seconds=number))
    assert sorted(drafts_of(sqlite_store, LIN)) == sorted(f"p{number}" for number in range(3, 203))


def test_neither_words_nor_places_lie_open(store: Store, writer: Writer) -> None:
    do(writer, lambda c: store.drafts.keep(c, LIN, "draft:secret", "我在桥边等您", NOW))
    (row,) = rows(store.engine, t.draft)
    assert b"secret" not in row.place_sealed
    assert "桥边".encode() not in row.text_sealed
