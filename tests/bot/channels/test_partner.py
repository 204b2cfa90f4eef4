"""A partner's system on one side, our whole service on the other, real sockets between them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi import Response

import platforms
from bot.channels.partner import sign
from bot.channels.webchat import WebChannel
from records import tables as t
from settings import load_settings
from tests.bot.channels.partner_platform import (
    KINDS,
    PAYLOADS,
    SECRET,
    WAIT_S,
    PartnerRig,
    Platform,
    partner_rig,
    partner_settings,
    running,
    signed,
)
from tests.bot.channels.rig import Trouble
from tests.browsing import serving
from tests.building import CRISIS, EMERGENCY, SMALL_TALK, do, rows

pytestmark = pytest.mark.anyio
HOTLINE = "12356"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for the module: its service runs on between the tests."""
    return "asyncio"


@pytest.fixture(scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PartnerRig]:
    """One service and one platform for all tests that need no other; each test has people of its own."""
    async with partner_rig(tmp_path_factory.mktemp("partner")) as made:
        yield made
        assert made.platform.refused == []


async def until(claim: Callable[[], object], what: str) -> None:
    """Wait for something to become true; fail in words."""
    deadline = time.monotonic() + WAIT_S
    while not claim():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.02)


def stored(rig: PartnerRig, person: str) -> list[tuple[str, str]]:
    """Kind and text of everything that is kept of a person, in order."""
    service = rig.site.service
    with service.store.engine.connect() as connection:
        contact = service.store.contacts.find(connection, rig.name, person)
        if contact is None:
            return []
        (chat,) = rows(service.store.engine, t.conversation, contact_id=contact.id)
        found = service.store.conversations.messages(connection, chat.id, limit=1000)
    return [(message.kind, message.body) for message in found if message.author == "visitor"]


def conversation_of(rig: PartnerRig, person: str) -> str:
    service = rig.site.service
    with service.store.engine.connect() as connection:
        contact = service.store.contacts.find(connection, rig.name, person)
    assert contact is not None
    return str(rows(service.store.engine, t.conversation, contact_id=contact.id)[0].id)


def unreachable(rig: PartnerRig, person: str) -> str:
    with rig.site.service.store.engine.connect() as connection:
        contact = rig.site.service.store.contacts.find(connection, rig.name, person)
    assert contact is not None
    return contact.unreachable


def letters(rig: PartnerRig, person: str) -> list[tuple[str, str]]:
    """State and reason of everything that was to be said to a person."""
    found = rows(rig.site.service.store.engine, t.outbox, conversation_id=conversation_of(rig, person))
    return [(row.state, row.reason) for row in found]


async def pause_of(rig: PartnerRig) -> datetime:
    """Until when the channel waits, once it does."""
    found: list[datetime] = []

    def is_paused() -> bool:
        (rate,) = rows(rig.site.service.store.engine, t.rate, id=rig.name)
        found.extend([rate.paused_until] if rate.paused_until else [])
        return bool(found)

    await until(is_paused, "the channel waits")
    return found[0]


@contextmanager
def trouble(rig: PartnerRig, what: Trouble) -> Iterator[None]:
    rig.trouble(what)
    try:
        yield
    finally:
        rig.trouble(Trouble.NONE)


# ---- what comes in


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


# ---- many at once


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


# ---- what is refused


def forgeries(body: bytes) -> dict[str, dict[str, str]]:
    good = signed(SECRET, body)
    other = signed(SECRET, body + b" ")
    return {
        "no headers": {},
        "no signature": {"X-Hotline-Timestamp": good["X-Hotline-Timestamp"]},
        "no timestamp": {"X-Hotline-Signature": good["X-Hotline-Signature"]},
        "another secret": signed("y" * 40, body),
        "another body": other,
        "another time": {**good, "X-Hotline-Timestamp": str(int(good["X-Hotline-Timestamp"]) - 1)},
        "no version": {**good, "X-Hotline-Signature": good["X-Hotline-Signature"][3:]},
        "strange letters": {**good, "X-Hotline-Signature": "v1=é²"},
        "strange time": {"X-Hotline-Timestamp": "²", "X-Hotline-Signature": sign(SECRET, "²", body)},
        "endless time": {"X-Hotline-Timestamp": "9" * 500, "X-Hotline-Signature": sign(SECRET, "9" * 500, body)},
    }


