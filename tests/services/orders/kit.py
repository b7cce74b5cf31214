"""A shop that orders: the effects' worker, a folder for the documents, and whoever follows the orders."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from bot.chat.command import Asker
from bot.domain import approval
from bot.domain.views import RequestView
from bot.ports import MovableClock, SupplierChannel
from bot.services.effects import EffectKind, Effects
from bot.services.effectworker import EffectWorker
from bot.services.ingest import ImportOptions, ImportReport, Ingest, IngestSettings, Kind
from bot.services.orders import Orders, Report
from bot.services.placing import EFFECT, Buyer, Placing
from bot.services.receiving import Delivery, Received, Receiving
from bot.services.settlements import Settlements
from bot.services.wakes import Wakes
from bot.storage import ledger, tables
from bot.storage import requests as rows
from bot.storage.database import Database
from bot.storage.requests import Draft, DraftLine
from bot.stores.files import open_table
from bot.suppliers.folder import FolderChannel
from tests.services.work.kit import SHANGHAI
from tests.services.work.shop import Shop, open_shop

_files = itertools.count(1)


@dataclass
class Yard:
    """The shop, and what happens to its orders."""

    shop: Shop
    folder: Path
    effects: Effects
    worker: EffectWorker
    placing: Placing
    orders: Orders
    receiving: Receiving
    ingest: Ingest

    @property
    def clock(self) -> MovableClock:
        """The shop's clock."""
        assert isinstance(self.shop.clock, MovableClock)
        return self.shop.clock

    def asker(self, name: str) -> Asker:
        """A member of the team."""
        return Asker(self.shop.members.get(name, 0), name, "viewer", "en", SHANGHAI)

    async def approved(self, units: Mapping[str, int], days: int = 35, **more: Any) -> int:
        """A purchase that was just approved, with its calls planned; its number. Each unit costs 1.00 GBP."""
        kind = more.pop("kind", "purchase_order")
        cases = more.pop("cases", {})
        place = self.shop.places[more.pop("to", "UK")]
        expected = self.clock.now().date() + timedelta(days=days)
        more.setdefault("mode", "sea" if kind == "purchase_order" else "")
        if kind == "purchase_order":
            more.setdefault("supplier_id", await self.supplier_id())
        lines = tuple(DraftLine(self.shop.skus[sku], count, 100, cases.get(sku)) for sku, count in units.items())
        draft = Draft(kind, place, "GBP", 100 * sum(units.values()), lines, expected_on=expected, **more)
        async with self.shop.database.transaction() as connection:
            [number] = await self.shop.requests.draft(connection, [draft])
            await self.shop.requests.submit(connection, [number])
            held = await self.shop.requests.held(connection, number)
            values = {"state": approval.after(held.state, "approve"), "decided_at": self.clock.now()}
            assert await rows.settle(connection, number, held.version, held.state, values)
            held = await self.shop.requests.held(connection, number)
            await self.placing.begin(connection, held)
        return number

    async def ordered(self, units: Mapping[str, int], days: int = 35, **more: Any) -> int:
        """A purchase that was approved and sent; its number."""
        number = await self.approved(units, days, **more)
        await self.worker.drain(30)
        return number

    async def supplier_id(self) -> int:
        """The shop's supplier."""
        async with self.shop.database.reading() as connection:
            found = await connection.scalars(select(tables.Supplier.id).order_by(tables.Supplier.id))
            return found.all()[0]

    async def address(self, email: str, language: str = "en") -> None:
        """Let the supplier have an address."""
        async with self.shop.database.transaction() as connection:
            await connection.execute(update(tables.Supplier).values(email=email, language=language))

    async def report(self, number: int, step: Any, name: str = "Jonas", **more: Any) -> RequestView:
        """A report of a member."""
        progress = await self.orders.report(number, Report(step, **more), self.asker(name), "slack")
        return progress.request

    async def receive(
        self,
        number: int,
        units: Mapping[str, int] | None = None,
        name: str = "Maria",
        on: date | None = None,
        **more: Any,
    ) -> Received:
        """An arrival as a member reports it."""
        said = Delivery(units or {}, on, more.pop("again", False))
        return await self.receiving.receive(number, more.pop("version", None), said, self.asker(name), "slack")

    async def take(self, kind: Kind, content: str) -> ImportReport:
        """Import a file."""
        path = self.folder.parent / f"{kind}-{next(_files)}.csv"
        path.write_text(content)
        return await self.ingest.run(kind, path, ImportOptions())

    async def view(self, number: int) -> RequestView:
        """The request now."""
        return await self.shop.requests.get(number)

    async def incoming(self, sku: str, place: str = "UK", at: datetime | None = None) -> int:
        """Units on their way at an instant, by the inbounds alone."""
        at = at or self.clock.now()
        return sum(
            row.quantity for row in await self.shop.all(tables.Inbound)
            if row.product_id == self.shop.skus[sku] and row.location_id == self.shop.places[place]
            and row.ordered_at <= at and (row.received_at is None or row.received_at > at)
        )  # fmt: skip

    async def on_hand(self, sku: str, place: str = "UK", at: datetime | None = None) -> int:
        """Units on the shelf at an instant."""
        async with self.shop.database.reading() as connection:
            found = await ledger.on_hand(
                connection, at or self.clock.now(), product_ids=[self.shop.skus[sku]],
                location_ids=[self.shop.places[place]],
            )  # fmt: skip
        return found[0].on_hand

    async def position(self, sku: str, place: str = "UK") -> tuple[int, int, int]:
        """What `/stock` says now: (incoming, pending, position)."""
        report = await self.shop.catalogue.stock_report(self.shop.sku(sku), self.shop.location(place))
        [line] = report.lines
        return line.incoming, line.pending, line.position

    async def deeds(self, prefix: str = "order.") -> list[str]:
        """Actions of the audit log, oldest first."""
        return [row.action for row in await self.shop.all(tables.Audit) if row.action.startswith(prefix)]

    def pass_days(self, days: float) -> None:
        """Let time pass."""
        self.clock.push(timedelta(days=days))


