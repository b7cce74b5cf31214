"""Volumes and weights of goods, containers of routes, and the days on which suppliers are ordered from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("unit_volume_cm3", sa.BigInteger(), nullable=True))
    op.add_column("products", sa.Column("unit_weight_g", sa.BigInteger(), nullable=True))
    op.add_column("suppliers", sa.Column("review_every", sa.Integer(), nullable=True))
    op.add_column("suppliers", sa.Column("review_from", sa.Date(), nullable=True))
    op.add_column("routes", sa.Column("container", sa.String(), nullable=True))
    op.add_column("routes", sa.Column("container_volume_cm3", sa.BigInteger(), nullable=True))
    op.add_column("routes", sa.Column("container_weight_g", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for name in ("container_weight_g", "container_volume_cm3", "container"):
        op.drop_column("routes", name)
    for name in ("review_from", "review_every"):
        op.drop_column("suppliers", name)
    for name in ("unit_weight_g", "unit_volume_cm3"):
        op.drop_column("products", name)
