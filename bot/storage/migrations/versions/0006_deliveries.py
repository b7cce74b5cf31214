"""What stores call to say, and the products that are to be judged for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import JsonData, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "store_deliveries",
        sa.Column("id", ID, nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("said", JsonData, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_deliveries")),
        sa.UniqueConstraint("store", "delivery_id", name=op.f("uq_store_deliveries_store_delivery_id")),
    )
    op.create_index("ix_store_deliveries_state", "store_deliveries", ["state", "due_at"], unique=False)
    op.create_table(
        "touched_products",
        sa.Column("product_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("touched_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_touched_products_product_id")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_touched_products")),
    )
    op.create_index("ix_touched_products_due", "touched_products", ["due_at"], unique=False)
    op.add_column("store_syncs", sa.Column("missed", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("store_syncs") as table:
        table.alter_column("missed", server_default=None)


def downgrade() -> None:
    op.drop_column("store_syncs", "missed")
    op.drop_table("touched_products")
    op.drop_table("store_deliveries")