async def open_yard(
    database: Database, clock: MovableClock, folder: Path, channels: Mapping[str, SupplierChannel] | None = None
) -> Yard:
    """A shop with two places and three products, of which the UK sells LAMP, and a supplier by sea."""
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    await shop.add_place("DE", "Europe/Berlin", "DE")
    await shop.add_products(("LAMP", "MUG", "BOWL"))
    for sku in shop.skus:
        await shop.holds(sku, "UK", 100)
        await shop.holds(sku, "DE", 500)
    await shop.buys("UK", 35, 100)
    clock.push(timedelta(hours=1))  # what happens from now on comes after the counts
    found = {"folder": FolderChannel(folder), **(channels or {})}
    wakes = Wakes(database)
    effects = Effects(database=database, clock=clock, wakes=wakes)
    shared: dict[str, Any] = {"database": database, "clock": clock, "audit": shop.audit}
    placing = Placing(
        clock=clock, audit=shop.audit, requests=shop.requests, effects=effects, settings=shop.settings,
        buyer=Buyer("Acme", "London"), channels=found,
    )  # fmt: skip
    kinds: dict[str, EffectKind] = {EFFECT: placing.effect(found)}
    settlements = Settlements(outbox=shop.outbox, wakes=wakes, kinds=kinds, **shared)
    worker = EffectWorker(wakes=wakes, settlements=settlements, **shared)
    orders = Orders(requests=shop.requests, **shared)
    receiving = Receiving(requests=shop.requests, orders=orders, **shared)
    ingest = Ingest(
        database, clock, IngestSettings(currency="GBP", batch=2), open_table, audit=shop.audit, orders=orders,
        receiving=receiving,
    )  # fmt: skip
    return Yard(shop, folder, effects, worker, placing, orders, receiving, ingest)
