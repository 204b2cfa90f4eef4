"""Permissions as data: action -> alternatives, each a role and the conditions that must hold. No I/O.

What is not listed is refused; a name that nobody knows is refused at start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from escalation.cases import SERVED, State
from triage.risk import Level


@dataclass(frozen=True)
class CaseFacts:
    """What a decision about one case may depend on, for one counsellor at one moment."""

    me: str
    now: datetime
    state: State
    level: Level
    owner_id: str | None
    is_ringing: bool = False
    takes_part: bool = False  # served it, wrote a note, spoke to the person, asked for or decided a level
    has_task: bool = False  # asked to take it over or to confirm a rescue; a call, a partner's answer waits
    shared_until: datetime | None = None  # with me, and not ended
    has_revealed: bool = False  # in this sign-in, with a reason


@dataclass(frozen=True)
class Condition:
    """One claim about a case, and how people call it."""

    words: str
    holds: Callable[[CaseFacts], bool]


CONDITIONS = {
    "assigned_to_me": Condition("自己接手的", lambda f: f.owner_id == f.me),
    "unassigned": Condition("没有人接手的", lambda f: f.owner_id is None or f.state == State.NEW),
    "in_service": Condition("正在服务的", lambda f: f.state in SERVED),
    "takes_part": Condition("自己参与过的", lambda f: f.takes_part),
    "has_task": Condition("有事等自己办的", lambda f: f.has_task),
    "ringing": Condition("正在响铃的", lambda f: f.is_ringing),  # everybody is called: whoever comes may look
    "level_at_most_low": Condition("绿色、蓝色的", lambda f: f.level <= Level.LOW),
    "shared_with_me": Condition("共享期内的", lambda f: f.shared_until is not None and f.now < f.shared_until),
    "revealed_by_me": Condition("写明原因查看过的", lambda f: f.has_revealed),
}


@dataclass(frozen=True)
class Alternative:
    """One way to be allowed: this role, when all of these hold."""

    role: str
    conditions: tuple[str, ...] = ()

    def holds(self, roles: Iterable[str], facts: CaseFacts | None) -> bool:
        """Without a case no condition holds."""
        if self.role not in roles:
            return False
        return not self.conditions or (facts is not None and all(CONDITIONS[c].holds(facts) for c in self.conditions))


@dataclass(frozen=True)
class Permissions:
    """Who may do what."""

    actions: dict[str, tuple[Alternative, ...]]
    names: dict[str, str]  # role -> what it is called
    words: dict[str, str]  # action -> what it is called

    def allows(self, roles: Iterable[str], action: str, facts: CaseFacts | None = None) -> bool:
        """Whether any of these roles may do the action (on the case of these facts)."""
        held = frozenset(roles)
        return any(alternative.holds(held, facts) for alternative in self.actions.get(action, ()))

    def who(self, action: str) -> str:
        """The roles that may do the action on any case, as people call them."""
        return "、".join(self.names[each.role] for each in self.actions[action] if not each.conditions)


def read_permissions(raw: Mapping[str, Mapping[str, object]]) -> Permissions:
    """Permissions from the tables of roles.toml; raise ValueError for a role or condition that nobody knows."""
    names = {role: str(words) for role, words in raw["names"].items()}
    actions = {
        action: tuple(_alternative(entry) for entry in _listed(action, entries))
        for action, entries in raw["actions"].items()
    }
    for action, alternatives in actions.items():
        if unknown := {each.role for each in alternatives} - set(names):
            raise ValueError(f"action {action} names unknown roles {sorted(unknown)}")
        if strange := {name for each in alternatives for name in each.conditions} - set(CONDITIONS):
            raise ValueError(f"action {action} names unknown conditions {sorted(strange)}")
    words = {action: str(said) for action, said in raw.get("words", {}).items()}
    if idle := set(words) - set(actions):
        raise ValueError(f"words for unknown actions {sorted(idle)}")
    return Permissions(actions, names, words)


def _listed(action: str, entries: object) -> Sequence[object]:
    if not isinstance(entries, list):
        raise ValueError(f"action {action} needs a list of roles")
    return entries


def _alternative(entry: object) -> Alternative:
    """A role alone, or a list of a role and its conditions."""
    role, *conditions = [entry] if isinstance(entry, str) else [str(name) for name in _listed("?", entry)]
    return Alternative(role, tuple(conditions))
