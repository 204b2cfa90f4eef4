"""Platforms outside: contacts that can be unreachable, blocked or linked; ledgers, tokens, attachments."""

import sqlalchemy as sa
from alembic import op

revision = "0003_channels"
down_revision = "0002_classifier_in_assessment"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("nickname_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("unreachable", sa.Text(), nullable=False, server_default=""),
        sa.Column("blocked_at", sa.BigInteger(), nullable=True),
        sa.Column("blocked_by", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("scene", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("contact", column)
    op.create_index("contact_by_person", "contact", ["district_id", "person_id"])
    op.add_column("outbox", sa.Column("reason", sa.Text(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("progress", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "link_code",
        *_key(),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_table(
        "contact_plan",
        *_key(),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("contact_plan_by_contact", "contact_plan", ["district_id", "contact_id"])
    op.create_table(
        "allowance",
        *_key(),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_table(
        "rate",
        *_key(),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("paused_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_table(
        "channel_state",
        *_key(),
        sa.Column("value_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_table(
        "attachment",
        *_key(),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("reference_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("attachment_by_message", "attachment", ["district_id", "message_id"])
    op.create_index(
        "attachment_due", "attachment", ["due_at"],
        sqlite_where=sa.text("state = 'waiting'"), postgresql_where=sa.text("state = 'waiting'"),
    )  # fmt: skip


def _key() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("district_id", sa.Text(), nullable=False), sa.Column("id", sa.Text(), nullable=False)
