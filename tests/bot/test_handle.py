"""Answering: with a source, with choices, with an honest nothing; once only, and never over a person's head."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import pytest

import wiring
from bot.dialogue import Found
from records import tables as t
from tests.building import (
    CRISIS,
    LOW,
    SMALL_TALK,
    Clock,
    counsellor,
    deliver,
    do,
    greeted,
    heard,
    inbound,
    rows,
    say,
    visitor,
)  # fmt: skip
from wiring import Service

pytestmark = pytest.mark.anyio
QUESTION = "抑郁症有哪些症状"


@dataclass
class FakeAnswering:
    """Knowledge that finds the same thing each time, or breaks."""

    found: Found | None
    asked_after: list[str] = field(default_factory=list)

    def find(self, _text: str, _now: datetime, before: str = "") -> Found:
        self.asked_after.append(before)
        if self.found is None:
            raise OSError("the index is gone")
        return self.found


def keys_said(service: Service) -> list[str]:
    return [row.key for row in sorted(rows(service.store.engine, t.outbox), key=lambda row: row.seq)]


async def die_before_answering(service: Service, conversation_id: str, text: str) -> str:
    """The message is stored, and the process that would answer is gone."""
    receipt = await service.pipeline.receive(inbound(conversation_id, text))
    for task in tuple(service.pipeline._running):
        task.cancel()
    await service.pipeline.drain()
    return receipt.message_id


async def test_an_answer_carries_the_article_its_words_and_its_source(knowing_service: Service) -> None:
    service, chat = knowing_service, greeted(knowing_service)
    library = service.pipeline.answering.knowledge.library
    article = next(a for a in library.articles.values() if "GK" not in a.sources and a.sections)

    await say(service, chat, article.title)
    await deliver(service)

    (message,) = heard(service, chat)
    assert message.author == "bot"
    assert message.extra["article"] == article.id
    assert message.body.endswith(library.cite(article))
    assert "来源：" in message.body
    assert "{{" not in message.body
    more, *marks = message.extra["choices"]
    assert [mark["text"] for mark in marks] == ["有帮助", "没帮助"]
    await say(service, chat, more["text"])
    await deliver(service)
    assert article.sections[0].heading in heard(service, chat)[-1].body


async def test_a_question_outside_the_articles_gets_an_honest_nothing(knowing_service: Service) -> None:
    chat = greeted(knowing_service)
    await say(knowing_service, chat, "帮我写一个快速排序的代码")
    assert [key.startswith("answer.abstain") for key in keys_said(knowing_service)] == [True]


async def test_without_an_index_the_bot_says_that_it_cannot_look_things_up(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, QUESTION)
    await deliver(service)
    assert keys_said(service) == ["answer.unavailable"]
    assert "12356" in heard(service, chat)[0].body


async def test_the_article_given_before_goes_along_with_the_next_question(small_service: Service) -> None:
    chat = greeted(small_service)
    answering = FakeAnswering(Found("answer", "早点睡。", "来源：睡眠手册", "E023", titles=("睡不好怎么办",)))
    small_service.pipeline.answering = answering
    await say(small_service, chat, QUESTION)
    await deliver(small_service)
    await say(small_service, chat, "那要多久才好")
    assert answering.asked_after == ["", "E023"]


async def test_a_second_topic_is_offered_as_a_button(small_service: Service) -> None:
    chat = greeted(small_service)
    found = Found("answer", "早点睡。", "来源：睡眠手册", "E023", titles=("睡不好怎么办",), also="中医调理")
    small_service.pipeline.answering = FakeAnswering(found)
    await say(small_service, chat, QUESTION)
    await deliver(small_service)
    (message,) = heard(small_service, chat)
    assert [choice["text"] for choice in message.extra["choices"]] == ["中医调理", "有帮助", "没帮助"]


async def test_choices_come_as_buttons_and_a_person_is_one_of_them(small_service: Service) -> None:
    chat = greeted(small_service)
    small_service.pipeline.answering = FakeAnswering(Found("choices", titles=("甲", "乙", "丙")))
    await say(small_service, chat, QUESTION)
    await deliver(small_service)
    (message,) = heard(small_service, chat)
    assert [choice["text"] for choice in message.extra["choices"]] == ["甲", "乙", "丙", "转人工"]


async def test_when_knowledge_breaks_the_person_gets_an_honest_line(small_service: Service) -> None:
    chat = greeted(small_service)
    small_service.pipeline.answering = FakeAnswering(None)
    await say(small_service, chat, QUESTION)
    assert keys_said(small_service) == ["answer.unavailable"]


async def test_low_distress_is_asked_directly_about_thoughts_of_death(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, LOW, "m1")
    await say(service, chat, LOW + "啊", "m2")
    assert keys_said(service) == ["safety.low", "safety.low_again"]


async def test_who_was_not_told_today_that_this_is_a_machine_hears_it_first(
    small_service: Service, clock: Clock
) -> None:
    chat = visitor(small_service.store, small_service.writer)
    await say(small_service, chat, "你好", "m1")
    await say(small_service, chat, "你好", "m2")
    assert keys_said(small_service) == ["greeting.again", "talk.hello", "talk.hello"]
    clock.forward(hours=2)
    await say(small_service, chat, "你好", "m3")
    assert keys_said(small_service)[3:] == ["greeting.again", "talk.hello"]


async def test_a_message_whose_answerer_died_is_answered_once_after_its_lease(service: Service, clock: Clock) -> None:
    chat = greeted(service)
    await die_before_answering(service, chat, QUESTION)

    assert await service.pipeline.resume() == 0  # perhaps its answerer still lives
    clock.forward(seconds=service.settings.handling_lease_s + 1)
    assert await service.pipeline.resume() == 1
    clock.forward(seconds=service.settings.handling_lease_s + 1)
    assert await service.pipeline.resume() == 0

    assert keys_said(service) == ["answer.unavailable"]


async def test_two_processes_that_resume_together_answer_once(service: Service, clock: Clock) -> None:
    chat = greeted(service)
    await die_before_answering(service, chat, QUESTION)
    clock.forward(seconds=service.settings.handling_lease_s + 1)
    other = wiring.build_service(service.settings, now=clock)

    taken = await asyncio.gather(service.pipeline.resume(), other.pipeline.resume())

    assert sum(taken) == 1
    assert keys_said(service) == ["answer.unavailable"]
    other.writer.close()
    other.store.engine.dispose()


async def test_a_slow_answerer_and_the_one_who_took_over_say_it_once(service: Service) -> None:
    chat = greeted(service)
    message_id = await die_before_answering(service, chat, QUESTION)
    await asyncio.gather(*(service.pipeline.handle(message_id) for _ in range(4)))
    assert keys_said(service) == ["answer.unavailable"]


async def test_once_a_person_owns_the_conversation_an_answer_under_way_is_not_said(
    service: Service, clock: Clock
) -> None:
    chat = greeted(service)
    await say(service, chat, "转人工")
    message_id = await die_before_answering(service, chat, QUESTION)
    lin = counsellor(service.store, service.writer)
    case_id = rows(service.store.engine, t.case_record)[0].id
    do(service.writer, lambda c: service.desk.claim(c, case_id, lin, clock()))

    await service.pipeline.handle(message_id)

    assert "answer.unavailable" not in keys_said(service)
    clock.forward(minutes=1)
    assert await service.pipeline.resume() == 0


async def test_once_danger_was_spoken_of_an_older_question_is_not_answered_any_more(service: Service) -> None:
    chat = greeted(service)
    message_id = await die_before_answering(service, chat, QUESTION)
    await say(service, chat, CRISIS)

    await service.pipeline.handle(message_id)

    assert keys_said(service) == ["safety.medium"]


async def test_messages_of_one_person_are_answered_in_their_order(small_service: Service) -> None:
    chat = greeted(small_service)
    texts = ["你好", "谢谢", "再见", "你好", "谢谢"]
    for number, text in enumerate(texts):
        await small_service.pipeline.receive(inbound(chat, text, str(number)))
    await small_service.pipeline.drain()
    assert keys_said(small_service) == ["talk.hello", "talk.thanks", "talk.exit", "talk.hello", "talk.thanks"]


async def test_an_unknown_message_is_nobodys_to_answer(small_service: Service) -> None:
    await small_service.pipeline.handle("no such message")
    assert keys_said(small_service) == []


async def test_small_talk_is_no_reason_for_a_case(small_service: Service) -> None:
    chat = greeted(small_service)
    await say(small_service, chat, SMALL_TALK)
    assert rows(small_service.store.engine, t.case_record) == []
