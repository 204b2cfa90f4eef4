"""Reports as they were frozen: what a month was said to have been, however its rows change later."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, table, text, time

frozen_report = table(
    "frozen_report",  # only ever added; a correction is a new version with its reason
    text("kind"),  # month | quarter | year
    text("period"),  # 2026-11 | 2026-Q4 | 2026
    integer("version", 1),
    text("inside"),  # JSON of the whole report: numbers and fixed words, nothing of people
    text("inside_hash"),
    text("outside"),  # the same with small numbers left out
    text("outside_hash"),
    text("reason"),  # why there is a version after the first
    text("by_id"),
    time("at"),
    sa.UniqueConstraint("district_id", "kind", "period", "version"),
)
