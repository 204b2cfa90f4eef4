"""What people take over: cases, their levels, alerts and notes."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

ENDED = ("closed", "merged")
_OPEN = sa.text("state NOT IN ('closed', 'merged')")

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
    text("previous_id", nullable=True),  # the same conversation's case before, closed too long ago to go on
    text("practised_by", nullable=True),  # the counsellor who practises with it: it rings for nobody
    sa.UniqueConstraint("district_id", "case_no"),
    text("merged_into", nullable=True),  # the case in which this one goes on
    time("assessed_at", nullable=True),  # every core question about danger has an answer
    sa.Index("one_open_case", "district_id", "conversation_id", unique=True, sqlite_where=_OPEN,
             postgresql_where=_OPEN),
    sa.Index("case_by_contact", "district_id", "contact_id"),
    sa.Index("case_by_opening", "district_id", "opened_at"),
    sa.Index("case_queue", "district_id", "state", "level"),
    sa.Index("case_by_conversation", "district_id", "conversation_id", "opened_at"),
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
    sa.Index("level_rise", "district_id", "at", sqlite_where=sa.text("to_level >= 3"),
             postgresql_where=sa.text("to_level >= 3")),
)  # fmt: skip

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
    sa.Index("alert_by_raising", "district_id", "raised_at"),
)  # fmt: skip

note = table(
    "note",
    text("case_id"),
    text("by_id"),
    sa.Column("kind", sa.Text, nullable=False, server_default="note"),  # note | opinion (of somebody invited)
    sealed("body_sealed"),
    time("at"),
    time("redacted_at", nullable=True),  # the words were taken out; who and why is kept
    text("redacted_by", nullable=True),
    sealed("redaction_sealed", nullable=True),
    sa.Index("note_by_case", "district_id", "case_id"),
)

closing = table(
    "closing",  # a counsellor is done with an orange or red case: a second person signs it, or sends it back
    text("case_id"),
    text("disposition"),
    sealed("summary_sealed", nullable=True),
    integer("level"),
    text("by_id"),
    time("at"),
    text("decision", nullable=True),  # signed | returned | overtaken
    text("decided_by", nullable=True),
    time("decided_at", nullable=True),
    sealed("words_sealed", nullable=True),  # why it was returned
    integer("step"),  # how often supervisors were called
    time("next_at", nullable=True),  # when they are called next; null = never
    sa.Index("closing_by_case", "district_id", "case_id"),
    sa.Index("closing_waiting", "district_id", "at", sqlite_where=sa.text("decision IS NULL"),
             postgresql_where=sa.text("decision IS NULL")),
    sa.Index("closing_due", "next_at", sqlite_where=sa.text("next_at IS NOT NULL"),
             postgresql_where=sa.text("next_at IS NOT NULL")),
)  # fmt: skip
