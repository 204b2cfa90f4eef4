"""Whether an answer helped, and what had no answer: rows without words, and nothing of people in danger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.dialogue import Found, Remark, remark
from bot.replies import load_intents
from records import tables as t
from tests.building import CRISIS, LOW, SMALL_TALK, deliver, greeted, heard, keys_said, rows, say
from triage.risk import Level
from triage.screen import Screener
from wiring import Service

pytestmark = pytest.mark.anyio
ANSWER = Found("answer", "早点睡。", "来源：睡眠手册", "E023", titles=("睡不好怎么办",))
NOTHING = Found("abstain", kind="out_of_scope")


@dataclass
class FakeAnswering:
    """Answers the first message, and knows nothing else."""

    found: list[Found] = field(default_factory=lambda: [ANSWER])

    def find(self, _text: str, _now: datetime, _before: str = "") -> Found:
        return self.found.pop(0) if self.found else NOTHING


@pytest.fixture
def chat(service: Service) -> str:
    service.pipeline.answering = FakeAnswering()  # type: ignore[assignment]  # a fake
    return greeted(service)


def marks(service: Service) -> list[tuple[str, bool]]:
    return [(row.article_id, row.helped) for row in rows(service.store.engine, t.answer_mark)]


async def answered(service: Service, chat: str) -> None:
    await say(service, chat, "怎么睡得好")
    await deliver(service)


@pytest.mark.parametrize(
    ("words", "helped"), [("有帮助", True), ("没帮助", False), ("没有帮助。", False), ("有用！", True)]
)
async def test_a_mark_is_a_row_about_the_article_given_last(
    service: Service, chat: str, words: str, helped: bool
) -> None:
    await answered(service, chat)
    await say(service, chat, words)
    assert marks(service) == [("E023", helped)]
    assert keys_said(service, chat)[-1] == ("talk.helpful" if helped else "talk.unhelpful")


@pytest.mark.parametrize("phrase", [p for p, intent in load_intents().phrases.items() if intent.endswith("helpful")])
def test_no_word_for_a_mark_sounds_like_distress(compiled_rules: Screener, phrase: str) -> None:
    assert compiled_rules.judge(phrase).level == Level.NONE


async def test_whoever_presses_again_changes_their_mark(service: Service, chat: str) -> None:
    await answered(service, chat)
    for number, words in enumerate(("有帮助", "没帮助", "没帮助")):
        await say(service, chat, words, f"mark-{number}")
    assert marks(service) == [("E023", False)]


async def test_without_an_article_there_is_nothing_to_mark(service: Service, chat: str) -> None:
    await say(service, chat, "没帮助")
    assert marks(service) == []
    await deliver(service)
    (message,) = heard(service, chat)
    assert [choice["text"] for choice in message.extra["choices"]] == ["转人工"]


async def test_a_question_without_an_answer_is_a_row_that_points_to_its_message(service: Service, chat: str) -> None:
    await answered(service, chat)
    receipt = await say(service, chat, "怎么给自行车补胎")
    (row,) = rows(service.store.engine, t.unanswered)
    assert (row.id, row.settled) == (receipt.message_id, None)


@pytest.mark.parametrize(
    ("intent", "found", "before", "level", "wanted"),
    [
        ("", NOTHING, "", Level.NONE, Remark()),
        ("", NOTHING, "", Level.LOW, None),
        ("", Found("abstain", kind="dose"), "", Level.NONE, None),
        ("", Found("abstain", kind="private"), "", Level.NONE, None),
        ("", Found("unavailable"), "", Level.NONE, None),
        ("", Found("choices", titles=("甲",)), "", Level.NONE, None),
        ("", ANSWER, "E001", Level.NONE, None),
        ("hello", NOTHING, "", Level.NONE, None),
        ("helpful", NOTHING, "E001", Level.NONE, Remark("E001", helped=True)),
        ("unhelpful", NOTHING, "E001", Level.LOW, Remark("E001")),
        ("unhelpful", NOTHING, "", Level.NONE, None),
    ],
)
def test_what_the_editors_hear_of(
    intent: str, found: Found, before: str, level: Level, wanted: Remark | None
) -> None:  # fmt: skip
    assert remark(intent, found, before, level) == wanted


async def test_a_message_that_is_looked_up_twice_is_one_question(service: Service, chat: str) -> None:
    await answered(service, chat)
    receipt = await say(service, chat, SMALL_TALK)
    now = service.now()
    again = service.pipeline.conversations.ask_for_answer
    service.writer.submit(lambda c: again(c, receipt.message_id, now)).result(20)
    await service.pipeline.handle(receipt.message_id)
    assert keys_said(service, chat)[-2:] == ["answer.abstain", "answer.abstain"]
    assert len(rows(service.store.engine, t.unanswered)) == 1


def open_questions(service: Service) -> list[Any]:
    with service.store.engine.connect() as connection:
        since = service.now() - timedelta(days=1)
        return service.store.answer_marks.unanswered(connection, since, 100)


async def test_the_list_opens_what_was_asked_by_people_who_were_never_in_danger(service: Service, chat: str) -> None:
    await answered(service, chat)
    await say(service, chat, SMALL_TALK)
    assert [one.text for one in open_questions(service)] == [SMALL_TALK]


@pytest.mark.parametrize("later", [LOW, CRISIS])
async def test_whoever_is_in_danger_later_is_not_in_the_list_any_more(service: Service, chat: str, later: str) -> None:
    await answered(service, chat)
    await say(service, chat, SMALL_TALK)
    await say(service, chat, later)
    words = [one.text for one in open_questions(service)]
    assert later not in words
    assert words == ([SMALL_TALK] if later == LOW else [])


async def test_a_settled_question_is_off_the_list(service: Service, chat: str) -> None:
    await answered(service, chat)
    receipt = await say(service, chat, SMALL_TALK)
    service.writer.submit(lambda c: service.store.answer_marks.settle(c, [receipt.message_id], "draft-1")).result(20)
    assert open_questions(service) == []


async def test_a_drill_is_not_in_the_list(service: Service, chat: str) -> None:
    await answered(service, chat)
    await say(service, chat, SMALL_TALK)
    with service.store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(t.conversation.update().values(is_drill=True))
        connection.commit()
    assert open_questions(service) == []


async def test_marks_before_the_last_change_of_an_article_do_not_count(service: Service, chat: str) -> None:
    await answered(service, chat)
    await say(service, chat, "没帮助")
    now = service.now()
    with service.store.engine.connect() as connection:
        tallies = service.store.answer_marks.tallies
        assert tallies(connection, {})["E023"].not_helped == 1
        assert tallies(connection, {"E023": now + timedelta(seconds=1)}) == {}
        assert tallies(connection, {"E023": now})["E023"].total == 1
