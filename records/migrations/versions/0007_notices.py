"""Calling people who are not looking at a screen."""

import sqlalchemy as sa
from alembic import op

revision = "0007_notices"
down_revision = "0006_kept_messages"
branch_labels = None
depends_on = None

_WAITING = sa.text("state IN ('pending','failing')")


def upgrade() -> None:
    op.create_table(
        "notice_address",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("address_index", sa.Text(), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
        sa.UniqueConstraint("district_id", "owner_id", "address_index"),
    )
    op.create_index("notice_address_by_index", "notice_address", ["district_id", "address_index"])
    op.create_table(
        "notice",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("address_id", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=True),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=True),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("message_seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("notice_due", "notice", ["carrier", "due_at"], sqlite_where=_WAITING, postgresql_where=_WAITING)
    for name, column in (("alert", "alert_id"), ("conversation", "conversation_id"), ("address", "address_id")):
        op.create_index(f"notice_by_{name}", "notice", ["district_id", column])
    op.create_index("notice_by_token", "notice", ["token_hash"])
