"""Messages of people on WeChat: every kind kept, once, with its own time, whatever the phone can write."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.pipeline import LONGEST_BYTES
from records import tables as t
from tests.bot.channels.wechat.people import chat, contact, meet, said, texts, words
from tests.bot.channels.wechat_platform import KINDS
from tests.bot.channels.wechat_rig import WeChatRig
from tests.building import CRISIS, EMERGENCY, SMALL_TALK, rows

pytestmark = pytest.mark.anyio
MEDIA_ID = "Zx7_Qm2pLr0Kd9Vb3TnYw8HsJc5Ge1Uf4Ao6Ix_R-BvNhSgMqPzWtDyElCkFjXa"
KEPT: dict[str, tuple[str, str, bool]] = {  # payload -> kind, text, has a file
    "text": ("text", "最近总是睡不着，白天也没有精神", False),
    "text-from-choice": ("text", "失眠怎么办", False),
    "text-with-emoji": ("text", "谢谢你们[玫瑰]/::)😭 <b>5</b> & 3 < 4", False),
    "text-unsupported": ("unknown", "", False),
    "voice": ("voice", "我这几天心里很慌。", True),
    "voice-not-recognised": ("voice", "", True),
    "voice-without-recognition": ("voice", "", True),
    "image": ("image", "", True),
    "video": ("video", "", True),
    "shortvideo": ("video", "", True),
    "location": ("place", "广州市天河区中山大道西55号（23.134521, 113.358803）", False),
    "location-without-label": ("place", "（23.134521, 113.358803）", False),
    "link": ("text", "抑郁的十个信号\n看看你有几个\nhttps://mp.weixin.qq.com/s/k3WvZ8dQnR2xTq", False),
    "file": ("file", "写给爸妈的信.docx", False),
    "unknown": ("unknown", "", False),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_message_is_kept(rig: WeChatRig, person: str, kind: str) -> None:
    assert await rig.post_kind(person, 1, kind) == 200
    (message,) = said(rig, person)
    (row,) = rows(rig.site.service.store.engine, t.message, id=message.id)
    files = rows(rig.site.service.store.engine, t.attachment, message_id=message.id)
    assert (message.kind, message.body, bool(files)) == KEPT[kind]
    assert row.sent_at == rig.platform.now()
    assert all(file.state == "waiting" and file.kind == message.kind for file in files)


async def test_the_name_of_a_file_is_kept_so_that_it_can_be_fetched(rig: WeChatRig, person: str) -> None:
    await rig.post_kind(person, 1, "image")
    store = rig.site.service.store
    (message,) = said(rig, person)
    with store.engine.connect() as connection:
        (file,) = store.attachments.of_messages(connection, [message.id])[message.id]
    assert file.reference == MEDIA_ID


async def test_repeats_change_nothing_and_are_answered_like_the_first(rig: WeChatRig, person: str) -> None:
    await meet(rig, person)
    first = await rig.call(person, 1, Content=CRISIS)
    again = await rig.call(person, 1, Content=CRISIS)
    third = await rig.call(person, 1, Content=CRISIS)
    assert texts(rig, person) == [CRISIS]
    assert {rig.opened(answer.text)["Content"] for answer in (first, again, third)} == {words(rig, "safety.medium")}
    assert len(said(rig, person, "bot")) == 2  # the greeting and this


async def test_repeats_at_the_same_moment_change_nothing(rig: WeChatRig, person: str) -> None:
    await asyncio.gather(*(rig.call(person, 1, Content=CRISIS) for _ in range(6)))
    assert texts(rig, person) == [CRISIS]
    assert len(rows(rig.site.service.store.engine, t.case_record, conversation_id=chat(rig, person))) == 1
    assert len(said(rig, person, "bot")) == 1
    assert set(rig.seen(person)) == {words(rig, "safety.medium")}


async def test_two_messages_under_one_id_are_both_kept(rig: WeChatRig, person: str) -> None:
    await asyncio.gather(*(rig.post(person, 1, text) for text in ("一", "二")))
    assert sorted(texts(rig, person)) == ["一", "二"]


async def test_messages_that_overtake_each_other_are_all_kept_with_their_own_time(rig: WeChatRig, person: str) -> None:
    now = rig.platform.now()
    await asyncio.gather(
        *(rig.post(person, number, f"第{number}句", sent_at=now - timedelta(seconds=number)) for number in range(1, 9))
    )
    times = {message.body: rows(rig.site.service.store.engine, t.message, id=message.id)[0].sent_at for message in said(rig, person)}  # fmt: skip
    assert times == {f"第{number}句": now - timedelta(seconds=number) for number in range(1, 9)}


async def test_a_message_of_yesterday_gets_the_honest_line(rig: WeChatRig, person: str) -> None:
    await meet(rig, person)
    await rig.post(person, 1, SMALL_TALK, sent_at=rig.platform.now() - timedelta(hours=23))
    assert rig.seen(person) == [words(rig, "talk.late")]
    (message,) = said(rig, person)
    assert message.extra == {"late": True}


async def test_danger_of_yesterday_still_calls_people(rig: WeChatRig, person: str) -> None:
    await rig.post(person, 1, EMERGENCY, sent_at=rig.platform.now() - timedelta(hours=23))
    assert rig.seen(person) == [words(rig, "safety.emergency")]
    assert rig.site.case_of(chat(rig, person))


async def test_what_a_phone_can_write_and_xml_cannot_hold_loses_no_message(rig: WeChatRig, person: str) -> None:
    assert await rig.post(person, 1, "我\x00真的\x08很\x1b累\ufffe了") == 200
    assert texts(rig, person) == ["我真的很累了"]


async def test_a_text_longer_than_we_keep_is_cut_and_marked(rig: WeChatRig, person: str) -> None:
    assert await rig.post(person, 1, "累" * 100_000) == 200
    (message,) = said(rig, person)
    assert message.extra == {"cut": True}
    assert len(message.body.encode()) <= LONGEST_BYTES


async def test_a_body_far_too_large_is_refused_unread(rig: WeChatRig, person: str) -> None:
    assert await rig.post(person, 1, "累" * 400_000) == 413
    assert contact(rig, person) is None
