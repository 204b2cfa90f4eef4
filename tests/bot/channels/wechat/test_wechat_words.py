"""Words that reach a person on WeChat: in the answer to a call, by the API, and after the window by a template."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from bot.dialogue import TOPIC_BUTTONS
from bot.messages import Outbound
from records import tables as t
from tests.bot.channels.wechat.people import chat, dead, left, meet, reply, said, soon, take_over, texts, words
from tests.bot.channels.wechat_platform import TEMPLATE, openid, standing
from tests.bot.channels.wechat_rig import WeChatRig, running, wechat_settings
from tests.building import CRISIS, EMERGENCY, SMALL_TALK, rows

pytestmark = pytest.mark.anyio


async def test_the_first_contact_is_greeted_once_and_may_press_a_topic(rig: WeChatRig, person: str) -> None:
    await rig.post(person, 1, SMALL_TALK)
    await soon(lambda: len(rig.seen(person)) == 2)
    greeting, answer = rig.seen(person)
    assert greeting == "\n".join((words(rig, "greeting.first"), *(c["label"] for c in TOPIC_BUTTONS["choices"])))
    assert answer.startswith(words(rig, "answer.unavailable"))
    assert rig.phone(person).choices == {choice["label"]: choice["text"] for choice in TOPIC_BUTTONS["choices"]}
    assert rig.phone(person).passive == 1

    await rig.call(person, 2, "text-from-choice", Content=rig.phone(person).choices["转人工"])
    assert rig.seen(person)[2:] == [words(rig, "handover.called")]


async def test_danger_opens_a_case_and_safety_comes_in_the_answer_to_the_call(rig: WeChatRig, person: str) -> None:
    answer = await rig.call(person, 1, Content=EMERGENCY)
    assert rig.opened(answer.text)["Content"] == words(rig, "safety.emergency")
    assert rig.seen(person) == [words(rig, "safety.emergency")]
    case = rows(rig.site.service.store.engine, t.case_record, conversation_id=chat(rig, person))[0]
    assert (case.level, case.state) == (4, "new")
    await soon(lambda: said(rig, person, "bot"))
    assert (rig.phone(person).left, left(rig, person)) == (5, 5)  # it counted against nothing


async def test_a_counsellors_words_reach_the_person(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    await reply(seat, case_id, "我是林老师，我在")
    await soon(lambda: rig.seen(person) == ["我是林老师，我在"])
    assert rig.phone(person).left == 3  # of five: somebody came, and spoke
    await soon(lambda: left(rig, person) == 3)


async def test_what_a_counsellor_says_while_a_call_waits_goes_out_in_its_answer(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    before = rig.phone(person).passive

    async def answer_when_it_is_read() -> None:
        await soon(lambda: "您在吗" in texts(rig, person))
        await reply(seat, case_id, "我在，您说")

    await asyncio.gather(rig.post(person, 2, "您在吗"), answer_when_it_is_read())
    assert rig.seen(person) == ["我在，您说"]
    assert rig.phone(person).passive == before + 1
    assert rig.phone(person).left == 5


async def test_a_call_that_nobody_answers_ends_before_the_platform_gives_up(rig: WeChatRig, person: str) -> None:
    await take_over(rig, person)
    before = time.monotonic()
    answer = await rig.call(person, 2, Content="谢谢老师")
    assert (answer.status_code, answer.text) == (200, "success")
    assert 3.5 < time.monotonic() - before < 5


async def test_when_the_line_breaks_the_words_go_by_the_api(rig: WeChatRig, person: str) -> None:
    await meet(rig, person)
    before = rig.phone(person).passive
    await rig.hang_up(person, 1, Content=CRISIS)
    await soon(lambda: rig.seen(person) == [words(rig, "safety.medium")])
    assert rig.phone(person).passive == before
    assert texts(rig, person) == [CRISIS]


async def test_a_line_that_breaks_while_it_waits_takes_no_words(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    await rig.hang_up(person, 2, Content="您在吗")
    await soon(lambda: "您在吗" in texts(rig, person))
    await reply(seat, case_id, "我在，您说")
    await soon(lambda: rig.seen(person) == ["我在，您说"])


async def test_without_the_api_the_answer_to_a_call_is_all_there_is(poor_rig: WeChatRig, person: str) -> None:
    await poor_rig.call(person, 0, "event-subscribe")
    await poor_rig.call(person, 1, Content="转人工")
    assert len(poor_rig.seen(person)) == 2
    seat, case_id = poor_rig.site.seat(), poor_rig.site.case_of(chat(poor_rig, person))
    await seat.act(case_id, "claim")
    await soon(lambda: dead(poor_rig, person))
    assert dead(poor_rig, person) == ["closed"]
    assert sum(poor_rig.platform.calls.values()) == 0

    async def answer_when_it_is_read() -> None:
        await soon(lambda: "在吗" in texts(poor_rig, person))
        await reply(seat, case_id, "我是林老师，我在")

    await asyncio.gather(poor_rig.post(person, 2, "在吗"), answer_when_it_is_read())
    assert poor_rig.seen(person)[2:] == ["我是林老师，我在"]
    assert dead(poor_rig, person) == ["closed"]


async def test_nobody_can_slip_a_link_into_a_bubble(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    await reply(seat, case_id, '看这里 <a href="https://evil.example">点我</a> < A href=x> 1<2')
    await soon(lambda: rig.seen(person))
    (shown,) = rig.seen(person)  # the phone itself refuses foreign links
    assert "点我" in shown
    assert "1<2" in shown


async def test_a_long_text_comes_in_several_bubbles_in_order(rig: WeChatRig, person: str) -> None:
    seat, case_id = await take_over(rig, person)
    long = "".join(f"第{number}句话，慢慢呼吸。" for number in range(150))
    await reply(seat, case_id, long)
    await soon(lambda: "".join(rig.seen(person)) == long)
    assert all(len(text.encode()) <= 2000 for text in rig.seen(person))
    assert len(rig.seen(person)) == 3


async def test_the_line_after_the_window_goes_out_as_a_template_message(tmp_path: Path) -> None:
    async with standing() as platform:
        settings = wechat_settings(tmp_path, platform.address, HOTLINE_WECHAT_TEMPLATE_ID=TEMPLATE)
        async with running(settings, platform) as rig:
            await rig.post("away", 1, "你好")
            channel = rig.site.service.outbox.channels["wechat"]
            assert channel.rules.knocks
            line = Outbound(
                "c", "wechat", "您有新的回复，请点开查看", "system", extra={"knock": True}, address=openid("away")
            )
            assert not await channel.send(line)
            assert rig.phone("away").templates == ["您有新的回复，请点开查看"]


async def test_an_account_without_a_template_does_not_knock(tmp_path: Path) -> None:
    async with standing() as platform, running(wechat_settings(tmp_path, platform.address), platform) as rig:
        assert not rig.site.service.outbox.channels["wechat"].rules.knocks
