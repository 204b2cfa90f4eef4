"""Telegram by webhook and by asking for updates: our whole service beside a strict Bot API, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from telegram.error import NetworkError

import platforms
import wiring
from bot.channels import ChannelRefused, ChannelUnavailable, MediaGone, OutOfReach, TooLarge
from bot.channels.telegram import TelegramChannel, TelegramDoor, make_bot
from bot.channels.telegram_updates import keyboard, read_update
from bot.messages import Outbound
from platforms import Outside
from records import tables as t
from records.store import Store
from records.writer import Writer
from settings import BadSettings, Settings, load_settings
from tests.bot.channels.rig import Rig, Trouble
from tests.bot.channels.telegram_platform import (
    KINDS,
    PAYLOADS,
    PUBLIC_URL,
    SECRET,
    TOKEN,
    TelegramPlatform,
    TelegramRig,
    hotline_beside,
    payload,
    telegram_rig,
    telegram_settings,
    until,
)
from tests.browsing import serving
from tests.building import CRISIS, PLAN, SMALL_TALK, Clock, counsellor, do, rows
from wiring import Service

pytestmark = pytest.mark.anyio

GREETING = "智能助手，是机器人"
HEARD = "谢谢你愿意告诉我"  # the safety words for CRISIS
SAFETY = "你现在的安全最重要"  # and for PLAN
# recorded update -> kind, text, file, what its id ends with; the person's numbers are those of the recording
READ = {
    "text": ("text", "最近总是睡不着", "", ":4101"),
    "voice": ("voice", "", "AwACAgUAAxkBAAIvoice", ":4101"),
    "audio": ("voice", "", "CQACAgUAAxkBAAIaudio", ":4101"),
    "photo": ("image", "这是我的手", "AgACAgUAAxkBAAIphoto-y", ":4101"),
    "photo_without_words": ("image", "", "AgACAgUAAxkBAAIalbum-y", ":4101"),
    "live_photo": ("video", "", "BAACAgUAAxkBAAIlive", ":4101"),
    "video": ("video", "楼顶", "BAACAgUAAxkBAAIvideo", ":4101"),
    "video_note": ("video", "", "DQACAgUAAxkBAAInote", ":4101"),
    "animation": ("video", "", "CgACAgQAAxkBAAIgif", ":4101"),
    "sticker": ("sticker", "😭", "", ":4101"),
    "sticker_without_emoji": ("sticker", "", "", ":4101"),
    "dice": ("sticker", "🎲", "", ":4101"),
    "location": ("place", "31.230391, 121.473701", "", ":4101"),
    "live_location_moves": ("place", "31.229100, 121.470000", "", ":4101:e1796090440"),
    "venue": ("place", "东方明珠 世纪大道1号 31.239702, 121.499763", "", ":4101"),
    "document": ("file", "医生给的单子", "BQACAgUAAxkBAAIdoc", ":4101"),
    "contact": ("unknown", "妈妈 +8613000000000", "", ":4101"),
    "poll": ("unknown", "我该不该去\n去\n不去", "", ":4101"),
    "story": ("unknown", "", "", ":4101"),
    "game": ("unknown", "", "", ":4101"),
    "not_known_to_us": ("unknown", "看这个", "", ":4101"),
    "pinned": ("unknown", "", "", ":4101"),
    "forwarded": ("text", "转给你看：他说他不想活了", "", ":4101"),
    "reply_with_quote": ("text", "第一个", "", ":4101"),
    "edited": ("text", "我刚才说没事，其实我想死", "", ":4101:e1796090465"),
    "press": ("text", "失眠怎么办", "", ":c2654435769000000001"),
    "press_of_a_long_text": (
        "text", "心理问题、心理障碍和精神障碍有什么不同，分别该找谁看，要不要吃药", "", ":c2654435769000000002",
    ),
    "press_of_an_old_message": ("text", "转人工", "", ":c2654435769000000003"),
    "press_without_message": ("unknown", "", "", ":c2654435769000000004"),
    "reaction": ("sticker", "👍", "", ":4099:r1796090400"),
    "reaction_taken_back": ("unknown", "", "", ":4099:r1796090400"),
    "command": ("text", "/help", "", ":4101"),
    "start_with_words": ("text", "/start 我睡不着", "", ":4101"),
    "broken_date": ("unknown", "我想死", "", ":u845112001"),
    "broken_text": ("unknown", "", "", ":u845112001"),
    "broken_photo": ("unknown", "我想死", "", ":u845112001"),
    "broken_press": ("unknown", "转人工", "", ":u845112023"),
}  # fmt: skip
NEWS = {"start": "joined", "start_by_link": "joined", "unblocked": "joined", "blocked": "left"}
GROUPS = ("group_invitation", "group_message", "group_press", "group_reaction", "channel_post")
PASSED = ("group_left", "inline_query", "poll_answer", "business_message", "broken_chat", "broken_group")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the rigs that the module's tests use together."""
    return "asyncio"


