"""Units that came back, as stores tell of them apart from their orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "store_returns",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("order_ref", sa.String(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("returned_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "order_ref", "line", "ref", name=op.f("pk_store_returns")),
    )


def downgrade() -> None:
    op.drop_table("store_returns")
