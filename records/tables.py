"""Every table, once. Each carries district_id first in its key, so that a country can be spread by district.

Columns named `*_sealed` hold AES-256-GCM text (see crypto.py); times are aware UTC; ids are random text,
never made from a clock. `event`, `level_change`, `note` and `audit` rows are only ever added.
"""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import UtcTime, integer, metadata, sealed, table, text, time

__all__ = ["UtcTime", "metadata"]  # what migrations and tests take from here besides the tables

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

conversation = table(
    "conversation",
    text("contact_id"),
    text("channel"),
    integer("epoch"),  # the fence: grows with every change of owner
    text("owner_id", nullable=True),  # the counsellor who owns it; null = the bot
    integer("last_seq"),
    text("memory"),  # screening memory: levels and rule ids, no text
    integer("level"),
    text("token_hash", nullable=True),  # web chat: what the visitor's cookie must hash to
    sa.Column("is_drill", sa.Boolean, nullable=False, default=False),
    time("opened_at"),
    time("last_message_at", nullable=True),
    time("disclosed_at", nullable=True),
    time("crisis_reply_at", nullable=True),
    sa.Index("conversation_by_token", "token_hash"),
    sa.Index("conversation_by_contact", "district_id", "contact_id"),
)

message = table(
    "message",
    text("conversation_id"),
    integer("seq"),  # order inside the conversation
    text("author"),  # visitor | bot | counsellor | system
    text("author_id", nullable=True),
    text("kind"),  # text | voice | image | ... | unknown
    text("channel"),
    text("external_id"),  # the platform's id, or our own for what we say
    text("body_hash"),
    sealed("body_sealed"),
    text("extra"),  # JSON without personal text: source article, buttons
    time("received_at"),
    time("sent_at", nullable=True),  # when the writer says it was written
    text("handling"),  # new | done ; only the visitor's messages begin as new
    time("handling_until", nullable=True),
    sa.UniqueConstraint("district_id", "channel", "external_id"),
    sa.UniqueConstraint("district_id", "conversation_id", "seq"),
    sa.Index("message_to_handle", "handling_until", sqlite_where=sa.text("handling = 'new'"),
             postgresql_where=sa.text("handling = 'new'")),
)  # fmt: skip

assessment = table(
    "assessment",
    text("conversation_id"),
    text("message_id"),
    integer("level"),
    integer("conversation_level"),
    text("categories"),
    text("signals"),  # JSON: rule, start, end, level, scope
    text("version"),
    sa.Column("failed", sa.Boolean, nullable=False, default=False),
    sa.Column("score", sa.Float, nullable=True),  # the classifier's probability of level >= 3
    sa.Column("lame", sa.Text, nullable=False, server_default=""),  # what did not work while the rules did
    time("at"),
    sa.Index("assessment_by_message", "district_id", "message_id"),
)

case_record = table(
    "case_record",
    text("case_no"),
    text("conversation_id"),
    text("contact_id"),
    text("state"),
    integer("machine_level"),
    integer("level"),  # the level in force: people may lower it
    integer("version", 1),
    text("owner_id", nullable=True),
    text("wish", nullable=True),  # why: risk | asked_for_person
    time("opened_at"),
    time("claimed_at", nullable=True),
    time("first_word_at", nullable=True),
    time("closed_at", nullable=True),
    text("disposition", nullable=True),
    sealed("summary_sealed", nullable=True),
    sa.Column("is_drill", sa.Boolean, nullable=False, default=False),
    sa.UniqueConstraint("district_id", "case_no"),
    sa.Index("one_open_case", "district_id", "conversation_id", unique=True,
             sqlite_where=sa.text("state <> 'closed'"), postgresql_where=sa.text("state <> 'closed'")),
    sa.Index("case_queue", "district_id", "state", "level"),
)  # fmt: skip

level_change = table(
    "level_change",
    text("case_id"),
    integer("from_level"),
    integer("to_level"),
    text("source"),  # machine | counsellor | supervisor
    text("by_id", nullable=True),
    text("second_id", nullable=True),  # the second person, for lowering orange or red
    text("state"),  # in_force | proposed | confirmed | refused
    text("evidence"),  # JSON: message ids and rule ids
    sealed("reason_sealed", nullable=True),
    time("at"),
    sa.Index("level_change_by_case", "district_id", "case_id"),
)