@pytest.fixture(scope="module", params=["webhook", "polling"])
async def both_rigs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with telegram_rig(tmp_path_factory.mktemp("telegram"), polls=request.param == "polling") as rig:
        yield rig


@pytest.fixture
def rig(both_rigs: TelegramRig) -> TelegramRig:
    """A rig without trouble, in either way of receiving; every test brings its own person."""
    both_rigs.trouble(Trouble.NONE)
    both_rigs.platform.refuses_updates = False
    return both_rigs


@pytest.fixture
async def platform() -> AsyncIterator[tuple[TelegramPlatform, str]]:
    """Telegram alone and its address, for tests that start and stop our service."""
    made = TelegramPlatform()
    async with serving(made.app()) as url:
        yield made, url


def contact_of(rig: TelegramRig, person: str) -> Any:
    store = rig.site.service.store
    with store.engine.connect() as connection:
        return store.contacts.find(connection, "telegram", str(rig.chat_of(person)))


def said_by(rig: TelegramRig, person: str) -> list[tuple[str, str]]:
    """Kind and text of what the person said, as the counsellor reads it."""
    return [(message.kind, message.body) for message in messages_of(rig, person)]


def messages_of(rig: TelegramRig, person: str) -> list[Any]:
    contact, store = contact_of(rig, person), rig.site.service.store
    if contact is None:
        return []
    (conversation,) = rows(store.engine, t.conversation, contact_id=contact.id)
    with store.engine.connect() as connection:
        found = store.conversations.messages(connection, conversation.id, limit=10_000)
    return [message for message in found if message.author == "visitor"]


def conversation_of(rig: TelegramRig, person: str) -> str:
    (conversation,) = rows(rig.site.service.store.engine, t.conversation, contact_id=contact_of(rig, person).id)
    return str(conversation.id)


# what an update means


@pytest.mark.parametrize("name", READ)
def test_every_message_is_read_with_its_kind_its_words_and_its_file(name: str) -> None:
    arrival = read_update(payload(name)).arrival
    assert arrival is not None
    assert (arrival.kind, arrival.text, "".join(arrival.files)) == READ[name][:3]
    assert arrival.external_id == "6180339887" + READ[name][3]
    assert arrival.address == "6180339887"


@pytest.mark.parametrize("name", NEWS)
def test_coming_and_going_are_news_of_the_person(name: str) -> None:
    arrival = read_update(payload(name)).arrival
    assert arrival is not None
    assert (arrival.kind, arrival.text) == (NEWS[name], "")


@pytest.mark.parametrize("name", GROUPS)
def test_nothing_of_a_group_or_channel_is_a_message_to_us(name: str) -> None:
    news = read_update(payload(name))
    assert news.arrival is None
    assert news.group is not None
    assert news.is_invitation is (name == "group_invitation")


@pytest.mark.parametrize("name", PASSED)
def test_what_concerns_nobody_who_talks_to_us_is_passed_over(name: str) -> None:
    news = read_update(payload(name))
    assert (news.arrival, news.group) == (None, None)


def test_every_recorded_update_is_tested() -> None:
    assert {path.stem for path in PAYLOADS.glob("*.json")} == {*READ, *NEWS, *GROUPS, *PASSED}


def test_a_link_brings_its_scene_and_a_name() -> None:
    arrival = read_update(payload("start_by_link")).arrival
    assert arrival is not None
    assert (arrival.scene, arrival.nickname) == ("school_07", "晚 风")


