"""Products, stock, purchase orders and places of a database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.errors import Declined
from bot.ports import InboundFact, ProductFact, StockFact, StorePlace
from bot.stores.sql.reading import Unreadable, decimal
from tests.stores.sql.conftest import Seller, facts, faults


async def test_products_with_their_prices_and_whether_they_are_sold(seller: Seller) -> None:
    seller.run(
        "CREATE TABLE items (code TEXT, name TEXT, price NUMERIC(12, 4), active TEXT);"
        "INSERT INTO items VALUES ('A', 'Lamp', 12.345, 'yes'), ('B', NULL, NULL, NULL), ('C', 'Old', 1, 'F'),"
        " ('D', 'Odd', 2, 'perhaps'), (NULL, 'None', 2, 'y')"
    )
    pages = await seller.read("products", products="SELECT * FROM items;  -- all\n", currency="GBP")
    assert facts(pages, ProductFact) == [
        ProductFact("A", "A", "Lamp", Money(Decimal("12.34"), "GBP")),
        ProductFact("B", "B", "", None),
        ProductFact("C", "C", "Old", Money(Decimal(1), "GBP"), active=False),
    ]
    assert faults(pages) == {"D": "active is 'perhaps', neither yes nor no", "a row of products": "code is empty"}


async def test_products_with_what_they_are_sold_as(seller: Seller) -> None:
    seller.run("CREATE TABLE items (code TEXT, category TEXT); INSERT INTO items VALUES ('A', ' Lamps'), ('B', NULL)")
    pages = await seller.read("products", products="SELECT * FROM items", currency="GBP")
    assert [(fact.code, fact.category) for fact in facts(pages, ProductFact)] == [("A", "Lamps"), ("B", "")]
    assert faults(pages) == {}


async def test_stock_by_place_counts_a_row_told_twice_once(seller: Seller) -> None:
    seller.run(
        "CREATE TABLE levels (code TEXT, place TEXT, units INTEGER, sold INTEGER);"
        "INSERT INTO levels VALUES ('A', 'UK', 7, 2), ('A', 'UK', 7, 2), ('A', 'DE', -3, NULL), ('B', 'UK', 1, 0),"
        " ('B', 'UK', 2, 0), ('C', NULL, 5, 0)"
    )
    query = "WITH all_of AS (SELECT * FROM levels) SELECT code, place, units AS on_hand, sold AS committed FROM all_of"
    pages = await seller.read("stock", stock=query, place="main")
    assert {(fact.code, fact.place): (fact.on_hand, fact.committed) for fact in facts(pages, StockFact)} == {
        ("A", "UK"): (7, 2),
        ("A", "DE"): (0, 3),
        ("C", "main"): (5, 0),
    }
    assert faults(pages) == {"B@UK": "2 rows tell it, and not the same"}
    assert {fact.as_of for fact in facts(pages, StockFact)} == {seller.clock.now()}
    assert await seller.feed(stock=query, place="main").places() == tuple(
        StorePlace(place, place)
        for place in (("main", "DE", "UK") if seller.kind == "sqlite" else ("DE", "UK", "main"))
    )


async def test_places_may_be_named_by_a_query_of_their_own(seller: Seller) -> None:
    query = "SELECT 'UK' AS id, 'Leeds' AS name, 'gb' AS country"
    assert await seller.feed(places=query).places() == (StorePlace("UK", "Leeds", "GB"),)
    assert await seller.feed().places() == (StorePlace("store", "store"),)
    with pytest.raises(Declined, match="no column id"):
        await seller.feed(places="SELECT 'UK' AS code").places()


async def test_purchase_orders_are_what_is_on_its_way(seller: Seller) -> None:
    seller.run(
        "CREATE TABLE inbound (id INTEGER, code TEXT, quantity INTEGER, ordered_at TIMESTAMP, expected_on DATE,"
        " received_at TIMESTAMP);"
        "INSERT INTO inbound VALUES (1, 'A', 60, '2011-11-01 09:00:00', '2011-12-05', NULL),"
        " (2, 'A', 5, '2011-10-01 09:00:00', '2011-11-05', '2011-11-06 10:00:00'),"
        " (3, 'A', 0, '2011-10-01 09:00:00', '2011-11-05', NULL),"
        " (4, 'A', -5, '2011-10-01 09:00:00', '2011-11-05', NULL)"
    )
    pages = await seller.read("inbounds", purchase_orders="SELECT * FROM inbound", zone="UTC")
    ordered = datetime(2011, 11, 1, 9, tzinfo=UTC)
    one, two, cancelled = facts(pages, InboundFact)
    assert one == InboundFact("1", "A", "A", "store", 60, ordered, date(2011, 12, 5))
    assert (two.expected_on, two.received_at) == (date(2011, 11, 5), datetime(2011, 11, 6, 10, tzinfo=UTC))
    assert (cancelled.id, cancelled.quantity, cancelled.received_at) == ("3", 0, None)
    assert faults(pages) == {"4": "quantity is -5, nothing that could arrive; write 0 for what was cancelled"}


async def test_binary_fractions_are_what_they_are_written_as(seller: Seller) -> None:
    seller.run(
        "CREATE TABLE items (code TEXT, price DOUBLE PRECISION); INSERT INTO items VALUES ('A', 1.005), ('B', 9e99)"
    )
    pages = await seller.read("products", products="SELECT *, 'KWD' AS currency FROM items")
    (fact,) = facts(pages, ProductFact)
    assert fact.price == Money(Decimal("1.005"), "KWD")
    assert "no money" in faults(pages)["B"]


async def test_what_sqlite_lets_into_any_column_is_read_or_told(sqlite_seller: Seller) -> None:
    sqlite_seller.run(
        "CREATE TABLE t (code, on_hand, name);"
        "INSERT INTO t VALUES ('A', '12', 1), ('B', 'many', NULL), (x'00ff', 1, NULL), ('C' || char(0), 1, NULL),"
        " (4.0, 3.0, NULL), ('D', 1e400, NULL), ('E', '1.299,00', NULL)"
    )
    pages = await sqlite_seller.read("stock", stock="SELECT code, on_hand FROM t")
    assert {fact.code: fact.on_hand for fact in facts(pages, StockFact)} == {"A": 12, "4": 3}
    told = [(fault.where, fault.problem) for page in pages for fault in page.faults]
    assert sorted(told) == [
        ("B@store", "on_hand is 'many', no number"),
        ("D@store", "on_hand is 'inf', no number"),
        ("E@store", "on_hand is '1.299,00', no number"),
        ("a row of stock", "code holds a NUL character"),
        ("a row of stock", "code is bytes, no text"),
    ]


async def test_counts_of_seconds_are_times_where_the_options_say_so(sqlite_seller: Seller) -> None:
    sqlite_seller.run("CREATE TABLE t (code, on_hand, at); INSERT INTO t VALUES ('A', 1, 1321866000), ('B', 1, 1)")
    query = "SELECT code, on_hand, at AS as_of FROM t WHERE at >= :since"
    assert faults(await sqlite_seller.read("stock", stock=query)) == {}  # as text nothing is as late
    pages = await sqlite_seller.read("stock", stock=query, times="seconds")
    assert {fact.code: fact.as_of for fact in facts(pages, StockFact)} == {
        "A": datetime(2011, 11, 21, 9, tzinfo=UTC),
        "B": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
    }
    later = await sqlite_seller.read("stock", pages[-1].cursor, stock=query, times="seconds")
    assert [fact.code for fact in facts(later, StockFact)] == ["A"]
    told = faults(await sqlite_seller.read("stock", stock="SELECT code, on_hand, at AS as_of FROM t"))
    assert "options.times" in told["A@store"]


@given(
    st.decimals(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)
def test_a_number_is_what_it_is_written_as_whatever_its_type(number: Decimal | float) -> None:
    for told in (number, str(number)):
        assert decimal({"n": told}, "n") == Decimal(str(number))


@given(st.text() | st.binary() | st.none() | st.booleans() | st.sampled_from([float("inf"), Decimal("NaN")]))
def test_what_is_no_number_is_said_and_nothing_else_happens(told: object) -> None:
    try:
        assert decimal({"n": told}, "n").is_finite()
    except Unreadable as problem:
        assert str(problem).startswith("n is ")  # noqa: PT017  # some texts are numbers
