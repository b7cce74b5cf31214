"""Forecasts on record, and the day that a stock-out alert foretold first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import Micros, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "forecasts",
        sa.Column("product_id", ID, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("abc", sa.Integer(), nullable=False),
        sa.Column("level", Micros(), nullable=False),
        sa.Column("mean", Micros(), nullable=False),
        sa.Column("q50", Micros(), nullable=False),
        sa.Column("q80", Micros(), nullable=False),
        sa.Column("q95", Micros(), nullable=False),
        sa.Column("at_service", Micros(), nullable=False),
        sa.Column("usual", Micros(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_forecasts_location_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_forecasts_product_id")),
        sa.PrimaryKeyConstraint("product_id", "location_id", "week", name=op.f("pk_forecasts")),
    )
    op.create_index(op.f("ix_forecasts_week"), "forecasts", ["week"], unique=False)
    op.add_column("cases", sa.Column("foretold_on", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("cases", "foretold_on")
    op.drop_table("forecasts")