def test_an_edit_is_as_old_as_the_edit_and_marked() -> None:
    arrival = read_update(payload("edited")).arrival
    assert arrival is not None
    assert arrival.is_edited
    assert arrival.sent_at == datetime.fromtimestamp(1796090465, UTC)


@pytest.mark.parametrize("part", ["message", "edited_message", "callback_query", "message_reaction", "my_chat_member"])
@pytest.mark.parametrize(
    "junk",
    [
        None,
        0,
        "x",
        [],
        {},
        {"chat": None},
        {"chat": {"id": "x"}},
        {"message": 5},
        {"chat": {"id": 5, "type": 9}, "date": 10**30, "text": "\ud83d"},
    ],
)
def test_no_update_is_too_odd_to_be_read(part: str, junk: object) -> None:
    read_update({"update_id": 1, part: junk})


@pytest.mark.parametrize(
    ("label", "text", "data"),
    [
        ("睡不着怎么办", "失眠怎么办", "失眠怎么办"),
        ("字" * 21, "字" * 21, "字" * 21),
        ("字" * 22, "字" * 22, "=0"),
        ("了解更多", "了解更多：" + "字" * 30, "了解更多：" + "字" * 16),
    ],
)
def test_a_button_carries_its_text_or_a_key_to_its_label_in_64_bytes(label: str, text: str, data: str) -> None:
    made = keyboard([{"label": label, "text": text}])
    assert made is not None
    ((button,),) = made.inline_keyboard
    assert (button.text, button.callback_data) == (label, data)
    assert len(str(button.callback_data).encode()) <= 64


# receiving


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_message_is_kept_and_counted_once(rig: TelegramRig, kind: str) -> None:
    person = f"kind-{kind}"
    assert await rig.post_kind(person, 11, kind) == 200
    assert await rig.post_kind(person, 11, kind) == 200
    assert [found for found, _ in said_by(rig, person)] == [kind]
    files = rows(rig.site.service.store.engine, t.attachment, conversation_id=conversation_of(rig, person))
    assert [row.kind for row in files] == ([kind] if kind in ("voice", "image", "video", "file") else [])


async def test_what_we_cannot_read_is_kept_and_screened_and_holds_up_nobody(rig: TelegramRig) -> None:
    assert await rig.bring("odd", 21, "broken_date") == 200
    assert await rig.bring("odd", 21, "broken_chat") == 200
    assert await rig.post("odd", 22, SMALL_TALK) == 200
    assert said_by(rig, "odd") == [("unknown", "我想死"), ("text", SMALL_TALK)]
    await rig.sees("odd", HEARD)


async def test_a_first_message_is_greeted_once(rig: TelegramRig) -> None:
    assert await rig.post("new", 31, SMALL_TALK) == 200
    await rig.sees("new", GREETING)
    assert await rig.post("new", 32, "你好") == 200
    await rig.sees("new", "您好，我在")
    await rig.sees("new", GREETING)


async def test_start_is_greeted_and_its_link_remembered(rig: TelegramRig) -> None:
    assert await rig.bring("linked", 41, "start_by_link") == 200
    assert await rig.bring("linked", 41, "start_by_link") == 200
    await rig.sees("linked", GREETING)
    assert said_by(rig, "linked") == []
    assert (contact_of(rig, "linked").scene, contact_of(rig, "linked").nickname) == ("school_07", "晚 风")
    assert await rig.post("linked", 42, "你好") == 200
    await rig.sees("linked", "您好，我在")
    await rig.sees("linked", GREETING)


async def test_repeats_at_once_and_disorder_leave_every_message_once(rig: TelegramRig) -> None:
    numbers = [53, 51, 52, 51, 53, 51]
    answers = await asyncio.gather(*(rig.post("storm", number, f"第{number}句，{CRISIS}") for number in numbers))
    assert answers == [200] * 6
    assert sorted(said_by(rig, "storm")) == [("text", f"第{number}句，{CRISIS}") for number in (51, 52, 53)]
    engine = rig.site.service.store.engine
    assert len(rows(engine, t.case_record, conversation_id=conversation_of(rig, "storm"))) == 1
    await rig.sees("storm", HEARD)


