"""What people send by Telegram, by webhook and asked for: our whole service beside a strict Bot API, over real sockets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from records import tables as t
from tests.bot.channels.rig import Trouble
from tests.bot.channels.telegram_platform import PUBLIC_URL, SECRET, until
from tests.bot.channels.telegram_rig import (
    GREETING,
    HEARD,
    KINDS,
    TelegramRig,
    contact_of,
    conversation_of,
    messages_of,
    said_by,
)
from tests.building import CRISIS, SMALL_TALK, rows

pytestmark = pytest.mark.anyio


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
