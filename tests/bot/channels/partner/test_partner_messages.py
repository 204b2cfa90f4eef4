"""Messages that a partner brings, one by one or many at once: on disk when confirmed, once, with words and files."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from records import tables as t
from tests.bot.channels.partner.people import conversation_of, stored, unreachable, until
from tests.bot.channels.partner_platform import KINDS, PAYLOADS, PartnerRig
from tests.building import CRISIS, EMERGENCY, SMALL_TALK, rows

pytestmark = pytest.mark.anyio


async def test_a_message_is_on_disk_when_it_is_confirmed(rig: PartnerRig) -> None:
    answer = await rig.send({"id": "m-1", "person": "on-disk", "text": SMALL_TALK})
    assert answer.status_code == 202
    assert answer.json()["repeat"] is False
    (row,) = rows(rig.site.service.store.engine, t.message, id=answer.json()["id"])
    assert (row.author, row.kind, row.channel) == ("visitor", "text", "http.cityapp")


@pytest.mark.parametrize("kind", KINDS)
async def test_every_recorded_message_is_kept_with_its_words_and_files(rig: PartnerRig, kind: str) -> None:
    recorded = json.loads((PAYLOADS / f"{kind}.json").read_text(encoding="utf-8"))
    assert await rig.post_kind(f"kind-{kind}", 1, kind) == 202
    kept = {"voice_untranscribed": "voice", "edited": "text"}.get(kind, kind)
    assert stored(rig, f"kind-{kind}") == [(kept, recorded.get("text") or "")]
    (chat,) = rows(rig.site.service.store.engine, t.conversation, id=conversation_of(rig, f"kind-{kind}"))
    waiting = rows(rig.site.service.store.engine, t.attachment, conversation_id=chat.id)
    assert len(waiting) == len(recorded.get("files") or [])
    assert all(row.channel == "http.cityapp" for row in waiting)


async def test_an_edited_message_is_kept_beside_the_first(rig: PartnerRig) -> None:
    first = {"id": "m-1", "person": "edits", "text": "我没事"}
    await rig.send(first)
    answer = await rig.send({**first, "text": CRISIS, "is_edited": True})
    assert answer.json()["repeat"] is False
    assert stored(rig, "edits") == [("text", "我没事"), ("text", CRISIS)]
    edited = rows(rig.site.service.store.engine, t.message, id=answer.json()["id"])
    assert json.loads(edited[0].extra) == {"edited": True}


async def test_words_that_mean_an_event_are_none_as_a_kind(rig: PartnerRig) -> None:
    await rig.send({"id": "m-1", "person": "kind-left", "kind": "left", "text": "我走了"})
    assert stored(rig, "kind-left") == [("unknown", "我走了")]
    assert unreachable(rig, "kind-left") == ""


async def test_repeats_and_repeats_at_the_same_moment_change_nothing(rig: PartnerRig) -> None:
    message = {"id": "m-1", "person": "repeats", "text": CRISIS}
    first = await rig.send(message)
    again = await asyncio.gather(*(rig.send(message) for _ in range(5)))
    assert [answer.json() for answer in again] == [{"id": first.json()["id"], "repeat": True}] * 5
    assert len(stored(rig, "repeats")) == 1
    assert len(rows(rig.site.service.store.engine, t.case_record, conversation_id=conversation_of(rig, "repeats"))) == 1


async def test_first_messages_that_come_at_the_same_moment_make_one_person(rig: PartnerRig) -> None:
    answers = await asyncio.gather(*(rig.post("at-once", number, f"第{number}句") for number in range(8)))
    assert answers == [202] * 8
    assert sorted(stored(rig, "at-once")) == [("text", f"第{number}句") for number in range(8)]


async def test_an_id_used_for_other_words_loses_neither(rig: PartnerRig) -> None:
    for text in ("第一句", "另一句", "另一句"):
        assert await rig.post("reused", 1, text) == 202
    assert stored(rig, "reused") == [("text", "第一句"), ("text", "另一句")]


async def test_two_people_may_have_the_same_message_id_and_the_same_words(rig: PartnerRig) -> None:
    for person in ("twin-1", "twin-2"):
        answer = await rig.send({"id": "m-1", "person": person, "text": "救救我"})
        assert answer.json()["repeat"] is False
        assert stored(rig, person) == [("text", "救救我")]


async def test_messages_that_come_out_of_order_are_all_kept(rig: PartnerRig) -> None:
    for number in (3, 1, 2):
        assert await rig.post("disorder", number, f"第{number}句") == 202
    assert stored(rig, "disorder") == [("text", f"第{number}句") for number in (3, 1, 2)]


async def test_a_day_old_message_gets_an_honest_line_and_no_cheerful_answer(rig: PartnerRig) -> None:
    await rig.post("late", 1, "失眠怎么办", sent_at=datetime.now(UTC) - timedelta(hours=23))
    await until(lambda: len(rig.seen("late")) == 2, "greeting and honest line")
    assert rig.seen("late")[1].startswith("刚刚才收到您之前发来的话")


async def test_day_old_danger_calls_people_all_the_same(rig: PartnerRig) -> None:
    await rig.post("late-danger", 1, EMERGENCY, sent_at=datetime.now(UTC) - timedelta(hours=23))
    assert rig.site.case_of(conversation_of(rig, "late-danger"))
    await until(lambda: any("请马上拨打120" in text for text in rig.seen("late-danger")), "emergency words")


@pytest.mark.parametrize(
    "sent_at",
    ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "2026-12-01T10:00:00Z", "2026-12-01T10:00+08:00"],
)
async def test_any_time_that_exists_is_taken(rig: PartnerRig, sent_at: str) -> None:
    answer = await rig.send({"id": "m-1", "person": f"at-{sent_at}", "text": SMALL_TALK, "sent_at": sent_at})
    assert answer.status_code == 202
    (row,) = rows(rig.site.service.store.engine, t.message, id=answer.json()["id"])
    assert row.sent_at <= row.received_at


async def test_broken_half_characters_are_kept(rig: PartnerRig) -> None:
    for number, words in enumerate((b"\xe6\x88", b"\\ud83d", b"a\\u0000b", b"\\u202e")):
        body = b'{"id": "m", "person": "broken-%d", "nickname": "%s", "text": "%s"}' % (number, words, words)
        assert (await rig.post_raw(body)).status_code == 202
        assert len(stored(rig, f"broken-{number}")) == 1


async def test_a_text_beyond_sixty_four_kibibytes_is_cut_and_kept(rig: PartnerRig) -> None:
    await rig.post("long", 1, "长" * 100_000)
    ((_, kept),) = stored(rig, "long")
    assert len(kept.encode()) <= 65536
    assert len(kept) > 21_000


async def test_the_database_shows_neither_the_person_nor_the_message_id(rig: PartnerRig) -> None:
    await rig.send({"id": "number-77120011", "person": "13912345678", "text": SMALL_TALK, "nickname": "欧阳"})
    with closing(sqlite3.connect(rig.site.service.settings.data_dir / "hotline.db")) as database:
        dump = "\n".join(database.iterdump())
    assert "13912345678" not in dump
    assert "number-77120011" not in dump


async def test_a_batch_is_answered_one_by_one_in_its_order(rig: PartnerRig) -> None:
    batch = [{"id": f"b-{n}", "person": f"batch-{n % 3}", "text": f"第{n}句"} for n in range(100)]
    answer = await rig.send({"messages": batch})
    assert answer.status_code == 202
    ids = [entry["id"] for entry in answer.json()["messages"]]
    assert len(set(ids)) == 100
    assert stored(rig, "batch-1") == [("text", f"第{n}句") for n in range(1, 100, 3)]
    again = (await rig.send({"messages": batch})).json()["messages"]
    assert again == [{"id": kept, "repeat": True} for kept in ids]


async def test_of_a_batch_with_one_wrong_message_nothing_is_kept_and_the_words_name_it(rig: PartnerRig) -> None:
    answer = await rig.send({"messages": [{"id": "b", "person": "half", "text": "好"}, {"id": "b", "text": "好"}]})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("messages[1].person must be a text")
    assert stored(rig, "half") == []


async def test_events_and_messages_may_share_a_batch(rig: PartnerRig) -> None:
    joined, words = (
        {"event": "joined", "id": "e-1", "person": "mixed"},
        {"id": "m-1", "person": "mixed", "text": "在吗"},
    )
    first, second = (await rig.send({"messages": [joined, words]})).json()["messages"]
    assert first == {"id": None, "repeat": False}
    assert second["id"]
