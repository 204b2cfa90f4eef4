"""Planned drills with their runs and callers, counsellors who practise, and cases that belong to a practice."""

import sqlalchemy as sa
from alembic import op

revision = "0021_practice"
down_revision = "0020_supervision"
branch_labels = None
depends_on = None

_RUNNING = sa.text("state = 'running'")


def upgrade() -> None:
    op.add_column("case_record", sa.Column("practised_by", sa.Text(), nullable=True))
    op.create_table(
        "drill_plan",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("callers", sa.Integer(), nullable=False),
        sa.Column("planned_for", sa.BigInteger(), nullable=False),
        sa.Column("is_announced", sa.Boolean(), nullable=False),
        sa.Column("calls_people", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("findings_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("findings_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("drill_plan_by_time", "drill_plan", ["district_id", "planned_for"])
    op.create_table(
        "drill_run",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("callers", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index(
        "one_running_drill", "drill_run", ["district_id"], unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING
    )
    op.create_index("drill_run_by_plan", "drill_run", ["district_id", "plan_id"])
    op.create_table(
        "drill_caller",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("drill_caller_by_run", "drill_caller", ["district_id", "run_id"])
    op.create_table(
        "practice",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("script", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index(
        "one_practice_a_person", "practice", ["district_id", "counsellor_id"], unique=True, sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    )  # fmt: skip
    op.create_index("practice_running", "practice", ["state"], sqlite_where=_RUNNING, postgresql_where=_RUNNING)
