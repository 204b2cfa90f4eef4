"""How many of the messages that a platform still allows only people may use."""

import sqlalchemy as sa
from alembic import op

revision = "0006_kept_messages"
down_revision = "0005_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("allowance", sa.Column("kept", sa.Integer(), nullable=False, server_default="0"))
