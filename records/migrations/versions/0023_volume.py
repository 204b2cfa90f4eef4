"""Indexes for years of messages: what waits is found without reading what is done, a page reads its own rows."""

import sqlalchemy as sa
from alembic import op

revision = "0023_volume"
down_revision = "0022_reports"
branch_labels = None
depends_on = None

# name, table, columns, condition in SQLite, in PostgreSQL
_ACTIVE = "state IN ('pending','sending')"
_LATE = "step > 0 AND state IN ('todo','doing')"
_ANEW = (  # they began with no district, or ended too soon
    ("message_to_handle", "message", ("district_id", "handling_until"), "handling = 'new'", "handling = 'new'"),
    ("attachment_due", "attachment", ("district_id", "due_at"), "state = 'waiting'", "state = 'waiting'"),
    ("transcript_due", "transcript", ("district_id", "due_at"), "state = 'waiting'", "state = 'waiting'"),
    ("outbox_due", "outbox", ("district_id", "lane", "due_at"), _ACTIVE, _ACTIVE),
    ("outbox_by_conversation", "outbox", ("district_id", "conversation_id", "seq"), "", ""),
    ("follow_up_due", "follow_up", ("district_id", "next_at"), "next_at IS NOT NULL", "next_at IS NOT NULL"),
    ("referral_by_state", "referral", ("district_id", "state", "attended"), "", ""),
    ("referral_due", "referral", ("district_id", "due_at"), "due_at IS NOT NULL", "due_at IS NOT NULL"),
    ("transfer_due", "transfer", ("district_id", "answer_by"), "state = 'asked'", "state = 'asked'"),
    (
        "notice_due", "notice", ("district_id", "carrier", "due_at"), "state IN ('pending','failing')",
        "state IN ('pending','failing')",
    ),
)  # fmt: skip
_NEW = (
    ("assessment_by_conversation", "assessment", ("district_id", "conversation_id"), "", ""),
    ("attachment_by_conversation", "attachment", ("district_id", "conversation_id"), "", ""),
    (
        "message_by_speaker",
        "message",
        ("district_id", "author_id", "conversation_id"),
        "author_id IS NOT NULL",
        "author_id IS NOT NULL",
    ),
    ("drill_conversation", "conversation", ("district_id", "id"), "is_drill = 1", "is_drill"),
    ("outbox_waiting", "outbox", ("district_id", "conversation_id"), _ACTIVE, _ACTIVE),
    ("follow_up_late", "follow_up", ("district_id", "case_id"), _LATE, _LATE),
    ("referral_task_by_referral", "referral_task", ("district_id", "referral_id"), "", ""),
    ("handover_unsigned", "handover", ("district_id", "out_at"), "in_id IS NULL", "in_id IS NULL"),
    ("staff_session_of", "staff_session", ("district_id", "counsellor_id", "seen_at"), "", ""),
    ("audit_by_case", "audit", ("district_id", "case_id"), "", ""),
    ("audit_by_actor", "audit", ("district_id", "actor_id", "seq"), "", ""),
    ("conversation_by_last", "conversation", ("district_id", "last_message_at", "opened_at"), "", ""),
    ("safety_plan_by_case", "safety_plan", ("district_id", "case_id"), "", ""),
    ("rescue_by_time", "rescue", ("district_id", "at"), "", ""),
    ("unanswered_by_time", "unanswered", ("district_id", "at"), "", ""),
    ("answer_mark_by_time", "answer_mark", ("district_id", "at"), "", ""),
    ("information_given_by_time", "information_given", ("district_id", "at"), "", ""),
    ("incoming_referral_by_time", "incoming_referral", ("district_id", "at"), "", ""),
    ("matter_task_by_kind", "matter_task", ("district_id", "kind", "due_at"), "", ""),
    ("case_review_by_end", "case_review", ("district_id", "served_until"), "", ""),
    ("supervision_session_by_time", "supervision_session", ("district_id", "held_at"), "", ""),
    ("practice_of", "practice", ("district_id", "counsellor_id", "began_at"), "", ""),
    ("practice_by_case", "practice", ("district_id", "case_id"), "", ""),
)


def upgrade() -> None:
    op.add_column("audit", sa.Column("case_id", sa.Text(), nullable=True))
    named = {
        "sqlite": "json_extract(detail, '$.case')",
        "postgresql": "detail::json ->> 'case'",
    }[op.get_bind().dialect.name]
    op.execute(f'UPDATE audit SET case_id = {named} WHERE detail LIKE \'%"case": "%\'')
    for name, table, *_ in _ANEW:
        op.drop_index(name, table_name=table)
    for name, table, columns, sqlite, postgresql in (*_ANEW, *_NEW):
        op.create_index(
            name, table, list(columns), sqlite_where=sa.text(sqlite) if sqlite else None,
            postgresql_where=sa.text(postgresql) if postgresql else None,
        )  # fmt: skip
