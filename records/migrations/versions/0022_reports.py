"""Frozen reports, and indexes by time for counting."""

import sqlalchemy as sa
from alembic import op

revision = "0022_reports"
down_revision = "0021_practice"
branch_labels = None
depends_on = None

_OF_VISITORS = sa.text("author = 'visitor'")
_ANSWERS = sa.text("origin = 'bot' AND key IN ('plain', 'answer.choices')")


def upgrade() -> None:
    op.create_table(
        "frozen_report",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("inside", sa.Text(), nullable=False),
        sa.Column("inside_hash", sa.Text(), nullable=False),
        sa.Column("outside", sa.Text(), nullable=False),
        sa.Column("outside_hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
        sa.UniqueConstraint("district_id", "kind", "period", "version"),
    )
    op.create_index(
        "message_of_visitors", "message", ["district_id", "received_at", "conversation_id", "sent_at"],
        sqlite_where=_OF_VISITORS, postgresql_where=_OF_VISITORS,
    )  # fmt: skip
    op.create_index(
        "outbox_answers", "outbox", ["district_id", "made_at"], sqlite_where=_ANSWERS, postgresql_where=_ANSWERS
    )
    op.create_index("case_by_opening", "case_record", ["district_id", "opened_at"])
    op.create_index("alert_by_raising", "alert", ["district_id", "raised_at"])
    op.create_index("stint_by_case", "stint", ["district_id", "case_id"])