async def test_an_edit_is_kept_beside_the_first_version_and_screened_again(rig: TelegramRig) -> None:
    assert await rig.post("editor", 61, "没事") == 200
    assert await rig.bring("editor", 61, "edited") == 200
    assert said_by(rig, "editor") == [("text", "没事"), ("text", "我刚才说没事，其实我想死")]
    assert messages_of(rig, "editor")[1].extra == {"edited": True}
    await rig.sees("editor", HEARD)


async def test_a_message_of_yesterday_gets_an_honest_line_and_its_danger_is_heard(rig: TelegramRig) -> None:
    yesterday = datetime.now(UTC) - timedelta(hours=23)
    assert await rig.post("late", 71, "失眠怎么办", sent_at=yesterday) == 200
    await rig.sees("late", "刚刚才收到")
    assert await rig.post("late", 72, CRISIS, sent_at=yesterday) == 200
    await rig.sees("late", HEARD)
    assert all(message.extra == {"late": True} for message in messages_of(rig, "late"))


async def test_a_pressed_button_is_its_text_and_is_acknowledged(rig: TelegramRig) -> None:
    assert await rig.post("presser", 81, SMALL_TALK) == 200
    await rig.sees("presser", GREETING)
    assert await rig.press("presser", "转人工") == 200
    await rig.sees("presser", "我正在呼叫值班老师（真人），接上后会告诉您")
    assert said_by(rig, "presser") == [("text", SMALL_TALK), ("text", "转人工")]
    await until(lambda: not rig.platform.presses)


async def test_a_press_that_telegram_lets_nobody_acknowledge_any_more_still_counts(rig: TelegramRig) -> None:
    rig.trouble(Trouble.DOWN)
    assert await rig.bring("old press", 82, "press_of_an_old_message", id="too-old") == 200
    assert said_by(rig, "old press") == [("text", "转人工")]


async def test_groups_hear_one_text_and_are_left_and_leave_no_trace(rig: TelegramRig) -> None:
    group, engine = -1001777888999, rig.site.service.store.engine
    rig.platform.left.clear()
    rig.platform.phones.pop(group, None)
    before = len(rows(engine, t.contact)), len(rows(engine, t.message, author="visitor"))
    for number, name in enumerate(("group_invitation", "group_message", "group_left"), 91):
        assert await rig.bring("member", number, name) == 200
        await until(lambda: group in rig.platform.left)
    text = rig.site.service.outbox.replies.render("talk.not_in_groups")
    assert [bubble.text for bubble in rig.platform.phones[group]] == [text]
    assert (len(rows(engine, t.contact)), len(rows(engine, t.message, author="visitor"))) == before


async def test_who_blocks_us_is_out_of_reach_until_they_come_back(rig: TelegramRig) -> None:
    assert await rig.post("leaver", 95, SMALL_TALK) == 200
    assert await rig.bring("leaver", 96, "blocked") == 200
    assert contact_of(rig, "leaver").unreachable == "left"
    now = datetime.now(UTC)
    assert await rig.bring("leaver", 97, "unblocked", sent_at=now) == 200
    assert await rig.bring("leaver", 98, "start", sent_at=now) == 200
    assert contact_of(rig, "leaver").unreachable == ""
    await rig.sees("leaver", GREETING, 2)  # the first message's and one for coming back


async def test_half_characters_and_nul_are_kept_as_they_come(rig: TelegramRig) -> None:
    odd = "\ud83d 我\x00想 \udc00 \u202e"
    assert await rig.post("naughty", 99, odd) == 200
    assert said_by(rig, "naughty") == [("text", odd)]


async def test_what_does_not_come_from_telegram_is_refused_and_leaves_nothing(rig: TelegramRig) -> None:
    before = len(rows(rig.site.service.store.engine, t.message, author="visitor"))
    assert await rig.forge("forger", 101, CRISIS) == (404 if rig.polls else 403)
    deep = b'{"update_id":1,"message":' + b"[" * 100_000
    for body in (b"", b"\xff\xfe", b"null", b"[]", b'"x"', b"{", b"{}", b'{"update_id":"x"}', b"[" * 100_000, deep):
        assert await rig.post_broken(body) == (404 if rig.polls else 400)
    assert contact_of(rig, "forger") is None
    assert len(rows(rig.site.service.store.engine, t.message, author="visitor")) == before


