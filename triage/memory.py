"""What a conversation has shown so far. It holds no text: levels, categories, rule ids, slots, times.

The machine only raises the level; people may lower it. One message is often harmless alone ("今晚")
and means danger after what was said before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from triage.risk import Category, Level, Screening

_T = TypeVar("_T")
RECENT_TURNS = 5
HIGH_FLOOR = timedelta(hours=24)
_SHORT_CHARS = 12  # a bare answer to our question, not a story
_RULES_KEPT = 40
_ASKED_TURNS = 3  # so long a "yes" may still answer our question
MODEL = "model."  # what the classifier says has one name for everything: repeated, it is nothing new
SILENCE = "memory.silence"
# Cue frames (rulebook/cues.toml) carry no danger alone; they fill these slots.
_SLOTS = {
    "cue.time": "time",
    "cue.means": "means",
    "cue.method": "method",
    "cue.alone": "alone",
    "cue.ready": "ready",
    "cue.calm": "calm",
    "cue.farewell": "farewell",
    "cue.yes": "yes",
    "cue.denial": "denial",
}
_RAISING_SLOTS = frozenset({"ready", "calm", "farewell"})
_SHORT_RAISING_SLOTS = frozenset({"time", "means", "method"})


@dataclass(frozen=True, slots=True)
class Memory:
    """The state of one conversation."""

    level: Level = Level.NONE
    categories: tuple[Category, ...] = ()
    rules: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    recent: tuple[Level, ...] = ()  # levels of the last messages, oldest first
    peak: Level = Level.NONE  # highest since a person last set the level
    peak_at: datetime | None = None
    set_by_person_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """A JSON object."""
        return {
            "level": self.level.code,
            "categories": [str(category) for category in self.categories],
            "rules": list(self.rules),
            "slots": list(self.slots),
            "recent": [level.code for level in self.recent],
            "peak": self.peak.code,
            "peak_at": self.peak_at.isoformat() if self.peak_at else None,
            "set_by_person_at": self.set_by_person_at.isoformat() if self.set_by_person_at else None,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Memory:  # Any: JSON
        """Read a stored object; what an older or newer program wrote beside it is ignored."""
        known = {str(category) for category in Category}
        return cls(
            level=Level.from_code(stored.get("level", "none")),
            categories=tuple(Category(code) for code in stored.get("categories", ()) if code in known),
            rules=tuple(stored.get("rules", ())),
            slots=tuple(stored.get("slots", ())),
            recent=tuple(Level.from_code(code) for code in stored.get("recent", ())),
            peak=Level.from_code(stored.get("peak", "none")),
            peak_at=_time(stored.get("peak_at")),
            set_by_person_at=_time(stored.get("set_by_person_at")),
        )


def _time(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None


def remember(memory: Memory, screening: Screening, text: str, now: datetime) -> Memory:
    """The conversation after one more message. The level never falls here."""
    slots = _slots_of(screening)
    raised = max(
        memory.level,
        screening.level,
        floor(memory, now),
        _from_repetition(memory, screening),
        _from_slots(memory, slots, is_short=len(text.strip()) <= _SHORT_CHARS),
        Level.HIGH if screening.is_near_high and memory.level >= Level.MEDIUM else Level.NONE,
    )
    shown = tuple(s.rule for s in screening.signals if s.level > Level.NONE)
    rises = raised >= memory.peak and raised > Level.NONE
    return replace(
        memory,
        level=raised,
        categories=_joined(memory.categories, screening.categories),
        rules=_joined(memory.rules, shown)[-_RULES_KEPT:],
        slots=_joined(memory.slots, slots),
        recent=(*memory.recent, screening.level)[-RECENT_TURNS:],
        peak=max(memory.peak, raised),
        peak_at=now if rises and (raised > memory.peak or screening.level >= raised) else memory.peak_at,
    )


def floor(memory: Memory, now: datetime) -> Level:
    """Below this nothing may count: after an emergency high; after high, medium for a day.

    A later conversation of the same contact begins at this level.
    """
    if memory.peak == Level.EMERGENCY:
        return Level.HIGH
    if memory.peak == Level.HIGH and memory.peak_at and now - memory.peak_at < HIGH_FLOOR:
        return Level.MEDIUM
    return Level.NONE


def after_silence(memory: Memory, heard_at: datetime, now: datetime, patience: timedelta) -> Memory:
    """Thoughts of death, our direct question, and then nothing for so long: that is high.

    `heard_at` is when the person last wrote. Whoever was heard as high or more has people called already.
    """
    if memory.level != Level.MEDIUM or now - heard_at < patience:
        return memory
    return replace(
        memory, level=Level.HIGH, rules=_joined(memory.rules, (SILENCE,))[-_RULES_KEPT:], peak=Level.HIGH, peak_at=now
    )


def set_by_person(memory: Memory, level: Level, now: datetime) -> Memory:
    """A person judged the conversation: their level holds, and only new messages can raise it again."""
    return Memory(
        level=level,
        categories=memory.categories,
        peak=level,
        peak_at=now,
        set_by_person_at=now,
    )


def _slots_of(screening: Screening) -> tuple[str, ...]:
    found = dict.fromkeys(_SLOTS[signal.rule] for signal in screening.signals if signal.rule in _SLOTS)
    return tuple(found)


def _from_repetition(memory: Memory, screening: Screening) -> Level:
    """Two elevated messages within five turns, the second with something new in a frame or category, are high."""
    if screening.level != Level.MEDIUM or Level.MEDIUM not in memory.recent[-(RECENT_TURNS - 1) :]:
        return Level.NONE
    heard = [s for s in screening.signals if s.level == Level.MEDIUM and not s.rule.startswith(MODEL)]
    new_rules = {s.rule for s in heard} - set(memory.rules)
    new_categories = {category for s in heard for category in s.categories} - set(memory.categories)
    return Level.HIGH if new_rules or new_categories else Level.NONE


def _from_slots(memory: Memory, slots: tuple[str, ...], *, is_short: bool) -> Level:
    """What a harmless word means after danger was spoken of. A denial clears nothing."""
    if memory.level >= Level.MEDIUM:
        if _RAISING_SLOTS & set(slots) or (is_short and _SHORT_RAISING_SLOTS & set(slots)):
            return Level.HIGH
    elif is_short and "yes" in slots and Level.LOW in memory.recent[-_ASKED_TURNS:]:
        return Level.MEDIUM  # our reply to low distress asks directly for thoughts of death: this is a yes
    return Level.NONE


def _joined(old: tuple[_T, ...], new: tuple[_T, ...]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys((*old, *new)))
