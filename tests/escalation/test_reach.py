"""What a counsellor is told before writing: how many messages, until when, or that only another way helps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from escalation.reach import REASON_WORDS, Reach, reach, why_no_retry
from records.ledger import Allowance
from records.outbox_rows import PLAIN, DeadLetter, Lane, Pending
from tests.building import NOW

OPEN = Allowance(3, NOW + timedelta(hours=1))
GONE = "这里已联系不上，请打电话或换渠道"
LETTER = DeadLetter(Pending("c", "wechat", Lane.CRISIS, "counsellor", 0, PLAIN), "tries", NOW, NOW, None, None)
BY_BOT = replace(LETTER, item=replace(LETTER.item, origin="bot", epoch=2, owner_epoch=2))


def test_an_open_window_says_how_many_and_until_when_in_shanghai() -> None:
    assert reach("", OPEN, NOW) == Reach(True, "还能发 3 条，到 12-01 11:00", 3, OPEN.until)


@pytest.mark.parametrize(("seconds", "ends"), [(60, "10:01:00"), (20, "10:00:20")])
def test_a_window_of_seconds_is_told_by_the_second_and_what_comes_after_it(seconds: int, ends: str) -> None:
    found = reach("", Allowance(1, NOW + timedelta(seconds=seconds)), NOW)
    assert found.words == f"还能发 1 条，只到 {ends}：要发请马上发，之后要等来访者写来"
    assert (found.is_open, found.left) == (True, 1)


def test_a_channel_that_counts_nothing_is_open() -> None:
    assert reach("", None, NOW).is_open
    assert reach("", None, NOW).left is None


@pytest.mark.parametrize(
    ("unreachable", "allowance"),
    [
        ("left", OPEN),
        ("blocked", None),
        ("closed", OPEN),
        ("", Allowance(0, OPEN.until)),
        ("", Allowance(3, NOW)),
        ("", Allowance(3, NOW - timedelta(hours=1))),
    ],
)
def test_who_cannot_be_reached_here_needs_another_way(unreachable: str, allowance: Allowance | None) -> None:
    found = reach(unreachable, allowance, NOW)
    assert not found.is_open
    assert found.left == 0
    assert GONE in found.words


@pytest.mark.parametrize("reason", REASON_WORDS)
def test_what_may_get_through_now_may_be_tried_again_and_a_refused_text_never(reason: str) -> None:
    letter = replace(LETTER, reason=reason)
    assert (why_no_retry(letter, reach("", OPEN, NOW)) == "") == (reason != "refused")
    assert why_no_retry(letter, reach("", Allowance(0, OPEN.until), NOW)) != ""


@pytest.mark.parametrize(("owner", "epoch", "may"), [(None, 2, True), (None, 3, False), ("lin", 2, False)])
def test_the_bots_old_words_are_not_said_into_somebody_elses_conversation(
    owner: str | None, epoch: int, may: bool
) -> None:
    letter = replace(BY_BOT, item=replace(BY_BOT.item, owner_id=owner, owner_epoch=epoch))
    assert (why_no_retry(letter, reach("", None, NOW)) == "") == may
