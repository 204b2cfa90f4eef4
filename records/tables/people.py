"""Who writes to us: contacts, what links them, what people decided about them."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import sealed, table, text, time

contact = table(
    "contact",
    text("channel"),
    text("external_index"),  # keyed blind index of the platform's id
    sealed("external_sealed"),
    sealed("nickname_sealed", nullable=True),
    sa.Column("unreachable", sa.Text, nullable=False, server_default=""),  # left | blocked | closed
    time("blocked_at", nullable=True),  # by people of the hotline: the bot answers no more, screening goes on
    text("blocked_by", nullable=True),
    text("person_id", nullable=True),  # contacts that showed that they are one person
    sa.Column("scene", sa.Text, nullable=False, server_default=""),  # which code or campaign brought them
    time("nameless_at", nullable=True),  # since then address and name are empty and nothing leads to the person
    time("restricted_at", nullable=True),  # asked for deletion: what must stay is for the privacy officer alone
    time("created_at"),
    sa.UniqueConstraint("district_id", "channel", "external_index"),
    sa.Index("contact_by_person", "district_id", "person_id"),
)

link_code = table("link_code", text("contact_id"), time("expires_at"))  # id = blind index of the code

contact_plan = table(
    "contact_plan",  # how the team answers somebody who comes very often; only ever added
    text("contact_id"),
    text("by_id"),
    sealed("body_sealed"),
    time("at"),
    sa.Index("contact_plan_by_contact", "district_id", "contact_id"),
)

contact_decision = table(
    "contact_decision",  # what people decided about a contact, and why; only ever added
    text("contact_id"),
    text("kind"),  # blocked | unblocked | reached (words that did not arrive were passed on in another way)
    text("by_id"),
    sealed("reason_sealed"),
    time("at"),
    sa.Index("contact_decision_by_contact", "district_id", "contact_id"),
)
