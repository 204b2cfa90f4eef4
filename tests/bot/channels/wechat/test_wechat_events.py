"""Who comes to the account, leaves it or presses its menu; and the menu itself."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from bot.channels.wechat_api import menu
from records import tables as t
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wechat.people import chat, contact, meet, said, soon, texts, words
from tests.bot.channels.wechat_platform import EVENTS
from tests.bot.channels.wechat_rig import WeChatRig
from tests.building import rows

pytestmark = pytest.mark.anyio
SILENT = sorted(set(EVENTS) - {"event-subscribe", "event-subscribe-by-code", "event-scan", "event-click"})


@pytest.mark.parametrize("event", SILENT)
async def test_an_event_that_says_nothing_is_accepted_and_kept_by_nobody(
    rig: WeChatRig, person: str, event: str
) -> None:  # fmt: skip
    before = time.monotonic()
    answer = await rig.call(person, 1, event)
    assert (answer.status_code, answer.text) == (200, "success")
    assert time.monotonic() - before < 3  # nobody waited for words
    assert said(rig, person) == []
    assert rig.seen(person) == []


@pytest.mark.parametrize(
    ("event", "scene"),
    [("event-subscribe", ""), ("event-subscribe-by-code", "school-17"), ("event-scan", "hospital-4")],
)
async def test_who_comes_is_greeted_at_once_and_their_code_is_known(
    rig: WeChatRig, person: str, event: str, scene: str
) -> None:
    await rig.call(person, 1, event)
    assert rig.seen(person)[0].startswith(words(rig, "greeting.first"))
    assert rig.phone(person).passive == 1
    assert said(rig, person) == []
    assert contact(rig, person).scene == scene
    (row,) = rows(rig.site.service.store.engine, t.allowance, id=chat(rig, person))
    assert (row.left, row.kept, row.until) == (3, 0, rig.platform.now() + timedelta(minutes=1))


async def test_a_greeting_that_missed_the_call_may_still_go_by_the_api(rig: WeChatRig, person: str) -> None:
    await rig.hang_up(person, 1, "event-subscribe")
    await soon(lambda: rig.seen(person))
    assert rig.phone(person).passive == 0


async def test_a_press_on_the_menu_is_as_good_as_writing(rig: WeChatRig, person: str) -> None:
    await meet(rig, person)
    await rig.call(person, 1, "event-click", EventKey="紧急求助")
    assert [(message.kind, message.body) for message in said(rig, person)] == [("text", "紧急求助")]
    assert rig.seen(person) == [words(rig, "handover.emergency_button")]
    assert rig.site.case_of(chat(rig, person))


async def test_who_leaves_cannot_be_reached_and_who_comes_back_can(rig: WeChatRig, person: str) -> None:
    await meet(rig, person)
    await rig.call(person, 1, "event-unsubscribe")
    assert contact(rig, person).unreachable == "left"
    rig.phone(person).follows = True
    rig.platform.now.forward(seconds=1)
    await rig.call(person, 2, "event-subscribe")
    assert contact(rig, person).unreachable == ""
    assert len(rig.seen(person)) == 1


async def test_an_event_that_is_told_twice_happens_once(rig: WeChatRig, person: str) -> None:
    await asyncio.gather(*(rig.call(person, 1, "event-subscribe") for _ in range(3)))
    await asyncio.gather(*(rig.call(person, 1, "event-click", EventKey="紧急求助") for _ in range(3)))
    assert texts(rig, person) == ["紧急求助"]
    assert len(said(rig, person, "bot")) == 2


async def test_two_presses_within_one_second_are_two_when_they_differ(rig: WeChatRig, person: str) -> None:
    await asyncio.gather(*(rig.call(person, 1, "event-click", EventKey=key) for key in ("心慌", "失眠怎么办")))
    assert sorted(texts(rig, person)) == ["失眠怎么办", "心慌"]


async def test_the_account_gets_our_menu_once(rig: WeChatRig) -> None:
    assert await soon(lambda: rig.platform.menu) == {"button": menu()}
    door, made = rig.site.service.doors[0], rig.platform.calls["/cgi-bin/menu/create"]
    await door.run()
    assert rig.platform.calls["/cgi-bin/menu/create"] == made  # it is there already

    rig.platform.menu = {"button": [{"type": "click", "name": "旧", "key": "旧"}]}
    await door.run()
    assert rig.platform.menu == {"button": menu()}


@pytest.mark.parametrize("trouble", [Trouble.DOWN, Trouble.SLOW, Trouble.THROTTLED])
async def test_a_menu_that_cannot_be_had_stops_nothing(rig: WeChatRig, trouble: Trouble) -> None:
    rig.trouble(trouble)
    await rig.site.service.doors[0].run()
