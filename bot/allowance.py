"""May this go out now? What a platform allows, decided from its rules and the ledger. Values in, values out."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from bot.channels import SendRules
from records.ledger import Allowance


class Leave(Enum):
    """What the platform's allowance says of one row."""

    SEND = "send"
    SPARE = "spare"  # the bot stays silent, so that people keep their last messages
    CLOSED = "closed"  # the window is over: only another way reaches this person
    USED_UP = "used_up"


def leave(rules: SendRules, allowance: Allowance | None, *, is_bot: bool, now: datetime) -> Leave:
    """Whether a row may go out. Without a ledger entry nobody wrote yet: the platform itself decides."""
    if rules.messages is None or allowance is None:
        return Leave.SEND
    if now >= allowance.until:
        return Leave.CLOSED
    if allowance.left <= 0:
        return Leave.USED_UP
    if is_bot and allowance.left <= allowance.kept:
        return Leave.SPARE
    return Leave.SEND


def parts(text: str, longest_bytes: int) -> list[str]:
    """A text in bubbles of at most so many bytes of UTF-8, broken after a line or a sentence where one ends."""
    found = []
    rest = text
    while len(rest.encode("utf-8", "surrogatepass")) > longest_bytes:
        head = rest.encode("utf-8", "surrogatepass")[:longest_bytes].decode("utf-8", "ignore")
        cut = max((head.rfind(mark) for mark in ("\n", "。", "！", "？", "；")), default=-1) + 1
        if cut < len(head) // 2:  # no sentence ends in the second half: a hard break
            cut = max(len(head), 1)
        found.append(rest[:cut].rstrip("\n"))
        rest = rest[cut:].lstrip("\n")
    return [*found, rest] if rest or not found else found
