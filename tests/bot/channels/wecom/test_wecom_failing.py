"""微信客服 in trouble: away, slow, busy, out of quota, refused by the person, with a token that ended."""

from __future__ import annotations

import time

import pytest

from bot.channels import ChannelUnavailable
from records import tables as t
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wecom.people import SAFETY, channel, dead_reasons, hears, met, outbound, told_desk
from tests.bot.channels.wecom_rig import WecomRig, eventually
from tests.building import CRISIS, heard, rows

pytestmark = pytest.mark.anyio


async def test_what_was_said_while_the_platform_was_away_arrives_afterwards(rig: WecomRig, person: str) -> None:
    rig.platform.say(person, rig.platform.item("text", person, 1, text={"content": CRISIS}))
    rig.trouble(Trouble.DOWN)
    before = rig.platform.calls.total()
    assert await rig.platform.call_back() == 200
    await eventually(lambda: rig.platform.calls.total() > before)
    rig.trouble(Trouble.NONE)
    await hears(rig, person, SAFETY)


async def test_words_that_a_slow_platform_took_after_all_arrive_once(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    rig.trouble(Trouble.SLOW)
    begun = time.monotonic()
    with pytest.raises(ChannelUnavailable):
        await channel(rig).send(outbound(person, "慢慢来"))
    assert time.monotonic() - begun < 4
    rig.trouble(Trouble.NONE)
    assert await channel(rig).send(outbound(person, "慢慢来"))
    assert rig.seen(person).count("慢慢来") == 1


async def test_other_people_on_the_web_are_served_while_wecom_is_slow(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    rig.trouble(Trouble.SLOW)
    rig.platform.say(person, rig.platform.item("text", person, 2, text={"content": CRISIS}))
    await rig.platform.call_back()
    visitor = await rig.site.visitor()
    begun = time.monotonic()
    await visitor.post(CRISIS, "m1")
    await eventually(
        lambda: any(SAFETY in message.body for message in heard(rig.site.service, visitor.conversation_id))
    )
    assert time.monotonic() - begun < 2
    rig.trouble(Trouble.NONE)
    await hears(rig, person, SAFETY)


async def test_a_platform_that_asks_us_to_wait_is_obeyed_and_it_is_no_failure(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    before = rig.platform.calls["send_msg"]
    rig.trouble(Trouble.THROTTLED)
    await rig.post(person, 2, CRISIS)
    await eventually(lambda: rig.platform.calls["send_msg"] == before + 1)
    asked = time.monotonic()
    await hears(rig, person, SAFETY)
    assert time.monotonic() - asked > 4
    row = rows(rig.site.service.store.engine, t.outbox, conversation_id=rig.conversation(person))[-1]
    assert row.attempts == 0


async def test_a_used_up_allowance_is_a_dead_letter_and_the_ledger_knows(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    rig.trouble(Trouble.QUOTA)
    await rig.post(person, 2, CRISIS)
    await eventually(lambda: dead_reasons(rig, person) == ["used_up"])
    (row,) = rows(rig.site.service.store.engine, t.allowance, id=rig.conversation(person))
    assert row.left == 0
    assert told_desk(rig, person)


async def test_a_person_who_refuses_our_messages_is_known_to_be_unreachable(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    rig.trouble(Trouble.BLOCKED)
    await rig.post(person, 2, CRISIS)
    await eventually(lambda: (contact := rig.contact(person)) and contact.unreachable == "blocked")
    assert told_desk(rig, person)[0].case_id == rig.site.case_of(rig.conversation(person))


async def test_a_token_that_expired_is_renewed_once(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    before = rig.platform.calls["gettoken"]
    rig.trouble(Trouble.TOKEN_EXPIRED)
    await rig.post(person, 2, CRISIS)
    await hears(rig, person, SAFETY)
    assert rig.platform.calls["gettoken"] == before + 1
