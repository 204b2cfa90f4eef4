"""微信客服 from the person's phone to our rows and back: real sockets, the real application, a strict platform."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import structlog
from wechatpy.enterprise.crypto import WeChatCrypto

import platforms
from bot.channels import ChannelUnavailable, MediaGone, TooLarge
from bot.channels.wecom import WecomChannel, bubble, welcome_name
from bot.channels.wecom_messages import menu_id, read_batch
from bot.messages import Outbound
from bot.pipeline import LONGEST_BYTES
from records import tables as t
from records.conversations import Message
from records.store import Store
from records.writer import Writer
from settings import BadSettings, Settings
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wecom_platform import (
    ACCOUNT,
    AES_KEY,
    BOT,
    ENDED,
    NEW,
    PAYLOADS,
    POOL,
    SERVICER,
    WecomPlatform,
    WecomRig,
    eventually,
    open_rig,
    our_service,
    wecom_settings,
)  # fmt: skip
from tests.browsing import serving
from tests.building import CRISIS, NOW, PLAN, SMALL_TALK, Clock, do, heard, rows
from triage.risk import Level

pytestmark = pytest.mark.anyio
SAFETY = "值班"  # in every safety text, and in no greeting
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


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the module: one application serves most tests."""
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WecomRig]:
    async with open_rig(tmp_path_factory.mktemp("wecom")) as made:
        yield made


@pytest.fixture
async def rig(shared_rig: WecomRig) -> AsyncIterator[WecomRig]:
    """The shared application; afterwards nothing goes wrong any more and nothing is under way."""
    yield shared_rig
    shared_rig.trouble(Trouble.NONE)
    platform = shared_rig.platform
    platform.lost_callbacks, platform.asks_again, platform.page_items = False, True, 1000
    await quiet(shared_rig)


@pytest.fixture
def person() -> str:
    """Somebody whom nobody knows yet."""
    return f"wm{uuid.uuid4().hex[:28]}"


async def quiet(rig: WecomRig) -> None:
    """Wait until nothing is on its way to anybody."""
    engine = rig.site.service.store.engine
    await eventually(lambda: not rows(engine, t.outbox, state="pending") + rows(engine, t.outbox, state="sending"))


def texts(rig: WecomRig, person: str) -> list[str]:
    return [message.body for message in rig.stored(person)]


def written_at(rig: WecomRig, message: Message) -> datetime:
    (row,) = rows(rig.site.service.store.engine, t.message, id=message.id)
    found: datetime = row.sent_at
    return found


def dead_reasons(rig: WecomRig, person: str) -> list[str]:
    return [row.reason for row in rows(rig.site.service.store.engine, t.outbox, state="dead",
                                       conversation_id=rig.conversation(person))]  # fmt: skip


def told_desk(rig: WecomRig, person: str) -> list[Any]:
    return rows(rig.site.service.store.engine, t.event, kind="undelivered", conversation_id=rig.conversation(person))


def greetings(rig: WecomRig, person: str) -> int:
    return sum("您好，我是心理援助热线" in text for text in rig.seen(person))


async def hears(rig: WecomRig, person: str, words: str) -> None:
    await eventually(lambda: any(words in text for text in rig.seen(person)), words)


async def met(rig: WecomRig, person: str) -> None:
    """Somebody who wrote something and was greeted and answered."""
    await rig.post(person, 1, "你好")
    await eventually(lambda: len(heard(rig.site.service, rig.conversation(person))) == 2, "greeting and hello")


def channel(rig: WecomRig) -> WecomChannel:
    found = rig.site.service.outbox.channels["wecom"]
    assert isinstance(found, WecomChannel)
    return found


def note(rig: WecomRig) -> str | None:
    """What is on disk of a callback that was not yet followed."""
    state = channel(rig).api.state
    return do(rig.site.service.writer, lambda c: state.get(c, f"wecom.pending.{ACCOUNT}", datetime.now(UTC)))