async def test_forged_calls_and_unknown_partners_get_the_same_answer_and_leave_nothing(rig: PartnerRig) -> None:
    body = json.dumps({"id": "m-1", "person": "forged", "text": "假的"}).encode()
    answers = {
        name: await rig.http.post("/partners/cityapp/messages", content=body, headers=_latin(headers))
        for name, headers in forgeries(body).items()
    }
    answers["unknown partner"] = await rig.post_raw(body, partner="nobody")
    answers["another partner's path"] = await rig.post_raw(body, partner="CITYAPP")
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 401)
    assert len({answer.text for answer in answers.values()}) == 1
    assert stored(rig, "forged") == []


def _latin(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


@pytest.mark.parametrize(("seconds", "status"), [(-290, 202), (290, 202), (-310, 401), (310, 401)])
async def test_a_call_is_good_for_five_minutes_and_a_wrong_clock_is_told(
    rig: PartnerRig, seconds: int, status: int
) -> None:
    body = json.dumps({"id": f"m{seconds}", "person": "clock", "text": SMALL_TALK}).encode()
    answer = await rig.post_raw(body, at=time.time() + seconds)
    assert answer.status_code == status
    if status == 401:
        assert "our clock, which says 1" in answer.json()["detail"]


GOOD = {"id": "m-1", "person": "senseless", "text": "好"}
SENSELESS = {
    b"": "the body must be a JSON object",
    b"nonsense": "the body must be a JSON object",
    b"[]": "the body must be a JSON object",
    b"null": "the body must be a JSON object",
    b"[" * 100_000: "the body must be a JSON object",
    b"1" * 10_000: "the body must be a JSON object",
    b"{}": "id must be",
    b'{"messages": []}': "messages must be a list of 1 to 100",
    b'{"messages": {}}': "messages must be a list of 1 to 100",
    b'{"messages": [1]}': "messages[0] must be an object",
    json.dumps({"messages": [GOOD] * 101}).encode(): "messages must be a list of 1 to 100",
}
WRONG_FIELDS = [
    ("id", "", "id must be"), ("id", 5, "id must be"), ("id", "i" * 129, "id must be"), ("id", "a\nb", "id must be"),
    ("person", None, "person must be"), ("person", "\ud800", "person must be"), ("person", " a", "person must not"),
    ("person", ["a"], "person must be"), ("text", 1, "text must be"), ("kind", 5, "kind must be"),
    ("nickname", {}, "nickname must be"), ("scene", False, "scene must be"), ("event", "moved", "event must be"),
    ("event", [], "event must be"), ("sent_at", 1796090400, "sent_at must be"), ("is_edited", 1, "is_edited must be"),
    ("sent_at", "yesterday", "sent_at must be"), ("sent_at", "2026-12-01T10:00:00", "sent_at must be"),
    ("sent_at", "0001-01-01T00:00:00+14:00", "sent_at must be"), ("sent_at", "9999-12-31T23:59:59-08:00", "sent_at must be"), ("files", "https://a.example/1", "files must be"),
    ("files", ["https://a.example/1"] * 11, "files must be"), ("files", ["http://a.example/1"], "files[0] must be"),
    ("files", ["https://a.example/1", 2], "files[1] must be"), ("files", ["file:///etc/passwd"], "files[0] must be"),
    ("files", ["https://user:word@a.example/1"], "files[0] must be"), ("files", ["https://"], "files[0] must be"),
    ("files", ["https://a.example/" + "x" * 2048], "files[0] must be"), ("files", ["https://[::1"], "files[0] must be"),
]  # fmt: skip


async def test_a_body_that_makes_no_sense_is_refused_in_words_that_name_the_fault(rig: PartnerRig) -> None:
    cases = SENSELESS | {json.dumps({**GOOD, key: value}).encode(): words for key, value, words in WRONG_FIELDS}
    for body, words in cases.items():
        answer = await rig.post_raw(body)
        assert (answer.status_code, body[:80]) == (422, body[:80])
        assert answer.json()["detail"].startswith(words)
    assert stored(rig, "senseless") == []


async def test_a_body_beyond_one_mebibyte_is_refused_before_it_is_read(rig: PartnerRig) -> None:
    body = json.dumps({"id": "m-1", "person": "huge", "text": "a" * (1 << 20)}).encode()
    assert (await rig.post_raw(body)).status_code == 413
    assert stored(rig, "huge") == []


async def test_what_we_could_not_store_is_not_confirmed_and_comes_in_the_second_time(rig: PartnerRig) -> None:
    message = {"id": "m-1", "person": "broken-store", "text": CRISIS}
    database = rig.site.service.settings.data_dir / "hotline.db"
    with closing(sqlite3.connect(database, isolation_level=None, timeout=WAIT_S)) as other:
        other.execute("ALTER TABLE contact RENAME TO contact_away")
        try:
            refused = await rig.send(message)
        finally:
            other.execute("ALTER TABLE contact_away RENAME TO contact")
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert (await rig.send(message)).json()["repeat"] is False
    assert stored(rig, "broken-store") == [("text", CRISIS)]


async def test_without_partners_there_is_no_such_door(rig: PartnerRig) -> None:
    assert platforms.open_doors(load_settings({}), {"web": WebChannel()}, rig.site.service.intake) == ()


# ---- what goes out


async def test_danger_opens_a_case_and_the_safety_reply_reaches_the_person(rig: PartnerRig) -> None:
    await rig.post("danger", 1, EMERGENCY)
    await until(lambda: rig.seen("danger"), "the safety reply")
    assert "请马上拨打120" in rig.seen("danger")[0]
    assert HOTLINE in rig.seen("danger")[0]
    assert rig.site.case_of(conversation_of(rig, "danger"))


async def test_a_counsellors_words_reach_the_person_and_say_that_a_person_speaks(rig: PartnerRig) -> None:
    await rig.post("talks", 1, CRISIS)
    case, seat = rig.site.case_of(conversation_of(rig, "talks")), rig.site.seat("lin")
    await seat.act(case, "claim")
    await seat.act(case, "reply", text="我在，你慢慢说。", reply_id="reply0partner0001")
    await until(lambda: "我在，你慢慢说。" in rig.seen("talks"), "the counsellor's words")
    said = {bubble["text"]: bubble["author"] for bubble in rig.bubbles("talks")}
    assert said["我在，你慢慢说。"] == "counsellor"


async def test_the_first_contact_is_greeted_once_with_buttons(rig: PartnerRig) -> None:
    joined = {"event": "joined", "id": "e-1", "person": "newcomer", "nickname": "小禾", "scene": "school-poster-3"}
    for _ in range(3):
        assert (await rig.send(joined)).status_code == 202
    await rig.post("newcomer", 1, "你好")
    await until(lambda: len(rig.seen("newcomer")) == 2, "greeting and hello")
    greeting, hello = rig.bubbles("newcomer")
    assert "是机器人，不是真人" in greeting["text"]
    assert {"label": "转人工", "text": "转人工"} in greeting["choices"]
    assert greeting["author"] == "bot"
    assert "是机器人，不是真人" not in hello["text"]
    with rig.site.service.store.engine.connect() as connection:
        contact = rig.site.service.store.contacts.find(connection, rig.name, "newcomer")
    assert contact is not None
    assert (contact.nickname, contact.scene) == ("小禾", "school-poster-3")


async def test_who_left_is_out_of_reach_until_they_write_again(rig: PartnerRig) -> None:
    await rig.post("goes", 1, SMALL_TALK)
    await rig.send({"event": "left", "id": "e-2", "person": "goes"})
    assert unreachable(rig, "goes") == "left"
    await rig.post("goes", 2, "我又来了")
    assert unreachable(rig, "goes") == ""


async def test_a_gone_person_is_marked_and_the_letter_is_dead_and_seen_by_the_desk(rig: PartnerRig) -> None:
    with trouble(rig, Trouble.BLOCKED):
        await rig.post("gone", 1, CRISIS)
        await until(lambda: ("dead", "left") in letters(rig, "gone"), "the dead letter")
    assert unreachable(rig, "gone") == "left"
    assert rows(
        rig.site.service.store.engine, t.event, kind="undelivered", conversation_id=conversation_of(rig, "gone")
    )


async def test_a_platform_that_was_down_gets_everything_once_in_order(rig: PartnerRig) -> None:
    with trouble(rig, Trouble.DOWN):
        await rig.post("outage", 1, CRISIS)
        await until(lambda: rig.platform.calls["outage"] >= 2, "a second try")
        assert rig.seen("outage") == []
    await until(lambda: rig.seen("outage"), "the reply after the outage")
    await until(lambda: ("sent", "") in letters(rig, "outage"), "the row is marked")
    assert len(rig.seen("outage")) == len(set(rig.seen("outage")))


async def test_a_slow_platform_holds_up_neither_crisis_on_the_web_nor_its_own_later_words(rig: PartnerRig) -> None:
    with trouble(rig, Trouble.SLOW):
        await rig.post("slow", 1, CRISIS)
        await until(lambda: rig.platform.calls["slow"], "the call that hangs")
        visitor = await rig.site.visitor()
        began = time.monotonic()
        await visitor.post(CRISIS, "m1")
        deadline = began + WAIT_S
        while len(await visitor.messages()) < 3:
            assert time.monotonic() < deadline, "never: the safety reply on the web"
        assert time.monotonic() - began < 2
    await until(lambda: rig.seen("slow"), "the reply once the platform is quick again")


async def test_when_told_to_wait_nothing_goes_out_before_that_time(rig: PartnerRig) -> None:
    began = datetime.now(UTC)
    rig.platform.answers["throttled-1"] = Response(status_code=429, headers={"Retry-After": "2"})
    await rig.post("throttled-1", 1, CRISIS)
    paused_until = await pause_of(rig)
    assert paused_until >= began + timedelta(seconds=2)
    await rig.post("throttled-2", 1, CRISIS)
    await until(lambda: rig.seen("throttled-1") and rig.seen("throttled-2"), "both replies")
    assert datetime.now(UTC) >= paused_until
    assert rig.platform.calls["throttled-1"] == 2


@pytest.mark.parametrize("retry_after", ["", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "²", "-5", "9" * 400])
async def test_nonsense_instead_of_seconds_stops_the_channel_for_a_while_at_most(
    rig: PartnerRig, retry_after: str
) -> None:
    service, person = rig.site.service, f"waits-{retry_after[:9]}"
    rig.platform.answers[person] = Response(status_code=429, headers={"Retry-After": retry_after})
    await rig.post(person, 1, CRISIS)
    paused_until, now = await pause_of(rig), datetime.now(UTC)
    assert paused_until - now < timedelta(seconds=901)
    waiting = [row.id for row in rows(service.store.engine, t.outbox, state="pending")]
    do(service.writer, lambda c: service.store.ledger.pause(c, rig.name, now, now))
    do(service.writer, lambda c: service.store.outbox.set_state(c, waiting, "pending", due_at=now))
    await until(lambda: rig.seen(person), "the reply once the time is over")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 301, 302, 307, 308])
