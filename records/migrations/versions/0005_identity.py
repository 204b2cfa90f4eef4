"""What people of the hotline decided about a contact, and a quick way to words that did not arrive."""

import sqlalchemy as sa
from alembic import op

revision = "0005_identity"
down_revision = "0004_transcripts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contact_decision",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("contact_decision_by_contact", "contact_decision", ["district_id", "contact_id"])
    op.create_index(
        "outbox_dead", "outbox", ["district_id", "finished_at"],
        sqlite_where=sa.text("state = 'dead'"), postgresql_where=sa.text("state = 'dead'"),
    )  # fmt: skip
