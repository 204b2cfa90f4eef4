"""What we send by Telegram, what it does not take, and the files that it gives."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from telegram.error import NetworkError

from bot.channels import ChannelRefused, ChannelUnavailable, MediaGone, OutOfReach, TooLarge
from bot.channels.telegram import TelegramChannel, make_bot
from bot.messages import Outbound
from records import tables as t
from tests.bot.channels.rig import Trouble
from tests.bot.channels.telegram_platform import TOKEN, until
from tests.bot.channels.telegram_rig import SAFETY, TelegramRig, channel_of, contact_of, conversation_of, said_by
from tests.building import PLAN, counsellor, do, rows

pytestmark = pytest.mark.anyio


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
    paused, chat = rows(engine, t.rate, id="telegram")[0].paused_until, rig.chat_of("patient")
    calls = rig.platform.written[chat]  # none, if somebody else's words met the pause first
    await rig.sees("patient", SAFETY)
    assert datetime.now(UTC) >= paused
    assert rig.platform.written[chat] == calls + 1
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
