"""The words of urgency: five levels, seven kinds of danger, and what screening says about one message."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How urgent the danger is; a higher number is more urgent. Names and colours are shown to people."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    EMERGENCY = 4

    @property
    def code(self) -> str:
        """The stable name outside the program: none, low, medium, high, emergency."""
        return self.name.lower()

    @property
    def label(self) -> str:
        """The Chinese word on screens."""
        return ("无", "低", "中", "高", "紧急")[self]

    @property
    def colour(self) -> str:
        """The statutory warning colour (突发事件应对法 order 红橙黄蓝); green means no case."""
        return ("绿", "蓝", "黄", "橙", "红")[self]

    @classmethod
    def from_code(cls, code: str) -> Level:
        """Read a stable name; raise ValueError that names the codes when it is not one."""
        try:
            return cls[code.upper()]
        except KeyError:
            raise ValueError(f"unknown level {code!r}; expected one of {', '.join(lv.code for lv in cls)}") from None


class Category(StrEnum):
    """What kind of danger; one message may have several."""

    SUICIDE = "suicide"
    SELF_HARM = "self_harm"
    HARM_OTHERS = "harm_others"
    PSYCHOSIS = "psychosis"
    ABUSE = "abuse"
    PANIC_MEDICAL = "panic_medical"
    THIRD_PARTY = "third_party"


@dataclass(frozen=True, slots=True)
class Signal:
    """One reason for a level: which rule matched, where in the original text, and what scope made of it."""

    rule: str
    start: int  # offset in the original text, in characters
    end: int
    level: Level  # after scope
    categories: tuple[Category, ...] = ()
    scope: str = ""  # why it was lowered: negation, idiom, quote, knowledge, history, game, calm; empty = as written


@dataclass(frozen=True, slots=True)
class Screening:
    """What one message shows, judged alone. `failed` marks a screening that broke: it counts as high."""

    level: Level
    categories: tuple[Category, ...] = ()
    signals: tuple[Signal, ...] = ()
    version: str = ""
    failed: bool = False
    score: float | None = None  # how likely level >= 3 is, says the classifier; None where it did not speak
    is_near_high: bool = False  # not enough for an alarm alone, but enough after danger was spoken of
    lame: str = ""  # what did not work while the rules did: a key of agreement.LAMENESS
