"""What stores say of products' categories, and whose word holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sqlalchemy import insert

from bot.ports import MovableClock, ProductFact
from bot.storage import categories
from bot.storage.database import Database
from bot.storage.tables import Category, Product
from tests.ingest.test_categories import waits
from tests.services.feeds.kit import NOW, Shop, code, open_shop, product

KEPT = (
    "SELECT p.sku, c.name, p.category_source FROM products p LEFT JOIN categories c ON c.id = p.category_id ORDER BY 1"
)


def classed(sku: str, category: str, *, active: bool = True) -> ProductFact:
    return replace(product(sku, sku.title()), category=category, active=active)


async def test_a_store_classes_its_products_and_changes_what_it_said(shop: Shop) -> None:
    taken = await shop.take("products", classed("LAMP", "Table  Lamps"), classed("CUP", "Cups"), classed("BAG", ""))
    assert await shop.rows(KEPT) == [
        ("BAG", None, None), ("CUP", "Cups", "store:shop"), ("LAMP", "Table Lamps", "store:shop"),
    ]  # fmt: skip
    assert len(taken.touched) == 2
    again = await shop.take("products", classed("LAMP", "TABLE LAMPS"), classed("CUP", "Mugs"), classed("BAG", ""))
    (cup,) = await shop.rows("SELECT id FROM products WHERE sku = 'CUP'")
    assert again.touched == {cup[0]}
    assert (await shop.rows(KEPT))[1:] == [("CUP", "Mugs", "store:shop"), ("LAMP", "Table Lamps", "store:shop")]
    await shop.take("products", classed("CUP", ""))  # a store that says nothing takes nothing back
    assert (await shop.rows(KEPT))[1] == ("CUP", "Mugs", "store:shop")


async def test_what_a_person_or_another_store_said_stands(shop: Shop) -> None:
    stated = await shop.add(Category, name="Lighting")
    await shop.product("LAMP", category_id=stated)
    await shop.product("CUP", category_id=stated, category_source="store:other")
    for sku in ("LAMP", "CUP"):
        (found,) = await shop.rows(f"SELECT id FROM products WHERE sku = '{sku}'")  # noqa: S608  # our own
        await code(shop, f"v-{sku}", found[0], "same")
    await shop.take("products", classed("LAMP", "Lamps"), classed("CUP", "Cups"))
    assert await shop.rows(KEPT) == [("CUP", "Lighting", "store:other"), ("LAMP", "Lighting", None)]


async def test_what_only_resembles_a_product_says_nothing_of_its_category(shop: Shop) -> None:
    lamp = await shop.product("LAMP")
    await code(shop, "v-LAMPE", lamp, "suggested")
    await shop.take("products", replace(classed("LAMPE", "Lampen"), sku=""))
    assert await shop.rows(KEPT) == [("LAMP", None, None)]


async def test_of_several_variants_what_is_sold_has_the_last_word_and_a_long_name_is_cut(shop: Shop) -> None:
    lamp = await shop.product("LAMP")
    for name in ("v-OLD", "v-NEW"):
        await code(shop, name, lamp, "confirmed")
    await shop.take("products", classed("NEW", "x" * 101), classed("OLD", "Old", active=False))
    await shop.take("products", classed("OLD", "Old", active=False))
    assert await shop.rows(KEPT) == [("LAMP", "x" * 100, "store:shop")]


async def test_a_store_and_a_file_that_tell_the_same_at_once_do_not_wait_for_each_other(
    postgres_database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(postgres_database, clock)
    async with postgres_database.transaction() as connection:  # as an import goes: categories, then products
        kept = await categories.intern(connection, ["Lamps"])
        telling = asyncio.create_task(shop.take("products", classed("LAMP", "lamps")))
        await waits(postgres_database)
        row = {"sku": "LAMP", "name": "Lamp", "currency": "EUR", "created_at": NOW, "category_id": kept["Lamps"]}
        await connection.execute(insert(Product).values(row))
    assert (await telling).faults == 0
    assert await shop.rows(KEPT) == [("LAMP", "Lamps", None)]
