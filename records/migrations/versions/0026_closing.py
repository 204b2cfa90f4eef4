"""Closings that wait for a signature; the second person of a rescue decides at their own console."""

import sqlalchemy as sa
from alembic import op

revision = "0026_closing"
down_revision = "0025_clocks"
branch_labels = None
depends_on = None

_DUE = sa.text("next_at IS NOT NULL")
_WAITING = sa.text("decision IS NULL")
_SECOND_DUE = sa.text("second_next_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "closing",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("summary_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("closing_by_case", "closing", ["district_id", "case_id"])
    op.create_index(
        "closing_waiting", "closing", ["district_id", "at"], sqlite_where=_WAITING, postgresql_where=_WAITING
    )
    op.create_index("closing_due", "closing", ["next_at"], sqlite_where=_DUE, postgresql_where=_DUE)
    op.add_column("rescue", sa.Column("asked_id", sa.Text(), nullable=True))
    op.add_column("rescue", sa.Column("second_answer", sa.Text(), nullable=True))
    op.add_column("rescue", sa.Column("second_at", sa.BigInteger(), nullable=True))
    op.add_column("rescue", sa.Column("second_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("rescue", sa.Column("second_step", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("rescue", sa.Column("second_next_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "rescue_second_due", "rescue", ["second_next_at"], sqlite_where=_SECOND_DUE, postgresql_where=_SECOND_DUE
    )
