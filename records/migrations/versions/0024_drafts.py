"""Words that a colleague typed and has not sent yet."""

import sqlalchemy as sa
from alembic import op

revision = "0024_drafts"
down_revision = "0023_volume"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("place_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("draft_of", "draft", ["district_id", "owner_id", "at"])
    op.create_index("draft_by_case", "draft", ["district_id", "case_id"])
    op.create_index("draft_by_age", "draft", ["district_id", "at"])
