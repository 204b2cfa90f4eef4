"""Receiving: screened, stored on disk and answered for, all in one transaction, whatever was sent how often."""

from __future__ import annotations

import asyncio
from copy import copy
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.channels.webchat import _KINDS
from bot.messages import UNREAD_KINDS, MessageTooLarge, ReusedMessageId, UnknownConversation
from bot.pipeline import LONGEST_BYTES
from records import tables as t
from records.outbox_rows import Lane, OutboxRows
from tests.building import CRISIS, EMERGENCY, SMALL_TALK, do, greeted, inbound, keys_said, rows, say
from triage.risk import Level
from wiring import Service

pytestmark = pytest.mark.anyio
ODD_TEXTS = {
    "empty": "",
    "nul": "a\0b",
    "lone surrogates": "\ud83d 我 \udc00",
    "bidi override": "\u202e我想\u2066说\u202c",
    "zero width": "我\u200b想\u200d说\ufeff",
    "family emoji": "👨‍👩‍👧‍👦🏳️‍🌈",
    "zalgo": "Z̸̢̛a̷l̵g̶ơ̴" * 20,
    "full width": "ＡＢＣ１２３",
    "rare character": "𠮷𡃁",
    "line ends": "一\r\n二\r三\u2028四",
    "control characters": "".join(map(chr, range(32))),
    "markup": "<script>alert(1)</script>{{7*7}}${x}'; DROP TABLE message;--",
    "formula": '=HYPERLINK("http://x")',
}


def counts(service: Service) -> dict[str, int]:
    return {table.name: len(rows(service.store.engine, table)) for table in t.metadata.sorted_tables}


def bodies(service: Service, conversation_id: str) -> list[tuple[str, str]]:
    with service.store.engine.connect() as connection:
        found = service.store.conversations.messages(connection, conversation_id)
    return [(message.kind, message.body) for message in found]


class BrokenRows(OutboxRows):
    """An outbox table that cannot be written."""

    def add(self, *_: Any) -> str:
        raise LookupError("the outbox is broken")


class BrokenRulebook:
    """Rules that break on every message; only their version can be read."""

    version = "broken"


async def test_a_repeated_delivery_changes_nothing(service: Service) -> None:
    chat = greeted(service)
    first = await say(service, chat, CRISIS, "m1")
    before = counts(service)

    again = await say(service, chat, CRISIS, "m1")

    assert (again.message_id, again.seq, again.is_repeat) == (first.message_id, first.seq, True)
    assert not first.is_repeat
    assert counts(service) == before


@pytest.mark.parametrize(("text", "kind"), [("另一句话", "text"), (CRISIS, "voice")])
async def test_an_id_that_comes_back_with_another_message_is_refused(service: Service, text: str, kind: str) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS, "m1")
    before = counts(service)

    with pytest.raises(ReusedMessageId):
        await say(service, chat, text, "m1", kind=kind)

    assert counts(service) == before


@pytest.mark.parametrize("letter", ["a", "\u0416", "\ud83d"])
async def test_64_kib_are_taken_and_one_more_character_is_refused(small_service: Service, letter: str) -> None:
    chat = greeted(small_service)
    longest = letter * (LONGEST_BYTES // len(letter.encode("utf-8", "surrogatepass")))
    await say(small_service, chat, longest, "m1")
    before = counts(small_service)

    with pytest.raises(MessageTooLarge):
        await say(small_service, chat, longest + letter, "m2")

    assert bodies(small_service, chat)[-1] == ("text", longest)
    assert counts(small_service) == before


@pytest.mark.parametrize("name", ODD_TEXTS)
async def test_an_odd_text_is_kept_character_for_character(small_service: Service, name: str) -> None:
    chat = greeted(small_service)
    await say(small_service, chat, ODD_TEXTS[name])
    assert bodies(small_service, chat) == [("text", ODD_TEXTS[name])]


async def test_postgresql_keeps_odd_texts_too(service: Service) -> None:
    chat = greeted(service)
    for number, text in enumerate(ODD_TEXTS.values()):
        await say(service, chat, text, str(number))
    assert bodies(service, chat) == [("text", text) for text in ODD_TEXTS.values()]


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=())))
async def test_no_text_at_all_is_lost_or_changed(small_service: Service, text: str) -> None:
    chat = do(
        small_service.writer,
        lambda c: small_service.store.conversations.open(
            c, channel="web", external_id=str(counts(small_service)["contact"]), now=small_service.now()
        ),
    )
    await say(small_service, chat, text)
    assert bodies(small_service, chat) == [("text", text)]


