"""Facts: products, places, routes, stock, sales and what is derived from them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.domain.categories import alike
from bot.storage.tables.base import Base, Id, key, to


def _key_of(context: Any) -> str:  # noqa: ANN401  # SQLAlchemy's own, of the row that is inserted
    return alike(context.get_current_parameters()["name"])


class Category(Base):
    """What products that sell alike have in common, as a file or a store calls it first.

    `key` is the same for every spelling of a name (`domain.categories.alike`).
    """

    __tablename__ = "categories"
    id: Mapped[int] = key()
    name: Mapped[str] = mapped_column(unique=True)
    key: Mapped[str] = mapped_column(unique=True, default=_key_of)


class Product(Base):
    """A SKU. `sku` is upper case without outer spaces; cost and price are per unit, null where unknown. A store's price
    in another currency than the product's stands apart, in `store_currency`.

    Volume (cubic centimetres) and weight (grams) are those of a packed unit as it ships.
    """

    __tablename__ = "products"
    id: Mapped[int] = key()
    sku: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    currency: Mapped[str]
    unit_cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    unit_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    unit_volume_cm3: Mapped[int | None] = mapped_column(BigInteger)
    unit_weight_g: Mapped[int | None] = mapped_column(BigInteger)
    store_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    store_currency: Mapped[str | None]
    category_id: Mapped[int | None] = mapped_column(Id)  # no declared reference: SQLite would copy the table for one
    category_source: Mapped[str | None]  # the store that said so (`store:shop`); null where a person did, or nobody


class Location(Base):
    """Where stock lies and is sold from. `markets` are the names a sales file uses for it (countries, shop names)."""

    __tablename__ = "locations"
    id: Mapped[int] = key()
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    zone: Mapped[str]
    country: Mapped[str]
    currency: Mapped[str]
    markets: Mapped[list[Any]]


class Supplier(Base):
    """Who sells to us. Orders go to `email` where it is known, in the supplier's `language`.

    Its orders go out together every `review_every` days, counted from `review_from`; null: whenever they are due.
    """

    __tablename__ = "suppliers"
    id: Mapped[int] = key()
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    country: Mapped[str]
    currency: Mapped[str]
    language: Mapped[str] = mapped_column(default="en")
    email: Mapped[str] = mapped_column(default="")
    minimum_total_minor: Mapped[int | None] = mapped_column(BigInteger, doc="the least an order must come to")
    created_at: Mapped[datetime | None] = mapped_column(doc="null: known from the beginning")
    review_every: Mapped[int | None]
    review_from: Mapped[date | None]


class Route(Base):
    """Supplier to location: for one product, or for all of the supplier's where `product_id` is null.

    Lead times are in days; `unit_cost_minor` is the landed cost per unit in `currency`, null to use the product's.
    Where `container_volume_cm3` is known, goods go by containers of that volume and of `container_weight_g` (null: any
    weight), called `container`; otherwise as loose cargo.
    `source` is the store that said so (`store:erp`), empty where a person did.
    """

    __tablename__ = "routes"
    __table_args__ = (
        UniqueConstraint("supplier_id", "product_id", "location_id", "mode"),
        CheckConstraint("lead_time_days > 0 AND lead_time_sd_days >= 0", name="lead_time"),
        CheckConstraint("minimum_order >= 1 AND pack_size >= 1", name="lot"),
    )
    id: Mapped[int] = key()
    supplier_id: Mapped[int] = to("suppliers.id")
    product_id: Mapped[int | None] = to("products.id")
    location_id: Mapped[int] = to("locations.id")
    mode: Mapped[str] = mapped_column(default="sea")
    lead_time_days: Mapped[Decimal]
    lead_time_sd_days: Mapped[Decimal]
    minimum_order: Mapped[int] = mapped_column(default=1)
    pack_size: Mapped[int] = mapped_column(default=1)
    unit_cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str]
    container: Mapped[str | None]
    container_volume_cm3: Mapped[int | None] = mapped_column(BigInteger)
    container_weight_g: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(default="", server_default="")


class StockLevel(Base):
    """A count of stock at an instant, as a file or a store stated it. The latest one at or before a moment is the base;
    movements and sales after it are added. `incoming` is what a store says is on its way, without a date: shown, and
    counted nowhere, for it may be the goods of `inbounds`. What it changed, it changed after `unchanged_until`, up to
    when readings of the source had told all that changed; null where nobody knows.
    """

    __tablename__ = "stock_levels"
    __table_args__ = (UniqueConstraint("product_id", "location_id", "as_of", "source"),)
    id: Mapped[int] = key()
    product_id: Mapped[int] = to("products.id")
    location_id: Mapped[int] = to("locations.id")
    as_of: Mapped[datetime] = mapped_column(index=True)
    on_hand: Mapped[int]
    committed: Mapped[int] = mapped_column(default=0)
    source: Mapped[str]
    incoming: Mapped[int] = mapped_column(default=0, server_default="0")
    unchanged_until: Mapped[datetime | None]


class StockAge(Base):
    """How old the units of a count are, as a store says: `bands` are [first day, last day or null, units], following
    each other from 0 on. Money in minor units of `currency`: storage expected next month, the surcharge on aged units
    expected next, and what storage of the last whole month came to; null where the store says nothing.
    """

    __tablename__ = "stock_ages"
    __table_args__ = (UniqueConstraint("product_id", "location_id", "as_of", "source"),)
    id: Mapped[int] = key()
    product_id: Mapped[int] = to("products.id")
    location_id: Mapped[int] = to("locations.id")
    as_of: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[str]
    bands: Mapped[str] = mapped_column(doc="JSON")
    currency: Mapped[str]
    storage_minor: Mapped[int | None] = mapped_column(BigInteger)
    surcharge_minor: Mapped[int | None] = mapped_column(BigInteger)
    charged_minor: Mapped[int | None] = mapped_column(BigInteger)


class StockMovement(Base):
    """Stock that moved for another reason than a sale.

    `kind`: receipt, return, write_off, adjustment, sample, transfer_in, transfer_out; `quantity` is signed.
    """

    __tablename__ = "stock_movements"
    __table_args__ = (UniqueConstraint("source", "external_id"),)
    id: Mapped[int] = key()
    product_id: Mapped[int] = to("products.id")
    location_id: Mapped[int] = to("locations.id")
    at: Mapped[datetime]
    day: Mapped[date] = mapped_column(index=True)
    quantity: Mapped[int]
    kind: Mapped[str]
    source: Mapped[str]
    external_id: Mapped[str]


class Inbound(Base):
    """Goods on their way: incoming from `ordered_at` until `received_at` (then also a `receipt` movement, but for those
    that were given up).
    """

    __tablename__ = "inbounds"
    __table_args__ = (UniqueConstraint("source", "external_id"),)
    id: Mapped[int] = key()
    product_id: Mapped[int] = to("products.id")
    location_id: Mapped[int] = to("locations.id")
    quantity: Mapped[int]
    ordered_at: Mapped[datetime] = mapped_column(index=True)
    expected_on: Mapped[date]
    received_at: Mapped[datetime | None]
    source: Mapped[str]
    external_id: Mapped[str]


class Sale(Base):
    """One line of a sales file or a store's order, as it came.

    `kind`: sale, cancellation (`cancels` names the sale's external id; that sale has `cancelled_by`), return, fee
    (not a product; `product_id` is null). Only a `sale` without `cancelled_by` is demand. `quantity` is signed as
    in the source. `day` is the local date at the location; `amount_minor` is quantity x unit price, rounded half to
    even. `kit_units`: of what was sold in a kit, how many units of the product one kit takes.
    """

    __tablename__ = "sales"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_sales_match", "product_id", "customer", "quantity", "sold_at"),
        Index("ix_sales_place", "product_id", "location_id", "day"),
        Index("ix_sales_order", "order_ref", "source"),
        Index(
            "ix_sales_cancels",
            "cancels",
            sqlite_where=text("cancels IS NOT NULL"),
            postgresql_where=text("cancels IS NOT NULL"),
        ),
    )
    id: Mapped[int] = key()
    source: Mapped[str]
    external_id: Mapped[str]
    order_ref: Mapped[str]
    product_id: Mapped[int | None] = mapped_column(Id, ForeignKey("products.id"))
    location_id: Mapped[int] = mapped_column(Id, ForeignKey("locations.id"))
    code: Mapped[str]
    sold_at: Mapped[datetime] = mapped_column(index=True)
    day: Mapped[date]
    quantity: Mapped[int]
    unit_price: Mapped[Decimal]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    customer: Mapped[str] = mapped_column(default="")
    kind: Mapped[str]
    cancels: Mapped[str | None]
    cancelled_by: Mapped[str | None]
    kit_units: Mapped[int | None]


class DailyDemand(Base):
    """Demand per product, location and local day, derived from `sales`: units of uncancelled sales, their lines and
    revenue in the product's currency, and the units that cancellations and returns brought back that day.
    """

    __tablename__ = "daily_demand"
    product_id: Mapped[int] = mapped_column(Id, ForeignKey("products.id"), primary_key=True)
    location_id: Mapped[int] = mapped_column(Id, ForeignKey("locations.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True, index=True)
    units: Mapped[int]
    lines: Mapped[int]
    returned: Mapped[int] = mapped_column(default=0)
    shipped: Mapped[int] = mapped_column(default=0, doc="net units that left the shelf, cancelled sales included")
    revenue_minor: Mapped[int] = mapped_column(BigInteger)


class ForeignRevenue(Base):
    """Revenue in another currency than its product's, beside that of `daily_demand`, by the currency it was paid in."""

    __tablename__ = "foreign_revenue"
    product_id: Mapped[int] = mapped_column(Id, ForeignKey("products.id"), primary_key=True)
    location_id: Mapped[int] = mapped_column(Id, ForeignKey("locations.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True, index=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    revenue_minor: Mapped[int] = mapped_column(BigInteger)


class Feed(Base):
    """How fresh a source is: its facts speak until `fresh_until`; older than `limit_hours` is stale."""

    __tablename__ = "feeds"
    __table_args__ = (UniqueConstraint("source", "kind"),)
    id: Mapped[int] = key()
    source: Mapped[str]
    kind: Mapped[str]  # sales, stock
    fresh_until: Mapped[datetime]
    limit_hours: Mapped[int]


class ImportRun(Base):
    """One import of one file."""

    __tablename__ = "imports"
    id: Mapped[int] = key()
    kind: Mapped[str]
    file_name: Mapped[str]
    sha256: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    added: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
