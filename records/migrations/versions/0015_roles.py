"""Cases shared by invitation, looks behind the masks, the second factor of accounts, an audit that can be searched."""

import sqlalchemy as sa
from alembic import op

revision = "0015_roles"
down_revision = "0014_shift"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_share",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("with_id", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("shows_contact", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("case_share_by_case", "case_share", ["district_id", "case_id"])
    op.create_index("case_share_with", "case_share", ["district_id", "with_id"])
    op.create_table(
        "contact_reveal",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("contact_reveal_by_session", "contact_reveal", ["district_id", "session_id", "case_id"])
    op.create_table(
        "second_factor",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("recovery_code_of", "recovery_code", ["district_id", "counsellor_id"])
    op.add_column("staff_session", sa.Column("stage", sa.Text(), nullable=False, server_default="open"))
    op.add_column("staff_session", sa.Column("agent", sa.Text(), nullable=False, server_default=""))
    op.add_column("note", sa.Column("kind", sa.Text(), nullable=False, server_default="note"))
    op.create_index("audit_by_time", "audit", ["district_id", "at"])
