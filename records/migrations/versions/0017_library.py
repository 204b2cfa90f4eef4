"""Drafts, reviews and versions of articles; marks of answers and questions without an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0017_library"
down_revision = "0015_roles"
branch_labels = None
depends_on = None

_OPEN = sa.text("state NOT IN ('published', 'dropped')")
_UNSETTLED = sa.text("settled IS NULL")


def upgrade() -> None:
    _make_drafts()
    _make_versions()
    _make_marks()


def _make_drafts() -> None:
    op.create_table(
        "article_draft",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("base_hash", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index(
        "one_open_draft", "article_draft", ["district_id", "article_id"], unique=True, sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )  # fmt: skip
    op.create_table(
        "article_review",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("draft_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("article_review_by_draft", "article_review", ["district_id", "draft_id"])
    op.create_index("article_review_by_article", "article_review", ["district_id", "article_id"])


def _make_versions() -> None:
    op.create_table(
        "article_version",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("draft_id", sa.Text(), nullable=True),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "seq"),
    )
    op.create_index("article_version_by_article", "article_version", ["district_id", "article_id"])


def _make_marks() -> None:
    op.create_table(
        "answer_mark",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("helped", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index("answer_mark_by_article", "answer_mark", ["district_id", "article_id"])
    op.create_table(
        "unanswered",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("settled", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("district_id", "id"),
    )
    op.create_index(
        "unanswered_open", "unanswered", ["district_id", "at"], sqlite_where=_UNSETTLED,
        postgresql_where=_UNSETTLED,
    )  # fmt: skip
