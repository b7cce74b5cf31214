"""Categories told apart whatever their case and width, and which store said a product's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# What stores said of it so far was not kept: their products are read from the beginning once more.
_AGAIN = "DELETE FROM store_cursors WHERE kind = 'products'"


def upgrade() -> None:
    op.execute("UPDATE products SET category_id = NULL")
    op.drop_table("categories")  # nothing of ours has named one yet
    _create(sa.Column("key", sa.String(), nullable=False), sa.UniqueConstraint("key", name=op.f("uq_categories_key")))
    op.add_column("products", sa.Column("category_source", sa.String(), nullable=True))
    op.execute(_AGAIN)


def downgrade() -> None:
    op.drop_column("products", "category_source")
    op.execute("UPDATE products SET category_id = NULL")
    op.drop_table("categories")
    _create()


def _create(*more: sa.Column[str] | sa.UniqueConstraint) -> None:
    op.create_table(
        "categories",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("name", name=op.f("uq_categories_name")),
    )
