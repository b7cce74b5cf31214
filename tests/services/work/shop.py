"""A shop whose numbers are chosen: series with a known daily demand, stock, routes and arrivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update

from bot.chat.arguments import Location, Sku
from bot.domain.sourcing import SourcingSettings
from bot.domain.watch import WatchSettings
from bot.ports import MovableClock
from bot.services.cases import Cases
from bot.services.catalogue import Catalogue
from bot.services.editing import Editing
from bot.services.options import Options
from bot.services.purchases import Purchases
from bot.services.scanning import ScanReport
from bot.services.settings import ServiceSettings
from bot.services.watch import Watch
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.kit import Desk, add, add_all, add_channel, add_team, open_bureau

TOPICS = ("restock", "surge", "slump", "slow", "late", "stale", "requests")  # and the scorecard, which no scan tells


@dataclass
class Shop(Desk):
    """The desk with the watch in front of it, and everything planted by code."""

    cases: Cases
    watch: Watch
    catalogue: Catalogue
    settings: ServiceSettings
    purchases: Purchases
    editing: Editing
    options: Options
    skus: dict[str, int] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=dict)

    async def scan(self) -> ScanReport:
        """A scan at this moment."""
        return await self.watch.scan(self.clock.now())

    async def add_place(self, code: str, zone: str = "Europe/London", country: str = "GB") -> int:
        """A location."""
        async with self.database.transaction() as connection:
            self.places[code] = await add(
                connection, tables.Location, code=code, name=code.title(), zone=zone, country=country, currency="GBP",
                markets=[code],
            )  # fmt: skip
        self.zones[code] = zone
        return self.places[code]

    async def add_product(
        self, sku: str, cost: int | None = 100, price: int | None = 250, currency: str = "GBP"
    ) -> int:
        """A product; money in minor units."""
        await self.add_products((sku,), cost, price, currency)
        return self.skus[sku]

    async def add_products(
        self, skus: Sequence[str], cost: int | None = 100, price: int | None = 250, currency: str = "GBP"
    ) -> None:
        """Products alike, by one statement; money in minor units."""
        rows = [
            {
                "sku": sku, "name": f"Thing {sku}", "currency": currency, "unit_cost_minor": cost,
                "unit_price_minor": price, "created_at": self.clock.now() - timedelta(days=400),
            }
            for sku in skus
        ]  # fmt: skip
        async with self.database.transaction() as connection:
            self.skus |= zip(skus, await add_all(connection, tables.Product, rows), strict=True)

    def today(self, place: str) -> date:
        """The local date there."""
        return self.clock.now().astimezone(ZoneInfo(self.zones[place])).date()

    async def sells(self, sku: str, place: str, units: Sequence[int], sold_today: int = 0) -> None:
        """Demand per local day: the last one is yesterday's; and what was sold today so far."""
        today = self.today(place)
        days = [today - timedelta(days=len(units) - number) for number in range(len(units))]
        rows = [
            {
                "product_id": self.skus[sku], "location_id": self.places[place], "day": day, "units": sold, "lines": 1,
                "returned": 0, "shipped": sold, "revenue_minor": sold * 250,
            }
            for day, sold in zip(days, units, strict=True)
            if sold
        ]  # fmt: skip
        async with self.database.transaction() as connection:
            if rows:
                await connection.execute(insert(tables.DailyDemand), rows)
            if sold_today:
                await add(
                    connection, tables.Sale, source="shop", external_id=f"{sku}:{place}", order_ref="1",
                    product_id=self.skus[sku], location_id=self.places[place], code=sku,
                    sold_at=self.clock.now() - timedelta(minutes=5), day=today, quantity=sold_today,
                    unit_price=Decimal("2.5"), amount_minor=sold_today * 250, currency="GBP", kind="sale",
                )  # fmt: skip

    async def holds(
        self, sku: str, place: str, on_hand: int, committed: int = 0, source: str = "count", **more: int
    ) -> None:
        """A count of stock at this very moment."""
        async with self.database.transaction() as connection:
            await connection.execute(
                insert(tables.StockLevel).values(
                    product_id=self.skus[sku], location_id=self.places[place], as_of=self.clock.now(), on_hand=on_hand,
                    committed=committed, source=source, **more,
                )
            )  # fmt: skip

    async def buys(
        self,
        place: str,
        days: float,
        cost: int | None,
        *,
        sku: str | None = None,
        supplier: str = "YIWU",
        mode: str = "sea",
        minimum: int = 1,
        pack: int = 1,
        currency: str = "GBP",
    ) -> None:
        """A route of a supplier (made where missing) to a place."""
        async with self.database.transaction() as connection:
            found = await connection.execute(select(tables.Supplier.id).where(tables.Supplier.code == supplier))
            supplier_id = found.scalar() or await add(
                connection, tables.Supplier, code=supplier, name=supplier.title(), country="CN", currency="CNY"
            )
            await connection.execute(
                insert(tables.Route).values(
                    supplier_id=supplier_id, product_id=self.skus[sku] if sku else None, location_id=self.places[place],
                    mode=mode, lead_time_days=Decimal(str(days)), lead_time_sd_days=Decimal(2), minimum_order=minimum,
                    pack_size=pack, unit_cost_minor=cost, currency=currency,
                )
            )  # fmt: skip

    async def awaits(self, sku: str, place: str, quantity: int, in_days: int, number: str = "1") -> None:
        """Goods ordered a month ago."""
        async with self.database.transaction() as connection:
            await connection.execute(
                insert(tables.Inbound).values(
                    product_id=self.skus[sku], location_id=self.places[place], quantity=quantity,
                    ordered_at=self.clock.now() - timedelta(days=30),
                    expected_on=self.today(place) + timedelta(days=in_days), received_at=None, source="erp",
                    external_id=f"{sku}:{place}:{number}",
                )
            )  # fmt: skip

    async def receives(self, sku: str) -> None:
        """Everything on its way arrives now."""
        async with self.database.transaction() as connection:
            inbound = tables.Inbound
            await connection.execute(
                update(inbound).where(inbound.product_id == self.skus[sku]).values(received_at=self.clock.now())
            )

    async def feed(self, source: str, kind: str, fresh_until: datetime, limit_hours: int = 48) -> None:
        """How fresh a source is."""
        async with self.database.transaction() as connection:
            feed = tables.Feed
            changed = await connection.execute(
                update(feed).where(feed.source == source, feed.kind == kind).values(fresh_until=fresh_until)
            )
            if not changed.rowcount:
                await add(connection, feed, source=source, kind=kind, fresh_until=fresh_until, limit_hours=limit_hours)

    async def unresolved(self) -> dict[tuple[str, str], Any]:
        """Unresolved cases by (kind, sku)."""
        skus = {number: sku for sku, number in self.skus.items()}
        rows = await self.all(tables.Case)
        return {(row.kind, skus.get(row.product_id, "")): row for row in rows if row.resolved_at is None}

    async def lines_of(self, request_id: int) -> list[Any]:
        """The lines of a request, in their order."""
        return [row for row in await self.all(tables.RequestLine) if row.request_id == request_id]

    async def all_cases(self) -> list[Any]:
        """Every case, oldest first."""
        return await self.all(tables.Case)

    async def requested(self) -> list[Any]:
        """Every request, oldest first."""
        return await self.all(tables.Request)

    async def said(self) -> list[str]:
        """What was announced so far, as text of the stored messages, oldest first."""
        return [str(row.message) for row in await self.all(tables.Outbox) if row.kind == "post"]

    def sku(self, code: str) -> Sku:
        """A product as commands name it."""
        return Sku(self.skus[code], code, f"Thing {code}")

    def location(self, code: str) -> Location:
        """A place as commands name it."""
        return Location(self.places[code], code, code.title())


