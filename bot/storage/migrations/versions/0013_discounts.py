"""Promotions by a discount code, or in the basket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import Micros

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("promotions", sa.Column("means", sa.String(), nullable=False, server_default="price"))
    op.add_column("promotions", sa.Column("code", sa.String(), nullable=False, server_default=""))
    op.add_column("promotions", sa.Column("share", Micros(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("promotions") as table:
        for name in ("share", "code", "means"):
            table.drop_column(name)
