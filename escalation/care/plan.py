"""When people are called back, how a try counts, what an answer may be, and what follows from it. No I/O."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from escalation.cases import NotAllowed
from triage.risk import Level

_ZONE = ZoneInfo("Asia/Shanghai")
EXTRA = "extra"  # a visit on a day that was agreed with the person
_LONGEST_AHEAD = timedelta(days=400)


class TaskState(StrEnum):
    """Where a follow-up stands."""

    TODO = "todo"
    DOING = "doing"  # tried at least once
    DONE = "done"
    LOST = "lost"
    REFUSED = "refused"
    DEAD = "dead"
    CANCELLED = "cancelled"


OPEN = (TaskState.TODO, TaskState.DOING)
TASK_WORDS = {
    TaskState.TODO: "待办",
    TaskState.DOING: "进行",
    TaskState.DONE: "完成",
    TaskState.LOST: "失访",
    TaskState.REFUSED: "拒访",
    TaskState.DEAD: "死亡",
    TaskState.CANCELLED: "取消",
}
TASK_TRANSITIONS: dict[tuple[TaskState, str], TaskState] = {
    (TaskState.TODO, "try"): TaskState.DOING,
    (TaskState.DOING, "try"): TaskState.DOING,
    (TaskState.DOING, "lose"): TaskState.LOST,
    **{(state, "finish"): TaskState.DONE for state in OPEN},
    **{(state, "refuse"): TaskState.REFUSED for state in OPEN},
    **{(state, "die"): TaskState.DEAD for state in OPEN},
    **{(state, "cancel"): TaskState.CANCELLED for state in OPEN},
}


class Consent(StrEnum):
    """May the person be called back?"""

    GIVEN = "given"
    OPEN = "open"  # not asked yet: the first call asks
    REFUSED = "refused"
    UNDECIDED = "undecided"  # refused in danger: a supervisor decides


@dataclass(frozen=True)
class Visit:
    """One planned call of a level."""

    code: str
    words: str
    levels: frozenset[Level]
    opens_h: int
    ends_h: int
    is_optional: bool


@dataclass(frozen=True)
class Window:
    """From when until when a visit is due."""

    code: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class CareRules:
    """The reviewed data with this deployment's numbers."""

    visits: tuple[Visit, ...]
    parts: Mapping[int, str]  # hour it begins -> words
    without: frozenset[str]
    words: Mapping[str, Mapping[str, str]]  # missing | acts | help | results | ways -> code -> words
    tries: int
    late_s: tuple[int, ...]
    outward_name: str  # who writes to them, in words that do not say what about

    def visit_words(self, code: str) -> str:
        """What a visit is called."""
        return next((visit.words for visit in self.visits if visit.code == code), "约定")


@dataclass(frozen=True)
class Answers:
    """What a call brought: values, or one of the four reasons why there is none."""

    ideas: str
    hopelessness: str
    acts: str
    help: tuple[str, ...]
    obstacles: str  # words, or a reason
    level: Level
    next_on: datetime | None = None
    note: str = ""


def load_rules(
    tries: int,
    late_s: tuple[int, ...],
    outward_name: str,
    *,
    with_year: bool,
    path: Path = Path(__file__).parent / "plan.toml",
) -> CareRules:
    """Read and check the data; raise ValueError that names what is wrong."""
    raw = tomllib.loads(path.read_text())
    visits = tuple(
        Visit(
            one["code"], one["words"], frozenset(map(Level.from_code, one["levels"])), one["opens_h"], one["ends_h"],
            one.get("is_optional", False),
        )
        for one in raw["visit"]
    )  # fmt: skip
    for visit in visits:
        if not 0 <= visit.opens_h < visit.ends_h:
            raise ValueError(f"{path}: visit {visit.code} ends before it opens")
    parts = {part["from_hour"]: part["words"] for part in raw["part"]}
    if len(parts) < tries:
        raise ValueError(f"{path}: {tries} tries at different times need as many parts of the day")
    words = {name: raw[name] for name in ("missing", "acts", "help", "results", "ways")}
    kept = tuple(visit for visit in visits if with_year or not visit.is_optional)
    return CareRules(kept, parts, frozenset(raw["without"]["dispositions"]), words, tries, late_s, outward_name)