async def open_shop(
    database: Database, clock: MovableClock, sourcing: SourcingSettings | None = None, **more: Any
) -> Shop:
    """An empty shop with a team, and a channel that hears of everything."""
    async with database.transaction() as connection:
        members = await add_team(connection, clock.now())
        await add_channel(connection, "C-ALL", *TOPICS, now=clock.now())
    settings = ServiceSettings(
        watch=WatchSettings(), organisation_currency="GBP", default_zone="Europe/London", **more
    )  # fmt: skip
    bureau = open_bureau(database, clock, settings)
    audit, outbox, requests = bureau.audit, bureau.outbox, bureau.requests
    shared: dict[str, Any] = {"database": database, "clock": clock, "settings": settings}
    cases = Cases(audit=audit, outbox=outbox, **shared)
    watch = Watch(audit=audit, cases=cases, requests=requests, sourcing=sourcing, **shared)
    catalogue = Catalogue(sourcing=sourcing, **shared)
    purchases = Purchases(
        database=database, clock=clock, audit=audit, outbox=outbox, requests=requests, catalogue=catalogue,
        effects=bureau.effects, sourcing=sourcing,
    )  # fmt: skip
    editing = Editing(
        database=database, clock=clock, audit=audit, requests=requests, catalogue=catalogue, sourcing=sourcing
    )
    options = Options(
        audit=audit, requests=requests, purchases=purchases, catalogue=catalogue, sourcing=sourcing, **shared
    )
    return Shop(
        database, clock, audit, outbox, requests, bureau.decisions, bureau.effects, members, 0, 0, 0,
        cases=cases, watch=watch, catalogue=catalogue, settings=settings, purchases=purchases, editing=editing,
        options=options,
    )  # fmt: skip


def steady(days: int = 120, units: int = 10) -> list[int]:
    """A few units less or more each day, in a fixed pattern."""
    return [max(0, units + (day * 7 % 5) - 2) for day in range(days)]
