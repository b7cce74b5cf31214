"""Categories of products: what goods that sell alike have in common."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "categories",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("name", name=op.f("uq_categories_name")),
    )
    op.add_column("products", sa.Column("category_id", whole, nullable=True))


def downgrade() -> None:
    op.drop_column("products", "category_id")
    op.drop_table("categories")
