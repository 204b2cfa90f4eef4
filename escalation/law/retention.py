"""How long things stay: kinds, ages and actions from reviewed data; when the night job may run. No I/O but the file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
KEEP = "keep"
_CAN = {  # what the job knows how to do with each kind; anything may be kept
    "lookups": "delete",
    "files": "delete",
    "identity": "pseudonymise",
    "drills": "delete",
    "records": "delete",
    "talks": "delete",
    "handovers": "delete",
    "arrivals": "delete",
    "drafts": "delete",
    "law": KEEP,
    "audit": KEEP,
}
ACTION_WORDS = {"delete": "删除", "pseudonymise": "去掉身份", KEEP: "保留"}


class BadSchedule(ValueError):
    """The table of retention cannot be used."""


@dataclass(frozen=True)
class Rule:
    """One kind of record: how old it may become and what happens then."""

    kind: str
    name: str
    days: int
    action: str
    needs_approval: bool  # a person clicks before anything goes
    basis: str
    review: str

    def until(self, now: datetime) -> datetime:
        """What was finished before this is old enough."""
        return now - timedelta(days=self.days)


@dataclass(frozen=True)
class Schedule:
    """All rules, and the hours of the night in which they are carried out."""

    begin: time
    end: time
    batch: int
    rules: tuple[Rule, ...]

    def night(self, now: datetime) -> str | None:
        """The local day whose night it is; None outside of the hours."""
        local = now.astimezone(ZONE)
        return local.date().isoformat() if self.begin <= local.time() < self.end else None

    def automatic(self) -> list[Rule]:
        """Rules that the night carries out by itself."""
        return [rule for rule in self.rules if rule.action != KEEP and not rule.needs_approval]

    def approved(self) -> list[Rule]:
        """Rules that wait for a person's click."""
        return [rule for rule in self.rules if rule.action != KEEP and rule.needs_approval]

    def rule(self, kind: str) -> Rule:
        """The rule of a kind; raise KeyError when there is none."""
        return {rule.kind: rule for rule in self.rules}[kind]


def load_schedule(path: Path = Path(__file__).parent / "retention.toml") -> Schedule:
    """Read and check the table; raise BadSchedule in words that say what is wrong."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    rules = tuple(_rule(entry) for entry in raw["rule"])
    kinds = [rule.kind for rule in rules]
    if sorted(kinds) != sorted(_CAN):
        raise BadSchedule(f"{path}: needs each of {', '.join(sorted(_CAN))} once")
    night = raw["night"]
    begin, end = time.fromisoformat(night["begin"]), time.fromisoformat(night["end"])
    if begin >= end or int(night["batch"]) < 1:
        raise BadSchedule(f"{path}: the night needs a beginning before its end, and a batch of at least one")
    return Schedule(begin, end, int(night["batch"]), rules)


def _rule(entry: dict[str, Any]) -> Rule:  # Any: a table of the file
    kind, days, action = entry["kind"], int(entry["days"]), entry["action"]
    if kind not in _CAN or action not in (_CAN[kind], KEEP):
        raise BadSchedule(f"{kind}: cannot {action}")
    if days < max(1, int(entry.get("floor_days", 1))):
        raise BadSchedule(f"{kind}: {days} days are less than the floor of {entry.get('floor_days', 1)}")
    return Rule(kind, entry["name"], days, action, bool(entry.get("approval")), entry["basis"], entry["review"])