async def test_a_refusal_is_final_and_loud_and_no_redirect_is_followed(rig: PartnerRig, status: int) -> None:
    person = f"refused-{status}"
    rig.platform.answers[person] = Response(status_code=status, headers={"Location": "/hotline"})
    await rig.post(person, 1, CRISIS)
    await until(lambda: ("dead", "refused") in letters(rig, person), "the dead letter")
    assert rig.platform.calls[person] == 1
    assert unreachable(rig, person) == ""


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
async def test_what_says_nothing_about_the_message_is_tried_again(rig: PartnerRig, status: int) -> None:
    rig.platform.answers[f"again-{status}"] = Response(status_code=status)
    await rig.post(f"again-{status}", 1, CRISIS)
    await until(lambda: rig.seen(f"again-{status}"), "the second try")


async def test_an_answer_that_got_lost_makes_no_second_bubble(rig: PartnerRig) -> None:
    before = rig.platform.repeats
    await rig.post("answer-lost", 1, CRISIS)
    await until(lambda: ("sent", "") in letters(rig, "answer-lost"), "the first delivery")
    service = rig.site.service
    (row,) = rows(service.store.engine, t.outbox, conversation_id=conversation_of(rig, "answer-lost"), state="sent")
    do(service.writer, lambda c: service.store.outbox.set_state(c, [row.id], "pending"))
    service.outbox.ring()
    await until(lambda: rig.platform.repeats > before, "the repeat with the same delivery id")
    await until(lambda: ("pending", "") not in letters(rig, "answer-lost"), "the row is marked")
    assert len(rig.seen("answer-lost")) == 1


