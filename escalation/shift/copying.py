"""Who is told quietly that a case became orange or red: supervisors of each, leads when somebody serves it. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from records.rises import Rise

LOOK_BACK = timedelta(hours=8)  # a shift: what is older stands in the hand-over
MOST = 50


def since(seen_until: datetime | None, now: datetime) -> datetime:
    """From when on somebody is told: what they have not put away, within a shift."""
    return max(seen_until, now - LOOK_BACK) if seen_until is not None else now - LOOK_BACK


def concerning(rises: Iterable[Rise], me: str, roles: Collection[str]) -> list[Rise]:
    """What one colleague is told; the newest of each case, and nothing of what they did or serve themselves."""
    newest: dict[str, Rise] = {}
    for rise in rises:  # the newest come first
        newest.setdefault(rise.case_id, rise)
    return [
        rise
        for rise in newest.values()
        if me not in (rise.by_id, rise.served_by)
        and ("supervisor" in roles or ("duty_lead" in roles and rise.served_by is not None))
    ]
