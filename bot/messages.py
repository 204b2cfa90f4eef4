"""What comes in and what goes out, the same for every channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a person, as a channel parsed it. Every kind is kept, known or not."""

    channel: str
    conversation_id: str
    external_id: str  # the platform's id: a repeat changes nothing
    kind: str  # text, voice, image, sticker, place, file, unknown
    text: str
    sent_at: datetime | None = None


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
