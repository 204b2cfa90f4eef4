"""What volunteers may have: green and blue alone, and of these only their own. No I/O."""

from __future__ import annotations

from collections.abc import Collection

from triage.risk import Level

HIGHEST = Level.LOW
_TRAINED = frozenset({"counsellor", "duty_lead", "supervisor"})


def is_volunteer(roles: Collection[str]) -> bool:
    """A volunteer and nothing more."""
    return "volunteer" in roles and not _TRAINED & set(roles)


def may_take(roles: Collection[str], level: Level) -> bool:
    """Whether a case at this level may become theirs, and stay so."""
    return level <= HIGHEST or not is_volunteer(roles)


def may_set(roles: Collection[str], current: Level, to: Level) -> bool:
    """Volunteers call for help by raising a level; judging that danger is over is not theirs."""
    return to >= current or not is_volunteer(roles)
