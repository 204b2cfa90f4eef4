"""What the classifier said of a message, and whether something in the screening did not work."""

import sqlalchemy as sa
from alembic import op

revision = "0002_classifier_in_assessment"
down_revision = "0001_first_schema"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assessment", sa.Column("score", sa.Float(), nullable=True))
    op.add_column("assessment", sa.Column("lame", sa.Text(), nullable=False, server_default=""))
