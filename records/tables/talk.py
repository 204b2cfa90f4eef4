"""What is said: conversations, messages, their assessments and files."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

OF_VISITORS = sa.text("author = 'visitor'")  # literal: the databases use the index only for these very words

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
    sa.Index("conversation_by_last", "district_id", "last_message_at", "opened_at"),
    sa.Index("drill_conversation", "district_id", "id", sqlite_where=sa.text("is_drill = 1"),
             postgresql_where=sa.text("is_drill")),
)  # fmt: skip

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
    sa.Index("message_of_visitors", "district_id", "received_at", "conversation_id", "sent_at",
             sqlite_where=OF_VISITORS, postgresql_where=OF_VISITORS),
    sa.Index("message_by_speaker", "district_id", "author_id", "conversation_id",
             sqlite_where=sa.text("author_id IS NOT NULL"), postgresql_where=sa.text("author_id IS NOT NULL")),
    sa.Index("message_to_handle", "district_id", "handling_until", sqlite_where=sa.text("handling = 'new'"),
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
    sa.Index("assessment_by_conversation", "district_id", "conversation_id"),
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
    sa.Index("attachment_by_conversation", "district_id", "conversation_id"),
    sa.Index("attachment_due", "district_id", "due_at", sqlite_where=sa.text("state = 'waiting'"),
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
    sa.Index("transcript_due", "district_id", "due_at", sqlite_where=sa.text("state = 'waiting'"),
             postgresql_where=sa.text("state = 'waiting'")),
)  # fmt: skip
