"""When an unclaimed alert climbs, and what the waiting person is told. No I/O; `now` is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from triage.risk import Level

RUNGS = ("all_seats", "duty_lead", "supervisor", "oncall")
RUNG_WORDS = {
    "all_seats": "全体坐席",
    "duty_lead": "值班长",
    "supervisor": "督导",
    "oncall": "外部值守",
}
_NOTES_BEFORE_LATE = 2  # two different waiting messages, then the honest "nobody has come yet"
_SLOW_AFTER = 10  # after this many waiting messages they come less often
_SLOW_FACTOR = 5


@dataclass(frozen=True)
class Clocks:
    """Seconds from the raising of an alert to each rung, by level; and how often the person hears from us."""

    ladder: dict[Level, tuple[int, ...]]
    waiting_note_s: int
    silence_s: int  # no answer for so long after a question about danger is itself a sign
    reopen_within: timedelta  # whoever comes back sooner after the end continues the same case

    def claim_by(self, level: Level, raised_at: datetime) -> datetime:
        """The promise to the person: somebody claims by then."""
        return raised_at + timedelta(seconds=self.ladder[max(level, Level.LOW)][0])

    def next_rung_at(self, level: Level, step: int, raised_at: datetime) -> datetime | None:
        """When an alert on rung `step` climbs; None at the top."""
        seconds = self.ladder[max(level, Level.LOW)]
        return raised_at + timedelta(seconds=seconds[step]) if step < len(seconds) else None

    def next_note_at(self, level: Level, sent: int, last: datetime) -> datetime | None:
        """When the waiting person hears from us next; someone who only asked for a person less often."""
        factor = (1 if level >= Level.HIGH else 3) * (_SLOW_FACTOR if sent >= _SLOW_AFTER else 1)
        return last + timedelta(seconds=self.waiting_note_s * factor)


def waiting_key(level: Level, sent: int) -> str:
    """Which waiting message is next: different words each time, honest when it has become late."""
    if level <= Level.LOW:
        return "waiting.person"
    number = sent % (_NOTES_BEFORE_LATE + 1)
    if number == _NOTES_BEFORE_LATE:
        return "waiting.late"
    kind = "emergency" if level == Level.EMERGENCY else "crisis"
    return f"waiting.{kind}_{number + 1}"


def is_waiting_note(key: str) -> bool:
    """Whether a fixed text is one of those."""
    return key.startswith("waiting.")


def rung(step: int) -> str:
    """The name of a rung."""
    return RUNGS[min(step, len(RUNGS) - 1)]
