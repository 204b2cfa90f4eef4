"""Which words are a wish to link, how a code is spelled, and when one links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.linking import MOST_TRIES, Wish, judge, spell, wish_of


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("绑定 12345678", Wish("offer", "12345678")),
        ("绑定12345678", Wish("offer", "12345678")),
        (" 绑定：１２３４ ５６７８。", Wish("offer", "12345678")),
        ("“绑定 1234-5678”", Wish("offer", "12345678")),
        ("綁定 12345678", Wish("offer", "12345678")),
        ("绑定 1", Wish("offer", "1")),
        ("绑定", None),
        ("绑定手机 12345678 怎么办", None),
        ("我不想绑定 12345678", None),
        ("12345678", None),
        ("", None),
    ],
)
def test_an_offered_code_is_a_whole_message(text: str, wish: Wish | None) -> None:
    assert wish_of(text, "") == wish


def test_the_words_alone_ask_for_a_code_or_undo() -> None:
    assert wish_of("绑定", "link") == Wish("code")
    assert wish_of("解除绑定", "unlink") == Wish("undo")


@given(st.text(max_size=60))
def test_any_other_text_is_no_offer(text: str) -> None:
    wish = wish_of(text, "")
    assert wish is None or (wish.what == "offer" and wish.code.isdigit() and wish.code.isascii())


@given(st.integers(0, 99_999_999))
def test_every_code_has_eight_digits_and_is_read_back(number: int) -> None:
    code = spell(number)
    assert len(code) == 8
    assert wish_of(f"绑定 {code}", "") == Wish("offer", code)


@given(holder=st.sampled_from([None, "me", "other"]), tries=st.integers(0, 9), are_one=st.booleans())
def test_only_a_living_code_of_another_contact_within_the_tries_links(
    holder: str | None, tries: int, are_one: bool
) -> None:
    links = judge("me", holder, tries=tries, are_one=are_one) == "link.done"
    assert links == (holder == "other" and tries < MOST_TRIES and not are_one)