async def test_a_body_of_more_than_a_mebibyte_is_refused_before_it_is_read(rig: TelegramRig) -> None:
    assert await rig.post_broken(b" " * ((1 << 20) + 1)) == (404 if rig.polls else 413)


async def test_the_webhook_is_set_with_its_secret_or_taken_away(rig: TelegramRig) -> None:
    if rig.polls:
        assert rig.platform.webhook == {}
        return
    await until(lambda: bool(rig.platform.webhook))
    asked = rig.platform.webhook
    assert (asked["url"], asked["secret_token"]) == (f"{PUBLIC_URL}/telegram/webhook", SECRET)
    assert asked["max_connections"] == "40"
    assert {"message", "edited_message", "callback_query", "my_chat_member"} <= set(asked["allowed_updates"])


# sending


async def test_danger_opens_a_case_and_the_safety_words_and_the_counsellors_reach_the_person(rig: TelegramRig) -> None:
    assert await rig.post("crisis", 111, PLAN) == 200
    await rig.sees("crisis", SAFETY)
    reply = claimed(rig, "crisis")
    await rig.sees("crisis", "（真人）已接入")
    reply("我在，您慢慢说。")
    await rig.sees("crisis", "我在，您慢慢说。")
    assert await rig.post("crisis", 112, "谢谢老师") == 200
    assert said_by(rig, "crisis")[-1] == ("text", "谢谢老师")


async def test_a_long_answer_goes_out_whole_in_bubbles_that_telegram_takes(rig: TelegramRig) -> None:
    assert await rig.post("reader", 121, PLAN) == 200
    await rig.sees("reader", SAFETY)
    long = "🌧" + "我在听。" * 400
    claimed(rig, "reader")(long)
    await until(lambda: "".join(rig.seen("reader")).endswith(long))


def claimed(rig: TelegramRig, person: str) -> Callable[[str], object]:
    """A counsellor claims the person's case; gives how they reply."""
    service = rig.site.service
    case_id, who = rig.site.case_of(conversation_of(rig, person)), counsellor(service.store, service.writer, person)
    do(service.writer, lambda c: service.desk.claim(c, case_id, who, service.now()))
    return lambda text: do(
        service.writer, lambda c: service.desk.reply(c, case_id, who, text, secrets.token_hex(10), service.now())
    )


@pytest.mark.parametrize("what", [Trouble.DOWN, Trouble.SLOW, Trouble.THROTTLED])
async def test_what_telegram_does_not_take_now_arrives_later_and_once(rig: TelegramRig, what: Trouble) -> None:
    person, before = f"wait-{what.value}", rig.platform.calls["sendmessage"]
    rig.trouble(what)
    assert await rig.post(person, 131, PLAN) == 200
    await until(lambda: rig.platform.calls["sendmessage"] > before)
    assert rig.seen(person) == []
    engine = rig.site.service.store.engine
    if what is not Trouble.THROTTLED:  # that one passes by itself
        await until(lambda: any(row.attempts for row in rows(engine, t.outbox, state="pending")))
        rig.trouble(Trouble.NONE)
    await rig.sees(person, SAFETY)


async def test_a_wait_that_telegram_asks_for_is_kept_and_no_failure(rig: TelegramRig) -> None:
    engine = rig.site.service.store.engine
    rig.trouble(Trouble.THROTTLED)
    assert await rig.post("patient", 135, PLAN) == 200
    await until(lambda: rows(engine, t.rate, id="telegram")[0].paused_until is not None)
    calls, paused = rig.platform.calls["sendmessage"], rows(engine, t.rate, id="telegram")[0].paused_until
    await rig.sees("patient", SAFETY)
    assert datetime.now(UTC) >= paused
    assert rig.platform.calls["sendmessage"] == calls + 1
    assert {row.attempts for row in rows(engine, t.outbox, conversation_id=conversation_of(rig, "patient"))} == {0}


