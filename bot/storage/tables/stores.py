"""Stores and ERPs: what their codes and places are to us, how far they are read, and what was set aside."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, Id, key, to


class StoreCode(Base):
    """A store's variant and the product it is. `match`: same (the SKUs are equal), suggested (a person is asked),
    waiting (a person is asked, and there is nothing to suggest: it has no SKU), confirmed, or ignored (a person said it
    is none of ours). Facts count under same and confirmed alone. `sold`: the store still sells it; null where its list
    of goods never named it, as it names no item that several variants share.
    """

    __tablename__ = "store_codes"
    __table_args__ = (UniqueConstraint("store", "code"),)
    id: Mapped[int] = key()
    store: Mapped[str]
    code: Mapped[str]
    sku: Mapped[str]
    name: Mapped[str]
    product_id: Mapped[int | None] = mapped_column(Id, ForeignKey("products.id"), index=True)
    match: Mapped[str]
    score: Mapped[int] = mapped_column(default=0, doc="of a suggestion, 0 to 100")
    seen_at: Mapped[datetime]
    sold: Mapped[bool | None]


class StorePlace(Base):
    """A store's place and the location it is; null: nobody has said yet, or (`ignored`) it is none of ours. Where
    several stores share a location's stock, one of their places `counts`: its word on units on hand holds.
    """

    __tablename__ = "store_places"
    __table_args__ = (UniqueConstraint("store", "place"),)
    id: Mapped[int] = key()
    store: Mapped[str]
    place: Mapped[str]
    name: Mapped[str]
    location_id: Mapped[int | None] = mapped_column(Id, ForeignKey("locations.id"), index=True)
    counts: Mapped[bool] = mapped_column(default=True)
    ignored: Mapped[bool] = mapped_column(default=False)


class StoreShelf(Base):
    """What a store told last of a variant at a place: of several variants that are one product the sum is what lies
    there, though it tells of one at a time.
    """

    __tablename__ = "store_shelves"
    __table_args__ = (UniqueConstraint("store", "code", "place"),)
    id: Mapped[int] = key()
    store: Mapped[str]
    code: Mapped[str]
    place: Mapped[str]
    as_of: Mapped[datetime]
    on_hand: Mapped[int]
    committed: Mapped[int]
    incoming: Mapped[int]
    told_at: Mapped[datetime | None]  # by our clock; what a reading of all there is does not tell is there no more


class StoreOrder(Base):
    """The version of an order that was taken last: when its state had come about. An older one that is told is left."""

    __tablename__ = "store_orders"
    source: Mapped[str] = mapped_column(primary_key=True)
    order_ref: Mapped[str] = mapped_column(primary_key=True)
    changed_at: Mapped[datetime]


class StoreReturn(Base):
    """Units of an order's line that came back, as a store told of them apart from the order; `code` is the variant.

    They stay, for the order may be told later, and again.
    """

    __tablename__ = "store_returns"
    source: Mapped[str] = mapped_column(primary_key=True)
    order_ref: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[str] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str]
    quantity: Mapped[int]
    returned_at: Mapped[datetime]


class Kit(Base):
    """A product that is sold as one and leaves the shelf as several: selling one takes `quantity` of the component."""

    __tablename__ = "kits"
    __table_args__ = (
        UniqueConstraint("product_id", "component_id"),
        CheckConstraint("quantity >= 1 AND product_id <> component_id", name="parts"),
    )
    id: Mapped[int] = key()
    product_id: Mapped[int] = to("products.id")
    component_id: Mapped[int] = to("products.id")
    quantity: Mapped[int]


class StoreCursor(Base):
    """How far a store's facts of a kind are read, and when that was; `whole_since` is when a reading of all there is
    began that has not ended yet.
    """

    __tablename__ = "store_cursors"
    __table_args__ = (UniqueConstraint("store", "kind"),)
    id: Mapped[int] = key()
    store: Mapped[str]
    kind: Mapped[str]
    cursor: Mapped[str]
    read_at: Mapped[datetime]
    whole_since: Mapped[datetime | None]


class StoreLease(Base):
    """Which process reads a store, until when it is taken for alive."""

    __tablename__ = "store_leases"
    store: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    held_until: Mapped[datetime]


class StoreFault(Base):
    """A fact that was set aside: what it was, and what is wrong with it, as `bot.words.kept` has it. It goes when the
    same fact can be taken.
    """

    __tablename__ = "store_faults"
    __table_args__ = (UniqueConstraint("store", "kind", "subject"),)
    id: Mapped[int] = key()
    store: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    problem: Mapped[str]
    record: Mapped[str]
    seen_at: Mapped[datetime]


class StoreSync(Base):
    """A reading of a store's facts of a kind: counts are of facts; `error` is as `bot.words.kept` has it."""

    __tablename__ = "store_syncs"
    __table_args__ = (Index("ix_store_syncs_store", "store", "started_at"),)
    id: Mapped[int] = key()
    store: Mapped[str]
    kind: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    facts: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    faults: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    missed: Mapped[int] = mapped_column(default=0, doc="changes that no call had told, where the store calls")


class StoreDelivery(Base):
    """What a store called to say, stored before it is acknowledged and taken once. `state`: new, done, failed (the
    hourly reading finds what it was about). A worker holds a row by `lease_until`.
    """

    __tablename__ = "store_deliveries"
    __table_args__ = (
        UniqueConstraint("store", "delivery_id"),
        Index("ix_store_deliveries_state", "state", "due_at"),
    )
    id: Mapped[int] = key()
    store: Mapped[str]
    delivery_id: Mapped[str]
    topic: Mapped[str]
    said: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    handled_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")


class TouchedProduct(Base):
    """A product whose facts changed and that no scan has judged since; `version` counts the changes, and from `due_at`
    on it is to be judged. The row goes with the scan that judged that version and told people.
    """

    __tablename__ = "touched_products"
    __table_args__ = (Index("ix_touched_products_due", "due_at"),)
    product_id: Mapped[int] = mapped_column(Id, ForeignKey("products.id"), primary_key=True)
    version: Mapped[int]
    touched_at: Mapped[datetime]
    due_at: Mapped[datetime]
