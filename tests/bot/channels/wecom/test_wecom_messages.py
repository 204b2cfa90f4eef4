"""Messages of people on 微信客服: every recorded kind kept, or silent, once, with its own time, however odd."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from bot.pipeline import LONGEST_BYTES
from records import tables as t
from tests.bot.channels.wecom.people import SAFETY, hears, met, texts, written_at
from tests.bot.channels.wecom_phones import ACCOUNT, PAYLOADS
from tests.bot.channels.wecom_rig import WecomRig, eventually
from tests.building import CRISIS, PLAN, SMALL_TALK, rows

pytestmark = pytest.mark.anyio
PLACE = "海珠湖公园\n广东省广州市海珠区新滘中路\n(23.1060218811035, 113.320503234863)"
KEPT = {  # recorded payload -> kind and words that we keep, and whether there is a file
    "menu_click": ("text", "失眠怎么办", False),
    "foreign_menu_click": ("text", "满意", False),
    "image": ("image", "", True),
    "voice": ("voice", "", True),
    "video": ("video", "", True),
    "file": ("file", "", True),
    "location": ("place", PLACE, False),
    "link": ("unknown", "一个人怎么熬过冬天\n写给睡不着的你\nhttps://mp.weixin.qq.com/s/invented", False),
    "business_card": ("unknown", "", False),
    "miniprogram": ("unknown", "情绪日记", False),
    "msgmenu": ("unknown", "您对本次服务是否满意呢？\n满意\n查看更多\n打开小程序\n纯文本\n欢迎再次光临", False),
    "channels_shop_product": ("unknown", "助眠香薰\n安睡小店", False),
    "channels_shop_order": ("unknown", "助眠香薰 等两件\n安睡小店", False),
    "merged_msg": ("unknown", "群聊的聊天记录\n小林：你今天还好吗\n小周：image\n小周：not json", False),
    "channels": ("unknown", "心理小课堂\n三分钟呼吸练习", False),
    "meeting": ("unknown", "家长会", False),
    "schedule": ("unknown", "复诊", False),
    "note": ("unknown", "", False),
    "unknown": ("unknown", "", False),
}
SILENT = (
    "servicer_text", "event_servicer_status_change", "event_session_status_change", "event_servicer_recall_msg",
    "event_reject_customer_msg_switch_change", "event_future_event",
)  # fmt: skip
ELSEWHERE = {"text", "event_enter_session", "event_msg_send_fail", "event_user_recall_msg"}


def test_every_recorded_payload_has_its_test() -> None:
    recorded = {path.stem for path in PAYLOADS.glob("*.json")}
    assert recorded == set(KEPT) | set(SILENT) | ELSEWHERE
    assert set(WecomRig.kinds) == set(KEPT)


async def test_a_text_is_kept_with_its_time_and_answered(rig: WecomRig, person: str) -> None:
    sent_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)
    assert await rig.post(person, 1, SMALL_TALK, sent_at=sent_at) == 200
    (message,) = rig.stored(person)
    assert (message.kind, message.body, written_at(rig, message)) == ("text", SMALL_TALK, sent_at)
    await hears(rig, person, "机器人")


@pytest.mark.parametrize("kind", KEPT)
async def test_every_kind_of_message_is_kept(rig: WecomRig, person: str, kind: str) -> None:
    wanted, words, has_file = KEPT[kind]
    assert await rig.post_kind(person, 1, kind) == 200
    (message,) = rig.stored(person)
    assert (message.kind, message.body) == (wanted, words)
    files = rows(rig.site.service.store.engine, t.attachment, message_id=message.id)
    assert len(files) == has_file


async def test_danger_in_what_somebody_forwards_is_heard(rig: WecomRig, person: str) -> None:
    item = rig.platform.item("miniprogram", person, 1)
    item["miniprogram"]["title"] = PLAN
    await rig.bring(person, item)
    await hears(rig, person, SAFETY)
    assert rig.site.case_of(rig.conversation(person))


async def test_a_repeat_changes_nothing(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    for _ in range(3):
        assert await rig.post(person, 1, "你好") == 200
    assert await rig.platform.call_back() == 200
    assert texts(rig, person) == ["你好"]
    assert len(rig.seen(person)) == 2


async def test_many_callbacks_at_once_store_each_message_once_and_ask_one_by_one(rig: WecomRig, person: str) -> None:
    platform = rig.platform
    platform.most_flying, platform.page_items = 0, 3
    wanted = [f"第{number}句" for number in range(10)]
    for number, text in enumerate(wanted):
        platform.say(person, platform.item("text", person, number, text={"content": text}))
    statuses = await asyncio.gather(*(platform.call_back() for _ in range(20)))
    await eventually(lambda: len(texts(rig, person)) == 10)
    assert set(statuses) == {200}
    assert texts(rig, person) == wanted
    assert platform.most_flying == 1


async def test_what_comes_in_the_wrong_order_is_kept_with_its_own_times(rig: WecomRig, person: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    await rig.post(person, 2, "后说的", sent_at=now)
    await rig.post(person, 1, "先说的", sent_at=now - timedelta(seconds=30))
    stored = {message.body: written_at(rig, message) for message in rig.stored(person)}
    assert stored == {"后说的": now, "先说的": now - timedelta(seconds=30)}


async def test_one_callback_is_followed_as_long_as_more_is_there_and_no_longer(rig: WecomRig, person: str) -> None:
    platform, wanted = rig.platform, ["第0句", "第1句", "第2句"]
    platform.asks_again, platform.page_items = False, 1
    for number, text in enumerate(wanted):
        platform.say(person, platform.item("text", person, number, text={"content": text}))
    before = platform.calls["sync_msg"] - platform.calls["sync_msg without token"]
    await platform.call_back()
    await eventually(lambda: texts(rig, person) == wanted)
    await eventually(lambda: platform.confirmed[ACCOUNT] == len(platform.items[ACCOUNT]))
    assert platform.calls["sync_msg"] - platform.calls["sync_msg without token"] == before + 3


async def test_a_message_of_yesterday_gets_the_honest_line(rig: WecomRig, person: str) -> None:
    await rig.post(person, 1, SMALL_TALK, sent_at=datetime.now(UTC) - timedelta(hours=23))
    await hears(rig, person, "刚刚才收到您之前发来的话")
    (message,) = rig.stored(person)
    assert message.extra["late"] is True


async def test_danger_of_yesterday_still_calls_people(rig: WecomRig, person: str) -> None:
    await rig.post(person, 1, CRISIS, sent_at=datetime.now(UTC) - timedelta(hours=23))
    assert rig.site.case_of(rig.conversation(person))
    await hears(rig, person, SAFETY)


ODD = ["\x00", "a\x00b", "\ud83d", "‮txet", "Z͑ͫ̓" * 50, "<script>", "=1+1", "🙂", " \n "]


@pytest.mark.parametrize("text", [*ODD, "长" * LONGEST_BYTES])
async def test_whatever_somebody_types_is_kept(rig: WecomRig, person: str, text: str) -> None:
    assert await rig.post(person, 1, text) == 200
    (message,) = rig.stored(person)
    assert message.body == text or (text.startswith(message.body) and message.extra["cut"])


@pytest.mark.parametrize(
    "odd",
    [None, 7, "text", [], {}, {"msgtype": "event"}, {"msgtype": "event", "event": 3}, {"msgtype": ["text"]},
     {"msgtype": "text", "origin": 3}, {"msgtype": "text", "origin": 3, "open_kfid": 5, "external_userid": {}},
     {"msgtype": "event", "event": {"event_type": "enter_session", "welcome_code": 9, "scene": 4}},
     {"msgtype": "event", "event": {"event_type": ["x"], "open_kfid": ACCOUNT, "external_userid": "a"}}],
)  # fmt: skip
async def test_what_cannot_be_understood_holds_up_nobody(rig: WecomRig, person: str, odd: Any) -> None:
    rig.platform.items[ACCOUNT].append(odd)
    await rig.post(person, 1, SMALL_TALK)
    assert texts(rig, person) == [SMALL_TALK]


@pytest.mark.parametrize(
    "odd",
    [{"msgid": None}, {"msgid": "\ud83d\x00"}, {"send_time": "soon"}, {"send_time": 10**30}, {"send_time": -1},
     {"text": None}, {"text": {"content": 5, "menu_id": 6}}, {"text": {"menu_id": "say.汉字"}}, {"origin": None},
     {"msgtype": "merged_msg", "merged_msg": {"item": [3, {"msg_content": "[" * 5000}]}},
     {"msgtype": "image", "image": {"media_id": 4}}, {"msgtype": "msgmenu", "msgmenu": {"list": {"a": 1}}}],
)  # fmt: skip
async def test_an_odd_message_is_still_kept(rig: WecomRig, person: str, odd: dict[str, Any]) -> None:
    item = rig.platform.item("text", person, 1)
    rig.platform.say(person, item)
    rig.platform.items[ACCOUNT][-1].update(odd)
    await rig.platform.call_back()
    await eventually(lambda: len(rig.stored(person)) == 1)


async def test_logs_name_nobody_and_quote_nothing(rig: WecomRig, person: str) -> None:
    with structlog.testing.capture_logs() as logs:
        await rig.bring(person, *(rig.platform.item(kind, person, kind) for kind in (*KEPT, *SILENT)))
        await rig.bring(person, rig.platform.invite(person, 1))
        await rig.post(person, 2, f"我是金丝雀，{CRISIS}")
        await hears(rig, person, SAFETY)
    assert logs
    for secret in (person, "金丝雀", "海珠湖", "ZGAtHnG4hwZ2gKDuqUv8"):
        assert secret not in str(logs)


@pytest.mark.parametrize("what", SILENT)
async def test_what_people_do_in_wecoms_own_app_is_no_message_of_the_person(
    rig: WecomRig, person: str, what: str
) -> None:
    await rig.bring(person, rig.platform.item(what, person, 1))
    assert rig.contact(person) is None
