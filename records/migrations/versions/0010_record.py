"""The record form, safety plans, cases that go on in another one, notes whose words were taken out."""

import sqlalchemy as sa
from alembic import op

revision = "0010_record"
down_revision = "0007_notices"
branch_labels = None
depends_on = None

_OPEN = sa.text("state NOT IN ('closed', 'merged')")


def upgrade() -> None:
    op.create_table(
        "record_entry",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("value_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
        sa.UniqueConstraint("district_id", "subject_id", "field", "version"),
    )
    op.create_index("record_entry_by_case", "record_entry", ["district_id", "case_id"])
    op.create_table(
        "safety_plan",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("safety_plan_by_contact", "safety_plan", ["district_id", "contact_id"])
    op.add_column("case_record", sa.Column("merged_into", sa.Text(), nullable=True))
    op.drop_index("one_open_case", "case_record")
    op.create_index(
        "one_open_case", "case_record", ["district_id", "conversation_id"], unique=True, sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )  # fmt: skip
    op.create_index("case_by_contact", "case_record", ["district_id", "contact_id"])
    op.add_column("note", sa.Column("redacted_at", sa.BigInteger(), nullable=True))
    op.add_column("note", sa.Column("redacted_by", sa.Text(), nullable=True))
    op.add_column("note", sa.Column("redaction_sealed", sa.LargeBinary(), nullable=True))
    op.create_index("audit_by_object", "audit", ["district_id", "object_id"])
