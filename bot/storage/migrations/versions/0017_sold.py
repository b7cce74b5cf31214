"""Whether a store still sells a variant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# What stores said of it so far was not kept: their products are read from the beginning once more.
_AGAIN = "DELETE FROM store_cursors WHERE kind = 'products'"


def upgrade() -> None:
    op.add_column("store_codes", sa.Column("sold", sa.Boolean(), nullable=True))
    op.execute(_AGAIN)


def downgrade() -> None:
    op.drop_column("store_codes", "sold")
