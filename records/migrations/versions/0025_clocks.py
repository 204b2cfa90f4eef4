"""Clocks after the claim, cases that a lead assigns, calls for help, who has seen which cases became orange or red."""

import sqlalchemy as sa
from alembic import op

revision = "0025_clocks"
down_revision = "0024_drafts"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'open'")
_HIGH = sa.text("to_level >= 3")
# what was said and asked before the upgrade counts
_GREETED = """
UPDATE stint SET greeted_at = (
    SELECT MIN(o.made_at) FROM outbox o WHERE o.district_id = stint.district_id
    AND o.conversation_id = stint.conversation_id AND o.origin = 'counsellor' AND o.made_at >= stint.began_at
    AND (stint.ended_at IS NULL OR o.made_at <= stint.ended_at))
"""
_ASSESSED = """
UPDATE case_record SET assessed_at = (
    SELECT CASE WHEN COUNT(*) = 3 THEN MAX(asked.at) END
    FROM (SELECT e.district_id, e.subject_id, e.field, MIN(e.at) AS at FROM record_entry e
          WHERE e.field IN ('ideation', 'plan', 'current_act') AND e.missing <> 'not_asked'
          GROUP BY e.district_id, e.subject_id, e.field) asked
    WHERE asked.district_id = case_record.district_id AND asked.subject_id = case_record.id)
"""


def upgrade() -> None:
    for name in ("claimed_at", "greeted_at", "reminded_at"):
        op.add_column("stint", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("case_record", sa.Column("assessed_at", sa.BigInteger(), nullable=True))
    op.add_column("transfer", sa.Column("kind", sa.Text(), nullable=False, server_default="transfer"))
    op.create_table(
        "help_call",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index(
        "one_open_help_call", "help_call", ["district_id", "case_id"], unique=True, sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )  # fmt: skip
    op.create_index("help_call_by_case", "help_call", ["district_id", "case_id"])
    op.create_table(
        "rise_seen",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seen_until", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("level_rise", "level_change", ["district_id", "at"], sqlite_where=_HIGH, postgresql_where=_HIGH)
    op.execute(_GREETED)
    op.execute(_ASSESSED)
