"""What a message means in its conversation. Values in, values out: the pipeline loads and acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from triage.memory import Memory, remember
from triage.protocol import Disposition, decide
from triage.risk import Level, Screening


@dataclass(frozen=True)
class Judgement:
    """`level` is the higher one of the message's and the conversation's."""

    screening: Screening
    memory: Memory
    level: Level
    disposition: Disposition


def judge(
    memory: Mapping[str, Any], screening: Screening, text: str, now: datetime, *, person_owns: bool
) -> Judgement:  # memory: JSON
    """The conversation after this message, and what must happen."""
    after = remember(Memory.from_dict(memory), screening, text, now)
    disposition = decide(after.level, screening.level, person_owns=person_owns)
    return Judgement(screening, after, max(after.level, screening.level), disposition)
