"""A store's first reading of many orders, beside the bare insertion of the rows that it comes to."""

from __future__ import annotations

import asyncio
import gc
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.domain.money import Money
from bot.ports import Check, FactKind, MovableClock, OrderFact, Page, ProductFact, SoldLine, StorePlace
from bot.services.audit import Audit
from bot.services.feeds.syncing import Syncing
from bot.storage.bulk import insert_rows
from bot.storage.database import Database
from bot.storage.migrations import migrate
from bot.storage.tables import Sale
from tests.bench.report import Benchmark, Report, Timing
from tests.services.feeds.kit import EAST, NOW, SHOP, open_shop

LINES, PER_ORDER, PER_PAGE, PRODUCTS = 1_000_000, 4, 250, 4_000
_BATCH = 5_000  # rows of one transaction, in both
_COLUMNS = (
    "source", "external_id", "order_ref", "product_id", "location_id", "code", "sold_at", "day", "quantity",
    "unit_price", "amount_minor", "currency", "customer", "kind", "cancels", "cancelled_by",
)  # fmt: skip


@dataclass
class Span:
    """Seconds by the clock, and of the processor."""

    clock: float = 0.0
    processor: float = 0.0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Add what is done within."""
        clock, processor = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.clock += time.perf_counter() - clock
            self.processor += time.process_time() - processor


@dataclass
class Bare:
    """The rows of `sales` that a reading has written so far, inserted as they are into a database of the same making.

    It takes turns with the reading, batch by batch, so that both meet the same disk.
    """

    read: sqlite3.Connection
    database: Database
    seen: int = 0  # the last row's id
    span: Span = field(default_factory=Span)

    @classmethod
    async def open(cls, read: Path, file: Path) -> Bare:
        """An empty database with the same schema and the same places."""
        database = Database(f"sqlite+aiosqlite:///{file}")
        await migrate(database)
        await open_shop(database, MovableClock(NOW))
        return cls(sqlite3.connect(read), database)

    async def products(self) -> None:
        """Copy the products, which the rows refer to."""
        names = "id, sku, name, currency, active, created_at"
        rows = self.read.execute(f"SELECT {names} FROM products ORDER BY id").fetchall()  # noqa: S608  # our own names
        async with self.database.transaction() as there:
            await there.exec_driver_sql(f"INSERT INTO products ({names}) VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608  # our own names

    async def follow(self) -> None:
        """Insert the rows that were written since."""
        new = f"SELECT id, {', '.join(_COLUMNS)} FROM sales WHERE id > ? ORDER BY id LIMIT {_BATCH}"  # noqa: S608  # our own names
        while batch := self.read.execute(new, (self.seen,)).fetchall():
            self.seen = batch[-1][0]
            rows = [row[1:] for row in batch]
            with self.span.counting():
                async with self.database.transaction() as there:
                    await insert_rows(there, Sale, _COLUMNS, rows)

    async def close(self) -> None:
        """Hang up."""
        self.read.close()
        await self.database.close()


@dataclass
class Archive:
    """A store with a year of orders, which tells them as fast as they are asked for."""

    bare: Bare
    name: str = SHOP
    kinds: tuple[FactKind, ...] = ("products", "orders")
    aside: Span = field(default_factory=Span)  # spent on making the facts and on the bare insertion: not the reading's
    choose: random.Random = field(default_factory=lambda: random.Random(5))  # noqa: S311  # the same each time

    async def places(self) -> tuple[StorePlace, ...]:
        """None but those that are known."""
        return ()

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        """The catalogue, then the orders, oldest first."""
        assert not cursor
        price = Money(Decimal("2.95"), "EUR")
        if kind == "products":
            goods = [ProductFact(f"v{n}", f"SKU{n}", f"Thing number {n}", price) for n in range(PRODUCTS)]
            yield Page(kind, tuple(goods), "c", until=NOW)
            return
        with self.aside.counting():
            await self.bare.products()
        orders = LINES // PER_ORDER
        for start in range(0, orders, PER_PAGE):
            with self.aside.counting():
                await self.bare.follow()
                facts = tuple(self._order(number, orders) for number in range(start, min(start + PER_PAGE, orders)))
            yield Page(kind, facts, str(start), until=NOW if start + PER_PAGE >= orders else None)

    def _order(self, number: int, orders: int) -> OrderFact:
        at = NOW - timedelta(days=365) * (1 - number / orders)
        lines = tuple(self._line(place) for place in range(PER_ORDER))
        return OrderFact(str(number), f"#{number}", at, at, lines, customer=str(number % 5_000))

    def _line(self, place: int) -> SoldLine:
        number = self.choose.randrange(PRODUCTS)
        return SoldLine(str(place), f"v{number}", f"SKU{number}", "", 2, Money(Decimal("5.90"), "EUR"), EAST)

    async def check(self) -> tuple[Check, ...]:
        """Nothing to try."""
        return ()

    async def close(self) -> None:
        """Nothing to hang up."""


def run() -> tuple[Report, ...]:
    """On SQLite, in a file."""
    gc.freeze()  # as `stocktide run` does
    return asyncio.run(_measured())


async def _measured() -> tuple[Report, ...]:
    with TemporaryDirectory() as folder:
        read, bare = await _read(Path(folder) / "read.db", Path(folder) / "bare.db")
    rates = {"read": LINES / read.clock, "bare": LINES / bare.clock}
    share = rates["read"] / rates["bare"]
    notes = (
        f"{rates['read']:,.0f} lines a second read, {rates['bare']:,.0f} inserted: {share:.0%}; the goal is half.",
        f"Of the processor: {read.processor:.0f} s and {bare.processor:.0f} s, {bare.processor / read.processor:.0%}.",
        f"Read: looked up, written with cursors, demand derived. {LINES // PER_ORDER:,} orders, {PRODUCTS:,} products.",
        f"Inserted: the same rows into the same table with its indexes, {_BATCH:,} in a transaction as well.",
        "The two take turns, batch by batch, so that both meet the same disk; making the orders is left out.",
    )
    timings = (Timing("first reading", (read.clock,)), Timing("bare insertion of its rows", (bare.clock,)))
    return (Report(f"First reading of {LINES:,} order lines", timings, "bare insertion of its rows", notes),)


async def _read(file: Path, beside: Path) -> tuple[Span, Span]:
    """What the reading took, and the bare insertion of its rows."""
    database = Database(f"sqlite+aiosqlite:///{file}")
    await migrate(database)
    shop = await open_shop(database, MovableClock(NOW))
    bare = await Bare.open(file, beside)
    archive, whole = Archive(bare), Span()
    syncing = Syncing(
        database=database, clock=shop.clock, audit=Audit(database=database, clock=shop.clock), taking=shop.taking,
        feeds={SHOP: archive},
    )  # fmt: skip
    with whole.counting():
        reports = await syncing.sync(SHOP)
    assert [(report.faults, report.error) for report in reports] == [(0, "")] * 2, reports
    await bare.follow()
    assert bare.seen == LINES
    await bare.close()
    await database.close()
    aside = archive.aside
    return Span(whole.clock - aside.clock, whole.processor - aside.processor), bare.span


BENCHMARK = Benchmark("load", run)
