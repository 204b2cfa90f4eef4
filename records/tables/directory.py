"""Institutions that people can be referred to, and every version of what was said about them."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

institution = table(
    "institution",
    text("name"),
    text("region"),
    text("kinds"),  # |er|clinic| : codes between bars, so that one of them can be looked for
    integer("age_from"),
    integer("age_to", 120),
    sa.Column("is_24h", sa.Boolean, nullable=False, default=False),
    sa.Column("green_channel", sa.Boolean, nullable=False, default=False),
    text("status"),  # active | paused | closed
    text("search"),  # folded words of the public fields
    text("fields"),  # JSON of the public fields
    sealed("contact_sealed", nullable=True),  # JSON of the contact person
    integer("version", 1),
    text("changed_by"),
    time("changed_at"),
    text("verified_by", nullable=True),
    time("verified_at", nullable=True),
    sa.Column("is_drill", sa.Boolean, nullable=False, default=False),  # invented: never offered to a real case
    sa.UniqueConstraint("district_id", "name", "region"),
)

institution_version = table(
    "institution_version",  # only ever added
    text("institution_id"),
    integer("version", 1),
    text("what"),  # added | changed | imported | verified
    text("fields"),
    sealed("contact_sealed", nullable=True),
    text("by_id"),
    time("at"),
    sa.UniqueConstraint("district_id", "institution_id", "version"),
)
