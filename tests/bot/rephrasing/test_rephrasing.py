"""When an article is said in other words, and what is said instead whenever anything is doubtful."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import structlog

from records import tables as t
from tests.bot.rephrasing.conftest import PLAIN_START, House
from tests.bot.rephrasing.model import DOUBTS, FAILS, GOOD, TITLE, says, status
from tests.building import CRISIS, LOW, inbound, rows
from triage.risk import Level

pytestmark = pytest.mark.anyio
SAID = GOOD.replace("[1]", "").replace("[2]", "").replace("[3]", "")


async def test_checked_words_take_the_articles_place(each_house: House) -> None:
    person = each_house.person()
    words, *rest = (await each_house.hears(person)).split("\n")
    assert words.startswith(SAID)
    assert rest[0].startswith("来源：")
    assert "人工智能改写" in rest[1]
    assert f"〈{TITLE}〉" in rest[1]
    assert len(each_house.said(person)) == 1


async def test_sentences_with_a_phone_number_never_go_out_and_stay_as_they_were(house: House) -> None:
    heard = await house.hears(house.person())
    kept = "调整两周左右仍难受，可看心理科，或拨打12356。"
    assert kept in heard
    (asked,) = house.model.asked
    assert "12356" not in str(asked)
    assert "心理科" not in str(asked)


async def test_the_message_keeps_which_article_and_which_model(house: House) -> None:
    person = house.person()
    await house.hears(person)
    (row,) = house.outbox(person)
    extra = json.loads(row.extra)
    assert (extra["article"], extra["written_by"]) == ("E010", "small-local")


@pytest.mark.parametrize("name", [name for name in FAILS if name not in ("an answer in drips", "no answer")])
async def test_whatever_fails_the_article_is_said_at_once(house: House, name: str) -> None:
    house.model.answers = [FAILS[name]]
    assert (await house.hears(house.person())).startswith(PLAIN_START)


@pytest.mark.parametrize("name", DOUBTS)
async def test_whatever_is_doubtful_the_article_is_said(house: House, name: str) -> None:
    house.model.answers = [says(DOUBTS[name])]
    heard = await house.hears(house.person())
    assert heard.startswith(PLAIN_START)
    assert "改写" not in heard


async def test_why_it_was_dropped_is_logged_by_id_without_a_word(house: House) -> None:
    house.model.answers = [says(DOUBTS["another number"])]
    with structlog.testing.capture_logs() as lines:
        await house.hears(house.person())
    (line,) = [line for line in lines if line["event"].startswith("rephrasing.")]
    assert line == {"event": "rephrasing.dropped", "log_level": "info", "article": "E010", "why": "number"}


async def test_the_persons_words_stay_here(house: House) -> None:
    await house.hears(house.person())
    assert TITLE not in str(house.model.asked)


async def test_where_the_setting_allows_it_they_go_along_masked(house: House) -> None:
    rephrasing = house.service.pipeline.rephrasing
    assert rephrasing is not None
    rephrasing.sends_question = True
    asked = "出现心理问题积极求助丢不丢人？求助丢人吗，我电话13812345678"
    await house.hears(house.person(), asked)
    (sent,) = house.model.asked
    assert "求助丢人吗" in str(sent)
    assert "13812345678" not in str(sent)


@pytest.mark.parametrize("text", ["我上初中，" + TITLE, "我今年15岁", "班主任让我来问", "我十六岁了"])
async def test_whoever_may_be_a_minor_gets_reviewed_words_only(house: House, text: str) -> None:
    person = house.person()
    await house.hears(person, text, "1")
    house.model.asked.clear()
    assert (await house.hears(person, TITLE, "2")).startswith(PLAIN_START)
    assert house.model.asked == []


@pytest.mark.parametrize(
    "title", ["抗抑郁药常识", "想死的念头会不会过去", "免费药和社区免费服务", "聊天会被记录吗、保密吗"]
)
async def test_medicine_danger_local_facts_and_promises_are_never_rephrased(house: House, title: str) -> None:
    person = house.person()
    await house.hears(person, title)
    assert house.model.asked == []
    assert all(row.due_at == row.made_at for row in house.outbox(person))


async def test_the_long_text_is_never_rephrased(house: House) -> None:
    assert (await house.hears(house.person(), f"了解更多：{TITLE}")).startswith("【")
    assert house.model.asked == []


@pytest.mark.parametrize("text", [CRISIS, "转人工"])
async def test_with_a_case_the_model_is_never_asked(house: House, text: str) -> None:
    person = house.person()
    await house.hears(person, text, "1")
    assert rows(house.service.store.engine, t.case_record)
    await house.hears(person, TITLE, "2")
    assert house.model.asked == []


@pytest.mark.parametrize("level", [level for level in Level if level >= Level.MEDIUM])
async def test_at_medium_and_above_the_model_is_never_asked(house: House, level: Level) -> None:
    person = house.person()
    receipt = await house.service.pipeline.receive(inbound(person, TITLE))
    house.change(person, level=int(level))
    await house.service.pipeline.handle(receipt.message_id)
    await house.service.pipeline.drain()
    assert house.model.asked == []


async def test_at_low_the_question_about_danger_is_not_held_back(house: House) -> None:
    person = house.person()
    await house.hears(person, LOW, "1")
    await house.asks(person, TITLE, "2")
    keys = [row.key for row in house.outbox(person)]
    assert keys[0] == "safety.low"
    assert all(row.due_at == row.made_at for row in house.outbox(person) if row.key != "plain")


async def test_after_three_failures_nobody_waits_for_the_model_for_a_minute(house: House) -> None:
    house.model.always = status(503)
    for number in range(4):
        await house.hears(house.person(f"p{number}"))
    assert len(house.model.asked) == 3
    house.clock.forward(seconds=61)
    house.model.always = says(GOOD)
    assert (await house.hears(house.person("later"))).startswith(SAID)


async def test_a_model_that_hangs_costs_less_than_the_limit(house: House) -> None:
    rephrasing = house.service.pipeline.rephrasing
    assert rephrasing is not None
    house.model.answers = [FAILS["an answer in drips"]]
    house.service.pipeline.rephrasing = replace(rephrasing, limit=rephrasing.limit / 3)
    assert (await house.hears(house.person())).startswith(PLAIN_START)
