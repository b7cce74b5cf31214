"""Categories that a file names are those that forecasts go by."""

from __future__ import annotations

from pathlib import Path

from bot.domain.sourcing import SourcingSettings
from bot.ports import MovableClock
from bot.services import snapshot
from bot.services.ingest import ImportOptions, Ingest, IngestSettings
from bot.storage.database import Database
from bot.stores.files import open_table
from tests.services.work.shop import open_shop


async def test_a_file_with_categories_groups_the_series_of_a_snapshot(
    sqlite_database: Database, clock: MovableClock, tmp_path: Path
) -> None:
    shop = await open_shop(sqlite_database, clock)
    await shop.add_place("UK")
    for sku in ("A", "B", "C"):
        await shop.add_product(sku)
        await shop.sells(sku, "UK", [3] * 30)
        await shop.holds(sku, "UK", 50)
    file = tmp_path / "products.csv"
    file.write_text("sku,name,category\nA,Lamp,Lamps\nB,Light,LAMPS\nC,Bag,\n")
    ingest = Ingest(sqlite_database, clock, IngestSettings(currency="GBP"), open_table)
    assert (await ingest.run("products", file, ImportOptions())).updated == 3
    async with sqlite_database.reading() as connection:
        taken = await snapshot.take(connection, shop.settings, SourcingSettings(), clock.now(), None)
    row = {sku: taken.find(shop.skus[sku], shop.places["UK"]) for sku in ("A", "B", "C")}
    names = {sku: taken.category_of(at) for sku, at in row.items() if at is not None}
    assert names == {"A": "Lamps", "B": "Lamps", "C": ""}
    assert taken.category[row["A"]] == taken.category[row["B"]] > 0
    assert taken.category[row["C"]] == 0