def outbound(person: str, text: str, delivery_id: str = "row-0", **extra: Any) -> Outbound:
    return Outbound("c", "wecom", text, "bot", extra=extra, address=f"{ACCOUNT}/{person}", delivery_id=delivery_id)


# ---- the address and its callbacks
async def test_the_platforms_check_of_the_address_gets_its_word_back(rig: WecomRig) -> None:
    answer = await rig.platform.check_address("1616140317555161061")
    assert (answer.status_code, answer.text) == (200, "1616140317555161061")


@pytest.mark.parametrize("query", [{"msg_signature": "0" * 40}, {"nonce": "other"}, {"timestamp": ""}, {"echostr": ""},
                                   {"echostr": "%%%"}, {"msg_signature": "汉字"}])  # fmt: skip
async def test_a_check_that_is_not_the_platforms_is_refused(rig: WecomRig, query: dict[str, str]) -> None:
    assert (await rig.platform.check_address("word", **query)).status_code == 403


async def test_a_forged_callback_is_refused_and_fetches_nothing(rig: WecomRig) -> None:
    before = rig.platform.calls["sync_msg"]
    assert await rig.forge("nobody", 1, CRISIS) == 403
    for query in ({"msg_signature": "0" * 40}, {"timestamp": "1"}, {"nonce": "x"}):
        assert await rig.platform.deliver((PAYLOADS / "callback.xml").read_bytes(), **query) == 403
    stranger = WeChatCrypto("callback-token", AES_KEY, "wwAnotherCorp")
    assert await rig.platform.deliver((PAYLOADS / "callback.xml").read_bytes(), stranger) == 403
    assert note(rig) is None
    assert rig.platform.calls["sync_msg"] <= before + 2  # what looks every now and then


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><xml><Event>&b;</Event></xml>'


@pytest.mark.parametrize(
    "body",
    [b"", b"not xml", b"<xml>", b"<other/>", b"<xml/>", b"\xff\xfe\x00", BOMB, b"<xml><Event>kf_msg_or_event</Event></xml>",
     b"<xml><Event>kf_msg_or_event</Event><OpenKfId>a</OpenKfId><OpenKfId>b</OpenKfId><Token>t</Token></xml>"],
)  # fmt: skip
async def test_a_signed_callback_without_a_good_event_is_refused(rig: WecomRig, body: bytes) -> None:
    assert await rig.post_broken(body) in (400, 403)


