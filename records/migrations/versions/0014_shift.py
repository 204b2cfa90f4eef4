"""Presence, stints with conversations, transfers, whispers, promises, the roster and signed hand-overs."""

import sqlalchemy as sa
from alembic import op

revision = "0014_shift"
down_revision = "0013_referral"
branch_labels = None
depends_on = None

# who serves a conversation at the upgrade goes on serving it
_SERVED_NOW = """
INSERT INTO stint (district_id, id, case_id, conversation_id, counsellor_id, peak, began_at, spoke_at)
SELECT c.district_id, c.id, c.id, c.conversation_id, c.owner_id, c.level, COALESCE(c.claimed_at, c.opened_at),
       (SELECT MAX(o.made_at) FROM outbox o WHERE o.district_id = c.district_id
        AND o.conversation_id = c.conversation_id AND o.origin = 'counsellor')
FROM case_record c WHERE c.state IN ('in_service', 'rescue') AND c.owner_id IS NOT NULL
"""


def upgrade() -> None:
    _people()
    _words()
    _shifts()
    op.execute(_SERVED_NOW)


def _people() -> None:
    op.create_table(
        "presence",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_table(
        "stint",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("peak", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("spoke_at", sa.BigInteger(), nullable=True),
        sa.Column("warned_at", sa.BigInteger(), nullable=True),
        sa.Column("called_at", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("rest", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index(
        "one_open_stint", "stint", ["district_id", "conversation_id"], unique=True,
        sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    op.create_index("stint_by_end", "stint", ["district_id", "ended_at"])
    op.create_table(
        "companion",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index(
        "one_companion", "companion", ["district_id", "conversation_id", "counsellor_id"], unique=True,
        sqlite_where=sa.text("left_at IS NULL"), postgresql_where=sa.text("left_at IS NULL"),
    )  # fmt: skip


def _words() -> None:
    op.create_table(
        "transfer",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("from_id", sa.Text(), nullable=False),
        sa.Column("to_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("said_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("promised_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("next_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index(
        "one_open_transfer", "transfer", ["district_id", "case_id"], unique=True,
        sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'"),
    )  # fmt: skip
    op.create_index("transfer_by_case", "transfer", ["district_id", "case_id"])
    op.create_index(
        "transfer_due", "transfer", ["answer_by"],
        sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'"),
    )  # fmt: skip
    op.create_table(
        "whisper",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("whisper_by_case", "whisper", ["district_id", "case_id"])
    op.create_table(
        "promise",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=True),
        sa.Column("kept_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("promise_by_case", "promise", ["district_id", "case_id"])
    op.create_index(
        "promise_open", "promise", ["district_id", "at"],
        sqlite_where=sa.text("kept_at IS NULL"), postgresql_where=sa.text("kept_at IS NULL"),
    )  # fmt: skip


def _shifts() -> None:
    op.create_table(
        "roster",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("roster_by_time", "roster", ["district_id", "begins_at"])
    op.create_table(
        "handover",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("out_id", sa.Text(), nullable=False),
        sa.Column("snapshot_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("out_at", sa.BigInteger(), nullable=False),
        sa.Column("in_id", sa.Text(), nullable=True),
        sa.Column("in_at", sa.BigInteger(), nullable=True),
        sa.Column("in_digest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("handover_by_time", "handover", ["district_id", "out_at"])
