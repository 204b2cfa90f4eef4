"""While an article waits for other words it yields to everything: the person, people, danger, time and restarts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi import Response
from fastapi.responses import JSONResponse

from escalation.alarm import Danger
from records.outbox_rows import Lane, Pending
from settings import Settings
from tests.bot.rephrasing.conftest import PLAIN_START, House, opened
from tests.bot.rephrasing.model import GOOD, TITLE, Model, completion
from tests.building import CRISIS, SMALL_TALK, Clock, counsellor, deliver, do
from triage.risk import Level
from triage.screen import Screener

pytestmark = pytest.mark.anyio


class Pause:
    """A model that is asked and answers when the test says so."""

    def __init__(self) -> None:
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> Response:
        self.asked.set()
        await self.goes_on.wait()
        return JSONResponse(completion(GOOD))


async def waiting(house: House, name: str = "visitor") -> tuple[str, Pause]:
    """A person whose article waits, and the model that has it."""
    pause = Pause()
    house.model.answers = [pause]
    person = house.person(name)
    await house.asks(person)
    async with asyncio.timeout(20):
        await pause.asked.wait()
    await deliver(house.service)
    assert house.said(person) == []
    return person, pause


async def end(house: House, pause: Pause) -> None:
    pause.goes_on.set()
    await house.service.pipeline.drain()
    await deliver(house.service)


async def test_when_the_limit_is_over_the_article_goes_out_and_late_words_are_dropped(each_house: House) -> None:
    person, pause = await waiting(each_house)
    each_house.clock.forward(seconds=3)
    await deliver(each_house.service)
    assert each_house.last(person).startswith(PLAIN_START)
    await end(each_house, pause)
    assert len(each_house.said(person)) == 1


async def test_words_that_come_after_the_limit_but_before_delivery_are_late_too(each_house: House) -> None:
    person, pause = await waiting(each_house)
    each_house.clock.forward(seconds=3)
    await end(each_house, pause)
    assert each_house.last(person).startswith(PLAIN_START)


async def test_whoever_writes_on_gets_the_article_at_once(each_house: House) -> None:
    person, pause = await waiting(each_house)
    await each_house.asks(person, SMALL_TALK, "2")
    await deliver(each_house.service)
    assert each_house.said(person)[0].startswith(PLAIN_START)
    assert len(each_house.said(person)) == 2
    await end(each_house, pause)
    assert not any("改写" in words for words in each_house.said(person))


async def test_words_of_safety_wait_for_nothing(each_house: House) -> None:
    person, pause = await waiting(each_house)
    await each_house.asks(person, CRISIS, "2")
    await deliver(each_house.service)
    assert "真人" in each_house.said(person)[0]
    await end(each_house, pause)
    assert not any("改写" in words for words in each_house.said(person))


async def test_a_case_that_opens_meanwhile_leaves_the_article_as_it_was(each_house: House) -> None:
    person, pause = await waiting(each_house)
    service = each_house.service

    def open_case(connection: Any) -> None:
        conversation = service.store.conversations.get(connection, person, lock=True)
        assert conversation is not None
        danger = Danger(Level.LOW, "asked_for_person", "", ())
        service.alarm.raise_case(connection, conversation, danger, service.now())

    do(service.writer, open_case)
    await end(each_house, pause)
    assert not any("改写" in words for words in each_house.said(person))


async def test_a_counsellor_who_takes_over_neither_waits_nor_is_talked_over(each_house: House) -> None:
    person, pause = await waiting(each_house)
    service = each_house.service
    lin = counsellor(service.store, service.writer)
    each_house.change(person, epoch=1, owner_id=lin.id)
    words = Pending(person, "web", Lane.REPLY, "counsellor", 1, "plain", text="我是林老师。", origin_id=lin.id)
    do(service.writer, lambda c: service.store.outbox.add(c, words, service.now()))
    await deliver(service)
    assert each_house.said(person) == ["我是林老师。"]
    await end(each_house, pause)
    assert each_house.said(person) == ["我是林老师。"]


@pytest.mark.parametrize("change", [{"level": 2}, {"epoch": 2}])
async def test_what_changed_meanwhile_counts(house: House, change: dict[str, int]) -> None:
    person, pause = await waiting(house)
    house.change(person, **change)
    await end(house, pause)
    assert not any("改写" in words for words in house.said(person))


async def test_other_people_do_not_wait(house: House) -> None:
    person, pause = await waiting(house)
    other = house.person("other")
    await house.asks(other, TITLE, "2")
    async with asyncio.timeout(20):
        while not house.said(other):
            await asyncio.sleep(0.01)
            await deliver(house.service)
    assert "改写" in house.last(other)
    assert house.said(person) == []
    await end(house, pause)


async def test_a_restart_in_between_sends_the_article(
    settings: Settings, clock: Clock, compiled_rules: Screener, model: Model, index_folder: Path
) -> None:
    async with opened(settings, clock, compiled_rules, model, index_folder) as house:
        person, _ = await waiting(house)
    clock.forward(seconds=3)
    async with opened(settings, clock, compiled_rules, model, index_folder) as house:
        await deliver(house.service)
        assert house.last(person).startswith(PLAIN_START)
        assert len(house.said(person)) == 1


async def test_a_model_switched_off_in_between_leaves_the_article(
    settings: Settings, clock: Clock, compiled_rules: Screener, model: Model, index_folder: Path
) -> None:
    async with opened(settings, clock, compiled_rules, model, index_folder) as house:
        person, _ = await waiting(house)
    clock.forward(seconds=3)
    async with opened(
        settings, clock, compiled_rules, model, index_folder, generation_url="", generation_model="", generation_key=""
    ) as house:
        assert house.service.pipeline.rephrasing is None
        await deliver(house.service)
        assert house.last(person).startswith(PLAIN_START)