async def test_who_blocked_us_is_marked_and_the_desk_learns_what_did_not_arrive(rig: TelegramRig) -> None:
    rig.trouble(Trouble.BLOCKED)
    assert await rig.post("gone", 141, PLAN) == 200
    engine, conversation = rig.site.service.store.engine, conversation_of(rig, "gone")
    await until(lambda: any(row.state == "dead" for row in rows(engine, t.outbox, conversation_id=conversation)))
    assert contact_of(rig, "gone").unreachable == "blocked"
    assert {row.reason for row in rows(engine, t.outbox, conversation_id=conversation, state="dead")} == {"blocked"}
    assert rows(engine, t.event, kind="undelivered", conversation_id=conversation)
    rig.trouble(Trouble.NONE)
    assert await rig.post("gone", 142, "我回来了") == 200
    assert contact_of(rig, "gone").unreachable == ""


@pytest.mark.parametrize(
    ("address", "text", "error", "reason"),
    [
        ("77", "你好", OutOfReach, "blocked"),
        ("78", " ", ChannelRefused, None),
        ("78", "长" * 5000, ChannelRefused, None),
    ],
)
async def test_what_telegram_will_never_take_is_refused_for_good(
    rig: TelegramRig, address: str, text: str, error: type[ChannelRefused], reason: str | None
) -> None:
    rig.platform.chats.add(78)
    with pytest.raises(ChannelRefused) as refused:
        await channel_of(rig).send(Outbound("c", "telegram", text, "bot", address=address))
    assert type(refused.value) is error
    assert getattr(refused.value, "reason", None) == reason


async def test_a_token_that_telegram_refuses_is_our_fault_and_nobodys_end(rig: TelegramRig) -> None:
    service = rig.site.service
    bot = make_bot("1:wrong", service.settings.telegram_api_url, 1)
    channel = TelegramChannel(bot, service.http, service.store.channel_state, 5000)
    with pytest.raises(ChannelUnavailable):
        await channel.send(Outbound("c", "telegram", "你好", "bot", address="78"))
    await bot.request.shutdown()


@pytest.mark.parametrize(
    "answer", [b'{"ok":true,"result":{"text":"\xe6\x88', b"<html>502</html>", b"[]", b"{}", b"[" * 100_000]
)
def test_an_answer_that_cannot_be_read_is_a_fault_of_the_line_and_is_not_logged(
    answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NetworkError):
        make_bot(TOKEN, "http://127.0.0.1:9", 1).request.parse_json_payload(answer)
    assert caplog.text == ""


def channel_of(rig: TelegramRig) -> TelegramChannel:
    channel = rig.site.service.outbox.channels["telegram"]
    assert isinstance(channel, TelegramChannel)
    return channel


# files


async def test_a_file_is_fetched_with_its_type(rig: TelegramRig) -> None:
    rig.platform.files |= {"v": ("voice/file_7.oga", b"OggS"), "p": ("photos/file_8.jpg", b"jpg"), "x": ("x/y", b"?")}
    assert await channel_of(rig).fetch("v") == (b"OggS", "audio/ogg")
    assert await channel_of(rig).fetch("p") == (b"jpg", "image/jpeg")
    assert await channel_of(rig).fetch("x") == (b"?", "application/octet-stream")


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("videos/a.mp4", b"x" * 5001, TooLarge),  # larger than we keep
        ("videos/b.mp4", b"x" * 20_000_001, TooLarge),  # larger than the Bot API gives
        ("videos/c.mp4", b"", MediaGone),  # its link is dead
        ("", b"", ChannelUnavailable),  # Telegram's own word for a fault that may pass
    ],
)
async def test_a_file_that_does_not_come_says_why(
    rig: TelegramRig, path: str, body: bytes, error: type[Exception]
) -> None:
    rig.platform.files["f"] = (path, body)
    with pytest.raises(error) as found:
        await channel_of(rig).fetch("f")
    assert type(found.value) is error


async def test_a_file_that_telegram_does_not_know_is_gone_and_one_that_it_cannot_give_now_is_not(
    rig: TelegramRig,
) -> None:
    with pytest.raises(MediaGone):
        await channel_of(rig).fetch("never-seen")
    rig.trouble(Trouble.DOWN)
    with pytest.raises(ChannelUnavailable):
        await channel_of(rig).fetch("never-seen")


# starting, stopping, failing


