"""What a platform brings: everything kept in one transaction, once, and the person found or met."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.channels import SendRules
from bot.messages import Arrival
from bot.pipeline import LONGEST_BYTES
from records import tables as t
from tests.building import CRISIS, SMALL_TALK, FakeChannel, connect, deliver, do, heard, rows
from wiring import Service

pytestmark = pytest.mark.anyio
LIMITED = SendRules(window=timedelta(hours=48), messages=5, kept_for_people=3, merges=True)


@pytest.fixture
def channel(service: Service) -> FakeChannel:
    fake = FakeChannel(rules=LIMITED)
    connect(service, fake)
    return fake


def arrival(text: str = SMALL_TALK, id: str = "m1", **more: object) -> Arrival:
    values = {"channel": "fake", "address": "openid-1", "external_id": id, "kind": "text", "text": text}
    return Arrival(**{**values, **more})  # type: ignore[arg-type]  # a test's own keywords


async def test_the_first_message_makes_contact_conversation_greeting_and_row(
    service: Service, channel: FakeChannel
) -> None:
    (arrived,) = await service.intake.arrive(arrival(nickname="小雨", scene="school-7"))
    assert arrived.receipt is not None
    (contact,) = rows(service.store.engine, t.contact)
    assert (contact.channel, contact.scene) == ("fake", "school-7")
    (message,) = rows(service.store.engine, t.message, author="visitor")
    assert "m1" not in message.external_id  # a platform's id may name the person
    await service.pipeline.drain()
    await deliver(service)
    assert channel.addresses == ["openid-1"]  # greeting and answer in one bubble
    assert "机器人" in channel.heard[0]
    assert len(heard(service, arrived.conversation_id)) == 2


async def test_a_repeat_changes_nothing_and_a_second_message_is_not_greeted_again(
    service: Service, channel: FakeChannel
) -> None:
    first, second = await service.intake.arrive(arrival(), arrival())
    (third,) = await service.intake.arrive(arrival("还在吗", "m2"))
    assert first.conversation_id == second.conversation_id == third.conversation_id
    assert (first.receipt.is_repeat, second.receipt.is_repeat) == (False, True)
    assert len(rows(service.store.engine, t.message, author="visitor")) == 2
    assert len(rows(service.store.engine, t.outbox, key="greeting.first")) == 1


async def test_first_messages_at_the_same_moment_make_one_contact(service: Service, channel: FakeChannel) -> None:
    found = await asyncio.gather(*(service.intake.arrive(arrival(id=f"m{n}")) for n in range(8)))
    assert len({arrived.conversation_id for (arrived,) in found}) == 1
    assert len(rows(service.store.engine, t.contact)) == 1
    assert len(rows(service.store.engine, t.message, author="visitor")) == 8


async def test_somebody_whose_first_words_are_danger_gets_safety_words_and_no_welcome(
    service: Service, channel: FakeChannel
) -> None:
    await service.intake.arrive(arrival(CRISIS))
    await deliver(service)
    assert len(rows(service.store.engine, t.case_record)) == 1
    assert [row.key for row in rows(service.store.engine, t.outbox)] == ["safety.medium"]
    assert "12356" in channel.heard[0]


async def test_what_the_channel_must_remember_is_stored_with_the_messages_or_not_at_all(
    service: Service, channel: FakeChannel
) -> None:
    def then(connection) -> None:
        service.store.channel_state.put(connection, "fake.cursor", "7")

    await service.intake.arrive(arrival(), then=then)
    assert do(service.writer, lambda c: service.store.channel_state.get(c, "fake.cursor", service.now())) == "7"

    def broken(_connection) -> None:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        await service.intake.arrive(arrival("第二句", "m2"), then=broken)
    assert len(rows(service.store.engine, t.message, author="visitor")) == 1


async def test_a_platform_that_uses_one_id_for_two_messages_loses_neither(
    service: Service, channel: FakeChannel
) -> None:
    await service.intake.arrive(arrival("一句"), arrival("另一句"), arrival("另一句"))
    assert len(rows(service.store.engine, t.message, author="visitor")) == 2


async def test_a_message_of_yesterday_gets_an_honest_line_and_danger_still_calls_people(
    service: Service, channel: FakeChannel
) -> None:
    old = service.now() - timedelta(hours=23)
    await service.intake.arrive(arrival("失眠怎么办", sent_at=old))
    await service.pipeline.drain()
    assert "talk.late" in [row.key for row in rows(service.store.engine, t.outbox)]
    assert "plain" not in [row.key for row in rows(service.store.engine, t.outbox)]
    await service.intake.arrive(arrival(CRISIS, "m2", sent_at=old))
    assert len(rows(service.store.engine, t.alert, state="ringing")) == 1


async def test_a_text_longer_than_we_keep_is_cut_and_marked(service: Service, channel: FakeChannel) -> None:
    (arrived,) = await service.intake.arrive(arrival("安" * LONGEST_BYTES))
    with service.store.engine.connect() as connection:
        message = service.store.conversations.message(connection, arrived.receipt.message_id)
    assert len(message.body.encode()) <= LONGEST_BYTES
    assert message.extra["cut"] is True


async def test_files_are_noted_in_the_same_transaction_and_once(service: Service, channel: FakeChannel) -> None:
    picture = arrival("", kind="image", files=("media-1",))
    await service.intake.arrive(picture, picture)
    (waiting,) = do(service.writer, lambda c: service.store.attachments.due(c, service.now()))
    assert (waiting.reference, waiting.kind, waiting.channel) == ("media-1", "image", "fake")


async def test_joining_greets_once_per_event_and_leaving_closes_the_door_until_they_write(
    service: Service, channel: FakeChannel
) -> None:
    joined = arrival("", "e1", kind="joined")
    await service.intake.arrive(joined, joined)
    assert len(rows(service.store.engine, t.outbox, key="greeting.first")) == 1
    await service.intake.arrive(arrival("", "e2", kind="left"))
    assert rows(service.store.engine, t.contact)[0].unreachable == "left"
    await service.intake.arrive(arrival("我回来了", "m3"))
    assert rows(service.store.engine, t.contact)[0].unreachable == ""
    assert len(rows(service.store.engine, t.message, author="visitor")) == 1


async def test_every_message_opens_the_platforms_window_anew_and_repeats_do_not(
    service: Service, channel: FakeChannel
) -> None:
    def left() -> int:
        return rows(service.store.engine, t.allowance)[0].left

    (arrived,) = await service.intake.arrive(arrival())
    do(service.writer, lambda c: service.store.ledger.spend(c, arrived.conversation_id))
    assert left() == 4
    await service.intake.arrive(arrival())
    assert left() == 4
    await service.intake.arrive(arrival("再说一句", "m2"))
    assert left() == 5


async def test_a_small_permission_never_shrinks_an_open_window(service: Service, channel: FakeChannel) -> None:
    await service.intake.arrive(arrival())
    click = arrival("", "e9", kind="joined", opens=(3, timedelta(minutes=1)))
    await service.intake.arrive(click)
    (row,) = rows(service.store.engine, t.allowance)
    assert (row.left, row.until, row.kept) == (5, service.now() + timedelta(hours=48), 3)
    stranger = arrival("", "e10", kind="joined", address="openid-2", opens=(3, timedelta(minutes=1)))
    (met,) = await service.intake.arrive(stranger)
    (row,) = rows(service.store.engine, t.allowance, id=met.conversation_id)
    assert (row.left, row.until, row.kept) == (3, service.now() + timedelta(minutes=1), 0)


async def test_who_writes_after_a_small_permission_has_the_usual_one(service: Service, channel: FakeChannel) -> None:
    await service.intake.arrive(arrival("", "e1", kind="joined", opens=(3, timedelta(minutes=1))))
    await service.intake.arrive(arrival())
    (row,) = rows(service.store.engine, t.allowance)
    assert (row.left, row.until, row.kept) == (5, service.now() + timedelta(hours=48), 3)


async def test_two_people_may_have_one_id_and_the_same_words(service: Service, channel: FakeChannel) -> None:
    first, second = await service.intake.arrive(arrival(CRISIS), arrival(CRISIS, address="openid-2"))
    assert not second.receipt.is_repeat
    assert first.conversation_id != second.conversation_id
    assert len(rows(service.store.engine, t.case_record)) == 2


async def test_a_greeting_that_was_dropped_is_no_disclosure(service: Service, channel: FakeChannel) -> None:
    await service.intake.arrive(arrival("", "e1", kind="joined"))
    (row,) = rows(service.store.engine, t.conversation)
    assert row.disclosed_at is not None
    do(service.writer, lambda c: service.store.conversations.change(c, row.id, epoch=9))  # it has changed hands
    await deliver(service)
    (row,) = rows(service.store.engine, t.conversation)
    assert row.disclosed_at is None
