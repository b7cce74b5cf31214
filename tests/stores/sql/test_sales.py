"""Sales of a database: rows by order, returns, money and times, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.money import Money
from bot.ports import OrderFact, ReturnedLine, SoldLine
from bot.stores.sql.cursor import OVERLAP, Cursor
from tests.stores.sql.conftest import Seller, facts, faults

SALES = "SELECT * FROM sales WHERE changed_at >= :since"
TABLE = """
CREATE TABLE sales (order_id INTEGER, line_id TEXT, code TEXT, quantity NUMERIC(12, 3), amount NUMERIC(18, 6),
    sold_at TIMESTAMP, changed_at TIMESTAMP, customer TEXT, returns TEXT, place TEXT);
"""


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


@pytest.fixture
def shop(seller: Seller) -> Seller:
    """A database with an empty table of sales."""
    seller.run(TABLE)
    return seller


def put(shop: Seller, *rows: tuple[object, ...]) -> None:
    """Write rows: order, line, code, quantity, amount, sold at, and more columns where they are given."""
    written = []
    for row in rows:
        order, line, code, quantity, amount, at, *more = row
        values = [order, line, code, quantity, amount, at, at, *more]
        values += [None] * (10 - len(values))
        written.append(f"({', '.join('NULL' if value is None else repr(value) for value in values)})")
    shop.run(f"INSERT INTO sales VALUES {', '.join(written)}")  # noqa: S608  # the test's own


async def test_rows_of_an_order_are_one_order_and_amounts_are_exact(shop: Seller) -> None:
    put(
        shop,
        (7, "7-1", "LAMP", 3, 59.97, "2011-11-20 18:30:00", "cust-9"),
        (7, "7-2", "MUG", 1, 0.1, "2011-11-20 18:30:00", "cust-9"),
        (8, "8-1", "LAMP", 1, 19.99, "2011-11-21 00:10:00", "ada@example.com"),
    )
    pages = await shop.read("orders", sales=SALES, currency="GBP", zone="Europe/London")
    at = datetime(2011, 11, 20, 18, 30, tzinfo=UTC)
    first, second = facts(pages, OrderFact)
    assert first == OrderFact(
        id="7",
        number="7",
        placed_at=at,
        changed_at=at,
        lines=(
            SoldLine("7-1", "LAMP", "LAMP", "", 3, pounds("59.97"), "store"),
            SoldLine("7-2", "MUG", "MUG", "", 1, pounds("0.10"), "store"),
        ),
        customer="cust-9",
    )
    assert (second.id, second.customer) == ("8", "")  # an address is no id
    assert [page.until for page in pages] == [shop.clock.now()]


async def test_times_without_a_zone_are_of_the_options(shop: Seller) -> None:
    put(shop, (7, "7-1", "LAMP", 1, 1, "2011-11-21 08:00:00"))
    (order,) = facts(await shop.read("orders", sales=SALES, currency="GBP", zone="Asia/Shanghai"), OrderFact)
    assert order.placed_at == datetime(2011, 11, 21, 0, 0, tzinfo=UTC)


async def test_only_what_changed_is_asked_for_in_the_zone_of_the_rows(shop: Seller) -> None:
    options = {"sales": SALES, "currency": "GBP", "zone": "Asia/Shanghai"}  # it is 17:00 there
    put(shop, (7, "7-1", "LAMP", 1, 1, "2011-11-21 14:00:00"), (8, "8-1", "LAMP", 1, 1, "2011-11-21 15:30:00"))
    cursor = (await shop.read("orders", **options))[-1].cursor
    assert Cursor.of(cursor).since == shop.clock.now() - OVERLAP
    assert [order.id for order in facts(await shop.read("orders", cursor, **options), OrderFact)] == ["8"]
    shop.clock.push(timedelta(days=1))
    put(shop, (9, "9-1", "LAMP", 1, 1, "2011-11-22 16:00:00"))
    assert [order.id for order in facts(await shop.read("orders", cursor, **options), OrderFact)] == ["8", "9"]


async def test_rows_without_an_order_are_orders_of_their_own_line(shop: Seller) -> None:
    put(shop, (None, "a", "LAMP", 1, 1, "2011-11-21 08:00:00"), (None, "b", "LAMP", 2, 2, "2011-11-21 08:00:00"))
    pages = await shop.read("orders", sales=SALES, currency="GBP")
    assert {order.id: [line.quantity for line in order.lines] for order in facts(pages, OrderFact)} == {
        "line:a": [1],
        "line:b": [2],
    }
    named = "SELECT line_id, code, quantity, amount, sold_at, 'GBP' AS \"CURRENCY\" FROM sales"
    pages = await shop.read("orders", sales=named)
    assert sorted(order.id for order in facts(pages, OrderFact)) == ["line:a", "line:b"]


async def test_units_below_nothing_are_a_return_of_the_line_they_name(shop: Seller) -> None:
    put(
        shop,
        (7, "7-1", "LAMP", 3, 30, "2011-11-18 08:00:00"),
        (7, "7-2", "LAMP", -2, -20, "2011-11-20 08:00:00", None, "7-1"),
        (8, "8-1", "LAMP", 1, 10, "2011-11-20 08:00:00"),
        (8, "8-2", "LAMP", -1, -10, "2011-11-20 08:00:00"),
    )
    pages = await shop.read("orders", sales=SALES, currency="GBP")
    (order,) = facts(pages, OrderFact)
    assert [line.quantity for line in order.lines] == [3]
    assert order.returns == (ReturnedLine("7-2", "7-1", 2, datetime(2011, 11, 20, 8, tzinfo=UTC)),)
    assert faults(pages) == {"8": "quantity is below nothing, and returns does not name the line that came back"}


async def test_a_row_told_twice_counts_once_and_one_that_differs_keeps_its_order_back(shop: Seller) -> None:
    put(shop, *[(7, "7-1", "LAMP", 3, 30, "2011-11-18 08:00:00")] * 2)
    put(shop, (8, "8-1", "LAMP", 1, 1, "2011-11-18 08:00:00"), (8, "8-1", "LAMP", 2, 2, "2011-11-18 08:00:00"))
    pages = await shop.read("orders", sales=SALES, currency="GBP")
    assert [[line.quantity for line in order.lines] for order in facts(pages, OrderFact)] == [[3]]
    assert faults(pages) == {"8": "two rows have the line_id 8-1, and are not the same"}


async def test_what_cannot_be_read_is_a_fault_of_its_order_without_the_buyer(shop: Seller) -> None:
    good = "2011-11-18 08:00:00"
    put(
        shop,
        (1, "1-1", "LAMP", 1.5, 1, good, "Ada Byron"),
        (2, None, "LAMP", 1, 1, good),
        (3, "3-1", None, 1, 1, good),
        (4, "4-1", "LAMP", None, 1, good),
        (5, "5-1", "LAMP", 1, None, good),
        (6, "6-1", "LAMP", 1, 1, good),
    )
    pages = await shop.read("orders", sales=SALES, currency="GBP")
    assert [order.id for order in facts(pages, OrderFact)] == ["6"]
    told = faults(pages)
    assert told.keys() == {"1", "2", "3", "4", "5"}
    assert told["1"].startswith("quantity is 1.5")
    assert [told[each] for each in "234"] == ["line_id is empty", "code is empty", "quantity is empty"]
    assert told["5"] == "amount is empty"
    assert not any("Ada" in fault.record for page in pages for fault in page.faults)
    assert '"line_id": "1-1"' in pages[0].faults[0].record


async def test_a_long_table_is_told_in_pages_that_break_no_order(shop: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.stores.sql.source.BATCH", 7)
    monkeypatch.setattr("bot.stores.sql.feed.PAGE", 10)
    put(
        shop,
        *(
            (order, f"{order}-{line}", "LAMP", 1, 1, "2011-11-18 08:00:00")
            for order in range(1, 31)
            for line in range(order % 4 + 1)
        ),
    )
    pages = await shop.read("orders", sales=SALES, currency="GBP")
    told = facts(pages, OrderFact)
    assert len(pages) > 4
    assert [order.id for order in told] == [str(order) for order in range(1, 31)]
    assert [len(order.lines) for order in told] == [order % 4 + 1 for order in range(1, 31)]
    for at in range(len(pages) - 1):  # a reading that broke off goes on behind the last order
        rest = await shop.read("orders", pages[at].cursor, sales=SALES, currency="GBP")
        assert facts(pages[: at + 1], OrderFact) + facts(rest, OrderFact) == told
        assert rest[-1].cursor == pages[-1].cursor


async def test_columns_with_a_zone_compare_rightly_whatever_the_zone_of_the_options(postgres_seller: Seller) -> None:
    seller = postgres_seller
    seller.run(
        "CREATE TABLE sales (line_id TEXT, code TEXT, quantity INTEGER, amount NUMERIC, sold_at TIMESTAMPTZ);"
        "INSERT INTO sales VALUES ('early', 'A', 1, 1, '2011-11-21 06:59:00+00'),"
        " ('late', 'A', 1, 1, '2011-11-21 15:01:00+08')"
    )
    options = {"sales": "SELECT * FROM sales WHERE sold_at >= :since", "currency": "GBP", "zone": "Asia/Shanghai"}
    first = await seller.read("orders", **options)
    assert {order.id: order.placed_at for order in facts(first, OrderFact)} == {
        "line:early": datetime(2011, 11, 21, 6, 59, tzinfo=UTC),
        "line:late": datetime(2011, 11, 21, 7, 1, tzinfo=UTC),
    }
    later = await seller.read("orders", first[-1].cursor, **options)  # since 07:00 UTC
    assert [order.id for order in facts(later, OrderFact)] == ["line:late"]
