from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.domain.containers import STANDARD
from bot.ports import MovableClock
from bot.sandbox import sample
from bot.sandbox.sample import load_small
from bot.storage.database import Database
from tests.sample.oracle import Oracle

SMALL = Path(sample.__file__).parent / "small.parquet"

DEMAND = """
SELECT p.sku, l.code, CAST(d.day AS TEXT), d.units, d.lines, d.returned, d.shipped
FROM daily_demand d JOIN products p ON p.id = d.product_id JOIN locations l ON l.id = d.location_id
"""


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle(SMALL)


async def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    async with database.reading() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def test_demand_of_every_product_place_and_day_is_what_the_raw_rows_say(loaded: Database, oracle: Oracle) -> None:
    found = {(str(sku), str(code), str(day)): tuple(rest) for sku, code, day, *rest in await rows(loaded, DEMAND)}
    assert found == oracle.demand()


async def test_each_cancelled_sale_is_the_one_the_raw_rows_say(loaded: Database, oracle: Oracle) -> None:
    count = await rows(loaded, "SELECT COUNT(*) FROM sales WHERE cancelled_by IS NOT NULL")
    assert count == [(len(oracle.cancelled),)]
    pairs = await rows(
        loaded,
        "SELECT s.order_ref, c.order_ref, s.code FROM sales s JOIN sales c ON c.external_id = s.cancelled_by "
        "WHERE c.kind = 'cancellation' AND c.cancels = s.external_id",
    )
    expected = oracle.rows(
        "SELECT s.invoice, c.invoice, s.code FROM cancelled JOIN lines s USING (line) JOIN lines c ON c.line = by_line"
    )
    assert sorted(map(str, pairs)) == sorted(map(str, expected))


async def test_stock_notes_move_stock_and_are_no_demand(loaded: Database, oracle: Oracle) -> None:
    found = await rows(
        loaded,
        "SELECT p.sku, m.kind, SUM(m.quantity) FROM stock_movements m JOIN products p ON p.id = m.product_id "
        "WHERE m.source = 'sample' GROUP BY p.sku, m.kind",
    )
    expected = oracle.rows(
        "SELECT code, kind, SUM(CASE WHEN kind = 'sample' THEN -quantity ELSE quantity END) FROM lines "
        "WHERE kind IN ('write_off', 'adjustment', 'sample') GROUP BY ALL"
    )
    assert sorted((sku, kind, int(str(units))) for sku, kind, units in found) == sorted(expected)


async def test_fees_are_kept_without_a_product(loaded: Database, oracle: Oracle) -> None:
    found = await rows(loaded, "SELECT code, COUNT(*), COUNT(product_id) FROM sales WHERE kind = 'fee' GROUP BY code")
    expected = oracle.rows("SELECT code, COUNT(*), 0 FROM lines WHERE kind = 'fee' GROUP BY ALL")
    assert sorted(map(str, found)) == sorted(map(str, expected))
    assert not await rows(loaded, "SELECT sku FROM products WHERE sku IN ('POST', 'DOT', 'M')")


async def test_every_line_of_the_file_is_somewhere_once(loaded: Database, oracle: Oracle) -> None:
    sales = await rows(loaded, "SELECT COUNT(*) FROM sales")
    moved = await rows(loaded, "SELECT COUNT(*) FROM stock_movements WHERE source = 'sample'")
    assert int(str(sales[0][0])) + int(str(moved[0][0])) == oracle.rows("SELECT COUNT(*) FROM lines")[0][0]


async def test_a_product_carries_its_usual_name_and_price(loaded: Database) -> None:
    found = await rows(loaded, "SELECT name, unit_price_minor, currency FROM products WHERE sku = '85123A'")
    assert found == [("WHITE HANGING HEART T-LIGHT HOLDER", 295, "GBP")]


async def test_the_reconstructed_shelf_adds_up_to_the_unit_every_evening(loaded: Database) -> None:
    """Opening count + every movement - everything sold = what lies there, and it is never below zero at an evening."""
    ledger = await rows(
        loaded,
        """
        SELECT k.product_id, k.location_id, k.day, SUM(k.units) FROM (
            SELECT product_id, location_id, day, -shipped AS units FROM daily_demand
            UNION ALL SELECT product_id, location_id, day, quantity FROM stock_movements) k
        GROUP BY k.product_id, k.location_id, k.day ORDER BY k.product_id, k.location_id, k.day
        """,
    )
    opening = await rows(loaded, "SELECT product_id, location_id, on_hand FROM stock_levels")
    stock = {(product, place): int(str(units)) for product, place, units in opening}
    assert len(stock) == len(opening) > 100
    for product, place, _day, units in ledger:
        stock[product, place] += int(str(units))
        assert stock[product, place] >= 0
    assert any(units == 0 for units in stock.values())
    assert any(units > 100 for units in stock.values())


