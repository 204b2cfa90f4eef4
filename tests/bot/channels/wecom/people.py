"""What tests of 微信客服 do with a person, and what they see of them on the phone and in our database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.channels.wecom import WecomChannel
from bot.messages import Outbound
from records import tables as t
from records.conversations import Message
from tests.bot.channels.wecom_phones import ACCOUNT
from tests.bot.channels.wecom_rig import WecomRig, eventually
from tests.building import do, heard, rows

SAFETY = "值班"  # in every safety text, and in no greeting


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