def windows(level: Level, ended_at: datetime, rules: CareRules) -> list[Window]:
    """The calls that a level asks for, counted from the end of its handling."""
    return [
        Window(visit.code, ended_at + timedelta(hours=visit.opens_h), ended_at + timedelta(hours=visit.ends_h))
        for visit in rules.visits
        if level in visit.levels
    ]


def agreed_window(day: datetime, now: datetime) -> Window:
    """A visit on a day of Shanghai that was agreed; raise NotAllowed for a day that is over or too far away."""
    start = day.astimezone(_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=1)
    if end <= now or start > now + _LONGEST_AHEAD:
        raise NotAllowed("下次随访的日期要在今天到400天之内")
    return Window(EXTRA, max(start, now), end)


def consent(level: Level, answers: Sequence[str]) -> Consent:
    """What the newest answer means; a refusal in danger is a supervisor's to decide upon (个人信息保护法 13(4))."""
    newest = answers[-1] if answers else "not_asked"
    if newest == "refused":
        return Consent.UNDECIDED if level >= Level.HIGH else Consent.REFUSED
    return {"agreed": Consent.GIVEN, "go_on": Consent.GIVEN, "stop": Consent.REFUSED}.get(newest, Consent.OPEN)


def after(state: TaskState, action: str) -> TaskState:
    """The state of a task after an action; raise NotAllowed in words."""
    try:
        return TASK_TRANSITIONS[(state, action)]
    except KeyError:
        if action == "lose":
            raise NotAllowed("还没有联系过，不能记失访") from None
        raise NotAllowed(f"这次随访现在是“{TASK_WORDS[state]}”，不能再改") from None


def part_of_day(at: datetime, rules: CareRules) -> str:
    """上午, 下午 or 晚上; before the first part it still is the last one's night."""
    hour = at.astimezone(_ZONE).hour
    begun = [start for start in rules.parts if start <= hour]
    return rules.parts[max(begun or rules.parts)]


def is_same_part(one: datetime, other: datetime, rules: CareRules) -> bool:
    """Whether both are in the same part of the same day."""
    same_day = one.astimezone(_ZONE).date() == other.astimezone(_ZONE).date()
    return same_day and part_of_day(one, rules) == part_of_day(other, rules)


def untried(tried_at: Iterable[datetime], rules: CareRules) -> list[str]:
    """Parts of the day in which nobody has tried yet, as long as they are needed; empty = enough was tried."""
    tried = {part_of_day(at, rules) for at in tried_at}
    left = [words for words in rules.parts.values() if words not in tried]
    return left if len(tried) < rules.tries else []


def standing(start: datetime, end: datetime, now: datetime) -> str:
    """overdue, today (its window is open, or opens before midnight of Shanghai) or coming."""
    if end <= now:
        return "overdue"
    midnight = now.astimezone(_ZONE).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return "today" if start < midnight else "coming"


def next_rung(window_end: datetime, step: int, rules: CareRules) -> datetime | None:
    """When an overdue task is told to the next ones: all seats at the end of its window, then the lead, then above."""
    waits = (0, *rules.late_s)
    return window_end + timedelta(seconds=waits[step]) if step < len(waits) else None


def check_answers(answers: Answers, rules: CareRules) -> Answers:
    """The same answers, when each is a value or a reason; raise NotAllowed that names the field."""
    missing = rules.words["missing"]
    for words, measure in (("现在的自杀意念", answers.ideas), ("绝望程度", answers.hopelessness)):
        is_number = measure.isascii() and measure.isdigit() and int(measure) <= 100
        if not is_number and measure not in missing:
            raise NotAllowed(f"{words}：请填 0 到 100，或选择没有回答的原因")
    _check_choice("随访以来的行为", [answers.acts], rules.words["acts"], missing)
    _check_choice("得到的帮助", answers.help, rules.words["help"], missing)
    if not answers.obstacles.strip():
        raise NotAllowed("困难和障碍：请写下，或选择没有回答的原因")
    return answers


def _check_choice(name: str, given: Collection[str], codes: Collection[str], missing: Collection[str]) -> None:
    known = all(code in codes for code in given) or (len(given) == 1 and next(iter(given)) in missing)
    if not given or not known:
        raise NotAllowed(f"{name}：请选择，或选择没有回答的原因")


def calls_again(case_level: Level, answers: Answers) -> bool:
    """Whether what was heard calls people to the case again: it is worse than before, or danger now, or an attempt."""
    return answers.level >= Level.HIGH or answers.level > case_level or answers.acts == "attempt"
