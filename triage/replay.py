"""A new release over stored traffic, in the dark: whom the old one missed, whom the new one adds or lets go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from triage.memory import Memory
from triage.risk import Level
from triage.screen import Screener


@dataclass(frozen=True, slots=True)
class Stored:
    """One message as it was judged when it came."""

    message_id: str
    conversation_id: str
    text: str
    at: datetime
    level: Level
    conversation_level: Level


@dataclass(frozen=True, slots=True)
class Changed:
    """One message that the two releases judge differently across the line of "high"."""

    stored: Stored
    level: Level  # of the message, by the new release
    conversation_level: Level
    rules: tuple[str, ...]  # what the new release gives as its reasons, strongest first

    @property
    def is_found(self) -> bool:
        """The new release calls people where the old one did not."""
        return self.conversation_level >= Level.HIGH > self.stored.conversation_level

    @property
    def is_let_go(self) -> bool:
        """The old release called people where the new one would not."""
        return self.stored.conversation_level >= Level.HIGH > self.conversation_level


def replay(messages: Iterable[Stored], screener: Screener) -> Iterator[Changed]:
    """Judge messages (oldest first) anew; each conversation keeps its own memory. Yields only what changes.

    What people decided is not replayed: the memory runs from the first message given.
    """
    memories: dict[str, Memory] = {}
    for stored in messages:
        assessment = screener.screen(stored.text, memories.get(stored.conversation_id, Memory()), stored.at)
        memories[stored.conversation_id] = assessment.memory
        rules = tuple(dict.fromkeys(s.rule for s in assessment.screening.signals if s.level > Level.NONE))
        level = assessment.screening.level
        changed = Changed(stored, level, max(level, assessment.memory.level), rules)
        if changed.is_found or changed.is_let_go:
            yield changed
