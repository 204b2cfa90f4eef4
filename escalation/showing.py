"""What people see: channels by their names, texts that can be displayed."""

from __future__ import annotations

import re

_LONG_NUMBER = re.compile(r"(?:\d[ \-－—]?){7,}[Xx]?")  # also with full-width digits, spaces, dashes
_CHANNELS = {"web": "网页", "telegram": "Telegram", "wechat": "微信公众号", "wecom": "微信客服"}


def channel_word(name: str) -> str:
    """What a channel is called; a partner's own name stays as it is."""
    return _CHANNELS.get(name, name)


def displayable(text: str) -> str:
    """Half characters become a replacement mark, one for one, so that evidence offsets stay right."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def masked(name: str) -> str:
    """The first character and nothing of the rest, not even how long it is."""
    return f"{name[0]}＊＊" if name else ""


def without_numbers(text: str) -> str:
    """A text without what could be a phone, account or identity number."""
    return _LONG_NUMBER.sub("（号码已隐去）", text)
