"""What tests of WeChat do with a person and a counsellor, and what they see of them in our database."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

from records import tables as t
from records.conversations import Message
from tests.bot.channels.wechat_platform import openid
from tests.bot.channels.wechat_rig import WeChatRig
from tests.browsing import Seat
from tests.building import WAIT_S, rows


async def soon(claim: Callable[[], Any]) -> Any:
    """What the claim says as soon as it is true; fails when it never is."""
    deadline = time.monotonic() + WAIT_S
    while not (found := claim()):
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)
    return found


def contact(rig: WeChatRig, person: str) -> Any:
    """The person's row, or None."""
    store = rig.site.service.store
    with store.engine.connect() as connection:
        return store.contacts.find(connection, "wechat", openid(person))


def chat(rig: WeChatRig, person: str) -> str:
    """The id of the person's conversation."""
    (row,) = rows(rig.site.service.store.engine, t.conversation, contact_id=contact(rig, person).id)
    return row.id


def said(rig: WeChatRig, person: str, *authors: str) -> list[Message]:
    """What is kept of this person's conversation: their own messages, or those of others."""
    if contact(rig, person) is None:
        return []
    store = rig.site.service.store
    with store.engine.connect() as connection:
        found = store.conversations.messages(connection, chat(rig, person), limit=1000)
    return [message for message in found if message.author in (authors or ("visitor",))]


def texts(rig: WeChatRig, person: str) -> list[str]:
    return [message.body for message in said(rig, person)]


def dead(rig: WeChatRig, person: str) -> list[str]:
    """Why words did not reach this person."""
    found = rows(rig.site.service.store.engine, t.outbox, conversation_id=chat(rig, person), state="dead")
    return [row.reason for row in found]


def left(rig: WeChatRig, person: str) -> int:
    """How many messages we believe that the platform still takes for this person."""
    (row,) = rows(rig.site.service.store.engine, t.allowance, id=chat(rig, person))
    return int(row.left)


async def meet(rig: WeChatRig, person: str) -> None:
    """They subscribe and are greeted."""
    assert (await rig.call(person, 0, "event-subscribe")).status_code == 200
    await soon(lambda: len(rig.seen(person)) == 1)
    rig.seen(person).clear()


async def take_over(rig: WeChatRig, person: str) -> tuple[Seat, str]:
    """The person asks for somebody, and a counsellor comes; from now on the bot is silent."""
    await meet(rig, person)
    await rig.post(person, 1, "转人工")
    case_id = await soon(lambda: rig.site.case_of(chat(rig, person)))
    seat = rig.site.seat()
    assert (await seat.act(case_id, "claim")).status_code < 400
    await soon(lambda: any("已接入" in text for text in rig.seen(person)))
    rig.seen(person).clear()
    return seat, case_id


async def reply(seat: Seat, case_id: str, text: str) -> None:
    answer = await seat.act(case_id, "reply", text=text, reply_id=uuid.uuid4().hex)
    assert answer.status_code < 400


def words(rig: WeChatRig, key: str) -> str:
    return rig.site.service.outbox.replies.render(key)
