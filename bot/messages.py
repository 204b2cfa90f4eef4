"""What comes in and what goes out, the same for every channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

UNREAD_KINDS = ("voice", "image", "video", "file")


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a person, as a channel parsed it. Every kind is kept, known or not."""

    channel: str
    conversation_id: str
    external_id: str  # the platform's id: a repeat changes nothing
    kind: str  # text, voice, image, sticker, place, file, unknown
    text: str
    sent_at: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)  # edited, cut, late; JSON without personal text
    is_answered: bool = True  # False: stored, screened and alarmed as ever, but the bot looks nothing up
    remark: str = ""  # a fixed text's key, said when nothing more urgent is

    @property
    def is_unread(self) -> bool:
        """The bot cannot read it and it brings no words: a person has to look."""
        return self.kind in UNREAD_KINDS and not self.text


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a platform brought, as its channel parsed it: a message, or news.

    `joined` and `left` are news of the person; `blocked` and `closed` of words that we sent and that did not arrive.
    """

    channel: str
    address: str  # the platform's id of the person
    external_id: str  # the platform's id of the message: a repeat changes nothing
    kind: str  # text, voice, image, video, sticker, place, file, unknown; joined, left, blocked, closed
    text: str = ""
    sent_at: datetime | None = None
    nickname: str = ""
    scene: str = ""  # which code or campaign brought them
    files: tuple[str, ...] = ()  # the platform's names of what has to be fetched
    is_edited: bool = False
    is_cut: bool = False  # longer than we keep: the rest is gone
    opens: tuple[int, timedelta] | None = None  # how many messages for how long, none kept for people; None: the usual


@dataclass(frozen=True, slots=True)
class Choice:
    """A button under a reply: pressing it sends `text`."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Outbound:
    """One bubble, ready for a channel."""

    conversation_id: str
    channel: str
    text: str
    author: str  # bot | counsellor | system
    author_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)  # source article, choices; JSON without personal text
    address: str = ""  # the platform's id of the person
    delivery_id: str = ""  # the same at every try, for platforms that drop repeats


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an inbound message: it is stored, on disk, under this number."""

    message_id: str
    seq: int
    is_repeat: bool
    needs_answer: bool


class MessageTooLarge(Exception):
    """This message is longer than 64 KiB."""


class ReusedMessageId(Exception):
    """This message id was already used for another message."""


class UnknownConversation(Exception):
    """There is no such conversation."""
