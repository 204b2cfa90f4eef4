"""How people hear of us who are not looking at a screen: where they can be called, and every call."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

_WAITING = sa.text("state IN ('pending','failing')")

notice_address = table(
    "notice_address",  # the outside on-call person and the group robot are settings and stand in no row
    text("owner"),  # staff | visitor
    text("owner_id"),  # the counsellor, or the visitor's conversation
    text("carrier"),  # mail | sms | push
    text("address_index"),  # keyed blind index
    sealed("address_sealed"),
    sa.Column("is_on", sa.Boolean, nullable=False, default=True),
    time("added_at"),
    time("confirmed_at", nullable=True),  # somebody followed what was sent there
    sa.UniqueConstraint("district_id", "owner_id", "address_index"),
    sa.Index("notice_address_by_index", "district_id", "address_index"),
)

notice = table(
    "notice",  # id = fingerprint of what it calls for and where, so that a repeated sweep adds nothing
    text("kind"),  # call (the ladder) | trial | reply (to a visitor)
    text("key"),  # a fixed text of notify/texts.toml
    text("params"),  # JSON of that text's parameters: numbers and colours, never text of people
    text("carrier"),  # mail | sms | push | robot
    text("address_id"),  # of notice_address, or a name of the settings' own addresses such as oncall.sms
    text("alert_id", nullable=True),
    text("case_id", nullable=True),
    integer("step"),  # of the ladder
    text("counsellor_id", nullable=True),
    text("conversation_id", nullable=True),
    integer("message_seq"),  # of a visitor's notice: the message it tells of
    text("state"),  # pending | failing (tried in vain, still trying) | sent | dead | withdrawn
    text("reason"),  # why it was tried in vain
    integer("attempts"),
    time("due_at"),
    time("lease_until", nullable=True),
    time("made_at"),
    time("sent_at", nullable=True),
    text("receipt"),  # the carrier's own number for it
    text("token_hash"),  # of the link that says: I have seen it
    time("seen_at", nullable=True),
    text("seen_by", nullable=True),  # the counsellor; empty when whoever it was has no account
    sa.Index("notice_due", "district_id", "carrier", "due_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
    sa.Index("notice_by_alert", "district_id", "alert_id"),
    sa.Index("notice_by_conversation", "district_id", "conversation_id"),
    sa.Index("notice_by_address", "district_id", "address_id"),
    sa.Index("notice_by_token", "token_hash"),
)
