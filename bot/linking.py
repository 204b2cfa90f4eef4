"""One person on two channels: they prove it with a one-time code, are told what it means, and can undo it.

Never by name or number alike, never silently. The words come in the transaction that stores the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.replies import trimmed
from escalation.showing import channel_word
from records import events
from records.conversations import Conversation
from records.links import Links, Thread
from records.outbox_rows import Lane, OutboxRows, Pending

MOST_TRIES = 5
TRIES_WITHIN = timedelta(hours=1)
_DIGITS = 8
_MOST_DRAWS = 5
_OFFER = re.compile(r"绑定[\s:,，、-]*([0-9][0-9\s-]{0,30})")
_TRIED = "link_tried"


@dataclass(frozen=True)
class Wish:
    """What somebody wants of their links: a code, to `offer` one, or to `undo` them."""

    what: str  # code | offer | undo
    code: str = ""


def wish_of(text: str, intent: str) -> Wish | None:
    """Read a whole message; None when it is about something else."""
    if intent in ("link", "unlink"):
        return Wish("code" if intent == "link" else "undo")
    found = _OFFER.fullmatch(trimmed(text).replace("綁", "绑"))
    return Wish("offer", re.sub(r"[^0-9]", "", found[1])) if found else None


def judge(mine: str, holder: str | None, *, tries: int, are_one: bool) -> str:
    """The text that answers an offered code; only with link.done are the contacts linked."""
    if tries >= MOST_TRIES:
        return "link.too_many"
    if holder is None:
        return "link.wrong"
    if holder == mine:
        return "link.own"
    return "link.already" if are_one else "link.done"


def spell(number: int) -> str:
    """A number as a code."""
    return f"{number:0{_DIGITS}d}"


@dataclass(frozen=True)
class Linking:
    """Gives codes, takes them, undoes links. `draw` gives a random number below its argument."""

    links: Links
    outbox: OutboxRows
    lifetime: timedelta
    draw: Callable[[int], int]

    def answer(self, connection: sa.Connection, conversation: Conversation, wish: Wish, now: datetime) -> None:
        """Do what was asked and say so."""
        if wish.what == "code":
            return self._give(connection, conversation, now)
        self.links.take_turns(connection)
        if wish.what == "offer":
            return self._take(connection, conversation, wish.code, now)
        return self._undo(connection, conversation, now)

    def _give(self, connection: sa.Connection, conversation: Conversation, now: datetime) -> None:
        minutes = str(int(self.lifetime.total_seconds() // 60))
        for _ in range(_MOST_DRAWS):
            code = spell(self.draw(10**_DIGITS))
            if self.links.put_code(connection, conversation.contact_id, code, now, now + self.lifetime):
                self._say(connection, conversation, "link.code", now, code=code, minutes=minutes)
                return
        self._say(connection, conversation, "answer.unavailable", now)  # every draw was somebody's living code

    def _take(self, connection: sa.Connection, conversation: Conversation, code: str, now: datetime) -> None:
        mine = conversation.contact_id
        tries = events.count_since(connection, self.links.district, conversation.id, _TRIED, now - TRIES_WITHIN)
        if tries < MOST_TRIES:
            self._tell(connection, conversation.id, _TRIED, now)
        holder = self.links.holder(connection, code, now)
        person_id = self.links.person_of(connection, mine)
        are_one = holder is not None and person_id is not None and person_id == self.links.person_of(connection, holder)
        key = judge(mine, holder, tries=tries, are_one=are_one)
        if key != "link.done" or holder is None:
            self._say(connection, conversation, key, now)
            return
        self._join(connection, conversation, holder, now)

    def _join(self, connection: sa.Connection, conversation: Conversation, holder: str, now: datetime) -> None:
        person_id = self.links.join(connection, conversation.contact_id, holder)
        self.links.forget_codes(connection, holder)
        threads = self.links.threads(connection, person_id)
        other = next(thread for thread in threads if thread.contact_id == holder)
        for here, there in ((conversation, other.channel), (other, conversation.channel)):
            self._say(connection, here, "link.done", now, origin="system", other=channel_word(there))
        for thread in threads:
            self._tell(connection, thread.conversation_id, "linked", now)

    def _undo(self, connection: sa.Connection, conversation: Conversation, now: datetime) -> None:
        threads = self.links.leave(connection, conversation.contact_id)
        self._say(connection, conversation, "link.undone" if threads else "link.none", now)
        for thread in threads:
            self._tell(connection, thread.conversation_id, "unlinked", now)

    def _say(
        self, connection: sa.Connection, to: Conversation | Thread, key: str, now: datetime, *, origin: str = "bot",
        **params: str,
    ) -> None:  # fmt: skip
        conversation_id = to.conversation_id if isinstance(to, Thread) else to.id
        item = Pending(conversation_id, to.channel, Lane.REPLY, origin, to.epoch, key, params=params)
        self.outbox.add(connection, item, now)

    def _tell(self, connection: sa.Connection, conversation_id: str, kind: str, now: datetime) -> None:
        events.append(connection, self.links.district, "desk", kind, now, conversation_id=conversation_id)
