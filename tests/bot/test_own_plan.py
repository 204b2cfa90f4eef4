"""The person's own plan by one word: at every level, whoever serves, never instead of screening."""

from __future__ import annotations

import pytest

from bot.own_plan import INTENT
from records import tables as t
from records.safety_plans import SafetyPlan
from tests.building import (
    CRISIS,
    EMERGENCY,
    LOW,
    SMALL_TALK,
    Clock,
    counsellor,
    deliver,
    do,
    greeted,
    heard,
    rows,
    say,
)
from wiring import Service

pytestmark = pytest.mark.anyio
PARTS = {"signs": "睡不着，翻旧照片", "own": "去楼下走一圈"}


def contact_of(service: Service, chat: str) -> str:
    return str(rows(service.store.engine, t.conversation, id=chat)[0].contact_id)


def give(service: Service, chat: str, parts: dict[str, str] = PARTS) -> None:
    plan = SafetyPlan(parts, "lin", "c1", service.now())
    do(service.writer, lambda c: service.store.safety_plans.add(c, contact_of(service, chat), plan))


async def told(service: Service, chat: str) -> list[str]:
    await deliver(service)
    return [message.body for message in heard(service, chat)]


@pytest.mark.parametrize("word", ["我的安全计划", "安全计划", "安全計劃", "“安全计划”！"])
@pytest.mark.parametrize("before", [SMALL_TALK, LOW, CRISIS, EMERGENCY])
async def test_the_plan_comes_back_at_every_level(service: Service, word: str, before: str) -> None:
    chat = greeted(service)
    give(service, chat)
    await say(service, chat, before, "m1")
    await say(service, chat, word, "m2")
    assert any(
        "1. 我的预警信号\n睡不着，翻旧照片\n\n2. 我自己能做的\n去楼下走一圈" in text
        for text in await told(service, chat)
    )


async def test_it_comes_back_while_a_counsellor_serves_and_while_the_contact_is_blocked(service: Service) -> None:
    chat = greeted(service)
    give(service, chat)
    await say(service, chat, CRISIS, "m1")
    case_id = rows(service.store.engine, t.case_record)[0].id
    lin, now = counsellor(service.store, service.writer), service.now()
    do(service.writer, lambda c: service.desk.claim(c, case_id, lin, now))
    do(service.writer, lambda c: service.store.contacts.change(c, contact_of(service, chat), blocked_at=now))
    await say(service, chat, "我的安全计划", "m2")
    assert any("去楼下走一圈" in text for text in await told(service, chat))


async def test_the_word_is_screened_like_any_other(service: Service) -> None:
    chat = greeted(service)
    give(service, chat)
    receipt = await say(service, chat, "我的安全计划", "m1")
    assert rows(service.store.engine, t.assessment, message_id=receipt.message_id)
    assert not receipt.needs_answer


async def test_a_word_about_a_plan_of_death_is_none(service: Service) -> None:
    for text in ("我的计划", "我有计划了", "我的自杀计划"):
        assert service.pipeline.intents.of(text) != INTENT


async def test_without_a_plan_they_hear_how_to_get_one(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, "我的安全计划")
    assert any("还没有您的安全计划" in text for text in await told(service, chat))


async def test_the_newest_version_counts_also_from_another_channel(service: Service, clock: Clock) -> None:
    chat, other = greeted(service, "one"), greeted(service, "other", channel="web")
    give(service, chat)
    clock.forward(hours=1)
    give(service, other, {"own": "给表姐打电话"})
    await say(service, chat, "我的安全计划", "m1")
    assert not any("表姐" in text for text in await told(service, chat))  # not linked: somebody else's
    clock.forward(minutes=2)
    do(service.writer, lambda c: service.store.links.join(c, contact_of(service, chat), contact_of(service, other)))
    await say(service, chat, "我的安全计划", "m2")
    assert any("给表姐打电话" in text for text in await told(service, chat))


async def test_within_a_minute_it_is_not_said_twice(service: Service, clock: Clock) -> None:
    chat = greeted(service)
    give(service, chat)
    for number in range(30):
        await say(service, chat, "我的安全计划", f"m{number}")
    assert sum("去楼下走一圈" in text for text in await told(service, chat)) == 1
    clock.forward(minutes=2)
    await say(service, chat, "我的安全计划", "later")
    assert sum("去楼下走一圈" in text for text in await told(service, chat)) == 2
