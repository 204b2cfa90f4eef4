"""Permissions as data: action -> roles, read from roles.toml at start. What is not listed is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Permissions:
    """Who may do what."""

    actions: dict[str, frozenset[str]]
    names: dict[str, str]

    def allows(self, roles: Iterable[str], action: str) -> bool:
        """Whether any of these roles may do the action."""
        return bool(self.actions.get(action, frozenset()) & set(roles))


def load_permissions(path: Path = Path(__file__).parent / "roles.toml") -> Permissions:
    """Read the table; raise ValueError when an action names an unknown role."""
    raw = tomllib.loads(path.read_text())
    names = dict(raw["names"])
    actions = {action: frozenset(roles) for action, roles in raw["actions"].items()}
    for action, roles in actions.items():
        if unknown := roles - set(names):
            raise ValueError(f"{path}: action {action} names unknown roles {sorted(unknown)}")
    return Permissions(actions, names)