def text_update(number: int, text: str, person: int = 6_123_456_789) -> dict[str, Any]:
    """A message that waits at Telegram while our service is away."""
    update = payload("text")
    update["message"] |= {"message_id": number, "text": text, "date": int(datetime.now(UTC).timestamp())}
    update["message"]["chat"]["id"] = update["message"]["from"]["id"] = person
    return update


def stored(rig: TelegramRig) -> list[str]:
    """Every visitor's words, in order."""
    store = rig.site.service.store
    with store.engine.connect() as connection:
        chats = rows(store.engine, t.conversation)
        found = [store.conversations.messages(connection, chat.id, limit=10_000) for chat in chats]
    return [message.body for messages in found for message in messages if message.author == "visitor"]


@contextlib.asynccontextmanager
async def half_running(settings: Settings) -> AsyncIterator[tuple[Service, TelegramDoor]]:
    """A service whose tasks do not run, so that a test can stop it anywhere."""
    service = wiring.build_service(settings)
    (door,) = service.doors
    assert isinstance(door, TelegramDoor)
    yield service, door
    await service.pipeline.drain()
    service.writer.close()
    service.store.engine.dispose()
    await service.http.aclose()
    await door.channel.bot.request.shutdown()


async def test_a_kill_between_storing_and_confirming_loses_and_doubles_nothing(
    platform: tuple[TelegramPlatform, str], tmp_path: Path
) -> None:
    telegram, url = platform
    telegram.queue(text_update(1, "第一句"), text_update(2, CRISIS), text_update(3, "第三句"))
    telegram.chats.add(6_123_456_789)
    async with half_running(telegram_settings(tmp_path, url, polls=True)) as (service, door):
        await door.poll()  # and here the process dies: it never asks again
        assert len(rows(service.store.engine, t.message, author="visitor")) == 3
    assert len(telegram.pending) == 3  # nothing confirmed
    async with hotline_beside(telegram, url, tmp_path, polls=True) as rig:
        assert await rig.confirmed() == 200
        assert stored(rig) == ["第一句", CRISIS, "第三句"]
        await until(lambda: any(HEARD in bubble.text for bubble in telegram.phones[6_123_456_789]))
        assert len(rows(rig.site.service.store.engine, t.case_record)) == 1


async def test_a_kill_between_receiving_and_storing_loses_nothing(
    platform: tuple[TelegramPlatform, str], tmp_path: Path
) -> None:
    telegram, url = platform
    telegram.queue(text_update(1, CRISIS))
    async with httpx.AsyncClient() as dying:
        answer = await dying.post(f"{url}/bot{TOKEN}/getUpdates", data={"allowed_updates": '["message"]'})
    assert len(answer.json()["result"]) == 1
    async with hotline_beside(telegram, url, tmp_path, polls=True) as rig:
        assert await rig.confirmed() == 200
        assert stored(rig) == [CRISIS]


async def test_a_repeat_after_a_restart_is_known(platform: tuple[TelegramPlatform, str], tmp_path: Path) -> None:
    telegram, url = platform
    update = text_update(1, CRISIS) | {"update_id": 5}
    for _ in range(2):  # the first 200 got lost
        async with hotline_beside(telegram, url, tmp_path, polls=False) as rig:
            assert await telegram.call_webhook(update) == 200
            assert stored(rig) == [CRISIS]
        telegram.webhook = {}


async def test_while_our_store_fails_nothing_is_confirmed_and_afterwards_all_is_kept(rig: TelegramRig) -> None:
    writer, platform = rig.site.service.writer, rig.platform
    update = rig.update("unlucky", 151, "text", text=CRISIS, entities=[])
    do(writer, lambda c: c.exec_driver_sql("ALTER TABLE message RENAME TO message_away"))
    if rig.polls:
        before = platform.calls["getupdates"]
        platform.queue(update)
        await until(lambda: platform.calls["getupdates"] > before + 1)  # it asked, failed and asked again
        assert len(platform.pending) == 1
    else:
        assert await platform.call_webhook(update) == 503
    do(writer, lambda c: c.exec_driver_sql("ALTER TABLE message_away RENAME TO message"))
    assert rig.polls or await platform.call_webhook(update) == 200
    assert await rig.confirmed() == 200
    assert said_by(rig, "unlucky") == [("text", CRISIS)]


