"""WeChat in trouble: away, slow, busy, out of quota, with a token that ended; tried again, or given up loudly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi import Response

from records import tables as t
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wechat.people import chat, contact, dead, left, meet, reply, soon, take_over, words
from tests.bot.channels.wechat_platform import AES_KEY, TOKEN, openid
from tests.bot.channels.wechat_rig import WeChatRig
from tests.building import EMERGENCY, rows

pytestmark = pytest.mark.anyio


async def row_of(rig: WeChatRig, person: str) -> Any:
    """What waits for this person after a failed try."""
    found = await soon(
        lambda: [
            row
            for row in rows(rig.site.service.store.engine, t.outbox, conversation_id=chat(rig, person), state="pending")
            if row.due_at > row.made_at
        ]
    )
    return found[0]


@pytest.mark.parametrize("trouble", [Trouble.DOWN, Trouble.SLOW])
async def test_what_the_platform_did_not_take_is_sent_when_it_is_back(
    rig: WeChatRig, person: str, trouble: Trouble
) -> None:
    seat, case_id = await take_over(rig, person)
    rig.trouble(trouble)
    await reply(seat, case_id, "我在")
    row = await row_of(rig, person)
    assert row.attempts == 1
    assert rig.seen(person) == []

    rig.trouble(Trouble.NONE)
    rig.platform.now.forward(seconds=5)
    await soon(lambda: rig.seen(person) == ["我在"])


@pytest.mark.parametrize(("retry_after", "wait_s"), [("", 5), ("17", 17), ("a while", 10)])
async def test_when_the_platform_asks_us_to_wait_we_wait_so_long_and_no_longer(
    rig: WeChatRig, person: str, retry_after: str, wait_s: int
) -> None:
    seat, case_id = await take_over(rig, person)
    if not retry_after:
        rig.trouble(Trouble.THROTTLED)
    else:
        rig.platform.raw.append(Response(status_code=429, headers={"Retry-After": retry_after}))
    await reply(seat, case_id, "我在")
    row = await row_of(rig, person)
    assert row.due_at - row.made_at == timedelta(seconds=wait_s)
    assert row.attempts == 0  # waiting is no failure
    rig.platform.now.forward(seconds=wait_s)
    await soon(lambda: rig.seen(person) == ["我在"])


@pytest.mark.parametrize(
    ("trouble", "code", "reason", "unreachable"),
    [
        (Trouble.QUOTA, None, "used_up", ""),
        (Trouble.BLOCKED, None, "left", "left"),
        (Trouble.NONE, 45015, "closed", ""),
        (Trouble.NONE, 40003, "blocked", "blocked"),
        (Trouble.NONE, 45002, "refused", ""),
        (Trouble.NONE, 48001, "closed", ""),
    ],
)
async def test_what_the_platform_refuses_for_good_is_given_up_loudly(
    rig: WeChatRig, person: str, trouble: Trouble, code: int | None, reason: str, unreachable: str
) -> None:
    seat, case_id = await take_over(rig, person)
    rig.trouble(trouble)
    rig.platform.errors |= {openid(person): code} if code else {}
    await reply(seat, case_id, "我在")
    assert await soon(lambda: dead(rig, person)) == [reason]
    assert contact(rig, person).unreachable == unreachable
    told = rows(rig.site.service.store.engine, t.event, kind="undelivered", conversation_id=chat(rig, person))
    assert len(told) == 1
    assert (left(rig, person) == 0) is (reason in ("used_up", "closed"))


async def test_who_writes_again_can_be_reached_again(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    rig.trouble(Trouble.BLOCKED)
    await reply(seat, case_id, "我在")
    await soon(lambda: contact(rig, person).unreachable == "left")
    rig.trouble(Trouble.NONE)
    await rig.post(person, 2, "我回来了")
    assert contact(rig, person).unreachable == ""
    await reply(seat, case_id, "欢迎回来")
    await soon(lambda: rig.seen(person) == ["欢迎回来"])


@pytest.mark.parametrize("code", [-1, 50001, 50002])
async def test_a_platform_that_is_busy_with_itself_is_tried_again(rig: WeChatRig, person: str, code: int) -> None:
    seat, case_id = await take_over(rig, person)
    rig.platform.errors[openid(person)] = code
    await reply(seat, case_id, "我在")
    assert (await row_of(rig, person)).attempts == 1
    rig.platform.now.forward(seconds=5)
    await soon(lambda: rig.seen(person) == ["我在"])


async def test_a_token_that_expired_is_renewed_and_nothing_is_lost(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    asked = rig.platform.calls["/cgi-bin/stable_token"]
    rig.trouble(Trouble.TOKEN_EXPIRED)
    await reply(seat, case_id, "我在")
    await soon(lambda: rig.seen(person) == ["我在"])
    assert rig.platform.calls["/cgi-bin/stable_token"] == asked + 1


async def test_a_token_is_renewed_before_it_ends(rig: WeChatRig) -> None:
    channel: Any = rig.site.service.outbox.channels["wechat"]
    rig.platform.media["p1"] = ("image/jpeg", b"x")
    await channel.fetch("p1")
    calls = rig.platform.calls.copy()
    rig.platform.now.forward(seconds=7200 - 299)
    await channel.fetch("p1")
    assert rig.platform.calls["/cgi-bin/stable_token"] == calls["/cgi-bin/stable_token"] + 1
    assert rig.platform.calls["/cgi-bin/media/get"] == calls["/cgi-bin/media/get"] + 1  # no call failed before


async def test_while_the_platform_is_away_safety_still_comes_in_the_answer_to_the_call(
    rig: WeChatRig, person: str
) -> None:
    await meet(rig, person)
    rig.trouble(Trouble.DOWN)
    await rig.post(person, 1, EMERGENCY)
    assert rig.seen(person) == [words(rig, "safety.emergency")]


async def test_nothing_of_a_person_stands_in_the_log(
    rig: WeChatRig, person: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seat, case_id = await take_over(rig, person)
    rig.platform.errors[openid(person)] = 45002
    await rig.post(person, 2, "我叫王小明，住在学府路9号")
    await reply(seat, case_id, "小明你好")
    await soon(lambda: dead(rig, person))
    await rig.forge(person, 3, "伪造的话")
    logged = "".join(capsys.readouterr())
    assert "45002" in logged
    for secret in (openid(person), "王小明", "小明你好", "伪造", TOKEN, AES_KEY, *rig.platform.tokens):
        assert secret not in logged
