"""What a whole reading did not tell is gone, and every variant's own count is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("store_shelves", sa.Column("told_at", UtcDateTime(), nullable=True))
    op.add_column("store_cursors", sa.Column("whole_since", UtcDateTime(), nullable=True))
    # Some shelves were guessed, of variants that tell no counts: once all was read anew those are forgotten.
    op.execute("DELETE FROM store_cursors WHERE kind = 'stock'")


def downgrade() -> None:
    op.drop_column("store_cursors", "whole_since")
    op.drop_column("store_shelves", "told_at")
