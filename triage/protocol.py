"""What follows from a level: may the bot answer, is there a case (which rings), a safety reply. One table."""

from __future__ import annotations

from dataclasses import dataclass, replace

from triage.risk import Level


@dataclass(frozen=True, slots=True)
class Disposition:
    """What must happen after a message. `safety_reply` is the key of a reviewed text."""

    may_answer: bool
    opens_case: bool
    safety_reply: str | None


# The low reply is one empathic line with one direct safety question; it may come with an answer.
# From medium on no knowledge answer is given: a person is called.
_BY_LEVEL = {
    Level.NONE: Disposition(True, False, None),
    Level.LOW: Disposition(True, False, "safety.low"),
    Level.MEDIUM: Disposition(False, True, "safety.medium"),
    Level.HIGH: Disposition(False, True, "safety.high"),
    Level.EMERGENCY: Disposition(False, True, "safety.emergency"),
}


def decide(conversation_level: Level, message_level: Level, *, person_owns: bool) -> Disposition:
    """The disposition for the higher of both levels; where a person has taken over, the bot is silent."""
    disposition = _BY_LEVEL[max(conversation_level, message_level)]
    if person_owns:
        return replace(disposition, may_answer=False, safety_reply=None)
    return disposition
