"""Files of products, suppliers and locations."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.services.ingest.clerks import Clerk
from bot.services.ingest.measures import VOLUMES, WEIGHTS
from bot.services.ingest.rows import FileRow, RowRejected, Rules
from bot.storage import categories, derive, masters
from bot.storage.tables import Location, Product, Supplier

MOST_REVIEW_DAYS = 90
_MONEY = ("unit_cost", "unit_price")  # of a product
_UNKNOWN = (
    "unit_cost_minor", "unit_price_minor", "unit_volume_cm3", "unit_weight_g", "category_id", "category_source",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Priced:
    """The currency in which something is kept, and the fields of money (names of a file's) that it has in it."""

    currency: str
    figures: frozenset[str]

    def admit(self, currency: str, stated: AbstractSet[str]) -> None:
        """RowRejected where a row would leave a figure in another currency than it was meant in."""
        left = sorted(self.figures - stated)
        if currency != self.currency and left:
            raise RowRejected(
                "currency",
                f"is {self.currency} so far, with {' and '.join(left)} in it; write {' and '.join(left)} in {currency} "
                f"beside it, or leave the row's currency {self.currency}",
            )


class Products(Clerk):
    """Products by SKU: names, money, categories, measures."""

    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        """Look up what rows refer to."""
        self._rules = rules
        asked = select(Product.sku, Product.id, Product.currency, Product.unit_cost_minor, Product.unit_price_minor)
        rows = (await connection.execute(asked)).all()
        self._ids = {row.sku: row.id for row in rows}
        self._currencies = {row.sku: row.currency for row in rows}
        self._priced = {}
        for row in rows:
            figures = zip(_MONEY, (row.unit_cost_minor, row.unit_price_minor), strict=True)
            self._priced[row.sku] = Priced(row.currency, frozenset(name for name, told in figures if told is not None))

    def read(self, row: FileRow) -> dict[str, Any]:
        """A row's values; RowRejected where it cannot be."""
        sku = row.sku()
        found: dict[str, Any] = {"sku": sku}
        kept = self._priced.get(sku, Priced("", frozenset()))
        currency = row.currency(kept.currency)
        stated = frozenset(field for field in _MONEY if row.has(field))
        kept.admit(currency, stated)
        if row.has("currency"):
            found["currency"] = currency
        if row.has("name"):
            found["name"] = row.text("name")[:200]
        for field in sorted(stated):
            found[f"{field}_minor"] = row.minor(field, currency)
        if row.has("unit_volume"):
            found["unit_volume_cm3"] = row.measure("unit_volume", VOLUMES)
        if row.has("unit_weight"):
            found["unit_weight_g"] = row.measure("unit_weight", WEIGHTS)
        if row.has("category"):
            found["category"] = row.category()
        self._priced[sku] = Priced(currency, kept.figures | stated)
        return found

    async def store(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> tuple[int, int]:
        """Store what `read` gave; (added, updated)."""
        currency = self._rules.options.currency or self._rules.settings.currency
        ids = await categories.intern(connection, [row["category"] for row in rows if "category" in row])
        rows = [_classed(row, ids) for row in rows]
        unknown = dict.fromkeys(_UNKNOWN)
        rest = {**unknown, "active": True, "created_at": self._rules.now}
        known = [{"name": row["sku"], **row} if row["sku"] not in self._currencies else row for row in rows]
        merged = await masters.merge(connection, Product, ("sku",), known, {"currency": currency, **rest})
        said = {row["sku"]: row["currency"] for row in rows if "currency" in row and row["sku"] in self._ids}
        moved = {self._ids[sku] for sku, told in said.items() if told != self._currencies[sku]}
        if moved:  # what is revenue in their own currency is derived by the currency they are kept in
            await derive.rebuild(connection, moved, derive.BEGINNING)
        return merged


class Suppliers(Clerk):
    """Suppliers by code: terms, addresses, days of review."""

    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        """Look up what rows refer to."""
        self._rules = rules
        rows = (await connection.execute(select(Supplier.code, Supplier.currency, Supplier.minimum_total_minor))).all()
        self._first = not rows
        least = frozenset({"minimum_total"})
        self._priced = {
            row.code: Priced(row.currency, least if row.minimum_total_minor is not None else frozenset())
            for row in rows
        }

    def read(self, row: FileRow) -> dict[str, Any]:
        """A row's values; RowRejected where it cannot be."""
        code = row.required("code").upper()
        kept = self._priced.get(code, Priced("", frozenset()))
        currency = row.currency(kept.currency)
        stated = frozenset({"minimum_total"} if row.has("minimum_total") else ())
        kept.admit(currency, stated)
        found: dict[str, Any] = {
            "code": code,
            "name": row.required("name"),
            "country": row.country(),
            "currency": currency,
            "language": row.language(),
        }
        if row.has("email"):
            found["email"] = row.addresses("email")
        if row.has("minimum_total"):
            found["minimum_total_minor"] = row.minor("minimum_total", currency)
        found |= _review(row)
        self._priced[code] = Priced(currency, kept.figures | stated)
        return found

    async def store(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> tuple[int, int]:
        """Store what `read` gave; (added, updated)."""
        # Those of the first file were known from the beginning; one that comes later is new for a while.
        unsaid = dict.fromkeys(("minimum_total_minor", "review_every", "review_from"))
        defaults = {"email": "", **unsaid, "created_at": None if self._first else self._rules.now}
        return await masters.merge(connection, Supplier, ("code",), rows, defaults)


def _classed(row: Mapping[str, Any], ids: Mapping[str, int]) -> dict[str, Any]:
    """A product's row with its category's id in the place of the name; a person said it, and no store's word counts."""
    kept = {name: value for name, value in row.items() if name != "category"}
    found = ids.get(row.get("category", ""))
    return kept if found is None else {**kept, "category_id": found, "category_source": None}


def _review(row: FileRow) -> dict[str, Any]:
    """Every how many days the supplier is ordered from, and one of these days; 0 days: whenever orders are due."""
    if not row.has("review_every"):
        if row.has("review_from"):
            raise RowRejected("review_every", "missing; write every how many days, such as 14, beside review_from")
        return {}
    every = row.whole("review_every")
    if every > MOST_REVIEW_DAYS:
        raise RowRejected("review_every", f"above {MOST_REVIEW_DAYS} days")
    if not every:
        return {"review_every": None, "review_from": None}
    if not row.has("review_from"):
        raise RowRejected("review_from", "missing; write one of the days on which orders go out, such as 2026-01-05")
    return {"review_every": every, "review_from": row.day("review_from")}


class Locations(Clerk):
    """Locations by code."""

    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        """Look up what rows refer to."""
        del connection, rules

    def read(self, row: FileRow) -> dict[str, Any]:
        """A row's values; RowRejected where it cannot be."""
        code = row.required("code").upper()
        markets = [word for part in row.text("markets").split(";") if (word := part.strip())]
        return {
            "code": code,
            "name": row.text("name") or code,
            "zone": row.zone(),
            "country": row.country(),
            "currency": row.currency(),
            "markets": markets,
        }

    async def store(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> tuple[int, int]:
        """Store what `read` gave; (added, updated)."""
        return await masters.merge(connection, Location, ("code",), rows, {})
