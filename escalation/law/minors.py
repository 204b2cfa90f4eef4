"""Minors: who says that they are one, and by which passage a colleague may read their case. No I/O but the file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from escalation.cases import ENDED, State
from records.minors import Grant
from triage.risk import Level

_DIGITS = {char: number for number, char in enumerate("零一二三四五六七八九十")}
_LONGEST_TEXT = 2000
_FILE = Path(__file__).parent / "minors.toml"


@dataclass(frozen=True)
class Ages:
    """Hears an age under eighteen in what somebody says of themselves."""

    adult: int
    patterns: tuple[re.Pattern[str], ...]

    def is_minor(self, text: str) -> bool:
        """Whether these words say that the writer is a minor."""
        squeezed = re.sub(r"\s+", "", text[:_LONGEST_TEXT])
        return any(self._counts(found) for pattern in self.patterns for found in pattern.finditer(squeezed))

    def _counts(self, found: re.Match[str]) -> bool:
        return "age" not in found.re.groupindex or number_of(found["age"]) < self.adult


def number_of(text: str) -> int:
    """A number below a hundred in digits or Chinese numerals."""
    if text.isdigit() and text.isascii():
        return int(text)
    tens, _, ones = text.partition("十")
    if "十" not in text:
        return _DIGITS.get(text, 99)  # 一五 and the like are no age
    return _DIGITS.get(tens or "一", 99) * 10 + (_DIGITS.get(ones, 99) if ones else 0)


@dataclass(frozen=True)
class GateClocks:
    """How long a leave is good, a closed case its owner's, and until when danger must have been reviewed."""

    grant: timedelta
    record: timedelta
    review: timedelta
    basis: str


def load_ages(path: Path = _FILE) -> Ages:
    """Read the patterns; raise ValueError when an example is heard wrongly."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))["ages"]
    ages = Ages(int(raw["adult"]), tuple(re.compile(pattern) for pattern in raw["patterns"]))
    wrong = [text for text in raw["must_match"] if not ages.is_minor(text)]
    wrong += [text for text in raw["must_not_match"] if ages.is_minor(text)]
    if wrong:
        raise ValueError(f"{path}: heard wrongly: {', '.join(wrong)}")
    return ages


def load_gate(path: Path = _FILE) -> GateClocks:
    """Read the clocks of the gate."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))["gate"]
    grant, record, review = (timedelta(hours=raw[f"{name}_hours"]) for name in ("grant", "record", "review"))
    return GateClocks(grant, record, review, raw["basis"])


class Passage(StrEnum):
    """By what right a minor's case is read; the access log keeps it."""

    SERVING = "serving"
    WAITING = "waiting"  # nobody serves it yet: whoever may take it reads it first
    TASK = "task"  # asked to take it over, or a call or a partner's answer waits for them
    INVITED = "invited"  # it is shared with them, while the case is open
    IN_CHARGE = "in_charge"  # duty lead or supervisor, while the case is open
    GRANTED = "granted"
    BROKEN = "broken"  # opened in danger, reviewed afterwards


PASSAGE_WORDS = {
    Passage.SERVING: "正在服务",
    Passage.WAITING: "待接手",
    Passage.TASK: "有事要办",
    Passage.INVITED: "受邀协助",
    Passage.IN_CHARGE: "负责人",
    Passage.GRANTED: "经批准",
    Passage.BROKEN: "紧急打开",
}


@dataclass(frozen=True)
class Reader:
    """Who wants to read which case."""

    who_id: str
    is_in_charge: bool
    owner_id: str | None
    state: State
    finishes_until: datetime | None = None  # when a closed case stops being its owner's
    called: Passage | None = None  # what an open case wants of them: WAITING (it rings), TASK or INVITED


def passage(reader: Reader, grant: Grant | None, now: datetime) -> Passage | None:
    """The right by which a minor's case is read; None = leave must be asked for."""
    is_open = reader.state not in ENDED
    finishes = reader.finishes_until is not None and now < reader.finishes_until
    if reader.owner_id == reader.who_id and (is_open or finishes):
        return Passage.SERVING
    if reader.state == State.NEW:
        return Passage.WAITING
    if is_open and reader.is_in_charge:
        return Passage.IN_CHARGE
    if is_open and reader.called is not None:
        return reader.called
    if grant is not None and grant.opens(now):
        return Passage.GRANTED if grant.state == "granted" else Passage.BROKEN
    return None


def may_break(state: State, level: Level) -> bool:
    """While danger lasts the glass may be broken: reading first, review afterwards."""
    return state == State.RESCUE or (state not in ENDED and level >= Level.EMERGENCY)
