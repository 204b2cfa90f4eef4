"""The table of permissions, read from roles.toml at start; and the same as a page for people."""

from __future__ import annotations

import tomllib
from pathlib import Path

from escalation.permissions import CONDITIONS, Permissions, read_permissions


def load_permissions(path: Path = Path(__file__).parent / "roles.toml") -> Permissions:
    """Read the table; raise ValueError when an action names an unknown role or condition."""
    try:
        return read_permissions(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def permission_page(permissions: Permissions) -> str:
    """docs/permissions.md: every role and action in words; `hotline permissions` prints it."""
    roles = list(permissions.names)
    lines = [
        "# 谁可以做什么",
        "",
        "由 `escalation/roles.toml` 生成（`hotline permissions > docs/permissions.md`），不要手改。",
        "空格 = 不允许；✓ = 允许；文字 = 只对这样的个案允许（分号之间满足一条即可）。",
        "",
        f"| 操作 | {' | '.join(permissions.names[role] for role in roles)} |",
        f"|---|{'---|' * len(roles)}",
    ]
    for action in sorted(permissions.actions, key=lambda name: (name.split("_")[0], name)):
        cells = (_cell(permissions, action, role) for role in roles)
        lines.append(f"| {permissions.words.get(action, '')} `{action}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(permissions: Permissions, action: str, role: str) -> str:
    found = [each for each in permissions.actions[action] if each.role == role]
    if any(not each.conditions for each in found):
        return "✓"
    return "；".join("且".join(CONDITIONS[name].words for name in each.conditions) for each in found)
