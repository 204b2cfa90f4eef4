"""Who works here: accounts, sessions, and the audit of what they did."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, table, text, time

counsellor = table(
    "counsellor",
    text("login"),
    text("display_name"),
    text("roles"),  # JSON list
    text("password_hash"),
    sa.Column("must_change", sa.Boolean, nullable=False, default=True),
    integer("failures"),
    time("locked_until", nullable=True),
    sa.Column("is_active", sa.Boolean, nullable=False, default=True),
    time("created_at"),
    time("last_sign_in_at", nullable=True),
    sa.UniqueConstraint("district_id", "login"),
)

staff_session = table(
    "staff_session",  # id = hash of the cookie
    text("counsellor_id"),
    text("csrf"),
    time("opened_at"),
    time("seen_at"),
    time("closed_at", nullable=True),
)

audit = table(
    "audit",
    text("actor_id", nullable=True),
    text("action"),
    text("object_id", nullable=True),
    text("detail"),
    text("previous_hash"),
    text("hash"),
    time("at"),
    sa.Index("audit_by_object", "district_id", "object_id"),
    key="seq",
)
