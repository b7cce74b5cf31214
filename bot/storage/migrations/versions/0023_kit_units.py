"""How many units of a product a kit takes stands with what was sold of it: the store may delete the kit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Of what was sold before: where every kit with that part takes as many of it.
_FILL = """
UPDATE sales SET kit_units = (SELECT MIN(k.quantity) FROM kits k WHERE k.component_id = sales.product_id)
WHERE source LIKE 'store:%' AND external_id LIKE order_ref || '/%/' || product_id || '%'
AND (SELECT COUNT(DISTINCT k.quantity) FROM kits k WHERE k.component_id = sales.product_id) = 1
"""


def upgrade() -> None:
    op.add_column("sales", sa.Column("kit_units", sa.Integer(), nullable=True))
    op.execute(_FILL)


def downgrade() -> None:
    op.drop_column("sales", "kit_units")
