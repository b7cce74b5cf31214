"""What was told last of each variant's shelf, where several variants of a store are one product."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Their stock is read from the beginning once more: until now the last of them spoke for all.
_AGAIN = """
DELETE FROM store_cursors WHERE kind = 'stock' AND store IN (
    SELECT store FROM store_codes WHERE match IN ('same', 'confirmed') GROUP BY store, product_id HAVING COUNT(*) > 1
)
"""


def upgrade() -> None:
    op.create_table(
        "store_shelves",
        sa.Column("id", ID, nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("committed", sa.Integer(), nullable=False),
        sa.Column("incoming", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_shelves")),
        sa.UniqueConstraint("store", "code", "place", name=op.f("uq_store_shelves_store_code_place")),
    )
    op.execute(_AGAIN)


def downgrade() -> None:
    op.drop_table("store_shelves")
