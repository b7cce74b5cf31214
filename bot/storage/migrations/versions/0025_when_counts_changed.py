"""After when a count changed what was known, so that a day is known to have been in stock for a part of its hours."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stock_levels", sa.Column("unchanged_until", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("stock_levels", "unchanged_until")
