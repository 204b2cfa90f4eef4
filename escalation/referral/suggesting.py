"""Which institutions are offered for a case, and in which order. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from records.institutions import Institution
from triage.risk import Level


def offered(
    found: Iterable[Institution], fresh: frozenset[str], level: Level, urgency: str
) -> tuple[list[Institution], int]:
    """Those that may be chosen, best first, and how many were left out because nobody checked them for too long."""
    found = list(found)
    kept = [one for one in found if one.id in fresh] if level >= Level.HIGH else found

    def rank(one: Institution) -> tuple[bool, ...]:
        open_now = urgency == "now" and not one.fields["is_24h"]
        green = level >= Level.EMERGENCY and not one.fields["green_channel"]
        return green, open_now, one.id not in fresh  # False comes first; equal ones stay as they were found

    return sorted(kept, key=rank), len(found) - len(kept)
