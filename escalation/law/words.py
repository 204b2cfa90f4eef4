"""What people must write down when they decide something: long enough to mean something, short enough to be read."""

from __future__ import annotations

from escalation.cases import NotAllowed

LEAST, LONGEST = 4, 2000


def reason(text: str, wish: str) -> str:
    """The words without space around them; raise NotAllowed that says what is wished for."""
    if not LEAST <= len(text.strip()) <= LONGEST:
        raise NotAllowed(f"{wish}（{LEAST}到{LONGEST}个字）")
    return text.strip()
