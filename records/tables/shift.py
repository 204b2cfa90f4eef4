"""Who is on duty, who speaks with whom and since when, what is passed on between colleagues and between shifts."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

presence = table(
    "presence",  # id = counsellor: how it is now; its history is in the audit
    text("state"),  # on | away | off
    time("since"),
    time("began_at", nullable=True),  # of the shift
    time("until", nullable=True),  # when somebody who takes a break means to be back
    time("seen_at", nullable=True),  # an open console stream was heard of
)

stint = table(
    "stint",  # one counsellor's time with one conversation, from taking it until it moves on
    text("case_id"),
    text("conversation_id"),
    text("counsellor_id"),
    integer("peak"),  # the highest level while it lasted
    time("began_at"),
    time("ended_at", nullable=True),
    time("spoke_at", nullable=True),  # the newest word of a counsellor to the person
    time("warned_at", nullable=True),  # the owner was told that the case will ring
    time("called_at", nullable=True),  # it rings for everybody because of the owner's silence
    time("told_at", nullable=True),  # the person was told, once
    time("claimed_at", nullable=True),  # when it was taken from the queue, where a stint before began with that
    time("greeted_at", nullable=True),  # the first word of a counsellor since then
    time("reminded_at", nullable=True),  # owner and lead were told that the assessment is overdue
    sa.Column("rest", sa.Text, nullable=False, server_default=""),  # the break offered afterwards: taken | declined
    sa.Index("one_open_stint", "district_id", "conversation_id", unique=True,
             sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index("stint_by_end", "district_id", "ended_at"),
    sa.Index("stint_by_case", "district_id", "case_id"),
)  # fmt: skip

companion = table(
    "companion",  # a second colleague who joined a conversation
    text("case_id"),
    text("conversation_id"),
    text("counsellor_id"),
    time("joined_at"),
    time("left_at", nullable=True),
    sa.Index("one_companion", "district_id", "conversation_id", "counsellor_id", unique=True,
             sqlite_where=sa.text("left_at IS NULL"), postgresql_where=sa.text("left_at IS NULL")),
)  # fmt: skip

transfer = table(
    "transfer",  # one colleague asks another to take a case; the owner keeps it until that one accepts
    text("case_id"),
    sa.Column("kind", sa.Text, nullable=False, server_default="transfer"),  # transfer | assignment (a lead asks)
    text("from_id"),
    text("to_id"),
    text("state"),  # asked | accepted | declined | expired | withdrawn | void
    sealed("said_sealed"),
    sealed("promised_sealed"),
    sealed("next_sealed"),
    sealed("reason_sealed", nullable=True),  # why it was declined
    time("asked_at"),
    time("answer_by"),
    time("ended_at", nullable=True),
    sa.Index("one_open_transfer", "district_id", "case_id", unique=True,
             sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'")),
    sa.Index("transfer_due", "district_id", "answer_by", sqlite_where=sa.text("state = 'asked'"),
             postgresql_where=sa.text("state = 'asked'")),
    sa.Index("transfer_by_case", "district_id", "case_id"),
)  # fmt: skip

help_call = table(
    "help_call",  # who serves a case asks supervisors for help; the person never hears of it
    text("case_id"),
    text("by_id"),
    text("state"),  # open | answered | withdrawn | void (the case moved on)
    sealed("why_sealed"),
    time("at"),
    time("ended_at", nullable=True),
    text("answered_by", nullable=True),
    sealed("answer_sealed", nullable=True),
    sa.Index("one_open_help_call", "district_id", "case_id", unique=True,
             sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")),
    sa.Index("help_call_by_case", "district_id", "case_id"),
)  # fmt: skip

rise_seen = table(
    "rise_seen",  # id = counsellor: up to when they have seen which cases became orange or red
    time("seen_until"),
    time("at"),
)

whisper = table(
    "whisper",  # a supervisor's words to the counsellor in a case; the person never sees them; only ever added
    text("case_id"),
    text("by_id"),
    sealed("body_sealed"),
    time("at"),
    sa.Index("whisper_by_case", "district_id", "case_id"),
)

promise = table(
    "promise",  # what the person was promised, until somebody says that it was kept
    text("case_id"),
    text("by_id"),
    sealed("body_sealed"),
    time("at"),
    time("kept_at", nullable=True),
    text("kept_by", nullable=True),
    sa.Index("promise_by_case", "district_id", "case_id"),
    sa.Index("promise_open", "district_id", "at", sqlite_where=sa.text("kept_at IS NULL"),
             postgresql_where=sa.text("kept_at IS NULL")),
)  # fmt: skip

roster = table(
    "roster",  # who is planned to be here
    text("counsellor_id"),
    text("role"),  # seat | lead | supervisor | volunteer | oncall
    time("begins_at"),
    time("ends_at"),
    text("by_id"),
    time("removed_at", nullable=True),
    text("removed_by", nullable=True),
    sa.Index("roster_by_time", "district_id", "begins_at"),
)

handover = table(
    "handover",  # one shift to the next; the snapshot never changes once it is signed
    text("out_id"),
    sealed("snapshot_sealed"),
    text("digest"),  # of the snapshot, who handed over and when
    time("out_at"),
    text("in_id", nullable=True),
    time("in_at", nullable=True),
    text("in_digest", nullable=True),
    sa.Index("handover_by_time", "district_id", "out_at"),
    sa.Index("handover_unsigned", "district_id", "out_at", sqlite_where=sa.text("in_id IS NULL"),
             postgresql_where=sa.text("in_id IS NULL")),
)  # fmt: skip
