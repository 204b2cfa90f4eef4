"""What a partner system posts to us, read once: JSON to Arrivals, or words that say which field is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from bot.messages import Arrival

MOST_AT_ONCE = 100
KINDS = ("text", "voice", "image", "video", "sticker", "place", "file", "unknown")
_EVENTS = ("joined", "left")
_MOST_FILES = 10
_LONGEST_ID, _LONGEST_NAME, _LONGEST_URL = 128, 64, 2048
OwnId = Callable[[str, str], str]  # (person, the partner's id) -> what the message is known by here
Fields = Mapping[str, Any]  # Any: JSON that is not checked yet


class BadMessage(Exception):
    """The body is no message; the words say which field is wrong."""


def read(raw: bytes, channel: str, own_id: OwnId, now: datetime) -> tuple[list[Arrival], bool]:
    """The arrivals of a body, and whether it was a batch; raise BadMessage."""
    body = _object(raw)
    if "messages" not in body:
        return [_arrival(body, "", channel, own_id, now)], False
    items = body["messages"]
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_AT_ONCE:
        raise BadMessage(f"messages must be a list of 1 to {MOST_AT_ONCE}")
    found = []
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise BadMessage(f"messages[{number}] must be an object")
        found.append(_arrival(item, f"messages[{number}].", channel, own_id, now))
    return found, True


def _object(raw: bytes) -> Fields:
    """Broken UTF-8 inside a text is kept byte for byte as half characters: it may be somebody's cry."""
    try:
        body = json.loads(raw.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        raise BadMessage("the body must be a JSON object") from None
    if not isinstance(body, dict):
        raise BadMessage("the body must be a JSON object")
    return body


def _arrival(given: Fields, where: str, channel: str, own_id: OwnId, now: datetime) -> Arrival:
    fields = {key: value for key, value in given.items() if value is not None}
    message_id = _name(fields, "id", where)
    person = _name(fields, "person", where)
    return Arrival(
        channel,
        person,
        own_id(person, message_id),
        _kind(fields, where),
        text=_text(fields, "text", where),
        sent_at=_sent_at(fields, where, now),
        nickname=_shown(_text(fields, "nickname", where)),
        scene=_shown(_text(fields, "scene", where)),
        files=_files(fields, where),
        is_edited=_is_edited(fields, where),
    )


def _name(fields: Fields, key: str, where: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_ID or not value.isprintable():
        raise BadMessage(f"{where}{key} must be a text of 1 to {_LONGEST_ID} printable characters")
    if value != value.strip():
        raise BadMessage(f"{where}{key} must not begin or end with a space")
    return value


def _kind(fields: Fields, where: str) -> str:
    """An event, or the kind of message; a kind that we do not know is kept as unknown, never refused."""
    if "event" in fields:
        if fields["event"] not in _EVENTS:
            raise BadMessage(f"{where}event must be one of {', '.join(_EVENTS)}")
        return str(fields["event"])
    kind = fields.get("kind", "text")
    if not isinstance(kind, str):
        raise BadMessage(f"{where}kind must be a text, one of {', '.join(KINDS)}")
    return kind if kind in KINDS else "unknown"


def _text(fields: Fields, key: str, where: str) -> str:
    value = fields.get(key, "")
    if not isinstance(value, str):
        raise BadMessage(f"{where}{key} must be a text")
    return value


def _shown(text: str) -> str:
    """A name as people read it: without what cannot be printed, and short."""
    return "".join(letter for letter in text if letter.isprintable())[:_LONGEST_NAME]


def _sent_at(fields: Fields, where: str, now: datetime) -> datetime | None:
    """Never later than now: their clock may be ahead of ours."""
    if "sent_at" not in fields:
        return None
    try:
        sent_at = datetime.fromisoformat(fields["sent_at"])
        if sent_at.tzinfo is None:
            raise ValueError("no time zone")
        return min(sent_at.astimezone(UTC), now)
    except (TypeError, ValueError, OverflowError):
        raise BadMessage(f"{where}sent_at must be such as 2026-12-01T10:00:00+08:00, with its time zone") from None


def _files(fields: Fields, where: str) -> tuple[str, ...]:
    """Addresses only; whether we fetch from there is asked when we do, and the message is kept whatever comes of it."""
    value = fields.get("files", [])
    if not isinstance(value, list) or len(value) > _MOST_FILES:
        raise BadMessage(f"{where}files must be a list of at most {_MOST_FILES} addresses")
    for number, reference in enumerate(value):
        if not isinstance(reference, str) or len(reference) > _LONGEST_URL or not is_https(reference):
            raise BadMessage(f"{where}files[{number}] must be an https address of at most {_LONGEST_URL} characters")
    return tuple(value)


def is_https(reference: str) -> bool:
    """Whether this is the address of something behind https."""
    try:
        url = httpx.URL(reference)
    except httpx.InvalidURL:
        return False
    return url.scheme == "https" and bool(url.host) and not url.userinfo


def _is_edited(fields: Fields, where: str) -> bool:
    value = fields.get("is_edited", False)
    if not isinstance(value, bool):
        raise BadMessage(f"{where}is_edited must be true or false")
    return value
