"""Files of counts, and of goods on their way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.services.ingest.clerks import FactClerk
from bot.services.ingest.rows import FileRow, RowRejected
from bot.storage import facts, masters
from bot.storage.bulk import insert_rows
from bot.storage.tables import Inbound, StockLevel, StockMovement
from bot.storage.types import to_micros


class Stock(FactClerk):
    """Counts: units on hand and committed at a place and a moment."""

    _columns = ("product_id", "location_id", "as_of", "source", "on_hand", "committed")

    def read(self, row: FileRow) -> tuple[str, int, datetime, int, int]:
        """A row's values; RowRejected where it cannot be."""
        number = self.place(row)
        zone = self.places.zones[number]
        at = row.instant("as_of", zone) if row.has("as_of") else (self.rules.options.as_of or self.rules.now)
        return row.sku(), self.places.all[number].id, at, row.whole("on_hand"), row.whole("committed", 0)

    async def store(
        self, connection: AsyncConnection, rows: list[tuple[str, int, datetime, int, int]]
    ) -> tuple[int, int]:
        """Store what `read` gave; (added, updated)."""
        await self.add_products(connection, [row[0] for row in rows])
        source = self.rules.options.source
        levels = [
            (self.products[sku], place, to_micros(at), source, on_hand, committed)
            for sku, place, at, on_hand, committed in rows
        ]
        if rows:
            latest = max(row[2] for row in rows)
            await facts.refresh_feed(connection, source, "stock", latest, self.rules.settings.stock_limit_hours)
        return await masters.upsert(connection, StockLevel, self._columns[:4], self._columns, levels)


class Inbounds(FactClerk):
    """Goods on their way to a place, and those of them that came."""

    _columns = (
        "product_id",
        "location_id",
        "quantity",
        "ordered_at",
        "expected_on",
        "received_at",
        "source",
        "external_id",
    )
    _moved = ("product_id", "location_id", "quantity", "at", "day", "kind", "source", "external_id")

    def read(self, row: FileRow) -> tuple[str, int, tuple[Any, ...], datetime | None, str]:
        """A row's values; RowRejected where it cannot be."""
        number = self.place(row)
        zone, code = self.places.zones[number], self.places.all[number].code
        sku, units, ordered = row.sku(), row.whole("quantity", least=1), row.instant("ordered_at", zone)
        expected = row.day("expected_on")
        received = row.instant("received_at", zone) if row.has("received_at") else None
        if received and received < ordered:
            raise RowRejected("received_at", "before it was ordered")
        reference = row.text("external_id") or f"{ordered:%Y-%m-%dT%H:%M}/{units}"
        facts_of = (units, to_micros(ordered), expected.isoformat())
        return sku, number, facts_of, received, f"{reference}/{sku}/{code}"

    async def store(self, connection: AsyncConnection, rows: list[tuple[Any, ...]]) -> tuple[int, int]:
        """Store what `read` gave; (added, updated)."""
        await self.add_products(connection, [row[0] for row in rows])
        source = self.rules.options.source
        inbounds, receipts = [], []
        for sku, number, (units, ordered, expected), received, name in rows:
            product, place = self.products[sku], self.places.all[number].id
            at = to_micros(received) if received else None
            inbounds.append((product, place, units, ordered, expected, at, source, name))
            if received:
                day = received.astimezone(self.places.zones[number]).date().isoformat()
                receipts.append((product, place, units, at, day, "receipt", source, f"inbound:{name}"))
        await insert_rows(connection, StockMovement, self._moved, receipts)
        return await masters.upsert(connection, Inbound, ("source", "external_id"), self._columns, inbounds)
