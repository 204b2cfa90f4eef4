"""What tests of partners see of a person in our database, and how they wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from records import tables as t
from tests.bot.channels.partner_platform import WAIT_S, PartnerRig
from tests.bot.channels.rig import Trouble
from tests.building import rows


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


@contextmanager
def trouble(rig: PartnerRig, what: Trouble) -> Iterator[None]:
    rig.trouble(what)
    try:
        yield
    finally:
        rig.trouble(Trouble.NONE)
