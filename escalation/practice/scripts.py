"""What synthetic callers say and when: their scripts as data, and their place in it as a value. No I/O but the file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from triage.risk import Level

JOINED = "joined"
_OPENING, _FILLER = -1, -2  # parts of a script beside its branches
_FILLER_AFTER = 6.0


class BadScripts(ValueError):
    """The scripts of synthetic callers cannot be used."""


@dataclass(frozen=True)
class Line:
    """One message, after some seconds of typing. `danger`: from here on the clocks of a drill run."""

    text: str
    after: float
    danger: bool = False


@dataclass(frozen=True)
class Branch:
    """What is said, once, when a cue is heard."""

    on: str
    says: tuple[Line, ...]


@dataclass(frozen=True)
class Script:
    """One synthetic caller."""

    code: str
    name: str
    shows: str
    level: Level
    lines: tuple[Line, ...]
    branches: tuple[Branch, ...] = ()
    fillers: tuple[str, ...] = ()  # to a counsellor whose words hold no cue; none: the caller stays silent


@dataclass(frozen=True)
class Scenario:
    """Which callers a drill brings, in turn, and how fast; 0 a minute = all at once."""

    code: str
    words: str
    callers: tuple[str, ...]
    per_minute: float


@dataclass(frozen=True)
class PracticeRules:
    """The numbers of drills and practice."""

    token_before: timedelta
    token_after: timedelta
    banner_before: timedelta
    longest_run: timedelta
    most_callers: int
    practice_silent: timedelta
    practice_longest: timedelta


@dataclass(frozen=True)
class Playbook:
    """All that practice.toml holds."""

    rules: PracticeRules
    cues: Mapping[str, tuple[str, ...]]
    scripts: Mapping[str, Script]
    scenarios: Mapping[str, Scenario]

    def to_practise(self) -> list[Script]:
        """Callers who need a person."""
        return [script for script in self.scripts.values() if script.level > Level.NONE]

    def cast(self, scenario: str, callers: int) -> list[Script]:
        """Who comes in a drill with so many callers, in turn."""
        codes = self.scenarios[scenario].callers
        return [self.scripts[codes[number % len(codes)]] for number in range(callers)]


@dataclass(frozen=True)
class Heard:
    """Words that reached the caller."""

    author: str  # bot | system | counsellor
    text: str = ""


@dataclass(frozen=True)
class Progress:
    """A caller's place: how many lines are written, which wait (part, number), which branches were taken."""

    said: int = 0
    waiting: tuple[tuple[int, int], ...] = ()
    taken: tuple[int, ...] = ()
    fillers: int = 0
    heard_seq: int = 0  # of the last message that the caller has read

    def to_json(self) -> str:
        """As it is kept in a row: numbers only."""
        return json.dumps([self.said, self.waiting, self.taken, self.fillers, self.heard_seq])

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """Read what to_json wrote."""
        said, waiting, taken, fillers, heard_seq = json.loads(text)
        return cls(said, tuple((part, number) for part, number in waiting), tuple(taken), fillers, heard_seq)


def begin(script: Script) -> Progress:
    """Before the first word."""
    return Progress(waiting=tuple((_OPENING, number) for number in range(len(script.lines))))


def next_line(script: Script, progress: Progress) -> Line | None:
    """What the caller writes next; None while there is nothing to say."""
    if not progress.waiting:
        return None
    part, number = progress.waiting[0]
    if part == _OPENING:
        return script.lines[number]
    if part == _FILLER:
        return Line(script.fillers[number], _FILLER_AFTER)
    return script.branches[part].says[number]


def spoken(progress: Progress) -> Progress:
    """After the next line was written."""
    return replace(progress, said=progress.said + 1, waiting=progress.waiting[1:])


def hear(script: Script, cues: Mapping[str, Sequence[str]], progress: Progress, heard: Heard) -> Progress:
    """React to what was said: every branch whose cue is in it is said next, before what was still to be told."""
    found = [
        number
        for number, branch in enumerate(script.branches)
        if number not in progress.taken and _is_heard(branch.on, cues, heard)
    ]
    if found:
        says = tuple((part, number) for part in found for number in range(len(script.branches[part].says)))
        return replace(progress, waiting=says + progress.waiting, taken=(*progress.taken, *found))
    if heard.author == "counsellor" and script.fillers and not progress.waiting:
        number = progress.fillers % len(script.fillers)
        return replace(progress, waiting=((_FILLER, number),), fillers=progress.fillers + 1)
    return progress


def _is_heard(cue: str, cues: Mapping[str, Sequence[str]], heard: Heard) -> bool:
    if cue == JOINED:
        return heard.author in ("system", "counsellor")
    return heard.author != "system" and any(word in heard.text for word in cues[cue])


def load_playbook(path: Path = Path(__file__).parent / "practice.toml") -> Playbook:
    """Read the scripts; raise BadScripts that names what does not fit."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    cues = {cue: tuple(words) for cue, words in raw["cues"].items()}
    scripts = _by_code(_script(row, cues) for row in raw["caller"])
    scenarios = _by_code(
        Scenario(row["code"], row["words"], tuple(row["callers"]), float(row["per_minute"])) for row in raw["scenario"]
    )
    for scenario in scenarios.values():
        if not scenario.callers or (unknown := set(scenario.callers) - set(scripts)):
            raise BadScripts(f"scenario {scenario.code} needs callers that exist, not {sorted(unknown)}")
    return Playbook(_rules(raw["rules"]), cues, scripts, scenarios)


def _rules(raw: Mapping[str, Any]) -> PracticeRules:
    return PracticeRules(
        timedelta(minutes=raw["token_before_min"]), timedelta(hours=raw["token_after_h"]),
        timedelta(minutes=raw["banner_before_min"]), timedelta(minutes=raw["longest_run_min"]), raw["most_callers"],
        timedelta(minutes=raw["practice_silent_min"]), timedelta(minutes=raw["practice_longest_min"]),
    )  # fmt: skip


def _script(row: Mapping[str, Any], cues: Mapping[str, Sequence[str]]) -> Script:
    branches = tuple(Branch(one["on"], _lines(one["says"])) for one in row.get("branch", ()))
    if strange := {branch.on for branch in branches} - set(cues) - {JOINED}:
        raise BadScripts(f"caller {row['code']} listens for unknown cues {sorted(strange)}")
    if not row["lines"]:
        raise BadScripts(f"caller {row['code']} says nothing")
    return Script(
        row["code"], row["name"], row["shows"], Level.from_code(row["level"]), _lines(row["lines"]), branches,
        tuple(row.get("fillers", ())),
    )  # fmt: skip


def _lines(rows: Iterable[Mapping[str, Any]]) -> tuple[Line, ...]:
    return tuple(Line(row["text"], float(row["after"]), bool(row.get("danger", False))) for row in rows)


def _by_code(found: Iterable[Any]) -> dict[str, Any]:
    """Keyed by code; raise BadScripts for one that comes twice."""
    made: dict[str, Any] = {}
    for one in found:
        if one.code in made:
            raise BadScripts(f"{one.code} comes twice")
        made[one.code] = one
    return made
