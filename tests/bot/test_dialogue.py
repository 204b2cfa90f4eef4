"""What the bot says next, as a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.dialogue import _ABSTAIN, DISCLOSE_AGAIN_AFTER, Found, must_disclose, next_turn
from knowledge.abstain import load_rules
from tests.building import NOW
from triage.risk import Level

ANSWER = Found("answer", "早点睡。", "来源：睡眠手册", "E001", titles=("失眠怎么办",), has_more=True)
NOTHING = Found("abstain", kind="out_of_scope")
SECOND = timedelta(seconds=1)


def said(
    found: Found = NOTHING, *, level: Level = Level.NONE, intent: str = "", asked: datetime | None = None
) -> list[str]:
    turn = next_turn(level=level, intent=intent, found=found, safety_asked_at=asked, disclosed_at=NOW, now=NOW)
    return [reply.key for reply in turn.replies]


@pytest.mark.parametrize(
    ("found", "key"),
    [
        (ANSWER, "plain"),
        (Found("choices", titles=("甲", "乙")), "answer.choices"),
        (Found("unavailable"), "answer.unavailable"),
        (NOTHING, "answer.abstain"),
        (Found("abstain"), "answer.abstain"),
        (Found("abstain", kind="dose"), "answer.abstain_dose"),
        (Found("abstain", kind="other_medicine"), "answer.abstain_medical"),
        (Found("abstain", kind="private"), "answer.abstain_private"),
        (Found("abstain", kind="injection"), "answer.abstain_injection"),
        (Found("abstain", kind="language"), "answer.abstain_language"),
        (Found("abstain", kind="chat"), "answer.abstain_chat"),
        (Found("abstain", kind="abuse"), "answer.abstain_abuse"),
    ],
)
def test_what_knowledge_found_decides_the_words(found: Found, key: str) -> None:
    assert said(found) == [key]


def test_every_kind_of_silence_with_its_own_words_is_one_that_knowledge_knows() -> None:
    assert set(_ABSTAIN) <= {rule.kind for rule in load_rules()}


@pytest.mark.parametrize("intent", ["hello", "thanks", "exit", "helpful", "unhelpful"])
def test_a_greeting_is_answered_as_one_and_not_searched(intent: str) -> None:
    assert said(ANSWER, intent=intent) == [f"talk.{intent}"]


@pytest.mark.parametrize("found", [NOTHING, Found("unavailable"), Found("choices", titles=("甲",))])
def test_low_distress_is_met_with_the_safety_question_alone_when_nothing_is_sure(found: Found) -> None:
    assert said(found, level=Level.LOW) == ["safety.low"]


def test_low_distress_gets_the_safety_question_before_an_answer() -> None:
    assert said(ANSWER, level=Level.LOW) == ["safety.low", "plain"]


def test_the_safety_question_is_put_in_other_words_the_second_time() -> None:
    assert said(level=Level.LOW, asked=NOW - SECOND) == ["safety.low_again"]
    assert said(level=Level.LOW, asked=NOW - DISCLOSE_AGAIN_AFTER) == ["safety.low"]


def test_a_greeting_does_not_hide_low_distress() -> None:
    assert said(intent="hello", level=Level.LOW) == ["safety.low"]


def test_an_answer_stands_above_its_source_and_offers_more() -> None:
    turn = next_turn(level=Level.NONE, intent="", found=ANSWER, safety_asked_at=None, disclosed_at=NOW, now=NOW)
    (reply,) = turn.replies
    assert reply.text == "早点睡。\n来源：睡眠手册"
    assert reply.extra == {
        "article": "E001",
        "choices": [
            {"label": "了解更多", "text": "了解更多：失眠怎么办"},
            {"label": "有帮助", "text": "有帮助"},
            {"label": "没帮助", "text": "没帮助"},
        ],
    }


@pytest.mark.parametrize("found", [ANSWER, Found("choices", titles=("甲", "乙"))])
def test_what_was_found_without_the_encoder_is_kept_with_the_message(found: Found) -> None:
    turn = next_turn(
        level=Level.NONE,
        intent="",
        found=replace(found, by_words=True),
        safety_asked_at=None,
        disclosed_at=NOW,
        now=NOW,
    )
    assert turn.replies[0].extra["by_words"] is True


@pytest.mark.parametrize(
    ("told", "now", "wanted"),
    [
        (None, NOW, True),
        (NOW, NOW, False),
        (NOW, NOW + DISCLOSE_AGAIN_AFTER - SECOND, False),
        (NOW, NOW + DISCLOSE_AGAIN_AFTER, True),
        # a new day begins at midnight in Shanghai, 16:00 UTC
        (datetime(2026, 12, 1, 15, 59, tzinfo=UTC), datetime(2026, 12, 1, 16, 0, tzinfo=UTC), True),
        (datetime(2026, 12, 1, 23, 59, tzinfo=UTC), datetime(2026, 12, 2, 0, 30, tzinfo=UTC), False),
    ],
)
def test_the_machine_says_again_what_it_is_every_two_hours_and_each_new_day(
    told: datetime | None, now: datetime, wanted: bool
) -> None:
    assert must_disclose(told, now) is wanted


def test_a_reminder_comes_first_and_is_remembered() -> None:
    turn = next_turn(level=Level.NONE, intent="hello", found=NOTHING, safety_asked_at=None, disclosed_at=None, now=NOW)
    assert [reply.key for reply in turn.replies] == ["greeting.again", "talk.hello"]
    assert turn.disclosed
