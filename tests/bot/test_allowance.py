"""What a platform allows: who may still speak, and how long texts are cut."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.allowance import Leave, leave, parts
from bot.channels import SendRules
from records.ledger import Allowance
from tests.building import NOW

RULES = SendRules(window=timedelta(hours=48), messages=5)
OPEN = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("left", "kept", "is_bot", "wanted"),
    [
        (5, 3, True, Leave.SEND),
        (4, 3, True, Leave.SEND),
        (3, 3, True, Leave.SPARE),
        (1, 3, True, Leave.SPARE),
        (0, 3, True, Leave.USED_UP),
        (3, 3, False, Leave.SEND),
        (1, 3, False, Leave.SEND),
        (0, 3, False, Leave.USED_UP),
        (3, 0, True, Leave.SEND),
        (1, 0, True, Leave.SEND),
        (0, 0, True, Leave.USED_UP),
    ],
)
def test_the_bot_leaves_the_last_messages_to_people(left: int, kept: int, is_bot: bool, wanted: Leave) -> None:
    assert leave(RULES, Allowance(left, OPEN, kept), is_bot=is_bot, now=NOW) is wanted


def test_after_the_window_nobody_speaks() -> None:
    assert leave(RULES, Allowance(5, NOW), is_bot=False, now=NOW) is Leave.CLOSED


def test_a_channel_without_limits_and_a_person_without_a_ledger_are_sent_to() -> None:
    assert leave(SendRules(), Allowance(0, NOW), is_bot=True, now=NOW) is Leave.SEND
    assert leave(RULES, None, is_bot=True, now=NOW) is Leave.SEND


@given(st.text(max_size=400), st.integers(8, 200))
def test_a_long_text_is_cut_into_bubbles_that_fit_and_lose_nothing_but_line_breaks(text: str, longest: int) -> None:
    found = parts(text, longest)
    assert all(len(part.encode("utf-8", "surrogatepass")) <= longest for part in found)
    assert "".join(found).replace("\n", "") == text.replace("\n", "")


def test_a_long_text_is_cut_after_a_sentence() -> None:
    assert parts("第一句话在这里。第二句话在那里。第三句", 50) == ["第一句话在这里。第二句话在那里。", "第三句"]


def test_a_short_text_stays_whole() -> None:
    assert parts("短", 4096) == ["短"]
    assert parts("", 4096) == [""]
