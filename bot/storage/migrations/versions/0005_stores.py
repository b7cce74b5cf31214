"""Stores: what they told, and what their codes and places are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_index("ix_sales_order", "sales", ["order_ref", "source"], unique=False)
    _readings()
    _names()


def _readings() -> None:
    op.create_table(
        "store_cursors",
        sa.Column("id", ID, nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_cursors")),
        sa.UniqueConstraint("store", "kind", name=op.f("uq_store_cursors_store_kind")),
    )

    op.create_table(
        "store_faults",
        sa.Column("id", ID, nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_faults")),
        sa.UniqueConstraint("store", "kind", "subject", name=op.f("uq_store_faults_store_kind_subject")),
    )

    op.create_table(
        "store_syncs",
        sa.Column("id", ID, nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_syncs")),
    )
    op.create_index("ix_store_syncs_store", "store_syncs", ["store", "started_at"], unique=False)


def _names() -> None:
    op.create_table(
        "kits",
        sa.Column("id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("component_id", ID, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity >= 1 AND product_id <> component_id", name=op.f("ck_kits_parts")),
        sa.ForeignKeyConstraint(["component_id"], ["products.id"], name=op.f("fk_kits_component_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_kits_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kits")),
        sa.UniqueConstraint("product_id", "component_id", name=op.f("uq_kits_product_id_component_id")),
    )
    op.create_index(op.f("ix_kits_component_id"), "kits", ["component_id"], unique=False)
    op.create_index(op.f("ix_kits_product_id"), "kits", ["product_id"], unique=False)

    op.create_table(
        "store_codes",
        sa.Column("id", ID, nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("product_id", ID, nullable=True),
        sa.Column("match", sa.String(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_store_codes_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_codes")),
        sa.UniqueConstraint("store", "code", name=op.f("uq_store_codes_store_code")),
    )
    op.create_index(op.f("ix_store_codes_product_id"), "store_codes", ["product_id"], unique=False)

    op.create_table(
        "store_places",
        sa.Column("id", ID, nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("location_id", ID, nullable=True),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("ignored", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_store_places_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_places")),
        sa.UniqueConstraint("store", "place", name=op.f("uq_store_places_store_place")),
    )
    op.create_index(op.f("ix_store_places_location_id"), "store_places", ["location_id"], unique=False)


def downgrade() -> None:
    for table in (
        "store_places", "store_codes", "kits", "store_syncs", "store_faults", "store_cursors",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_index("ix_sales_order", table_name="sales")
