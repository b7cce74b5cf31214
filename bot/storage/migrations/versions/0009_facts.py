"""What stores say is on its way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stock_levels", sa.Column("incoming", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("stock_levels", "incoming")
