"""Products, and what of them lies where, as facts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.ports import Fault, ProductFact, StockFact, StorePlace
from bot.stores.tryton.api import Api
from bot.stores.tryton.values import Row, Unreadable, excerpt, money, nested, text, whole

FIELDS = ("code", "active", "list_price_used", "template.name", "template.active", "template.categories.name")
GOODS = [["template.type", "=", "goods"], ["template.consumable", "=", False]]  # what is counted at all
WAYS = ("template",)  # its name and price stand there
_COUNTED = ("code", "quantity")


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A warehouse with its zones (ids of locations)."""

    id: int
    name: str
    country: str
    storage: int
    output: int

    @property
    def place(self) -> str:
        """As facts name it."""
        return str(self.id)


async def warehouses(api: Api) -> tuple[Warehouse, ...]:
    """The warehouses that are in use, by id."""
    fields = ("name", "storage_location", "output_location", "address.country.code")
    found = await api.rows("stock.location", [["type", "=", "warehouse"]], fields)
    return tuple(
        Warehouse(
            row["id"], text(row, "name"), text(nested(nested(row, "address"), "country"), "code"),
            row["storage_location"], row["output_location"],
        )
        for row in found
    )  # fmt: skip


def place(warehouse: Warehouse) -> StorePlace:
    """A warehouse as a place."""
    return StorePlace(warehouse.place, warehouse.name, warehouse.country)


def product(row: Row, currency: str) -> ProductFact | Fault:
    """A variant; its price is the list price, for one of its unit."""
    template = nested(row, "template")
    try:
        price = money(row, "list_price_used", currency)
    except Unreadable as problem:
        return Fault(str(row["id"]), problem.said, excerpt(row, ("id", "code", "active")))
    active = bool(row["active"] and template.get("active"))
    return ProductFact(str(row["id"]), text(row, "code"), text(template, "name"), price, active, _category(template))


def _category(template: Row) -> str:
    """The first of the template's categories, as Tryton orders them; those for accounting alone are none of them."""
    told = template.get("categories.")
    each = [one for one in told if isinstance(one, Mapping)] if isinstance(told, list | tuple) else []
    return next((name for one in each if (name := text(one, "name"))), "")


async def stock(api: Api, rows: Sequence[Row], warehouse: Warehouse, at: datetime) -> list[StockFact | Fault]:
    """What lies in a warehouse of some products, by Tryton's own count.

    On hand is whatever stands in any of its zones. Committed is what is assigned to leave the storage zone, and what
    was picked and stands in the output zone. Below zero (assigned by force) it is owed.
    """
    ids = [row["id"] for row in rows]
    storage, output = warehouse.storage, warehouse.output
    total, stored, left, picked = await asyncio.gather(
        _counted(api, ids, warehouse.id),
        _counted(api, ids, storage),
        _counted(api, ids, storage, stock_assign=True),
        _counted(api, ids, output),
    )
    told: list[StockFact | Fault] = []
    for row in rows:
        number, where = row["id"], f"{row['id']}@{warehouse.place}"
        counts = {"quantity": total, "stored": stored, "after assigned": left, "picked": picked}
        try:
            units, held, rest, out = (whole({name: each.get(number)}, name) for name, each in counts.items())
        except Unreadable as problem:
            record = {name: each.get(number) for name, each in counts.items()}
            told.append(Fault(where, problem.said, excerpt({**record, "code": row.get("code")}, (*counts, "code"))))
            continue
        promised = max(held - rest, 0) + (max(out, 0) if output != storage else 0)
        told.append(
            StockFact(
                str(number), text(row, "code"), warehouse.place, max(units, 0), at, promised + max(-units, 0)
            )
        )  # fmt: skip
    return told


async def _counted(api: Api, ids: Sequence[int], location: int, **given: object) -> Mapping[int, object]:
    """Units of products in a location and below it, today."""
    context = {"locations": [location], "with_childs": True, "active_test": False, **given}
    found = await api.rows("product.product", [["id", "in", list(ids)]], _COUNTED, **context)
    return {row["id"]: row.get("quantity") for row in found}