@pytest.mark.parametrize("kind", sorted(_KINDS))
async def test_every_kind_of_message_is_kept_and_screened(small_service: Service, kind: str) -> None:
    chat = greeted(small_service)
    await say(small_service, chat, EMERGENCY, kind=kind)
    assert bodies(small_service, chat) == [(kind, EMERGENCY)]
    (case,) = rows(small_service.store.engine, t.case_record)
    assert case.level == Level.EMERGENCY


@pytest.mark.parametrize("kind", sorted(UNREAD_KINDS))
async def test_what_the_bot_cannot_read_gets_an_honest_line(small_service: Service, kind: str) -> None:
    chat = greeted(small_service)
    receipt = await say(small_service, chat, "", kind=kind)
    assert not receipt.needs_answer
    assert keys_said(small_service, chat) == ["safety.voice"]


async def test_a_crisis_is_stored_with_case_alert_and_safety_reply_in_one_transaction(service: Service) -> None:
    chat = greeted(service)
    commits: list[int] = []
    sa.event.listen(service.store.engine, "commit", lambda _connection: commits.append(1))

    receipt = await service.pipeline.receive(inbound(chat, CRISIS))

    assert len(commits) == 1
    assert not receipt.needs_answer
    (message,), (assessment,) = rows(service.store.engine, t.message), rows(service.store.engine, t.assessment)
    (case,), (alert,) = rows(service.store.engine, t.case_record), rows(service.store.engine, t.alert)
    (reply,) = rows(service.store.engine, t.outbox)
    assert assessment.message_id == message.id == receipt.message_id
    assert assessment.level >= Level.MEDIUM
    assert (case.state, case.level, case.conversation_id) == ("new", assessment.level, chat)
    assert (alert.state, alert.case_id, alert.level) == ("ringing", case.id, case.level)
    assert reply.key == f"safety.{Level(case.level).code}"
    assert (reply.lane, reply.state, reply.epoch) == (Lane.CRISIS, "pending", 0)
    assert {event.kind for event in rows(service.store.engine, t.event)} == {"case_opened", "alert", "message"}


async def test_when_any_part_of_a_crisis_cannot_be_stored_none_of_it_is(service: Service) -> None:
    chat = greeted(service)
    before = counts(service)
    service.pipeline.outbox = BrokenRows("local", service.store.vault)

    with pytest.raises(LookupError):
        await service.pipeline.receive(inbound(chat, CRISIS))

    assert counts(service) == before


async def test_three_deliveries_at_once_make_one_message_and_one_case(service: Service) -> None:
    chat = greeted(service)

    receipts = await asyncio.gather(*(service.pipeline.receive(inbound(chat, CRISIS, "m1")) for _ in range(3)))

    assert sorted(receipt.is_repeat for receipt in receipts) == [False, True, True]
    assert len({receipt.message_id for receipt in receipts}) == 1
    found = counts(service)
    assert {name: found[name] for name in ("message", "assessment", "case_record", "alert", "outbox")} == dict.fromkeys(
        ("message", "assessment", "case_record", "alert", "outbox"), 1
    )


async def test_many_messages_of_one_person_at_once_keep_one_order_and_one_case(service: Service) -> None:
    chat = greeted(service)

    receipts = await asyncio.gather(*(service.pipeline.receive(inbound(chat, CRISIS, str(n))) for n in range(12)))

    assert sorted(receipt.seq for receipt in receipts) == list(range(1, 13))
    assert counts(service)["case_record"] == counts(service)["alert"] == 1


async def test_many_people_in_danger_at_once_each_get_a_case_with_its_own_number(service: Service) -> None:
    chats = [greeted(service, str(number)) for number in range(12)]

    await asyncio.gather(*(service.pipeline.receive(inbound(chat, CRISIS)) for chat in chats))

    cases = rows(service.store.engine, t.case_record)
    assert {case.conversation_id for case in cases} == set(chats)
    assert len({case.case_no for case in cases}) == 12


async def test_a_message_that_breaks_the_screening_counts_as_high(service: Service) -> None:
    chat = greeted(service)
    service.pipeline.screener = copy(service.pipeline.screener)
    service.pipeline.screener._rulebook = BrokenRulebook()  # type: ignore[assignment]  # broken on purpose

    await say(service, chat, SMALL_TALK)

    (assessment,), (case,) = rows(service.store.engine, t.assessment), rows(service.store.engine, t.case_record)
    assert assessment.failed
    assert case.level == Level.HIGH
    assert keys_said(service, chat) == ["safety.high_unclear"]


async def test_an_unknown_conversation_is_refused_and_leaves_nothing(service: Service) -> None:
    before = counts(service)
    with pytest.raises(UnknownConversation):
        await say(service, "nobody", CRISIS)
    assert counts(service) == before
