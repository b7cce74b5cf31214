"""Two pages of goods at once: whatever each changes, the later waits for the earlier, and never both for each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from bot.ports import MovableClock, Page, ProductFact
from bot.storage.database import Database
from bot.storage.tables import Product, StoreCode
from tests.postgres import until_somebody_waits
from tests.services.feeds.kit import NOW, SHOP, Shop, euros, open_shop

OTHER = "other"


@pytest.fixture
async def shop(postgres_database: Database) -> Shop:
    """A shop whose database locks rows."""
    return await open_shop(postgres_database, MovableClock(NOW))


async def listed(shop: Shop, store: str, name: str, product: int, **values: Any) -> int:
    """A variant of a store, of which its list of goods said nothing yet."""
    given = {"sku": name, "name": "", "match": "same", "seen_at": NOW, "score": 0, **values}
    return await shop.add(StoreCode, store=store, code=name, product_id=product, **given)


@asynccontextmanager
async def holding(shop: Shop, table: type[Product | StoreCode], row: int) -> AsyncIterator[None]:
    """Hold a row until the end."""
    async with shop.database.transaction() as connection:
        await connection.execute(select(table.id).where(table.id == row).with_for_update(key_share=True))
        yield


async def grasped(shop: Shop, row: int) -> None:
    """Hold a variant for a moment; an error where somebody else does."""
    async with shop.database.transaction() as connection:
        await connection.execute(select(StoreCode.id).where(StoreCode.id == row).with_for_update(nowait=True))


async def told(shop: Shop, store: str, *facts: ProductFact, **page: Any) -> None:
    """What a store calls to say, or a page of a reading."""
    await shop.taking.take(store, Page("products", facts, page.pop("cursor", ""), **page))


async def test_two_stores_that_change_the_same_products_in_turns_wait_one_for_the_other(shop: Shop) -> None:
    """The first sells what the second prices, and prices what the second sells; meanwhile somebody keeps it waiting."""
    first, second = [await shop.product(sku, active=False) for sku in ("FIRST", "SECOND")]
    third = await shop.product("THIRD")
    for store in (SHOP, OTHER):
        for name, product in (("1", first), ("2", second), ("3", third)):
            await listed(shop, store, f"{store}{name}", product)

    def fact(store: str, name: str, *, active: bool, category: str = "") -> ProductFact:
        code = f"{store}{name}"
        return ProductFact(code, code, "", None if active else euros(7), active, category)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group, holding(shop, Product, third):
        said = [fact(SHOP, "1", active=False), fact(SHOP, "2", active=True)]
        group.create_task(told(shop, SHOP, *said, fact(SHOP, "3", active=True, category="Lamps")))
        await asyncio.to_thread(until_somebody_waits, shop.database)
        group.create_task(told(shop, OTHER, fact(OTHER, "1", active=True), fact(OTHER, "2", active=False)))
        await asyncio.to_thread(until_somebody_waits, shop.database, 2)
    kept = await shop.rows("SELECT sku, active, unit_price_minor FROM products ORDER BY id")
    assert kept == [("FIRST", True, 700), ("SECOND", True, None), ("THIRD", True, None)]


async def test_the_last_pages_of_two_readings_weigh_what_neither_store_sells_one_after_the_other(shop: Shop) -> None:
    """Each tells of one of two doubtful products and weighs the other as well, now that its list is whole."""
    first, second, third = [await shop.product(sku) for sku in ("FIRST", "SECOND", "THIRD")]
    await listed(shop, SHOP, "2", second, sold=False)
    await listed(shop, SHOP, "3", third)
    await listed(shop, OTHER, "1", first, sold=False)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group, holding(shop, Product, third):
        said = ProductFact("2", "2", "", active=False), ProductFact("3", "3", "")
        group.create_task(told(shop, SHOP, *said, cursor="c", until=NOW))
        await asyncio.to_thread(until_somebody_waits, shop.database)
        group.create_task(told(shop, OTHER, ProductFact("1", "1", "", active=False), cursor="c", until=NOW))
        await asyncio.to_thread(until_somebody_waits, shop.database, 2)
    assert await shop.rows("SELECT sku FROM products WHERE active") == [("THIRD",)]


async def test_variants_are_held_by_their_ids_however_they_lie_in_the_table(shop: Shop) -> None:
    mug = await shop.product("MUG")
    early, late = [await listed(shop, SHOP, name, mug) for name in ("z", "a")]
    async with shop.database.transaction() as connection:  # the earlier one lies behind the later from now on
        await connection.execute(text("UPDATE store_codes SET score = 1 WHERE id = :early"), {"early": early})
    async with asyncio.timeout(60), asyncio.TaskGroup() as group, holding(shop, StoreCode, late):
        group.create_task(told(shop, SHOP, ProductFact("a", "a", ""), ProductFact("z", "z", "")))
        await asyncio.to_thread(until_somebody_waits, shop.database)
        with pytest.raises(DBAPIError, match="could not obtain lock"):
            await grasped(shop, early)
