"""Categories of products: one for every spelling, named by files, and by two writers at once."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from bot.domain.categories import alike, tidy
from bot.storage import categories
from bot.storage.database import Database
from tests.ingest.conftest import Desk
from tests.ingest.test_records import reasons

KEPT = "SELECT p.sku, c.name FROM products p LEFT JOIN categories c ON c.id = p.category_id ORDER BY p.sku"


@pytest.mark.parametrize(
    ("name", "shown", "key"),
    [
        ("  Table \t lamps\n", "Table lamps", "table lamps"),
        ("Ｌａｍｐｓ　＆ Lights", "Ｌａｍｐｓ ＆ Lights", "lamps & lights"),
        ("Straße", "Straße", "strasse"),
        ("灯\x00具", "灯 具", "灯 具"),
        (" \r\n", "", ""),
    ],
)
def test_a_name_is_shown_tidy_and_known_whatever_its_case_and_width(name: str, shown: str, key: str) -> None:
    assert (tidy(name), alike(name)) == (shown, key)


async def test_a_file_says_categories_and_the_first_spelling_stays(any_desk: Desk) -> None:
    content = (
        "商品编码,名称,品类\nA,Lamp,Table Lamps\nB,Cup,杯具\nC,Light,table  lamps\nD,Light,ＴＡＢＬＥ LAMPS\nE,Bag,\n"
    )
    report = await any_desk.take(content, "products", "p.csv")
    assert (report.added, report.rejected) == (5, 0)
    assert await any_desk.rows(KEPT) == [
        ("A", "Table Lamps"), ("B", "杯具"), ("C", "Table Lamps"), ("D", "Table Lamps"), ("E", None),
    ]  # fmt: skip
    assert await any_desk.rows("SELECT COUNT(*) FROM categories") == [(2,)]
    again = await any_desk.take("sku,name,category\nA,Lamp,TABLE LAMPS\n", "products", "again.csv")
    assert (again.updated, again.unchanged) == (0, 1)


async def test_an_empty_cell_leaves_what_is_known_and_another_name_changes_it(any_desk: Desk) -> None:
    await any_desk.take("sku,name,category\nA,Lamp,Lamps\nB,Cup,Cups\n", "products", "first.csv")
    assert (await any_desk.take("sku,name,category\nA,Lamp,\nB,Cup,Mugs\n", "products", "next.csv")).updated == 1
    assert (await any_desk.take("sku,name\nA,Light\n", "products", "names.csv")).updated == 1
    assert await any_desk.rows(KEPT) == [("A", "Lamps"), ("B", "Mugs")]


async def test_a_name_that_is_too_long_is_rejected_with_its_row_and_field(any_desk: Desk) -> None:
    content = f"sku,name,category\nA,Lamp,{'x' * 100}\nB,Cup,{'x' * 101}\n"
    report = await any_desk.take(content, "products", "p.csv")
    assert (report.added, report.rejected) == (1, 1)
    said = ("3", "category", "101 characters; a category's name has 100 at most")
    assert reasons(any_desk, "p.csv") == [said]
    assert await any_desk.rows(KEPT) == [("A", "x" * 100)]


async def test_what_a_person_states_takes_the_place_of_a_store_s_word(any_desk: Desk) -> None:
    await any_desk.take("sku,name\nA,Lamp\n", "products", "first.csv")
    (product,) = (await any_desk.rows("SELECT id FROM products"))[0]
    async with any_desk.database.transaction() as connection:
        assert await categories.keep(connection, "store:shop", {product: "Lighting"}) == {product}
        assert await categories.keep(connection, "store:other", {product: "Home"}) == set()
    await any_desk.take("sku,name,category\nA,Lamp,Lamps\n", "products", "said.csv")
    async with any_desk.database.transaction() as connection:
        assert await categories.keep(connection, "store:shop", {product: "Lighting"}) == set()
    assert await any_desk.rows(KEPT) == [("A", "Lamps")]
    assert await any_desk.rows("SELECT category_source FROM products") == [(None,)]


async def waits(database: Database) -> None:
    """Returns when a session waits for another's transaction; SQLite's writers take turns by themselves."""
    waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not database.is_sqlite:
            async with database.reading() as connection:
                if await connection.scalar(text(waiting)):
                    return


async def test_two_writers_at_once_make_one_category(database: Database) -> None:
    async def other() -> dict[str, int]:
        async with database.transaction() as connection:
            return await categories.intern(connection, ["LAMPS", "Cups", ""])

    async with database.transaction() as connection:
        first = await categories.intern(connection, ["Lamps"])
        writing = asyncio.create_task(other())
        await waits(database)
    second = await writing
    assert second["LAMPS"] == first["Lamps"]
    assert second.keys() == {"LAMPS", "Cups"}
    async with database.reading() as connection:
        names = (await connection.execute(text("SELECT name FROM categories ORDER BY name"))).scalars().all()
    assert names == ["Cups", "Lamps"]
