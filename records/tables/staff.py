"""Who works here: accounts, their second factor, sessions, and the audit of what they did."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

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
    sa.Column("stage", sa.Text, nullable=False, server_default="open"),  # open | code (the second factor is due)
    sa.Column("agent", sa.Text, nullable=False, server_default=""),  # browser and system in two words
    sa.Index("staff_session_of", "district_id", "counsellor_id", "seen_at"),
)

second_factor = table(
    "second_factor",  # id = the counsellor's
    sealed("secret_sealed"),
    time("confirmed_at", nullable=True),  # asked for at sign-in from here on
    integer("last_step"),  # of the code accepted last: none is accepted twice
)

recovery_code = table(
    "recovery_code",  # id = blind index of the code
    text("counsellor_id"),
    time("used_at", nullable=True),
    sa.Index("recovery_code_of", "district_id", "counsellor_id"),
)

draft = table(
    "draft",  # id = hash of owner and place
    text("owner_id"),
    text("case_id", nullable=True),  # on whose page it was typed: it goes with that case's words
    sealed("place_sealed"),
    sealed("text_sealed"),
    time("at"),
    sa.Index("draft_of", "district_id", "owner_id", "at"),
    sa.Index("draft_by_case", "district_id", "case_id"),
    sa.Index("draft_by_age", "district_id", "at"),
)

audit = table(
    "audit",
    text("actor_id", nullable=True),
    text("action"),
    text("object_id", nullable=True),
    text("case_id", nullable=True),  # that the detail names, to be found by
    text("detail"),
    text("previous_hash"),
    text("hash"),
    time("at"),
    sa.Index("audit_by_object", "district_id", "object_id"),
    sa.Index("audit_by_time", "district_id", "at"),
    sa.Index("audit_by_case", "district_id", "case_id"),
    sa.Index("audit_by_actor", "district_id", "actor_id", "seq"),
    key="seq",
)
