"""What a Telegram update means for us, read once at the door; and our buttons, written and read back.

An update that cannot be read must hold up nobody: what can be saved of a private chat is saved, with its words, so
that they are screened like any others. Only private chats are conversations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from telegram import (
    CallbackQuery,
    ChatMemberUpdated,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Location,
    Message,
    MessageReactionUpdated,
    ReactionTypeEmoji,
    Update,
)
from telegram.constants import ChatMemberStatus, ChatType, InlineKeyboardButtonLimit

from bot.messages import Arrival

log = structlog.get_logger()
NAME = "telegram"
# what a malformed update makes the library or us raise
UNREADABLE = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
_START = re.compile(r"/start(?:@\w+)?(?:\s+([A-Za-z0-9_-]{1,64}))?\s*")  # what a deep link may carry
_LABEL_KEY = "="  # and the button's number: its label is the whole text
_FROM_PEOPLE = ("message", "edited_message", "callback_query", "message_reaction")
# in this order: an animation is a document too, a venue a location
_KINDS = {
    "text": "text", "voice": "voice", "audio": "voice", "video_note": "video", "animation": "video", "video": "video",
    "live_photo": "video", "photo": "image", "sticker": "sticker", "dice": "sticker", "venue": "place",
    "location": "place", "document": "file",
}  # fmt: skip
_FILES = ("voice", "audio", "video_note", "animation", "video", "live_photo", "document")
_WORDS: Mapping[str, Callable[[Any], str]] = {  # Any: each its own class of the library
    "sticker": lambda sticker: sticker.emoji or "",
    "dice": lambda dice: dice.emoji,
    "venue": lambda venue: f"{venue.title} {venue.address} {_point(venue.location)}",
    "location": lambda location: _point(location),
    "contact": lambda contact: " ".join(filter(None, (contact.first_name, contact.last_name, contact.phone_number))),
    "poll": lambda poll: "\n".join((poll.question, *(option.text for option in poll.options))),
}


@dataclass(frozen=True)
class News:
    """What one update holds: something of a person, a button press to acknowledge, a group to leave, or nothing."""

    arrival: Arrival | None = None
    pressed: str = ""  # Telegram's id of the button press
    group: int | None = None
    is_invitation: bool = False  # somebody has just added us to the group


def read_update(raw: Mapping[str, Any]) -> News:
    """Read one update; never raises, whatever it holds."""
    try:
        news = _read(Update.de_json(dict(raw)))
        if news.arrival is not None:
            _check(news.arrival)
    except UNREADABLE as error:
        rescued = _rescued(raw)
        log.warning("telegram.unreadable", update=raw["update_id"], error=type(error).__name__, kept=bool(rescued))
        return News(rescued)
    return news


def keyboard(choices: Iterable[Mapping[str, str]]) -> InlineKeyboardMarkup | None:
    """One button a row, for {"label", "text"}."""
    rows = [
        [InlineKeyboardButton(choice["label"], callback_data=_button_key(number, choice["label"], choice["text"]))]
        for number, choice in enumerate(choices)
    ]
    return InlineKeyboardMarkup(rows) if rows else None


def _button_key(number: int, label: str, text: str) -> str:
    """The text itself where it fits; else a key to its label; a text that is neither loses its end."""
    raw = text.encode()
    if len(raw) > InlineKeyboardButtonLimit.MAX_CALLBACK_DATA and label == text:
        return f"{_LABEL_KEY}{number}"
    return raw[: InlineKeyboardButtonLimit.MAX_CALLBACK_DATA].decode("utf-8", "ignore")


def _read(update: Update) -> News:
    if message := update.message or update.edited_message:
        return _of_message(message, is_edited=update.message is None)
    if update.callback_query:
        return _of_press(update.callback_query)
    if update.my_chat_member:
        return _of_membership(update.my_chat_member)
    if update.message_reaction:
        return _of_reaction(update.message_reaction)
    post = update.channel_post or update.edited_channel_post
    return News(group=post.chat.id) if post else News()


def _of_message(message: Message, *, is_edited: bool) -> News:
    if message.chat.type != ChatType.PRIVATE:
        return News(group=message.chat.id)
    chat_id, nickname = message.chat.id, message.from_user.full_name if message.from_user else ""
    start = _START.fullmatch(message.text or "")
    if start and not is_edited:
        return News(_joined(chat_id, message.date, nickname, start[1] or ""))
    sent_at = (message.edit_date if is_edited else None) or message.date
    what = next((name for name in _KINDS if getattr(message, name)), "")
    return News(
        Arrival(
            NAME, str(chat_id), f"{chat_id}:{message.message_id}" + (f":e{_second(sent_at)}" if is_edited else ""),
            _KINDS.get(what, "unknown"), message.text or message.caption or _words(message), sent_at, nickname,
            files=_files(message, what), is_edited=is_edited,
        )
    )  # fmt: skip


def _joined(chat_id: int, at: datetime, nickname: str, scene: str) -> Arrival:
    """Named by its minute: unblocking us brings a change of membership and a /start, which deserve one greeting."""
    return Arrival(NAME, str(chat_id), f"{chat_id}:joined:{_second(at) // 60}", "joined", "", at, nickname, scene)


def _words(message: Message) -> str:
    return next((words(part) for name, words in _WORDS.items() if (part := getattr(message, name))), "")


def _files(message: Message, what: str) -> tuple[str, ...]:
    if what == "photo":
        return (message.photo[-1].file_id,)  # the largest size comes last
    return (getattr(message, what).file_id,) if what in _FILES else ()


def _of_press(press: CallbackQuery) -> News:
    chat = press.message.chat if press.message else None
    if chat is not None and chat.type != ChatType.PRIVATE:
        return News(pressed=press.id, group=chat.id)
    chat_id, text = chat.id if chat else press.from_user.id, _pressed_text(press)
    name = f"{chat_id}:c{press.id}"
    kind = "text" if text else "unknown"
    return News(Arrival(NAME, str(chat_id), name, kind, text, nickname=press.from_user.full_name), press.id)


def _pressed_text(press: CallbackQuery) -> str:
    """What the button stands for; nothing when its key leads to a label that Telegram no longer shows us."""
    data = press.data or ""
    if not data.startswith(_LABEL_KEY):
        return data
    shown = press.message.reply_markup if isinstance(press.message, Message) else None
    buttons = [button for row in shown.inline_keyboard for button in row] if shown else []
    return next((button.text for button in buttons if button.callback_data == data), "")


def _of_membership(change: ChatMemberUpdated) -> News:
    chat, status = change.chat, change.new_chat_member.status
    is_out = status in (ChatMemberStatus.BANNED, ChatMemberStatus.LEFT)
    if chat.type != ChatType.PRIVATE:
        return News() if is_out else News(group=chat.id, is_invitation=True)
    if is_out:
        return News(Arrival(NAME, str(chat.id), f"{chat.id}:left:{_second(change.date)}", "left"))
    return News(_joined(chat.id, change.date, change.from_user.full_name, ""))


def _of_reaction(reaction: MessageReactionUpdated) -> News:
    chat = reaction.chat
    if chat.type != ChatType.PRIVATE:
        return News(group=chat.id)
    text = "".join(one.emoji for one in reaction.new_reaction if isinstance(one, ReactionTypeEmoji))
    name = f"{chat.id}:{reaction.message_id}:r{_second(reaction.date)}"
    return News(Arrival(NAME, str(chat.id), name, "sticker" if text else "unknown", text, reaction.date))


def _check(arrival: Arrival) -> None:
    """The library does not look at types: refuse a text that is none."""
    for part in (arrival.text, arrival.nickname, *arrival.files):
        if not isinstance(part, str):
            raise TypeError("a part of an update that should be text is not")


def _rescued(raw: Mapping[str, Any]) -> Arrival | None:
    """What can be kept of an update that cannot be read; nothing when it is not of a private chat."""
    part = next((_fields(raw, name) for name in _FROM_PEOPLE if name in raw), {})
    chat_id = _fields(_fields(part, "message") or part, "chat").get("id")
    if not isinstance(chat_id, int) or chat_id <= 0:  # groups and channels have negative ids
        return None
    text = next((part[name] for name in ("text", "caption", "data") if isinstance(part.get(name), str)), "")
    return Arrival(NAME, str(chat_id), f"{chat_id}:u{raw['update_id']}", "unknown", text)


def _fields(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:  # Any: JSON
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


def _point(location: Location) -> str:
    return f"{location.latitude:.6f}, {location.longitude:.6f}"


def _second(at: datetime) -> int:
    return int(at.timestamp())