async def test_a_long_reply_comes_in_order_in_bubbles_that_fit(rig: PartnerRig) -> None:
    await rig.post("reads", 1, CRISIS)
    case, seat = rig.site.case_of(conversation_of(rig, "reads")), rig.site.seat("lin")
    await seat.act(case, "claim")
    long = "".join(f"第{number}句话，慢慢说。" for number in range(180))
    answer = await seat.act(case, "reply", text=long, reply_id="reply0partner0002")
    assert answer.status_code < 400, answer.text
    await until(lambda: long in "".join(rig.seen("reads")), "the whole text")


# ---- restarts


async def test_what_was_confirmed_is_answered_after_a_restart(tmp_path: Path) -> None:
    platform = Platform(trouble=Trouble.DOWN)
    async with serving(platform.app()) as address:
        settings = partner_settings(tmp_path, f"{address}/hotline")
        async with running(settings, platform) as first:
            assert await first.post("restart", 1, CRISIS) == 202
        platform.set_trouble(Trouble.NONE)
        async with running(settings, platform) as second:
            await until(lambda: second.seen("restart"), "the reply after the restart")
            answer = await second.send({"id": "m-1", "person": "restart", "kind": "text", "text": CRISIS})
            assert answer.json()["repeat"] is True
            assert stored(second, "restart") == [("text", CRISIS)]
    assert len(platform.taken) == 1
    assert platform.refused == []