async def test_an_order_is_known_before_it_arrives_and_its_arrival_is_one_receipt(loaded: Database) -> None:
    arrived = await rows(loaded, "SELECT COUNT(*), SUM(quantity) FROM inbounds WHERE received_at IS NOT NULL")
    receipts = await rows(loaded, "SELECT COUNT(*), SUM(quantity) FROM stock_movements WHERE kind = 'receipt'")
    assert arrived == receipts
    assert not await rows(loaded, "SELECT id FROM inbounds WHERE received_at <= ordered_at")
    assert await rows(loaded, "SELECT id FROM inbounds WHERE received_at IS NULL")


async def test_loading_again_changes_nothing(sample_database: Database, clock: MovableClock) -> None:
    tables = ("products", "locations", "suppliers", "members", "identities", "sales", "daily_demand", "feeds", "marks")
    dumps = [f"SELECT * FROM {table} ORDER BY 1, 2" for table in tables]  # noqa: S608  # names of our own
    made_up = [
        "SELECT product_id, location_id, as_of, on_hand FROM stock_levels ORDER BY 1, 2",
        "SELECT product_id, location_id, at, quantity, kind, external_id FROM stock_movements ORDER BY external_id",
        "SELECT product_id, location_id, quantity, ordered_at, received_at FROM inbounds ORDER BY external_id",
        "SELECT product_id, location_id, mode, lead_time_days, unit_cost_minor FROM routes ORDER BY 1, 2, 3",
    ]
    before = [await rows(sample_database, query) for query in dumps + made_up]
    again = await load_small(sample_database, clock)
    after = [await rows(sample_database, query) for query in dumps + made_up]
    assert after == before
    assert (again.sales.added, again.sales.unchanged) == (0, again.sales.rows)


async def test_both_databases_hold_the_same_reconstruction(
    sample_database: Database, postgres_sample_database: Database
) -> None:
    query = (
        "SELECT p.sku, l.code, i.quantity, CAST(i.expected_on AS TEXT), i.external_id FROM inbounds i "
        "JOIN products p ON p.id = i.product_id JOIN locations l ON l.id = i.location_id"
    )
    found = [sorted(map(str, await rows(database, query))) for database in (sample_database, postgres_sample_database)]
    assert found[0] == found[1] != []


async def test_the_sample_loads_its_phases_and_says_their_times(sqlite_database: Database, clock: MovableClock) -> None:
    seen: list[tuple[int, int | None]] = []
    report = await load_small(sqlite_database, clock, lambda done, total: seen.append((done, total)))
    assert set(report.phases) == {"places and people", "sales", "stock"}
    assert seen[-1] == (report.sales.rows, report.sales.rows)
    assert report.sales.rejected == 0
    async with sqlite_database.reading() as connection:
        fresh: dict[str, int] = dict((await connection.execute(text("SELECT kind, fresh_until FROM feeds"))).all())
    assert set(fresh) == {"sales", "stock"}
    assert min(fresh.values()) > (datetime(2011, 12, 9, tzinfo=UTC) - timedelta(days=1)).timestamp() * 1e6


async def test_made_up_goods_have_sizes_and_two_makers_ship_to_britain_by_the_container(loaded: Database) -> None:
    sizes = await rows(
        loaded,
        "SELECT sku, name, unit_price_minor, unit_volume_cm3, unit_weight_g FROM products "
        "WHERE unit_cost_minor IS NOT NULL",
    )
    assert len(sizes) > 30
    for sku, _name, _price, volume, weight in sizes:
        assert isinstance(volume, int)
        assert isinstance(weight, int)
        assert 20 <= volume <= 60_000, sku
        assert 0.1 <= weight / volume <= 1.2, sku
    boxes = await rows(
        loaded,
        "SELECT DISTINCT s.code, l.code, r.mode, r.container, r.container_volume_cm3, r.container_weight_g "
        "FROM routes r JOIN suppliers s ON s.id = r.supplier_id JOIN locations l ON l.id = r.location_id "
        "WHERE r.container IS NOT NULL",
    )
    box = (STANDARD["20GP"].volume_cm3, STANDARD["20GP"].weight_g)
    assert set(boxes) <= {(code, "UK", "sea", "20GP", *box) for code in ("SHENZHEN", "XIAMEN")}
    assert boxes
