"""Why a case is over, where that is not that its figures recovered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("ended", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("cases", "ended")
