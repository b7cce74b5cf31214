"""Products and variations as facts: what is sold, and what lies in the shop's one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.ports import Fault, ProductFact, StockFact
from bot.stores.woocommerce.api import Row
from bot.stores.woocommerce.reading import Unreadable, amount, excerpt, money, rows, text, whole

PLACE = "store"  # WooCommerce knows one stock alone
BIN = "trash"  # a status
PRODUCT_FIELDS = "id,type,status,sku,name,parent_id,categories,regular_price,price,manage_stock,stock_quantity"
VARIATION_FIELDS = "id,status,sku,attributes,regular_price,price,manage_stock,stock_quantity"
_SHOWN = ("id", "type", "status", "sku", "regular_price", "price", "manage_stock", "stock_quantity")
_NOT_SOLD_HERE = ("grouped", "external")  # a list of other products; a link to another shop
_NO_CATEGORY = {"uncategorized", "未分类"}  # that which WooCommerce gives to what has no other
_OF_SEVERAL = "variable"  # subscriptions of that kind are called variable-subscription


@dataclass(frozen=True, slots=True)
class Good:
    """A product or, with its parent, a variation."""

    row: Row
    parent: Row | None = None

    @property
    def code(self) -> str:
        """Its id, which no other product or variation has."""
        return str(self.row["id"])

    @property
    def live(self) -> bool:
        """Whether customers find it."""
        shown = text(self.row, "status") == "publish"
        return shown and (self.parent is None or text(self.parent, "status") == "publish")

    @property
    def name(self) -> str:
        """The product's name, and what sets the variation apart."""
        if self.parent is None:
            return text(self.row, "name")
        options = (text(each, "option") for each in rows(self.row, "attributes"))
        return " - ".join(part for part in (text(self.parent, "name"), ", ".join(filter(None, options))) if part)

    @property
    def category(self) -> str:
        """The first of the product's categories; a variation has those of its product."""
        told = (self.parent or self.row).get("categories")
        each = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        own = (one for one in each if text(one, "slug") not in _NO_CATEGORY)
        return next((name for one in own if (name := text(one, "name")).casefold() not in {"", *_NO_CATEGORY}), "")


def has_variations(row: Row) -> bool:
    """Whether a product is sold as its variations."""
    return text(row, "type").startswith(_OF_SEVERAL)


def keeps_stock(row: Row) -> bool:
    """Whether units are counted for this very record: a variation may say `parent`, and is counted there."""
    return row.get("manage_stock") is True


def is_good(row: Row) -> bool:
    """Whether a product is something to be counted or sold: one with variations is where it counts for them."""
    return text(row, "type") not in _NOT_SOLD_HERE and (not has_variations(row) or keeps_stock(row))


def product(good: Good, currency: str) -> ProductFact | Fault:
    """What is sold; its price is the regular one, which a sale does not touch."""
    try:
        name = "price" if amount(good.row, "regular_price") is None else "regular_price"
        price = None if amount(good.row, name) is None else money(good.row, name, currency)
        return ProductFact(good.code, text(good.row, "sku"), good.name, price, good.live, good.category)
    except Unreadable as problem:
        return Fault(good.code, problem.said, excerpt(good.row, _SHOWN))


def stock(good: Good, at: datetime) -> StockFact | Fault | None:
    """What may still be sold; None where it is not counted, or is counted for its parent.

    The shop takes units off when an order is placed, not when it leaves: what is sold and has not left is in neither
    figure. Below zero it is owed to customers who ordered ahead. What is in the bin may not be sold: none of it.
    """
    if not keeps_stock(good.row):
        return None
    try:
        units = 0 if text(good.row, "status") == BIN else whole(good.row, "stock_quantity")
    except Unreadable as problem:
        return Fault(f"{good.code}@{PLACE}", problem.said, excerpt(good.row, _SHOWN))
    return StockFact(good.code, text(good.row, "sku"), PLACE, max(units, 0), at, committed=max(-units, 0))
