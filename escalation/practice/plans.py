"""When a planned drill may begin, what the screens say of it, and how many planned drills were carried out. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from escalation.cases import NotAllowed
from escalation.practice.scripts import Playbook, PracticeRules
from records.drills import Plan, Run

_ZONE = ZoneInfo("Asia/Shanghai")
PLANNED, DONE, CANCELLED = "planned", "done", "cancelled"
OVER = "drill"  # the disposition of a case that ended with its drill or practice
STATE_WORDS = {
    "planned": "待演练", "missed": "未演练", DONE: "已演练", CANCELLED: "已取消",
    "running": "进行中", "stopped": "被停止", "broken": "中断",
}  # fmt: skip


class Planned(Protocol):
    """What the rate needs to know of a plan."""

    @property
    def planned_for(self) -> datetime:
        """Its time."""

    @property
    def state(self) -> str:
        """planned, done or cancelled."""


@dataclass(frozen=True)
class Wanted:
    """A drill as somebody plans it."""

    scenario: str
    callers: int
    planned_for: datetime
    is_announced: bool
    calls_people: bool


@dataclass(frozen=True)
class Completion:
    """Drills carried out, of those planned."""

    done: int
    planned: int

    @property
    def words(self) -> str:
        """The rate beside its numbers; without a plan there is none."""
        if not self.planned:
            return "无数据"
        return f"{100 * self.done / self.planned:.2f}%（{self.done}/{self.planned}）"


def check_plan(wanted: Wanted, playbook: Playbook, now: datetime, *, may_hide: bool) -> None:
    """Raise NotAllowed, in words, for a plan that cannot be kept."""
    if wanted.scenario not in playbook.scenarios:
        raise NotAllowed("请选择场景")
    if not 1 <= wanted.callers <= playbook.rules.most_callers:
        raise NotAllowed(f"来访者数量要在 1 到 {playbook.rules.most_callers} 之间")
    if wanted.planned_for + playbook.rules.token_after < now:
        raise NotAllowed("这个时间已经过去了")
    if not wanted.is_announced and not may_hide:
        raise NotAllowed("不公布的演练由督导安排")


def stands(plan: Planned, rules: PracticeRules, now: datetime) -> str:
    """The state that people see: a plan whose time is over was missed."""
    is_late = plan.state == PLANNED and plan.planned_for + rules.token_after < now
    return "missed" if is_late else plan.state


def check_beginning(plan: Plan, rules: PracticeRules, now: datetime) -> None:
    """Raise NotAllowed when a run of this plan may not begin now."""
    if plan.state == CANCELLED:
        raise NotAllowed("这次演练已经取消")
    if now < plan.planned_for - rules.token_before:
        raise NotAllowed(f"还没有到时间：{clock(plan.planned_for)} 前 {_minutes(rules)} 分钟起才可以开始")
    if now > plan.planned_for + rules.token_after:
        raise NotAllowed("这次演练的时间已经过了，请重新安排")


def check_cancelling(plan: Plan, now: datetime) -> None:
    """A drill whose time has come is carried out or stands as missed; it does not vanish from the rate."""
    if plan.state != PLANNED:
        raise NotAllowed("这次演练已经结束或取消了")
    if now >= plan.planned_for:
        raise NotAllowed("时间已到，不能再取消：没有做的演练计为“未演练”")


def completion(plans: Iterable[Planned], rules: PracticeRules, now: datetime) -> Completion:
    """Of plans whose time is over or that were carried out; those cancelled before are left out."""
    states = [stands(plan, rules, now) for plan in plans]
    return Completion(states.count(DONE), states.count(DONE) + states.count("missed"))


def banner(
    plans: Iterable[Plan], running: tuple[Plan, Run] | None, playbook: Playbook, now: datetime
) -> str:  # fmt: skip
    """What every screen says before and during an announced drill; empty when there is none."""
    rule = "真实来电永远优先。演练个案都标有“演练”，不要打 120、110，不要联系外面的人"
    if running is not None:
        plan, run = running
        if not plan.is_announced:
            return ""
        words = playbook.scenarios[run.scenario].words
        return f"演练进行中（{clock(run.began_at)} 开始）：{words}，{run.callers} 位模拟来访者。{rule}。"
    soon = [plan for plan in plans if _is_near(plan, playbook.rules, now)]
    if not soon:
        return ""
    first = min(soon, key=lambda plan: plan.planned_for)
    words = playbook.scenarios[first.scenario].words
    return f"{clock(first.planned_for)} 将有演练：{words}，最多 {first.callers} 位模拟来访者。{rule}。"


def _is_near(plan: Plan, rules: PracticeRules, now: datetime) -> bool:
    begins = plan.planned_for - rules.banner_before
    return plan.is_announced and plan.state == PLANNED and begins <= now <= plan.planned_for + rules.banner_before


def clock(at: datetime) -> str:
    """A moment as the hotline's clocks show it."""
    return at.astimezone(_ZONE).strftime("%m月%d日 %H:%M")


def _minutes(rules: PracticeRules) -> int:
    return int(rules.token_before.total_seconds() // 60)