@pytest.mark.parametrize("body", [b"", b"not xml", b"<xml></xml>", b"<xml><Encrypt/></xml>", b"\x00" * 100, BOMB,
                                  b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>"])  # fmt: skip
async def test_bytes_that_are_no_envelope_are_refused(rig: WecomRig, body: bytes) -> None:
    assert await rig.platform.post(body, msg_signature="x", timestamp="1", nonce="1") in (400, 403)


async def test_a_callback_of_more_than_a_mebibyte_is_refused_by_its_size(rig: WecomRig) -> None:
    assert await rig.post_broken(b"x" * (1 << 20)) == 413


async def test_a_callback_of_another_kind_is_thanked_for_and_changes_nothing(rig: WecomRig) -> None:
    assert await rig.post_broken(b"<xml><Event>change_external_contact</Event></xml>") == 200


# ---- messages
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


# ---- nothing gets lost
async def test_a_message_whose_callback_got_lost_is_found(rig: WecomRig, person: str) -> None:
    rig.platform.lost_callbacks = True
    assert await rig.bring(person, rig.platform.item("text", person, 1, text={"content": SMALL_TALK})) == 0
    await eventually(lambda: texts(rig, person) == [SMALL_TALK])


async def test_a_callback_with_a_token_that_is_too_old_is_followed_without_it(rig: WecomRig, person: str) -> None:
    rig.platform.say(person, rig.platform.item("text", person, 1, text={"content": SMALL_TALK}))
    assert await rig.platform.deliver((PAYLOADS / "callback.xml").read_bytes()) == 200
    await eventually(lambda: texts(rig, person) == [SMALL_TALK])


async def test_a_new_account_is_looked_after_from_its_first_callback_on(rig: WecomRig, person: str) -> None:
    account = "wkSecondAccount"
    await rig.post(person, 0, SMALL_TALK)
    rig.platform.say(person, rig.platform.item("text", person, 1, open_kfid=account), account=account)
    assert await rig.platform.call_back(account) == 200
    await eventually(lambda: len(rig.stored(person, account)) == 1)
    await eventually(lambda: any(sent.get("open_kfid") == account for sent in rig.platform.sent))


def test_accounts_are_remembered_by_their_names(store: Store, writer: Writer) -> None:
    state = store.channel_state
    for name in ("wecom.cursor.wk_B", "wecom.cursor.wk_A", "wecom.pending.wk_C", "wecomXcursor.wk_D"):
        do(writer, lambda c, name=name: state.put(c, name, "", NOW))
    assert do(writer, lambda c: state.names(c, "wecom.cursor.")) == ["wk_A", "wk_B"]


async def test_one_person_at_two_accounts_has_two_conversations(rig: WecomRig, person: str) -> None:
    account = "wkThirdAccount"
    await rig.post(person, 1, SMALL_TALK)
    rig.platform.say(person, rig.platform.item("text", person, 2, open_kfid=account), account=account)
    await rig.platform.call_back(account)
    await eventually(lambda: len(rig.stored(person, account)) == 1)
    assert rig.conversation(person) != rig.conversation(person, account)


async def test_a_cursor_that_went_back_changes_nothing(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    await rig.post_kind(person, 2, "voice")
    await eventually(lambda: len(rig.seen(person)) == 3)
    await quiet(rig)
    engine, state = rig.site.service.store.engine, channel(rig).api.state
    before = [len(rows(engine, table)) for table in (t.message, t.attachment, t.outbox, t.case_record)]

    do(rig.site.service.writer, lambda c: state.put(c, f"wecom.cursor.{ACCOUNT}", "c0"))
    rig.platform.confirmed.clear()
    await rig.bring(person)
    await quiet(rig)

    assert [len(rows(engine, table)) for table in (t.message, t.attachment, t.outbox, t.case_record)] == before


async def test_a_batch_that_cannot_be_stored_is_fetched_again(rig: WecomRig, person: str) -> None:
    full = (
        "CREATE TRIGGER full BEFORE INSERT ON message WHEN NEW.author = 'visitor' BEGIN SELECT RAISE(ABORT, 'x'); END"
    )
    do(rig.site.service.writer, lambda c: c.execute(sa.text(full)))
    for number in range(3):
        rig.platform.say(person, rig.platform.item("text", person, number, text={"content": f"第{number}句"}))
    before = rig.platform.calls["sync_msg"]
    assert await rig.platform.call_back() == 200
    await eventually(lambda: rig.platform.calls["sync_msg"] > before + 1)
    assert rig.contact(person) is None

    do(rig.site.service.writer, lambda c: c.execute(sa.text("DROP TRIGGER full")))
    await eventually(lambda: texts(rig, person) == ["第0句", "第1句", "第2句"])


async def test_a_restart_between_thanks_and_fetching_loses_nothing(tmp_path: Path, person: str) -> None:
    platform = WecomPlatform()
    async with serving(platform.app()) as api_url:
        async with our_service(platform, api_url, tmp_path) as rig:
            rig.trouble(Trouble.DOWN)
            assert await rig.post(person, 1, CRISIS) == 200
            assert note(rig) in platform.notes
            assert rig.contact(person) is None
        platform.trouble = Trouble.NONE
        platform.items["wkNeverHeardOf"] = [platform.item("text", "wmOther", 1, open_kfid="wkNeverHeardOf")]
        async with our_service(platform, api_url, tmp_path) as rig:
            await eventually(lambda: texts(rig, person) == [CRISIS])
            await hears(rig, person, SAFETY)
            await eventually(lambda: len(rig.stored("wmOther", "wkNeverHeardOf")) == 1)
            assert rig.site.case_of(rig.conversation(person))
    assert platform.asked == {ACCOUNT, "wkNeverHeardOf"}


async def test_what_cannot_be_written_down_is_not_confirmed(tmp_path: Path, person: str) -> None:
    async with open_rig(tmp_path) as rig:
        await met(rig, person)
        rig.site.service.writer.close()
        assert await rig.platform.call_back() == 503


# ---- events
async def test_who_opens_the_chat_is_greeted_once_and_it_costs_nothing(rig: WecomRig, person: str) -> None:
    await rig.bring(person, rig.platform.invite(person, 1))
    await eventually(lambda: greetings(rig, person) == 1)
    contact, sent = rig.contact(person), rig.platform.sent[-1]
    assert contact is not None
    assert contact.scene == "poster7"
    assert sent["code"] == f"code-{person}-1"
    assert sent["msgtype"] == "msgmenu"
    engine = rig.site.service.store.engine
    await quiet(rig)
    assert [row.left for row in rows(engine, t.allowance, id=rig.conversation(person))] == [5]

    await rig.post(person, 2, "你好")
    await hears(rig, person, "您好，我在")
    assert greetings(rig, person) == 1


def test_the_name_of_a_welcome_code_tells_nobody_who_it_is_for(person: str) -> None:
    assert person not in welcome_name(f"{ACCOUNT}/{person}")


async def test_a_welcome_told_twice_is_said_once(rig: WecomRig, person: str) -> None:
    item = rig.platform.invite(person, 1)
    await rig.bring(person, item, item)
    await rig.bring(person, item)
    await eventually(lambda: greetings(rig, person) == 1)
    assert len(rows(rig.site.service.store.engine, t.outbox, conversation_id=rig.conversation(person))) == 1


@pytest.mark.parametrize("has_code", [True, False])
async def test_who_cannot_be_greeted_on_opening_the_chat_is_greeted_when_they_write(
    rig: WecomRig, person: str, has_code: bool
) -> None:
    item = rig.platform.invite(person, 1, age_s=60)
    if not has_code:
        del item["event"]["welcome_code"]
    await rig.bring(person, item)
    assert rig.contact(person) is None

    await rig.post(person, 2, SMALL_TALK)
    await eventually(lambda: greetings(rig, person) == 1)


async def test_first_contact_is_greeted_once(rig: WecomRig, person: str) -> None:
    for number, text in enumerate(("你好", "在吗", "谢谢")):
        await rig.post(person, number, text)
    await hears(rig, person, "不客气")
    assert greetings(rig, person) == 1


async def test_words_that_did_not_arrive_are_told_to_the_desk(rig: WecomRig, person: str) -> None:
    await rig.post(person, 1, CRISIS)
    await hears(rig, person, SAFETY)
    await rig.bring(person, rig.platform.item("event_msg_send_fail", person, 2))

    contact = rig.contact(person)
    assert contact is not None
    assert contact.unreachable == "closed"
    assert [event.case_id for event in told_desk(rig, person)] == [rig.site.case_of(rig.conversation(person))]
    engine, case = rig.site.service.store.engine, rig.site.case_of(rig.conversation(person))
    await eventually(lambda: rows(engine, t.alert, case_id=case)[0].step > 0, "the next rung hears at once")

    await rig.post(person, 3, "我在")
    contact = rig.contact(person)
    assert contact is not None
    assert contact.unreachable == ""


async def test_a_withdrawn_message_stays_and_its_withdrawal_is_kept(rig: WecomRig, person: str) -> None:
    await rig.post(person, 2, "其实我不想说了", sent_at=datetime.now(UTC) - timedelta(minutes=10))
    before = rows(rig.site.service.store.engine, t.allowance, id=rig.conversation(person))
    await rig.bring(person, rig.platform.item("event_user_recall_msg", person, 3))

    assert [(m.kind, m.body) for m in rig.stored(person)] == [("text", "其实我不想说了"), ("unknown", "")]
    assert rig.stored(person)[-1].extra["edited"] is True
    after = rows(rig.site.service.store.engine, t.allowance, id=rig.conversation(person))
    assert after[0].until == before[0].until


@pytest.mark.parametrize("what", SILENT)
async def test_what_people_do_in_wecoms_own_app_is_no_message_of_the_person(
    rig: WecomRig, person: str, what: str
) -> None:
    await rig.bring(person, rig.platform.item(what, person, 1))
    assert rig.contact(person) is None


# ---- to the person
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


# ---- a platform in trouble
async def test_what_was_said_while_the_platform_was_away_arrives_afterwards(rig: WecomRig, person: str) -> None:
    rig.platform.say(person, rig.platform.item("text", person, 1, text={"content": CRISIS}))
    rig.trouble(Trouble.DOWN)
    assert await rig.platform.call_back() == 200
    await eventually(lambda: rig.platform.calls["sync_msg"])
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


# ---- files
async def test_a_file_is_fetched(rig: WecomRig) -> None:
    rig.platform.media["m1"] = (b"#!AMR\nvoice", "audio/amr")
    assert await channel(rig).fetch("m1") == (b"#!AMR\nvoice", "audio/amr")


@pytest.mark.parametrize("body", [b'{"mood": "low"}', b"\xff\xfe", b"[1]", b'{"errcode": "x"}'])
async def test_a_persons_own_text_file_is_no_error_of_the_platform(rig: WecomRig, body: bytes) -> None:
    rig.platform.media["m2"] = (body, "application/json")
    assert await channel(rig).fetch("m2") == (body, "application/json")


async def test_a_file_that_the_platform_no_longer_has_is_gone(rig: WecomRig) -> None:
    with pytest.raises(MediaGone):
        await channel(rig).fetch("nowhere")


async def test_a_file_larger_than_we_keep_is_refused(rig: WecomRig) -> None:
    rig.platform.media["m3"] = (b"x" * 10_000_001, "video/mp4")
    with pytest.raises(TooLarge):
        await channel(rig).fetch("m3")


async def test_a_file_that_cannot_be_had_now_can_be_had_later(rig: WecomRig) -> None:
    rig.platform.media["m4"] = (b"picture", "image/png")
    rig.trouble(Trouble.DOWN)
    with pytest.raises(ChannelUnavailable):
        await channel(rig).fetch("m4")
    rig.trouble(Trouble.NONE)
    assert await channel(rig).fetch("m4") == (b"picture", "image/png")


async def test_a_file_is_fetched_with_a_new_token_when_the_old_one_has_expired(rig: WecomRig) -> None:
    rig.platform.media["m5"] = (b"picture", "image/png")
    rig.trouble(Trouble.TOKEN_EXPIRED)
    assert await channel(rig).fetch("m5") == (b"picture", "image/png")


# ---- settings
@pytest.fixture
def outside(sqlite_store: Store, clock: Clock) -> platforms.Outside:
    return platforms.Outside(httpx.AsyncClient(), sqlite_store.channel_state, Writer(sqlite_store.engine), clock)


@pytest.mark.parametrize("name", ["CORP_ID", "SECRET", "TOKEN", "AES_KEY"])
def test_half_a_configuration_is_refused_by_name(outside: platforms.Outside, tmp_path: Path, name: str) -> None:
    settings = wecom_settings(tmp_path, "http://nowhere.test", **{f"HOTLINE_WECOM_{name}": ""})
    with pytest.raises(BadSettings, match=f"HOTLINE_WECOM_{name}"):
        platforms.open_channels(settings, outside)


@pytest.mark.parametrize("key", ["short", AES_KEY[:-1], AES_KEY + "x", "汉" * 43, "-" * 43])
def test_a_key_that_is_none_is_refused(outside: platforms.Outside, tmp_path: Path, key: str) -> None:
    with pytest.raises(BadSettings, match="HOTLINE_WECOM_AES_KEY"):
        platforms.open_channels(wecom_settings(tmp_path, "", HOTLINE_WECOM_AES_KEY=key), outside)


def test_without_settings_there_is_no_wecom(outside: platforms.Outside, sqlite_settings: Settings) -> None:
    assert set(platforms.open_channels(sqlite_settings, outside)) == {"web"}
