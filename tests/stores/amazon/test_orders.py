"""Orders: what is a sale, by the Orders API and by reports, which say the same."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.ports import MovableClock, OrderFact
from bot.stores.amazon import orders
from bot.stores.amazon.cursor import OVERLAP, Mark
from bot.stores.amazon.markets import MARKETS, Account
from bot.stores.amazon.reading import Unreadable
from tests.stores.amazon.account import AmazonAccount, Order
from tests.stores.amazon.conftest import Amazon, facts, faults, last
from tests.stores.amazon.server import amazon_part

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
EURO = "EUR"
STATUSES = ("PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED", "UNFULFILLABLE")


def euros(amount: str) -> Money:
    return Money(Decimal(amount), EURO)


async def recent(amazon: Amazon, clock: MovableClock) -> str:
    """The cursor of an account that was read an hour before now; its orders are a minute older than can be asked."""
    cursor = last(await amazon.read("orders"))
    clock.push(timedelta(hours=1))
    return cursor


async def test_the_first_reading_is_by_reports_of_thirty_days(amazon: Amazon, clock: MovableClock) -> None:
    long_ago = clock.now() - timedelta(days=100)
    amazon.account.place(placed=long_ago, changed=long_ago)
    amazon.account.place(
        ("LAMP", 1, "12.00", "1.92", "2.00"), ("LAMP", 1, "12.00", "1.92", "0"), ("MUG", 3, "9", "0", "0")
    )
    clock.push(timedelta(minutes=10))
    pages = await amazon.read("orders", feed=amazon.feed(history_days="365"))
    first, second = facts(pages, OrderFact)
    assert (first.placed_at, first.place) == (long_ago, "FBA-EU")
    assert [(line.id, line.code, line.quantity, line.amount) for line in first.lines] == [
        ("LAMP", "LAMP", 2, euros("20.16"))
    ]
    assert [(line.sku, line.quantity, line.amount) for line in second.lines] == [
        ("LAMP", 2, euros("18.16")),  # two items of one SKU are one line
        ("MUG", 3, euros("9.00")),
    ]
    asked = [report.body for report in amazon.account.reports.values()]
    assert len(asked) == 13
    for earlier, later in pairwise(asked):
        assert earlier["dataEndTime"] == later["dataStartTime"]
    assert Mark.of(last(pages)).since == clock.now() - timedelta(minutes=3) - OVERLAP


async def test_what_changed_since_is_asked_of_the_orders_api(amazon: Amazon, clock: MovableClock) -> None:
    cursor = await recent(amazon, clock)
    before = len(amazon.account.reports)
    amazon.account.page = 2
    placed = [amazon.account.place(fulfilled="MERCHANT" if number == 3 else "AMAZON") for number in range(5)]
    clock.push(timedelta(minutes=5))
    pages = await amazon.read("orders", cursor)
    assert [fact.id for fact in facts(pages, OrderFact)] == [order.number for order in placed]
    assert [fact.place for fact in facts(pages, OrderFact)] == ["FBA-EU"] * 3 + ["merchant", "FBA-EU"]
    assert len(pages) == 3
    assert len(amazon.account.reports) == before
    assert last(pages)


async def test_a_reading_that_broke_off_goes_on_where_it_was(amazon: Amazon, clock: MovableClock) -> None:
    cursor = await recent(amazon, clock)
    amazon.account.page = 2
    numbers = [amazon.account.place().number for _ in range(5)]
    clock.push(timedelta(minutes=5))
    page = await amazon.first("orders", cursor)
    told = [fact.id for fact in facts([page], OrderFact)]
    clock.push(timedelta(minutes=5))
    told += [fact.id for fact in facts(await amazon.read("orders", page.cursor), OrderFact)]
    assert told == numbers


async def test_many_changes_are_read_by_a_report_rather_than_slowly(amazon: Amazon, clock: MovableClock) -> None:
    cursor = await recent(amazon, clock)
    amazon.account.page = 1
    numbers = {amazon.account.place().number for _ in range(9)}
    clock.push(timedelta(minutes=5))
    asked = len(amazon.called("searchOrders"))
    pages = await amazon.read("orders", cursor)
    assert {fact.id for fact in facts(pages, OrderFact)} == numbers
    assert len(amazon.called("searchOrders")) - asked == 5
    assert last(pages)


async def test_a_report_is_gone_on_with_after_the_orders_that_were_told(
    amazon: Amazon, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.stores.amazon.sales._AT_ONCE", 2)
    numbers = [amazon.account.place().number for _ in range(5)]
    clock.push(timedelta(minutes=5))
    feed, told, cursor = amazon.feed(), list[str](), ""
    while len(told) < 5:
        async with contextlib.aclosing(feed.read("orders", cursor)) as reading:  # type: ignore[type-var]
            async for page in reading:
                cursor = page.cursor
                told += [fact.id for fact in facts([page], OrderFact)]
                if page.facts:
                    break  # the connection is gone after each page
    assert told == numbers
    assert len(amazon.account.reports) == 1


async def test_where_the_orders_api_may_not_be_called_again_a_report_is_asked_for(
    amazon: Amazon, clock: MovableClock
) -> None:
    cursor = await recent(amazon, clock)
    order = amazon.account.place()
    clock.push(timedelta(minutes=5))
    amazon.account.faults.add("searchOrders", "429:180", 1)
    pages = await amazon.read("orders", cursor)
    assert [fact.id for fact in facts(pages, OrderFact)] == [order.number]
    assert last(pages)


async def test_a_token_of_a_page_that_ended_is_left_and_the_list_read_again(
    amazon: Amazon, clock: MovableClock
) -> None:
    cursor = await recent(amazon, clock)
    amazon.account.page = 2
    numbers = [amazon.account.place().number for _ in range(3)]
    clock.push(timedelta(minutes=5))
    page = await amazon.first("orders", cursor)
    amazon.account.faults.add("searchOrders", "error:400")
    cursor = await amazon.broken("orders", "400", page.cursor)
    assert [fact.id for fact in facts(await amazon.read("orders", cursor), OrderFact)] == numbers


async def test_a_report_of_orders_that_amazon_forgot_is_asked_for_anew(amazon: Amazon, clock: MovableClock) -> None:
    order = amazon.account.place()
    clock.push(timedelta(minutes=5))
    page = await amazon.first("orders")
    amazon.account.reports.clear()
    cursor = await amazon.broken("orders", "any more", page.cursor)
    assert [fact.id for fact in facts(await amazon.read("orders", cursor), OrderFact)] == [order.number]


async def test_pending_and_foreign_orders_are_not_told_and_cancelled_ones_hold_nothing(
    amazon: Amazon, clock: MovableClock
) -> None:
    cursor = await recent(amazon, clock)
    for number, status in enumerate(
        ("PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED", "UNFULFILLABLE")
    ):
        amazon.account.place(number=f"00{number}", status=status)
    amazon.account.place(number="elsewhere", channel="NON_AMAZON")
    amazon.account.place(number="in Italy", market="IT")
    clock.push(timedelta(minutes=5))
    wanted = {"001": 2, "002": 2, "003": 2, "004": 0, "005": 0}
    for mark in (cursor, ""):  # by the API, and by reports
        found = facts(await amazon.read("orders", mark), OrderFact)
        assert {fact.id: fact.lines[0].quantity for fact in found} == wanted


async def test_a_pending_order_is_told_once_it_is_paid(amazon: Amazon, clock: MovableClock) -> None:
    cursor = await recent(amazon, clock)
    order = amazon.account.place(status="PENDING")
    clock.push(timedelta(minutes=5))
    pages = await amazon.read("orders", cursor)
    assert facts(pages, OrderFact) == []
    clock.push(timedelta(hours=1))
    amazon.account.touch(order, "UNSHIPPED")
    clock.push(timedelta(minutes=5))
    (fact,) = facts(await amazon.read("orders", last(pages)), OrderFact)
    assert (fact.lines[0].quantity, fact.placed_at) == (2, order.placed)


async def test_each_marketplace_sells_in_its_own_currency(amazon: Amazon, clock: MovableClock) -> None:
    amazon.account.place(number="de")
    amazon.account.place(("LAMP", 1, "100.00", "20.00", "0"), number="se", market="SE")
    amazon.account.place(("LAMP", 1, "10.00", "0", "0"), number="gb", market="GB")
    clock.push(timedelta(minutes=5))
    found = {fact.id: fact for fact in facts(await amazon.read("orders", feed=amazon.feed("DE, SE, UK")), OrderFact)}
    assert {name: (fact.place, str(fact.lines[0].amount)) for name, fact in found.items()} == {
        "de": ("FBA-EU", "20.16 EUR"),
        "se": ("FBA-EU", "80.00 SEK"),
        "gb": ("FBA-GB", "10.00 GBP"),
    }


async def test_a_status_nobody_knows_is_a_fault_without_who_bought(amazon: Amazon, clock: MovableClock) -> None:
    amazon.account.place(number="good")
    bad = amazon.account.place(number="bad")
    rows = amazon.account.flat

    def strange(order: Order) -> list[dict[str, str]]:
        return [{**row, "order-status": "Teleported" if order is bad else row["order-status"]} for row in rows(order)]

    amazon.account.flat = strange  # type: ignore[method-assign]
    clock.push(timedelta(minutes=5))
    pages = await amazon.read("orders")
    assert [fact.id for fact in facts(pages, OrderFact)] == ["good"]
    (fault,) = faults(pages).values()
    assert (fault.where, "Teleported" in fault.problem) == ("bad", True)
    assert "Musterstadt" not in fault.record
    assert "12345" not in fault.record


async def test_an_account_without_sales_has_been_read_nevertheless(amazon: Amazon) -> None:
    pages = await amazon.read("orders", feed=amazon.feed())
    assert facts(pages, OrderFact) == []
    assert last(pages)
    assert amazon.called("searchOrders") == ["ok"]  # a cancelled report is not taken at its word


async def test_a_report_that_is_cancelled_though_there_are_orders_is_asked_for_again(
    amazon: Amazon, clock: MovableClock
) -> None:
    order = amazon.account.place()
    clock.push(timedelta(minutes=5))
    amazon.account.states = ["CANCELLED"]
    feed = amazon.feed()
    cursor = await amazon.broken("orders", "though there are", feed=feed)
    amazon.account.states = None
    assert [fact.id for fact in facts(await amazon.read("orders", cursor, feed), OrderFact)] == [order.number]


def _both(order: Order) -> tuple[OrderFact | None, OrderFact | None]:
    """What the Orders API and a report make of it."""
    account = Account.of("amz", amazon_part("http://127.0.0.1:1", "x", "DE,GB,SE"))
    store = AmazonAccount(MovableClock(NOW, frozen=True))
    return orders.searched(store.searched(order), account), orders.reported(store.flat(order), account)


_CENTS = st.integers(100, 10**7).map(lambda cents: Decimal(cents).scaleb(-2))


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 50), _CENTS, st.integers(0, 25)), min_size=1, max_size=5),
    st.sampled_from(STATUSES[:-1]),
    st.sampled_from(["DE", "GB", "SE", "FR"]),
    st.sampled_from(["AMAZON", "MERCHANT"]),
)
def test_the_orders_api_and_a_report_say_the_same_of_an_order(
    items: list[tuple[str, int, Decimal, int]], status: str, market: str, fulfilled: str
) -> None:
    told = []
    for sku, units, price, share in items:
        tax, off = ((price * part / 100).quantize(Decimal("0.01")) for part in (share, share % 3 * 10))
        told.append((sku, units, str(price), str(tax), str(off)))
    order = Order("1", told, status, market, NOW, NOW, fulfilled, "AMAZON")
    by_api, by_report = _both(order)
    assert by_api == by_report
    if by_api is not None:
        units = sum(line.quantity for line in by_api.lines)
        assert units == (0 if status == "CANCELLED" else sum(each for _, each, _, _ in items))
        assert {line.amount.currency for line in by_api.lines} == {MARKETS[market].currency}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"purchase-date": "2011-11-21T09:00:00"}, "without a zone"),
        ({"quantity": "1.5"}, "no count"),
        ({"item-price": "1.299,00"}, "no number"),
        ({"currency": "euro"}, "euro is no money"),
        ({"sku": ""}, "sku is missing"),
        ({"order-status": ""}, "order-status is missing"),
        ({"sales-channel": "Amazon.mars"}, "marketplace 'amazon.mars' is not known"),
    ],
)
def test_what_cannot_be_read_is_named(change: dict[str, str], problem: str) -> None:
    store = AmazonAccount(MovableClock(NOW, frozen=True))
    row = {**orders.kept({}), **store.flat(store.place())[0], **change}
    account = Account.of("amz", amazon_part("http://127.0.0.1:1", "x"))
    with pytest.raises(Unreadable, match=problem):
        orders.reported([row], account)


def test_what_is_paid_on_top_of_the_price_is_not_taken_off_it() -> None:
    account = Account.of("amz", amazon_part("http://127.0.0.1:1", "x", "US"))
    store = AmazonAccount(MovableClock(NOW, frozen=True), "US")
    order = store.place(("A", 1, "100.00", "8.00", "10.00"), market="US")
    told = store.searched(order)
    told["orderItems"][0]["proceeds"]["proceedsTotal"]["amount"] = "98.00"  # with the tax
    by_api, by_report = orders.searched(told, account), orders.reported(store.flat(order), account)
    assert by_api == by_report
    assert by_api is not None
    assert str(by_api.lines[0].amount) == "90.00 USD"
