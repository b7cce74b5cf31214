"""Files of routes: from which supplier a location is supplied, how fast, in what packs and containers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.containers import STANDARD
from bot.services.ingest.clerks import Referring
from bot.services.ingest.measures import VOLUMES, WEIGHTS
from bot.services.ingest.rows import FileRow, RowRejected, Rules
from bot.storage import masters
from bot.storage.tables import Route, Supplier

_UNSAID = str.maketrans("", "", " '′-")  # 40' HC and 40HC are one
LOOSE = ("LCL", "拼箱", "散货")  # as loose cargo, in a container with other people's goods
MODES = ("sea", "air", "rail", "road", "courier")


class Routes(Referring):
    """Routes by supplier, product, place and mode."""

    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        """Look up what rows refer to."""
        await super().begin(connection, rules)
        rows = await connection.execute(select(Supplier.code, Supplier.name, Supplier.id, Supplier.currency))
        self._suppliers = {name.casefold(): (r.id, r.currency) for r in rows for name in (r.name, r.code)}

    def read(self, row: FileRow) -> dict[str, Any]:
        """A row's values; RowRejected where it cannot be."""
        supplier = self._suppliers.get(row.required("supplier").casefold())
        if supplier is None:
            raise RowRejected("supplier", "unknown supplier; import suppliers first")
        product = self.products.get(row.sku()) if row.has("sku") else None
        if row.has("sku") and product is None:
            raise RowRejected("sku", "unknown product; import products first")
        mode = row.text("mode").lower() or "sea"
        mode = {"海运": "sea", "空运": "air", "铁路": "rail", "陆运": "road", "快递": "courier"}.get(mode, mode)
        if mode not in MODES:
            raise RowRejected("mode", f"not one of {', '.join(MODES)}")
        currency = row.currency(supplier[1])
        days = row.number("lead_time_days")
        if not 0 < days <= 1000:
            raise RowRejected("lead_time_days", "not between 0 and 1000 days")
        return {
            "supplier_id": supplier[0],
            "product_id": product,
            "location_id": self.places.all[self.place(row)].id,
            "mode": mode,
            "lead_time_days": days,
            "lead_time_sd_days": row.number("lead_time_sd_days", Decimal(0)),
            "minimum_order": row.whole("minimum_order", 1, least=1),
            "pack_size": row.whole("pack_size", 1, least=1),
            "unit_cost_minor": row.minor("unit_cost", currency) if row.has("unit_cost") else None,
            "currency": currency,
            **_container(row),
            "source": "",  # what a person states stands, whatever a store said of it
        }

    async def store(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> tuple[int, int]:
        """Store what `read` gave; (added, updated)."""
        keys = ("supplier_id", "product_id", "location_id", "mode")
        unsaid = dict.fromkeys(("container", "container_volume_cm3", "container_weight_g"))
        return await masters.merge(connection, Route, keys, rows, unsaid)


def _container(row: FileRow) -> dict[str, Any]:
    """A route's container: a standard size, the person's own, or a standard size with figures of their own."""
    name = row.text("container").upper().replace("HC", "HQ").translate(_UNSAID)
    own = {
        column: row.measure(field, units)
        for field, column, units in (
            ("container_volume", "container_volume_cm3", VOLUMES),
            ("container_weight", "container_weight_g", WEIGHTS),
        )
        if row.has(field)
    }
    if name in LOOSE:
        return {"container": None, "container_volume_cm3": None, "container_weight_g": None}
    if name in STANDARD:
        known = STANDARD[name]
        return {
            "container": name, "container_volume_cm3": known.volume_cm3, "container_weight_g": known.weight_g, **own
        }  # fmt: skip
    if name and "container_volume_cm3" not in own:
        sizes = ", ".join(STANDARD)
        raise RowRejected("container", f"none of {sizes} or LCL; for another one write container_volume too")
    if own and "container_volume_cm3" not in own:
        raise RowRejected("container_volume", "missing; write it beside container_weight, or a container's name")
    return {"container": row.text("container")[:40], "container_weight_g": None, **own} if own else {}
