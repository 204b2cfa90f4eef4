"""What a platform still allows, as it is stored: a small permission beside an open one takes nothing from people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.ledger import Allowance
from records.store import Store
from records.writer import Writer
from tests.building import NOW, do, visitor

MINUTE, DAY = NOW + timedelta(minutes=1), NOW + timedelta(days=1)
ALLOWANCES = st.builds(
    Allowance, st.integers(0, 9), st.integers(0, 90).map(lambda m: NOW + timedelta(minutes=m)), st.integers(0, 9)
)


def refilled(store: Store, writer: Writer, *allowed: Allowance) -> Allowance:
    """What one person's ledger says after each of these."""
    chat = visitor(store, writer)
    for new in allowed:
        do(writer, lambda c, new=new: store.ledger.refill(c, chat, new, NOW))
    return do(writer, lambda c: store.ledger.allowances(c, [chat]))[chat]


def test_a_permission_is_kept_as_it_was_given(store: Store, writer: Writer) -> None:
    assert refilled(store, writer, Allowance(5, DAY, 3)) == Allowance(5, DAY, 3)


def test_what_is_over_counts_no_more(store: Store, writer: Writer) -> None:
    assert refilled(store, writer, Allowance(5, NOW, 3), Allowance(1, MINUTE)) == Allowance(1, MINUTE)


def test_a_message_that_went_out_leaves_people_what_is_kept_for_them(store: Store, writer: Writer) -> None:
    chat = visitor(store, writer)
    do(writer, lambda c: store.ledger.refill(c, chat, Allowance(5, DAY, 3), NOW))
    do(writer, lambda c: store.ledger.spend(c, chat))
    assert do(writer, lambda c: store.ledger.allowances(c, [chat]))[chat] == Allowance(4, DAY, 3)


@pytest.mark.parametrize(
    ("open_now", "new", "left", "kept"),
    [
        ((5, 3), (3, 0), 5, 3),  # a menu press in an open window: people's three stay theirs
        ((4, 3), (3, 0), 4, 3),
        ((3, 3), (3, 0), 3, 2),  # nothing was left for the bot: it may answer the press
        ((2, 3), (3, 0), 3, 2),
        ((1, 3), (3, 0), 3, 1),
        ((0, 3), (3, 0), 3, 0),
        ((1, 3), (1, 0), 1, 1),  # people's last is never the bot's
        ((0, 3), (1, 0), 1, 0),
        ((3, 3), (0, 0), 3, 3),  # a withdrawn message allows nothing
        ((1, 0), (5, 3), 5, 3),  # who opened the chat writes
        ((1, 3), (5, 3), 5, 3),  # who wrote writes again
        ((1, 1), (2, 1), 2, 1),
    ],
)
def test_a_smaller_permission_never_shrinks_an_open_one(
    store: Store, writer: Writer, open_now: tuple[int, int], new: tuple[int, int], left: int, kept: int
) -> None:
    found = refilled(store, writer, Allowance(open_now[0], DAY, open_now[1]), Allowance(new[0], MINUTE, new[1]))
    assert found == Allowance(left, DAY, kept)


@given(ALLOWANCES, ALLOWANCES)
def test_whatever_is_allowed_besides_nobody_has_less_and_people_keep_all_but_one(
    open_now: Allowance, new: Allowance
) -> None:
    both, people = open_now.widened(new), min(open_now.left, open_now.kept)
    assert both.left == max(open_now.left, new.left)
    assert both.until == max(open_now.until, new.until)
    assert both.kept >= max(people - 1, min(people, 1), new.kept)
