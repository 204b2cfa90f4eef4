"""What 微信客服 brings, parsed once: tables of message types and events. Values in, values out.

The platform's description: https://developer.work.weixin.qq.com/document/path/94670
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot.messages import Arrival

NAME = "wecom"
_BY_SERVICER = 5  # origin of what people wrote in WeCom's own app
_REFUSED_BY_PERSON = 10  # fail_type; all others lie with the platform, the account or the session
_WELCOME_FOR = timedelta(seconds=20)
_TIME_TO_SEND = timedelta(seconds=5)
_LAST_TIME = 4_102_444_800  # the year 2100: nothing later is a time
_OPENS_NOTHING = (0, timedelta())
_MENU = "say."  # how the ids of our menu items begin; what follows is what pressing them says, in base64
_KINDS = {
    "text": "text", "image": "image", "voice": "voice", "video": "video", "file": "file", "location": "place",
}  # fmt: skip
_WORDS = {  # message type -> the fields that hold words; business cards and notes bring none
    "link": ("title", "desc", "url"),
    "miniprogram": ("title",),
    "channels": ("nickname", "title"),
    "channels_shop_product": ("title", "shop_nickname"),
    "channels_shop_order": ("product_titles", "shop_nickname"),
    "meeting": ("title",),
    "schedule": ("title",),
    "location": ("name", "address"),
}

log = structlog.get_logger()
Json = Mapping[str, Any]  # Any: JSON of the platform


@dataclass(frozen=True)
class Welcome:
    """Leave to say one thing to somebody who opened the chat and wrote nothing yet."""

    address: str
    code: str
    until: datetime


@dataclass(frozen=True)
class Batch:
    """What one pull brought."""

    arrivals: tuple[Arrival, ...]
    welcomes: tuple[Welcome, ...]


def read_batch(items: Iterable[Any], now: datetime) -> Batch:  # Any: JSON
    """Everything that concerns us, in order. Nothing a platform may send makes this fail."""
    arrivals, welcomes = [], []
    for item in items:
        arrival = _read(item, now) if isinstance(item, dict) else None
        if arrival is None:
            continue
        arrivals.append(arrival)
        if arrival.kind == "joined" and arrival.sent_at is not None:
            code = str(_part(item, "event")["welcome_code"])
            welcomes.append(Welcome(arrival.address, code, arrival.sent_at + _WELCOME_FOR))
    return Batch(tuple(arrivals), tuple(welcomes))


def menu_id(label: str, text: str) -> str:
    """The id of a menu item that says `text` when it is pressed; the platform itself sends the label back."""
    if label == text:
        return _MENU
    return _MENU + base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode()


def _read(item: Json, now: datetime) -> Arrival | None:
    msgtype = str(item.get("msgtype") or "")
    if msgtype == "event":
        return _read_event(item, now)
    address = _address(item)
    if item.get("origin") == _BY_SERVICER or not address:
        log.info("wecom.not_ours", what=msgtype, origin=item.get("origin"))
        return None
    body = _part(item, msgtype)
    media = body.get("media_id")
    return Arrival(
        NAME, address, _id(item), _KINDS.get(msgtype, "unknown"), _words(msgtype, body), _time(item),
        files=(media,) if isinstance(media, str) and media else (),
    )  # fmt: skip


def _read_event(item: Json, now: datetime) -> Arrival | None:
    event = _part(item, "event")
    what, address, sent_at = event.get("event_type"), _address(event), _time(item)
    log.info("wecom.event", what=what, fail_type=event.get("fail_type"), change_type=event.get("change_type"))
    if not address:
        return None
    if what == "enter_session":
        is_fresh = sent_at is not None and now < sent_at + _WELCOME_FOR - _TIME_TO_SEND
        if not is_fresh or not event.get("welcome_code"):  # nothing can be said now: who writes is greeted then
            return None
        return Arrival(
            NAME, address, _id(item), "joined", sent_at=sent_at, scene=_label(_field(event, "scene")),
            opens=(1, _WELCOME_FOR),
        )  # fmt: skip
    if what == "msg_send_fail":
        kind = "blocked" if event.get("fail_type") == _REFUSED_BY_PERSON else "closed"
        return Arrival(NAME, address, _id(item), kind, sent_at=sent_at)
    if what == "user_recall_msg":  # what was withdrawn stays, and people see that something was
        return Arrival(NAME, address, _id(item), "unknown", sent_at=sent_at, is_edited=True, opens=_OPENS_NOTHING)
    return None


def _words(msgtype: str, body: Json) -> str:
    """The person's words in a message of any type; empty where there are none."""
    if msgtype == "text":
        return _pressed(str(body.get("menu_id") or "")) or _field(body, "content")
    if msgtype == "msgmenu":
        items = [_part(item, str(item.get("type"))) for item in _dicts(body, "list")]
        return _lines(
            _field(body, "head_content"), *(_field(i, "content") for i in items), _field(body, "tail_content")
        )
    if msgtype == "merged_msg":
        return _lines(_field(body, "title"), *(_quoted(item) for item in _dicts(body, "item")))
    words = _lines(*(_field(body, name) for name in _WORDS.get(msgtype, ())))
    if msgtype == "location":
        return _lines(words, f"({body.get('latitude')}, {body.get('longitude')})")
    return words


def _quoted(item: Json) -> str:
    """One message of a forwarded talk; its content is JSON inside the JSON."""
    raw, msgtype = _field(item, "msg_content"), str(item.get("msgtype") or "")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        content = None
    words = _words(msgtype, _part(content, msgtype) or content) if isinstance(content, dict) else raw
    return f"{_field(item, 'sender_name')}：{words or msgtype}"


def _pressed(menu: str) -> str:
    try:
        raw = base64.urlsafe_b64decode(menu.removeprefix(_MENU)) if menu.startswith(_MENU) else b""
    except (binascii.Error, ValueError):
        raw = b""
    return raw.decode("utf-8", "replace")


def _address(part: Json) -> str:
    account, person = _field(part, "open_kfid"), _field(part, "external_userid")
    return f"{account}/{person}" if account and person else ""


def _id(item: Json) -> str:
    """The platform's id; should one ever lack or be odd, the message itself names it."""
    found = _field(item, "msgid")
    if 0 < len(found) <= 128 and found.isascii() and found.isprintable():
        return found
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()


def _time(item: Json) -> datetime | None:
    seconds = item.get("send_time")
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and 0 < seconds < _LAST_TIME else None


def _label(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:64]


def _field(part: Json, name: str) -> str:
    value = part.get(name)
    return value if isinstance(value, str) else ""


def _part(item: Json, name: str) -> Json:
    value = item.get(name)
    return value if isinstance(value, dict) else {}


def _dicts(part: Json, name: str) -> list[Json]:
    value = part.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _lines(*words: str) -> str:
    return "\n".join(word for word in words if word)
