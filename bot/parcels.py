"""What goes out together, and the fence. Values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from records.outbox_rows import Pending


class Verdict(Enum):
    """What to do with a row that is due."""

    SEND = "send"
    DROP = "drop"


def verdict(item: Pending) -> Verdict:
    """The fence. The bot speaks only while nobody owns the conversation and its words are of this ownership."""
    if item.origin != "bot":
        return Verdict.SEND
    is_current = item.epoch == item.owner_epoch and item.owner_id is None
    return Verdict.SEND if is_current else Verdict.DROP


@dataclass(frozen=True)
class Parcel:
    """One bubble for one person: one row, or several of the bot's that the platform counts as one."""

    items: tuple[Pending, ...]
    address: str
    text: str

    @property
    def extra(self) -> Mapping[str, Any]:  # Any: JSON
        """Source and choices; those of the last row that has any."""
        return next((item.extra for item in reversed(self.items) if item.extra), {})


def pack(
    head: Pending, behind: Sequence[Pending], text_of: Callable[[Pending], str], longest_bytes: int
) -> tuple[Pending, ...]:
    """The head, and what waits right behind it as long as it is the bot's, passes the fence and fits."""
    items, size = [head], _size(text_of(head))
    for item in behind:
        size += _size(text_of(item)) + 2
        if item.origin != "bot" or verdict(item) is Verdict.DROP or item.progress or size > longest_bytes:
            break
        items.append(item)
    return tuple(items)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
