"""What stores say is on its way, of the age of stock and of suppliers; money in other currencies than products'."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_REVENUE = """
INSERT INTO foreign_revenue (product_id, location_id, day, currency, revenue_minor)
SELECT s.product_id, s.location_id, s.day, s.currency, SUM(s.amount_minor)
FROM sales s JOIN products p ON p.id = s.product_id
WHERE s.currency <> p.currency AND s.kind = 'sale' AND s.cancelled_by IS NULL
GROUP BY s.product_id, s.location_id, s.day, s.currency
"""


def upgrade() -> None:
    op.add_column("stock_levels", sa.Column("incoming", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("products", sa.Column("store_price_minor", sa.BigInteger(), nullable=True))
    op.add_column("products", sa.Column("store_currency", sa.String(), nullable=True))
    op.add_column("routes", sa.Column("source", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "foreign_revenue",
        sa.Column("product_id", ID, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("revenue_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_foreign_revenue_location_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_foreign_revenue_product_id")),
        sa.PrimaryKeyConstraint("product_id", "location_id", "day", "currency", name=op.f("pk_foreign_revenue")),
    )
    op.create_index(op.f("ix_foreign_revenue_day"), "foreign_revenue", ["day"], unique=False)
    op.execute(_REVENUE)
    op.create_table(
        "stock_ages",
        sa.Column("id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("bands", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("storage_minor", sa.BigInteger(), nullable=True),
        sa.Column("surcharge_minor", sa.BigInteger(), nullable=True),
        sa.Column("charged_minor", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_stock_ages_location_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_stock_ages_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_ages")),
        sa.UniqueConstraint(
            "product_id", "location_id", "as_of", "source",
            name=op.f("uq_stock_ages_product_id_location_id_as_of_source"),
        ),
    )  # fmt: skip
    for column in ("as_of", "location_id", "product_id"):
        op.create_index(op.f(f"ix_stock_ages_{column}"), "stock_ages", [column], unique=False)


def downgrade() -> None:
    op.drop_table("stock_ages")
    op.drop_table("foreign_revenue")
    op.drop_column("routes", "source")
    op.drop_column("products", "store_currency")
    op.drop_column("products", "store_price_minor")
    op.drop_column("stock_levels", "incoming")
