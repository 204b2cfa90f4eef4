"""What people see: channels by their names, texts that can be displayed."""

from __future__ import annotations

_CHANNELS = {"web": "网页", "telegram": "Telegram", "wechat": "微信公众号", "wecom": "微信客服"}


def channel_word(name: str) -> str:
    """What a channel is called; a partner's own name stays as it is."""
    return _CHANNELS.get(name, name)


def displayable(text: str) -> str:
    """Half characters become a replacement mark, one for one, so that evidence offsets stay right."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
