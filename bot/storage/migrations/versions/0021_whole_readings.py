"""What a whole reading did not tell is gone, every variant's own count is kept, and one process reads a store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("store_shelves", sa.Column("told_at", UtcDateTime(), nullable=True))
    op.add_column("store_cursors", sa.Column("whole_since", UtcDateTime(), nullable=True))
    op.create_table(
        "store_leases",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("held_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("store", name=op.f("pk_store_leases")),
    )
    # Some shelves were guessed, of variants that tell no counts: once all was read anew those are forgotten.
    op.execute("DELETE FROM store_cursors WHERE kind = 'stock'")


def downgrade() -> None:
    op.drop_table("store_leases")
    op.drop_column("store_cursors", "whole_since")
    op.drop_column("store_shelves", "told_at")
