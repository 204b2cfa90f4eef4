"""What the law asks of us: how long things stay, what people ask of their records, consent, who read of a minor."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

legal_hold = table(
    "legal_hold",  # while one stands, nothing of this contact is deleted or made nameless
    text("contact_id"),
    text("by_id"),
    sealed("reason_sealed"),
    time("at"),
    text("released_by", nullable=True),
    time("released_at", nullable=True),
    sa.Index("one_legal_hold", "district_id", "contact_id", unique=True,
             sqlite_where=sa.text("released_at IS NULL"), postgresql_where=sa.text("released_at IS NULL")),
)  # fmt: skip

retention = table(
    "retention",  # id = night/kind: what one run of one rule did; numbers only
    text("night"),  # the local day, YYYY-MM-DD
    text("kind"),
    integer("count"),
    text("after"),  # the last row that was looked at, so that no transaction is long
    sa.Column("is_done", sa.Boolean, nullable=False),
    text("by_id", nullable=True),  # who clicked, where a person has to
    time("until"),  # what was older than this
    time("at"),
    sa.Index("retention_by_night", "district_id", "night"),
)

lookup_count = table(
    "lookup_count",  # id = day/article: what is left of deleted look-ups; an empty article counts questions
    text("day"),
    text("article"),
    integer("count"),
)

law_request = table(
    "law_request",  # what a person asks of their own records
    text("contact_id"),
    text("conversation_id"),
    text("kind"),  # copy | correction | deletion
    text("state"),  # open | answered (to be carried out) | done | refused | withdrawn
    text("source"),  # chat: asked in the conversation itself
    sa.Column("outcome", sa.Text, nullable=False, server_default=""),
    time("asked_at"),
    time("due_at"),
    time("answered_at", nullable=True),
    text("answered_by", nullable=True),
    time("carry_out_at", nullable=True),  # after the answer had time to arrive
    time("done_at", nullable=True),
    sealed("answer_sealed", nullable=True),  # the correction note, or why not
    sa.Index("one_open_law_request", "district_id", "contact_id", "kind", unique=True,
             sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")),
    sa.Index("law_request_due", "district_id", "state", "due_at"),
    sa.Index("law_request_to_carry_out", "carry_out_at", sqlite_where=sa.text("state = 'answered'"),
             postgresql_where=sa.text("state = 'answered'")),
    sa.Index("law_request_by_contact", "district_id", "contact_id"),
)  # fmt: skip

record_copy = table(
    "record_copy",  # id = blind index of the link that the person got
    text("request_id"),
    text("contact_id"),
    sealed("body_sealed"),
    time("made_at"),
    time("until"),
    time("fetched_at", nullable=True),
    sa.Index("record_copy_until", "until"),
)

consent = table(
    "consent",  # only ever added: the newest row of a purpose holds
    text("contact_id"),
    text("purpose"),
    text("answer"),  # given | refused | withdrawn
    text("how"),  # said | written | chat
    text("version"),  # of the notice that was shown
    text("by_id", nullable=True),  # who wrote it down; null = the person's own word in the chat
    text("case_id", nullable=True),
    time("at"),
    sa.Index("consent_by_contact", "district_id", "contact_id"),
)

case_flag = table(
    "case_flag",  # only ever added: the newest row of a flag holds, for every case of the contact
    text("contact_id"),
    text("case_id", nullable=True),
    text("flag"),  # minor
    sa.Column("is_on", sa.Boolean, nullable=False),
    text("source"),  # said | marked
    text("by_id", nullable=True),
    text("evidence"),  # id of the message in which it was said, or empty
    time("at"),
    sa.Index("case_flag_by_contact", "district_id", "contact_id"),
)

access_grant = table(
    "access_grant",  # leave to read a minor's case that is closed or somebody else's
    text("case_id"),
    text("asked_by"),
    sealed("purpose_sealed"),
    text("state"),  # asked | granted | refused | broken (opened in danger, reviewed afterwards) | reviewed
    time("asked_at"),
    text("decided_by", nullable=True),
    time("decided_at", nullable=True),
    time("until", nullable=True),
    time("review_due_at", nullable=True),
    sealed("review_sealed", nullable=True),
    sa.Index("access_grant_open", "district_id", "state", "asked_at"),
    sa.Index("access_grant_by_case", "district_id", "case_id", "asked_by"),
)

minor_access = table(
    "minor_access",  # only ever added: who read a minor's case, when and for what (yearly audit)
    text("case_id"),
    text("contact_id"),
    text("by_id"),
    text("passage"),  # serving | waiting | in_charge | granted | broken
    text("grant_id", nullable=True),
    time("at"),
    sa.Index("minor_access_at", "district_id", "at"),
)