alert = table(
    "alert",
    text("case_id"),
    text("conversation_id"),
    integer("level"),
    integer("step"),  # 0 all seats, then one for each rung climbed
    integer("waiting_notes"),  # honest waiting messages already sent
    text("state"),  # ringing | answered
    time("raised_at"),
    time("next_at", nullable=True),
    time("next_note_at", nullable=True),
    time("answered_at", nullable=True),
    text("answered_by", nullable=True),
    sa.Index("one_ringing_alert", "district_id", "case_id", unique=True,
             sqlite_where=sa.text("state = 'ringing'"), postgresql_where=sa.text("state = 'ringing'")),
    sa.Index("alert_due", "state", "next_at"),
)  # fmt: skip

note = table(
    "note",
    text("case_id"),
    text("by_id"),
    sealed("body_sealed"),
    time("at"),
    sa.Index("note_by_case", "district_id", "case_id"),
)

outbox = table(
    "outbox",
    integer("seq"),
    text("conversation_id"),
    text("channel"),
    integer("lane"),  # 0 crisis, 1 replies, 2 follow-up, 3 campaign
    text("origin"),  # bot | counsellor | system
    text("origin_id", nullable=True),
    integer("epoch"),  # ownership number when it was made
    text("key"),  # a fixed text's key, or "plain" for the sealed body
    sealed("body_sealed"),  # the plain text, or JSON of the key's parameters
    text("extra"),
    text("state"),  # pending | sending | sent | dropped | dead | settled (dead, and a person dealt with it)
    sa.Column("reason", sa.Text, nullable=False, server_default=""),  # why it was dropped or is dead
    sa.Column("progress", sa.Integer, nullable=False, server_default="0"),  # parts of a long text already sent
    integer("attempts"),
    time("due_at"),
    time("lease_until", nullable=True),
    time("made_at"),
    time("finished_at", nullable=True),
    sa.Index("outbox_due", "lane", "due_at", sqlite_where=sa.text("state IN ('pending','sending')"),
             postgresql_where=sa.text("state IN ('pending','sending')")),
    sa.Index("outbox_by_conversation", "district_id", "conversation_id"),
    sa.Index("outbox_dead", "district_id", "finished_at", sqlite_where=sa.text("state = 'dead'"),
             postgresql_where=sa.text("state = 'dead'")),
)  # fmt: skip

# id = conversation: what the platform still lets us send there
allowance = table("allowance", integer("left"), time("until"))

rate = table(
    "rate",  # id = channel: tokens of what the platform takes in a second
    sa.Column("tokens", sa.Float, nullable=False),
    time("at"),
    time("paused_until", nullable=True),
)

channel_state = table(
    "channel_state",  # id = name of an access token, cursor or offset
    sealed("value_sealed"),
    time("expires_at", nullable=True),
)

attachment = table(
    "attachment",
    text("message_id"),
    text("conversation_id"),
    text("channel"),
    text("kind"),
    text("state"),  # waiting | stored | gone | too_large
    integer("attempts"),
    time("due_at"),
    text("media_type"),
    integer("size"),  # bytes
    sealed("reference_sealed"),
    sealed("body_sealed", nullable=True),
    sa.Index("attachment_by_message", "district_id", "message_id"),
    sa.Index("attachment_due", "due_at", sqlite_where=sa.text("state = 'waiting'"),
             postgresql_where=sa.text("state = 'waiting'")),
)  # fmt: skip

transcript = table(
    "transcript",  # id = message: what a machine heard in its voice
    text("conversation_id"),
    text("state"),  # waiting | heard | unheard (people listen)
    text("made_by"),  # the recogniser's model
    integer("attempts"),
    time("due_at"),
    sealed("body_sealed", nullable=True),
    sa.Index("transcript_due", "due_at", sqlite_where=sa.text("state = 'waiting'"),
             postgresql_where=sa.text("state = 'waiting'")),
)  # fmt: skip

event = table(
    "event",
    sa.Column("txid", sa.BigInteger, nullable=False, default=0),  # PostgreSQL: orders by commit, see events.py
    text("topic"),  # chat | desk
    text("kind"),
    text("conversation_id", nullable=True),
    text("case_id", nullable=True),
    text("data"),  # JSON of ids and numbers, never text of people
    time("at"),
    sa.Index("event_order", "txid", "seq"),
    sa.Index("event_by_conversation", "district_id", "conversation_id", "txid", "seq"),
    key="seq",
)

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
    key="seq",
)

seal = table("seal", sealed("probe_sealed"))  # proves at start that the key fits this database
