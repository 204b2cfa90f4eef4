"""Rescue as rules: on what ground it starts, what the dispatcher hears, how it may end. No I/O."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from escalation.cases import NotAllowed
from records.rescues import Rescue

_ZONE = ZoneInfo("Asia/Shanghai")
_LEAST_WORDS = 4
_LONGEST_TEXT = 4000


@dataclass(frozen=True)
class Basis:
    """The ground on which rescuers are sent."""

    code: str
    words: str
    needs_second: bool


@dataclass(frozen=True)
class Line:
    """One thing that the dispatcher is told; `slot` names what is quoted from the person."""

    title: str
    say: str
    slot: str


@dataclass(frozen=True)
class Outcome:
    """How a rescue may end."""

    code: str
    words: str
    needs_arrival: bool
    is_serious: bool


@dataclass(frozen=True)
class TeamTask:
    """What the team owes itself."""

    title: str
    words: str


@dataclass(frozen=True)
class RescueRules:
    """The reviewed data with this deployment's numbers filled in."""

    bases: Mapping[str, Basis]
    lines: tuple[Line, ...]
    hints: Mapping[str, tuple[str, ...]]
    whom: Mapping[str, str]
    grounds: Mapping[str, str]
    outcomes: Mapping[str, Outcome]
    team: Mapping[str, TeamTask]
    always: tuple[str, ...]
    serious: tuple[str, ...]
    decide_within: timedelta
    second_within: timedelta  # the second person of a rescue against the will; then supervisors are called, as often
    debrief_within: timedelta
    review_within: timedelta

    def slots(self) -> dict[str, str]:
        """The headings under which words are quoted."""
        return {line.slot: line.title for line in self.lines if line.slot}

    def owed(self, *, is_serious: bool) -> list[tuple[str, timedelta]]:
        """What the team owes itself after a rescue, and within which time."""
        codes = (*self.always, *(self.serious if is_serious else ()))
        return [(code, self.review_within if code == "incident_review" else self.debrief_within) for code in codes]


@dataclass(frozen=True)
class RescueClocks:
    """Seconds and hours that the settings give."""

    decide_s: int
    second_s: int
    debrief_h: int
    review_h: int


def load_rescue(
    numbers: Mapping[str, str], hotline_name: str, callback: str, clocks: RescueClocks,
    path: Path = Path(__file__).parent / "rescue.toml",
) -> RescueRules:  # fmt: skip
    """Read and check the data; raise ValueError that names what is wrong."""
    raw = tomllib.loads(path.read_text())
    fillings = {"hotline_name": hotline_name, "callback": callback or "（回拨电话没有设置，请报您手边的电话）"}
    fillings |= {f"n:{name}": number for name, number in numbers.items()}

    def filled(text: str) -> str:
        for name, value in fillings.items():
            text = text.replace("{" + name + "}", value)
        return text

    team = {one["code"]: TeamTask(one["title"], one["words"]) for one in raw["team"]}
    if unknown := {*raw["after"]["always"], *raw["after"]["serious"]} - set(team):
        raise ValueError(f"{path}: unknown team tasks {sorted(unknown)}")
    return RescueRules(
        bases={one["code"]: Basis(one["code"], one["words"], one["needs_second"]) for one in raw["basis"]},
        lines=tuple(Line(one["title"], filled(one["say"]), one.get("slot", "")) for one in raw["line"]),
        hints={slot: tuple(words) for slot, words in raw["hints"].items()},
        whom={code: filled(words) for code, words in raw["whom"].items()},
        grounds=raw["ground"],
        outcomes={
            one["code"]: Outcome(
                one["code"], one["words"], one.get("needs_arrival", False), one.get("is_serious", False)
            )
            for one in raw["outcome"]
        },
        team=team,
        always=tuple(raw["after"]["always"]),
        serious=tuple(raw["after"]["serious"]),
        decide_within=timedelta(seconds=clocks.decide_s),
        second_within=timedelta(seconds=clocks.second_s),
        debrief_within=timedelta(hours=clocks.debrief_h),
        review_within=timedelta(hours=clocks.review_h),
    )  # fmt: skip


def check_start(rules: RescueRules, basis: str, reason: str) -> None:
    """What must be known before rescuers are sent; raise NotAllowed in words. A second person is never waited for."""
    if basis not in rules.bases:
        raise NotAllowed("请选择依据")
    need_words(reason, "请写一句：危险是什么")


def check_outcome(rules: RescueRules, outcome: str, note: str, *, has_arrived: bool) -> Outcome:
    """What must be known before a rescue ends."""
    if outcome not in rules.outcomes:
        raise NotAllowed("请选择救援结果")
    need_words(note, "请写明结果的依据：谁说的、怎么核实的")
    found = rules.outcomes[outcome]
    if found.needs_arrival and not has_arrived:
        raise NotAllowed(f"“{found.words}”要先填“确认到达”：救援人员实际接触到本人才算")
    return found


def need_words(text: str, complaint: str) -> str:
    """The text without blanks around it, when it says something."""
    if len(text.strip()) < _LEAST_WORDS:
        raise NotAllowed(f"{complaint}（至少{_LEAST_WORDS}个字）")
    return text.strip()


def short(text: str) -> str:
    """The text without blanks around it, when it is not endless."""
    if len(text) > _LONGEST_TEXT:
        raise NotAllowed(f"最多写{_LONGEST_TEXT}个字")
    return text.strip()


def hinted(rules: RescueRules, texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Heading -> ids of messages that may answer it, in their order."""
    return {slot: [key for key, text in texts.items() if _has(text, words)] for slot, words in rules.hints.items()}


def second_words(rescue: Rescue, rules: RescueRules, names: Mapping[str, str]) -> str:
    """Who decided beside the starter, in words; empty where nobody has to."""
    basis = rules.bases.get(rescue.basis)
    who = names.get(rescue.second_id or "", "")
    if rescue.second_at is not None:
        answer = "同意" if rescue.second_answer == "agreed" else "不同意"
        words = f"：{rescue.second_words}" if rescue.second_words else ""
        return f"{who} {rescue.second_at.astimezone(_ZONE):%m-%d %H:%M} {answer}{words}"
    if rescue.waits_for_second:
        asked = names.get(rescue.asked_id or "", "")
        return f"等待确认（请了{asked}）" if asked else "等待确认"
    if who:  # of a record before second persons signed in themselves
        return f"{who}（启动的老师填写）"
    return "当时没有第二人，由督导复核" if basis is not None and basis.needs_second else ""


def _has(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)
