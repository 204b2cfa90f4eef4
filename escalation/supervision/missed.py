"""Which cases screening missed or saw late, and sentences for the corpus that are nobody's own words. No I/O."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from records.missed import Course, Finding
from triage.risk import Category, Level

RAISED, LATE, NAMED = "raised", "late", "named"
_SAME_RUN = 8  # so many characters in a row are a copy
_LEAST, _LONGEST = 2, 300
_NUMBER = re.compile(r"\d[\d \-]{5,}\d")


class BadMissed(Exception):
    """The rules for missed crises cannot be used."""


@dataclass(frozen=True)
class MissedRules:
    """What counts as missed, and the words for what a reviewer may find."""

    machine_at_most: Level
    human_at_least: Level
    late: timedelta
    look_back: timedelta
    found: Mapping[str, str]
    outcomes: Mapping[str, str]
    forms: Mapping[str, str]


@dataclass(frozen=True)
class Miss:
    """A crisis that was found too late."""

    course: Course
    found: str
    machine: Level  # what screening had said at most before the alarm
    human: Level  # what the case came to
    alarm_at: datetime | None  # first time at the dangerous level

    @property
    def late_by(self) -> timedelta | None:
        """From the first message that screening calls dangerous to the alarm."""
        if self.course.first_danger_at is None or self.alarm_at is None:
            return None
        return max(timedelta(), self.alarm_at - self.course.first_danger_at)


@dataclass(frozen=True)
class Example:
    """A sentence for the corpus, in the reviewer's own words."""

    text: str
    level: str
    categories: tuple[str, ...]
    form: str


def load_missed(path: Path = Path(__file__).parent / "missed.toml") -> MissedRules:
    """Read and check the rules; raise BadMissed that says what cannot be used."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        counts = raw["counts"]
        rules = MissedRules(
            Level.from_code(counts["machine_at_most"]), Level.from_code(counts["human_at_least"]),
            timedelta(minutes=counts["late_min"]), timedelta(days=counts["days"]),
            dict(raw["found"]), dict(raw["outcome"]), dict(raw["form"]),
        )  # fmt: skip
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadMissed(f"{path}: {error!r}") from error
    if rules.machine_at_most >= rules.human_at_least:
        raise BadMissed(f"{path}: machine_at_most lies below human_at_least")
    if missing := {RAISED, LATE, NAMED} - set(rules.found):
        raise BadMissed(f"{path}: no words for {sorted(missing)}")
    return rules


def judge(course: Course, rules: MissedRules) -> Miss | None:
    """Whether this case was missed: raised by people over what screening had said, or alarmed long after the words."""
    miss = named(course, rules)
    if course.is_drill or miss.alarm_at is None:
        return None
    if miss.found == RAISED:
        return miss
    late_by = miss.late_by
    return Miss(course, LATE, miss.machine, miss.human, miss.alarm_at) if late_by and late_by >= rules.late else None


def named(course: Course, rules: MissedRules) -> Miss:
    """The same values for a case that a supervisor names, whether or not it counts by itself."""
    alarm = next((rise for rise in course.rises if rise.to >= rules.human_at_least), None)
    before = [rise.to for rise in course.rises if rise.is_machine and (alarm is None or rise.at <= alarm.at)]
    machine = max(before, default=Level.NONE)
    human = max((rise.to for rise in course.rises if not rise.is_machine), default=machine)
    is_raised = alarm is not None and not alarm.is_machine and machine <= rules.machine_at_most
    return Miss(course, RAISED if is_raised else NAMED, machine, max(human, machine), alarm.at if alarm else None)


def example_faults(example: Example, originals: Iterable[str], rules: MissedRules) -> dict[str, str]:
    """What is wrong with a sentence for the corpus: field -> words. The person's own words are refused."""
    wrong: dict[str, str] = {}
    if not _LEAST <= len(example.text) <= _LONGEST:
        wrong["example"] = f"请写{_LEAST}到{_LONGEST}字"
    elif _NUMBER.search(unicodedata.normalize("NFKC", example.text)):
        wrong["example"] = "不要写电话、证件等号码"
    elif any(is_copy(example.text, original) for original in originals):
        wrong["example"] = "和原话太像了。请换人物、地点和说法，用自己的话重新写一句"
    if example.level not in {level.code for level in Level}:
        wrong["example_level"] = "请选这句话应有的等级"
    if strange := set(example.categories) - {category.value for category in Category}:
        wrong["category"] = f"没有这个类别：{'、'.join(sorted(strange))}"
    if example.form not in rules.forms:
        wrong["form"] = "请选说法"
    return wrong


def is_copy(text: str, original: str) -> bool:
    """Whether a sentence is, holds, or shares a long run with what somebody wrote; marks and spaces do not count."""
    mine, theirs = _bare(text), _bare(original)
    if not mine or not theirs:
        return False
    if mine == theirs or (len(theirs) >= 4 and theirs in mine) or (len(mine) >= 4 and mine in theirs):
        return True
    runs = {theirs[start : start + _SAME_RUN] for start in range(len(theirs) - _SAME_RUN + 1)}
    return any(mine[start : start + _SAME_RUN] in runs for start in range(len(mine) - _SAME_RUN + 1))


def export_line(finding: Finding) -> str:
    """One line for the corpus: the reviewer's sentence and its labels, nothing of the case."""
    label = finding.label
    return json.dumps(
        {
            "id": f"missed-{finding.id[:12]}", "text": finding.example,
            "level": int(Level.from_code(label["level"])), "categories": label["categories"], "form": label["form"],
            "note": f"missed by {finding.version}" if finding.version else "missed",
        },
        ensure_ascii=False,
    )  # fmt: skip


def _bare(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())
