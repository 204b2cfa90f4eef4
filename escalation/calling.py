"""Who is called outside the screens on which rung, and what the queue says of it. Values in, values out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from escalation.routing import RUNG_WORDS, RUNGS, rung
from escalation.shift.standing import Standing
from records.addresses import Way
from records.notices import Notice
from triage.risk import Level

ROBOT = "robot"


@dataclass(frozen=True)
class Rung:
    """Whom one rung calls."""

    from_level: Level
    roles: frozenset[str]
    planned: tuple[frozenset[str], ...]  # duties of the roster, the first that is filled now
    carriers: frozenset[str]
    outside: tuple[str, ...]


@dataclass(frozen=True)
class Called:
    """What the queue says: who was called and has seen it; who could not be called."""

    words: str = ""
    failed: str = ""


def load_rungs(path: Path = Path(__file__).parent / "calling.toml") -> Mapping[str, Rung]:
    """Read the table; raise ValueError when it does not fit the ladder."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    if set(raw) != set(RUNGS):
        raise ValueError(f"{path}: needs exactly the rungs {', '.join(RUNGS)}")
    return {
        name: Rung(
            Level.from_code(entry["from_level"]), frozenset(entry["roles"]),
            tuple(frozenset(duties) for duties in entry["planned"]), frozenset(entry["carriers"]),
            tuple(entry["outside"]),
        )
        for name, entry in raw.items()
    }  # fmt: skip


def ways_of(rule: Rung, level: Level, ways: Sequence[Way]) -> list[Way]:
    """The addresses of everybody of a rung's roles."""
    return [way for way in _open_to(rule, level, ways) if rule.roles & set(way.roles)]


def summoned(rule: Rung, level: Level, ways: Sequence[Way], standing: Standing) -> list[Way]:
    """The addresses that a rung calls: who is on duty, by the roster or in fact; everybody where that finds nobody."""
    everybody = ways_of(rule, level, ways)
    pool = everybody if rule.roles else _open_to(rule, level, ways)
    for duties in rule.planned:
        if any(standing.is_named(way.counsellor_id, duties) for way in pool):
            return [
                way
                for way in pool
                if standing.is_named(way.counsellor_id, duties)
                or (way in everybody and way.counsellor_id in standing.here)
            ]
    return everybody


def _open_to(rule: Rung, level: Level, ways: Sequence[Way]) -> list[Way]:
    return [way for way in ways if way.carrier in rule.carriers] if level >= rule.from_level else []


def outside_of(rule: Rung, level: Level, own: Mapping[str, str]) -> list[Way]:
    """The settings' own addresses that a rung calls; `own` are those that there are, name -> carrier."""
    return [Way(name, own[name]) for name in rule.outside if name in own] if level >= rule.from_level else []


def waited(span: timedelta) -> str:
    """How long, as a person says it."""
    seconds = round(span.total_seconds())
    return f"{seconds} 秒" if seconds < 120 else f"{seconds // 60} 分钟"


def told(notices: Sequence[Notice]) -> Called:
    """What the calls of one alert come to, rung by rung; people count once, however many addresses they have."""
    reached, lost, seen = [], [], set()
    for step in sorted({notice.step for notice in notices}):
        people: dict[str, list[Notice]] = {}
        for notice in notices:
            if notice.step == step:
                people.setdefault(_person(notice), []).append(notice)
        got = {who for who, calls in people.items() if any(call.state == "sent" for call in calls)}
        seen |= {who for who, calls in people.items() if any(call.seen_at is not None for call in calls)}
        missed = {who for who, calls in people.items() if _is_lost(calls)}
        reached += _count(step, got | (seen & set(people)))
        lost += _count(step, missed - seen)
    words = f"已通知{'、'.join(reached)}，{f'{len(seen)} 人已看到' if seen else '还没有人看到'}" if reached else ""
    return Called(words, f"外部通知发不出去：{'、'.join(lost)}" if lost else "")


def _person(notice: Notice) -> str:
    """Two addresses of the on-call person are one person; the group is the group."""
    return notice.counsellor_id or notice.address_id.partition(".")[0]


def _is_lost(calls: Sequence[Notice]) -> bool:
    states = {call.state for call in calls}
    return "sent" not in states and bool(states & {"failing", "dead"})


def _count(step: int, people: set[str]) -> list[str]:
    persons = len(people - {ROBOT})
    of_rung = [f"{RUNG_WORDS[rung(step)]} {persons} 人"] if persons else []
    return of_rung + (["值班群"] if ROBOT in people else [])
