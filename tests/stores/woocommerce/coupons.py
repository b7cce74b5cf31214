"""The coupons of the local WooCommerce, with the traps of the real one.

`date_expires_gmt` is told and never taken; `date_expires` without a zone is the shop's own time; codes are kept in
small letters, amounts with two decimals; what it does not know it drops without a word, all with a 201.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.stores.offers import FAR, Stands

if TYPE_CHECKING:  # the shop holds a box of these
    from tests.stores.woocommerce.shop import Row, WooShop

KNOWN = {
    "code", "amount", "discount_type", "description", "date_expires", "date_expires_gmt", "individual_use",
    "product_ids", "status", "meta_data",
}  # fmt: skip


@dataclass
class Coupons:
    """The box of coupons of a shop. `stuck` are fields that a plugin keeps as it likes."""

    shop: WooShop
    rows: dict[int, Row] = field(default_factory=dict)
    stuck: dict[str, Any] = field(default_factory=dict)
    enabled: str = "yes"

    def bearing(self, code: str) -> list[Row]:
        """Those with a code, as the shop's database compares."""
        return [row for row in self.rows.values() if row["code"] == code.lower() and row["status"] == "publish"]

    def make(self, given: Row) -> Row:
        """Make one of what was sent."""
        number = max(self.rows, default=900) + 1
        row: Row = {
            "id": number, "status": "publish", "amount": "0.00", "discount_type": "fixed_cart", "description": "",
            "date_expires": None, "individual_use": False, "product_ids": [], "meta_data": [], "usage_count": 0,
            "date_created_gmt": self.shop.stamp(),
        }  # fmt: skip
        self.rows[number] = row
        return self.change(row, given)

    def change(self, row: Row, given: Row) -> Row:
        """Take what it takes of what was sent."""
        given = given | self.stuck
        row |= {name: value for name, value in given.items() if name in KNOWN - {"date_expires_gmt", "meta_data"}}
        row["code"] = row["code"].lower()
        row["amount"] = f"{Decimal(row['amount']):.2f}"
        metas: list[Row] = given.get("meta_data") or row["meta_data"]
        row["meta_data"] = [{"id": number, **meta} for number, meta in enumerate(metas, 1)]
        return row

    def told(self, row: Row) -> Row:
        """As the API answers it."""
        end = self.end(row)
        local = None if end is None else end.astimezone(self.shop.zone)
        return row | {
            "date_expires": None if local is None else local.strftime("%Y-%m-%dT%H:%M:%S"),
            "date_expires_gmt": None if end is None else end.strftime("%Y-%m-%dT%H:%M:%S"),
        }

    def end(self, row: Row) -> datetime | None:
        """When one ends; None: never."""
        if not row["date_expires"]:
            return None
        at = datetime.fromisoformat(row["date_expires"])
        return (at if at.tzinfo else at.replace(tzinfo=self.shop.zone)).astimezone(UTC)

    def standing(self) -> Sequence[Stands]:
        """Those that buyers may use."""
        products = self.shop.products | self.shop.variations
        return [
            Stands(
                row["code"], Decimal(row["amount"]) / 100, tuple(products[n]["sku"] for n in row["product_ids"]),
                self.end(row),
            )
            for row in self.rows.values()
            if row["status"] == "publish"
        ]  # fmt: skip

    def offer(self, code: str, share: str, sku: str) -> None:
        """Somebody makes one by hand; another plugin keeps a record of its own with it."""
        number = next(n for n, row in (self.shop.products | self.shop.variations).items() if row["sku"] == sku)
        self.make({
            "code": code, "amount": str(Decimal(share) * 100), "discount_type": "percent", "product_ids": [number],
            "date_expires": FAR.isoformat(), "meta_data": [{"key": "_theirs", "value": json.dumps({"key": "x"})}],
        })  # fmt: skip

    def bend(self, share: str) -> None:
        """Somebody changes the share of the last one."""
        self.change(list(self.rows.values())[-1], {"amount": str(Decimal(share) * 100)})
