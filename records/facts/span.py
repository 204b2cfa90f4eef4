"""From when until when facts are taken, whom they are counted for, and which cases count at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from records import tables as t


@dataclass(frozen=True)
class Span:
    """From `since` on, and before `until`."""

    since: datetime
    until: datetime


def person() -> sa.ColumnElement[str]:
    """All contacts that are known to be one person count as one."""
    return sa.func.coalesce(t.contact.c.person_id, t.contact.c.id)


def counts(case: sa.Table) -> sa.ColumnElement[bool]:
    """Drills never count; a merged case counts as the one in which it goes on."""
    return sa.and_(case.c.is_drill.is_(False), case.c.state != "merged")
