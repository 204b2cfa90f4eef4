"""Who besides its owner has to do with a case: whom it is shared with, and who looked behind the masks."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import sealed, table, text, time

case_share = table(
    "case_share",  # an invitation for one person to one case; ended rows stay
    text("case_id"),
    text("with_id"),
    text("by_id"),
    sealed("reason_sealed"),
    sa.Column("shows_contact", sa.Boolean, nullable=False, default=False),
    time("at"),
    time("until"),
    time("ended_at", nullable=True),
    text("ended_by", nullable=True),
    sa.Index("case_share_by_case", "district_id", "case_id"),
    sa.Index("case_share_with", "district_id", "with_id"),
)

contact_reveal = table(
    "contact_reveal",  # good for one sign-in; only ever added
    text("case_id"),
    text("session_id"),
    text("by_id"),
    text("why"),
    time("at"),
    sa.Index("contact_reveal_by_session", "district_id", "session_id", "case_id"),
)
