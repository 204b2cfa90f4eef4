"""What goes out: the outbox, what platforms let us send, their tokens and cursors."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

ANSWERS = sa.text("origin = 'bot' AND key IN ('plain', 'answer.choices')")  # articles, and choices of articles

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
    sa.Index("outbox_due", "district_id", "lane", "due_at", sqlite_where=sa.text("state IN ('pending','sending')"),
             postgresql_where=sa.text("state IN ('pending','sending')")),
    sa.Index("outbox_by_conversation", "district_id", "conversation_id", "seq"),
    sa.Index("outbox_waiting", "district_id", "conversation_id", sqlite_where=sa.text("state IN ('pending','sending')"),
             postgresql_where=sa.text("state IN ('pending','sending')")),
    sa.Index("outbox_answers", "district_id", "made_at", sqlite_where=ANSWERS, postgresql_where=ANSWERS),
    sa.Index("outbox_dead", "district_id", "finished_at", sqlite_where=sa.text("state = 'dead'"),
             postgresql_where=sa.text("state = 'dead'")),
)  # fmt: skip

allowance = table(
    "allowance",  # id = conversation: what the platform still lets us send there
    integer("left"),
    time("until"),
    sa.Column("kept", sa.Integer, nullable=False, server_default="0"),  # the bot leaves the last so many to people
)

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
