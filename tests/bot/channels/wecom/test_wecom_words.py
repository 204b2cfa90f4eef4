"""Words that reach a person on 微信客服: whole, once, with buttons, and only where the session is ours or new."""

from __future__ import annotations

import uuid

import pytest

from bot.channels.wecom import bubble
from bot.channels.wecom_messages import menu_id, read_batch
from records import tables as t
from tests.bot.channels.wecom.people import SAFETY, channel, dead_reasons, hears, met, outbound, texts, told_desk
from tests.bot.channels.wecom_phones import BOT, ENDED, NEW, POOL, SERVICER
from tests.bot.channels.wecom_platform import WecomPlatform
from tests.bot.channels.wecom_rig import WecomRig, eventually
from tests.building import CRISIS, NOW, rows
from triage.risk import Level

pytestmark = pytest.mark.anyio


async def test_danger_opens_a_case_and_the_safety_words_arrive(rig: WecomRig, person: str) -> None:
    await rig.post(person, 1, CRISIS)
    await hears(rig, person, SAFETY)
    case = rows(rig.site.service.store.engine, t.case_record, id=rig.site.case_of(rig.conversation(person)))
    assert case[0].level >= Level.MEDIUM


async def test_a_counsellors_words_arrive(rig: WecomRig, person: str) -> None:
    await rig.post(person, 1, CRISIS)
    await hears(rig, person, SAFETY)
    seat, case = rig.site.seat(), rig.site.case_of(rig.conversation(person))
    await seat.act(case, "claim")
    answer = await seat.act(case, "reply", reply_id=uuid.uuid4().hex, text="我是林老师，我在这里。你现在安全吗？")
    assert answer.status_code < 400
    await hears(rig, person, "我是林老师，我在这里。你现在安全吗？")


async def test_long_words_arrive_whole_in_parts_that_the_platform_takes(rig: WecomRig, person: str) -> None:
    await rig.post(person, 1, CRISIS)
    await hears(rig, person, SAFETY)
    seat, case = rig.site.seat(), rig.site.case_of(rig.conversation(person))
    await seat.act(case, "claim")
    words = "".join(f"第{number}句，慢慢来，我在听。" for number in range(80))
    await seat.act(case, "reply", reply_id=uuid.uuid4().hex, text=words)
    await eventually(lambda: words in "".join(rig.seen(person)))


async def test_pressing_a_button_says_what_the_button_stands_for(rig: WecomRig, person: str) -> None:
    await rig.post(person, 1, "你好")
    await eventually(lambda: rig.platform.phone(person).menus)
    button = rig.platform.phone(person).menus[0][0]
    assert button["content"] == "睡不着怎么办"
    text = {"content": button["content"], "menu_id": button["id"]}
    await rig.bring(person, rig.platform.item("text", person, 2, text=text))
    assert texts(rig, person) == ["你好", "失眠怎么办"]


CHOICES = [{"label": "睡不着怎么办", "text": "失眠怎么办"}, {"label": "转人工", "text": "转人工"}]


@pytest.mark.parametrize(
    ("text", "choices", "kind"),
    [
        ("问", [], "text"),
        ("问", CHOICES, "msgmenu"),
        ("长" * 341, CHOICES, "msgmenu"),
        ("长" * 342, CHOICES, "text"),
        ("问", [{"label": "长" * 42, "text": "长" * 42}], "msgmenu"),
        ("问", [{"label": "长" * 43, "text": "长" * 43}], "text"),
        ("问", [{"label": "短", "text": "长" * 31}], "msgmenu"),
        ("问", [{"label": "短", "text": "长" * 32}], "text"),
        ("问", CHOICES * 5, "msgmenu"),
        ("问", [*CHOICES * 5, CHOICES[0]], "text"),
    ],
)
def test_choices_come_as_a_menu_where_the_platform_takes_one(
    text: str, choices: list[dict[str, str]], kind: str
) -> None:
    made = bubble(text, choices)
    assert made["msgtype"] == kind
    WecomPlatform()._check_message({"msgid": "m", **made})
    shown = str(made[kind])
    for choice in choices:
        assert (choice["label"] if kind == "msgmenu" else choice["text"]) in shown


def test_choices_that_do_not_fit_below_a_long_text_are_left_out() -> None:
    words = "长" * 666
    assert bubble(words, CHOICES)["text"]["content"].startswith(words)
    assert bubble(words + "长" * 16, CHOICES)["text"]["content"] == words + "长" * 16


@pytest.mark.parametrize("text", ["失眠怎么办", "了解更多：抑郁症有哪些症状", "a/b+c=?&", "🙂"])
def test_the_id_of_a_button_carries_its_words(text: str) -> None:
    clicked = {"msgtype": "text", "origin": 3, "msgid": "m", "open_kfid": "wk", "external_userid": "wm",
               "text": {"content": "标签", "menu_id": menu_id("标签", text)}}  # fmt: skip
    (arrival,) = read_batch([clicked], NOW).arrivals
    assert arrival.text == text


@pytest.mark.parametrize(
    ("session", "reason", "after"),
    [
        (NEW, "", BOT),
        (BOT, "", BOT),
        (POOL, "refused", POOL),
        (SERVICER, "refused", SERVICER),
        (ENDED, "closed", ENDED),
    ],
)
async def test_we_speak_only_where_the_session_is_ours_or_new(
    rig: WecomRig, person: str, session: int, reason: str, after: int
) -> None:
    await met(rig, person)
    rig.platform.say(person, rig.platform.item("text", person, 2, text={"content": CRISIS}))
    rig.platform.phone(person).session = session
    tried = rig.platform.calls["send_msg"] + rig.platform.calls["service_state/trans"]
    await rig.platform.call_back()
    if reason:
        await eventually(lambda: dead_reasons(rig, person) == [reason])
        assert told_desk(rig, person)
        assert len(rig.seen(person)) == 2
        may_be_ours = session == POOL
        assert (rig.platform.calls["send_msg"] + rig.platform.calls["service_state/trans"] > tried) == may_be_ours
    else:
        await hears(rig, person, SAFETY)
    assert rig.platform.phone(person).session == after


async def test_the_same_words_sent_twice_arrive_once(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    send, said = channel(rig).send, outbound(person, "只说一次")
    assert [await send(said), await send(said)] == [True, True]
    assert rig.seen(person).count("只说一次") == 1


async def test_words_that_joined_at_the_second_try_are_not_dropped_with_the_first(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    await channel(rig).send(outbound(person, "第一句"))
    await channel(rig).send(outbound(person, "第一句\n\n第二句"))
    assert rig.seen(person)[-1] == "第一句\n\n第二句"


async def test_half_a_character_does_not_stop_a_message(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    await channel(rig).send(outbound(person, "好\ud83d的"))
    assert rig.seen(person)[-1] == "好?的"
