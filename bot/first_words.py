"""The fixed text that goes out at once, in the transaction that stores the message. Values in, a key out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.dialogue import was_asked
from bot.messages import Inbound
from bot.restraint import SLOW_DOWN, Hold
from triage.risk import Category, Level, Screening

ASKS = "safety.low"  # the one direct question
# after these the same words wait a while; a line about who was called is none of them
SAFETY_WORDS = ("safety.low", "safety.medium", "safety.high", "safety.emergency", "handover.emergency_button")
OWN_LIFE = frozenset({Category.SUICIDE, Category.SELF_HARM})
# what danger of another kind than to one's own life is spoken to as, the first that fits; see `fitting`
SITUATIONS = {
    Category.ABUSE: "abuse",
    Category.HARM_OTHERS: "harm",
    Category.PSYCHOSIS: "voices",
    Category.PANIC_MEDICAL: "body",
}
FITTED = frozenset({"safety.medium", "safety.high"})  # an emergency hears one text: call now


@dataclass(frozen=True)
class Moment:
    """What the first words depend on."""

    intent: str
    unread_words: str  # what is said of something that the bot cannot read
    level: Level  # of the conversation with this message
    level_before: Level
    safety_reply: str | None  # where the level opens a case
    safety_said_at: datetime | None
    had_case: bool
    hold: Hold
    remark: str  # said when nothing more urgent is
    situation: str = ""  # which of the texts for this level


def first_words(moment: Moment, now: datetime, repeat: timedelta) -> str:
    """The key of what is said at once; empty when nothing is. What holds answers back never holds safety back."""
    if moment.intent == "emergency":
        return "handover.emergency_button"
    if moment.safety_reply is not None:
        if moment.level > moment.level_before or moment.safety_said_at is None:
            return fitting(moment.safety_reply, moment.situation)
        if now - moment.safety_said_at >= repeat:
            return f"{moment.safety_reply}_again"
    is_too_fast = moment.hold in (Hold.SLOW, Hold.SILENT)
    if moment.intent == "person" and not (is_too_fast and moment.had_case):
        return "handover.already_called" if moment.had_case else "handover.called"
    if moment.hold is not Hold.NONE and moment.level == Level.LOW and not was_asked(moment.safety_said_at, now):
        return ASKS
    if is_too_fast:
        return SLOW_DOWN if moment.hold is Hold.SLOW and moment.level <= Level.LOW else ""
    if moment.unread_words:
        return moment.unread_words
    return "" if moment.hold is Hold.BLOCKED else moment.remark


def situation(found: Screening) -> str:
    """Whom the words are about and what kind of danger they tell of; empty for somebody's own life."""
    if found.level < Level.MEDIUM:  # the conversation as a whole rose
        return "unclear"
    if Category.THIRD_PARTY in found.categories:
        return "other"
    if OWN_LIFE.intersection(found.categories):
        return ""
    return next((name for category, name in SITUATIONS.items() if category in found.categories), "unclear")


def fitting(key: str, situation: str) -> str:
    """The text for a level and a situation: nobody is told of thoughts that they did not speak of."""
    return f"{key}_{situation}" if situation and key in FITTED else key


def unread_words(inbound: Inbound, *, has_case: bool, hears_voices: bool) -> str:
    """What is said of a voice, a picture or a file; of one with words that only those were read."""
    if not inbound.is_unread:
        return "safety.voice" if inbound.kind in ("image", "video", "file") else ""
    if has_case:
        return "safety.voice_called"
    return "safety.voice_listening" if inbound.kind == "voice" and hears_voices else "safety.voice"