async def test_hundreds_of_updates_that_waited_for_a_webhook_come_in_order_and_the_odd_ones_stop_none(
    platform: tuple[TelegramPlatform, str], tmp_path: Path
) -> None:
    telegram, url = platform
    telegram.webhook = {"url": f"{PUBLIC_URL}/telegram/webhook", "secret_token": SECRET}
    odd = [payload("broken_chat"), payload("broken_group"), payload("poll_answer"), {"hologram": {"depth": 3}}]
    waiting = [text_update(number, f"第{number}句") for number in range(250)]
    telegram.queue(*odd[:2], *waiting[:150], *odd, *waiting[150:])
    async with hotline_beside(telegram, url, tmp_path, polls=True) as rig:
        assert await rig.confirmed() == 200
        assert stored(rig) == [f"第{number}句" for number in range(250)]


@pytest.mark.parametrize("both_rigs", ["polling"], indirect=True)
async def test_two_processes_that_ask_at_once_back_off_and_nothing_is_lost(rig: TelegramRig) -> None:
    calls, before = rig.platform.calls, rig.platform.calls["getupdates"]
    async with httpx.AsyncClient() as rival:
        for _ in range(20):
            query = {"allowed_updates": '["message"]', "timeout": "0"}
            await rival.post(f"{rig.site.service.settings.telegram_api_url}/bot{TOKEN}/getUpdates", data=query)
    assert calls["getupdates"] - before - 20 < 10
    assert await rig.post("rival", 161, CRISIS) == 200
    assert said_by(rig, "rival") == [("text", CRISIS)]


@pytest.mark.parametrize("both_rigs", ["polling"], indirect=True)
async def test_telegram_may_begin_to_count_anew(rig: TelegramRig) -> None:
    for number, first in enumerate((900_000_000, 1000, 2000), 171):
        rig.platform.count_from(first)
        assert await rig.post("anew", number, f"第{number}句") == 200
    assert said_by(rig, "anew") == [("text", f"第{number}句") for number in (171, 172, 173)]


@pytest.mark.parametrize("polls", [True, False])
async def test_we_start_while_telegram_is_away_and_receive_once_it_is_back(
    platform: tuple[TelegramPlatform, str], tmp_path: Path, polls: bool
) -> None:
    telegram, url = platform
    telegram.refuses_updates = True
    async with hotline_beside(telegram, url, tmp_path, polls=polls) as rig:
        await until(lambda: telegram.calls["deletewebhook" if polls else "setwebhook"] > 1)
        telegram.refuses_updates = False
        assert await rig.post("patient", 1, CRISIS) == 200
        assert stored(rig) == [CRISIS]


# settings


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"SECRET": SECRET}, "HOTLINE_TELEGRAM_TOKEN"),
        ({"TOKEN": "xindeng_bot"}, "HOTLINE_TELEGRAM_TOKEN"),
        ({"TOKEN": TOKEN, "SECRET": "不行"}, "HOTLINE_TELEGRAM_SECRET"),
        ({"TOKEN": TOKEN, "SECRET": SECRET}, "HOTLINE_PUBLIC_URL"),
    ],
)
def test_half_a_channel_does_not_start_and_says_what_to_do(given: dict[str, str], words: str, outside: Outside) -> None:
    settings = load_settings({f"HOTLINE_TELEGRAM_{name}": value for name, value in given.items()})
    with pytest.raises(BadSettings, match=words):
        platforms.open_channels(settings, outside)


def test_without_a_token_there_is_no_telegram(outside: Outside) -> None:
    assert set(platforms.open_channels(load_settings({}), outside)) == {"web"}


async def test_no_object_shows_the_token_or_the_secret(rig: TelegramRig) -> None:
    shown = repr(rig.site.service.doors)
    assert "TelegramDoor" in shown
    assert TOKEN not in shown
    assert SECRET not in shown


@pytest.fixture
def outside(sqlite_store: Store) -> Iterator[Outside]:
    writer = Writer(sqlite_store.engine)
    yield Outside(httpx.AsyncClient(), sqlite_store.channel_state, writer, Clock())
    writer.close()