async def test_a_caller_that_hangs_up_before_our_answer_has_lost_nothing(rig: PartnerRig) -> None:
    message = {"id": "m-1", "person": "hangs-up", "text": CRISIS}
    body = json.dumps(message).encode()
    place = urlsplit(str(rig.http.base_url))
    _, writer = await asyncio.open_connection(place.hostname, place.port)
    head = {"Host": "hotline", "Content-Length": str(len(body)), **signed(SECRET, body)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"POST /partners/cityapp/messages HTTP/1.1\r\n{lines}\r\n".encode() + body)
    await writer.drain()
    writer.close()
    await until(lambda: stored(rig, "hangs-up"), "the message is kept")
    assert (await rig.send(message)).json()["repeat"] is True


# ---- secrets


async def test_while_a_secret_is_changed_both_are_good_and_we_sign_with_the_new(tmp_path: Path) -> None:
    new = "the-new-secret-of-the-city-app-2026-12"
    platform = Platform(secret=new)
    async with serving(platform.app()) as address:
        settings = partner_settings(tmp_path, f"{address}/hotline")
        file = settings.http_channels_file
        assert file is not None
        text = file.read_text(encoding="utf-8").replace(f'secret = "{SECRET}"', f'secrets = ["{new}", "{SECRET}"]')
        file.write_text(text, encoding="utf-8")
        async with running(settings, platform) as rig:
            for number, secret in enumerate((SECRET, new)):
                answer = await rig.send({"id": f"m-{number}", "person": "rotation", "text": CRISIS}, secret=secret)
                assert answer.status_code == 202
            await until(lambda: rig.seen("rotation"), "a callback signed with the new secret")
    assert platform.refused == []
