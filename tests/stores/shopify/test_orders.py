"""Orders of a Shopify shop as facts: bought, edited, cancelled, refunded, returned."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.ports import MovableClock, OrderFact, ReturnedLine
from bot.stores.shopify.orders import order_fact
from bot.stores.shopify.reading import tail
from tests.stores.shopify.conftest import NOW, Running
from tests.stores.shopify.store import EAST, WEST, ShopifyStore, bag

KINDS = ("CANCEL", "RETURN", "NO_RESTOCK", "LEGACY_RESTOCK")


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


async def the_order(running: Running) -> OrderFact:
    """The one order of the shop."""
    (fact,) = await running.facts("orders", OrderFact)
    return fact


def units(fact: OrderFact) -> list[int]:
    return [line.quantity for line in fact.lines]


def back(fact: OrderFact) -> list[int]:
    return [line.quantity for line in fact.returns]


async def test_an_order_is_told_in_the_shops_money_with_nothing_of_its_customer_but_an_id(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    line = running.store.line(mug, 4, "17.00")
    line["originalTotalSet"] = bag("17.00", "GBP", "19.90", "EUR")
    line["discountAllocations"] = [
        {"allocatedAmountSet": bag("1.70", "GBP", "1.99", "EUR")},
        {"allocatedAmountSet": bag("0.30", "GBP", "0.35", "EUR")},
    ]
    order = running.store.order(line)
    running.store.assign(order, WEST, (line, 4))
    fact = await the_order(running)
    assert (fact.id, fact.number, fact.placed_at, fact.changed_at) == (tail(order["id"]), "#1001", NOW, NOW)
    assert (fact.customer, fact.place) == (tail(order["customer"]["id"]), "1001")
    (sold,) = fact.lines
    assert (sold.id, sold.code, sold.sku, sold.quantity) == (tail(line["id"]), tail(mug["id"]), "MUG", 4)
    assert (sold.amount, sold.place) == (pounds("15.00"), "1002")
    assert "Ada" not in repr(fact)


async def test_an_order_that_lacks_one_of_its_two_moneys_keeps_no_other_from_being_told(running: Running) -> None:
    """The shop's is what is read; what the customer saw is not asked for."""
    mug = running.store.sell("MUG", "Mug", "4.25")
    bare, none, both = (running.store.line(mug, units, "17.00") for units in (1, 2, 3))
    bare["originalTotalSet"] = {**bag("17.00"), "presentmentMoney": None}
    none["originalTotalSet"] = bag("n/a", "GBP", "19.90", "EUR")
    both["originalTotalSet"] = bag("17.00", "GBP", "19.90", "EUR")
    orders = [running.store.order(line) for line in (bare, none, both)]
    pages = await running.read("orders")
    told = [fact for page in pages for fact in page.facts if isinstance(fact, OrderFact)]
    assert [(units(fact), fact.lines[0].amount) for fact in told] == [([1], pounds("17.00")), ([3], pounds("17.00"))]
    (fault,) = [fault for page in pages for fault in page.faults]
    assert (fault.where, fault.problem) == (tail(orders[1]["id"]), "'n/a' is no amount")


async def test_tax_that_the_price_holds_is_taken_off_and_what_is_added_is_not(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    taxes = [{"priceSet": bag("2.00")}]
    running.store.order(running.store.line(mug, 1, "12.00", taxLines=taxes), taxesIncluded=True)
    running.store.order(running.store.line(mug, 1, "12.00", taxLines=taxes))
    facts = await running.facts("orders", OrderFact)
    assert [fact.lines[0].amount for fact in facts] == [pounds("10.00"), pounds("12.00")]


async def test_test_orders_are_left_out(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.order(running.store.line(mug, 1, "4.25"), test=True)
    assert await running.facts("orders", OrderFact) == []


async def test_a_cancelled_order_has_lines_of_no_units(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    order = running.store.order(running.store.line(mug, 3, "12.75"))
    running.store.refund(order, (order["lineItems"][0], 3, "CANCEL"))
    order["cancelledAt"] = "2026-11-20T10:00:00Z"
    fact = await the_order(running)
    assert (units(fact), back(fact), fact.lines[0].amount) == ([0], [], pounds("0.00"))
    assert (fact.changed_at, fact.version) == (NOW + timedelta(hours=1), NOW)  # the latter never falls


async def test_units_that_an_edit_takes_off_were_not_bought(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.order(running.store.line(mug, 3, "12.75", currentQuantity=1))
    assert units(await the_order(running)) == [1]
    assert (await the_order(running)).lines[0].amount == pounds("4.25")


async def test_what_left_and_came_back_is_bought_and_returned(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    line = running.store.line(mug, 5, "21.25")
    order = running.store.order(line)
    running.store.ship(order, EAST, (line, 5))
    running.later(days=3)
    running.store.refund(order, (line, 2, "RETURN"))
    fact = await the_order(running)
    refund = tail(order["refunds"][0]["id"])
    assert units(fact) == [5]
    assert fact.returns == (ReturnedLine(f"{refund}/{fact.lines[0].id}", fact.lines[0].id, 2, NOW + timedelta(days=3)),)


@pytest.mark.parametrize("kind", ["NO_RESTOCK", "LEGACY_RESTOCK"])
@pytest.mark.parametrize(("shipped", "bought", "returned"), [(0, 3, []), (5, 5, [2]), (1, 4, [1])])
async def test_units_refunded_without_a_word_of_restocking_came_back_as_far_as_they_had_left(
    running: Running, kind: str, shipped: int, bought: int, returned: list[int]
) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    line = running.store.line(mug, 5, "21.25")
    order = running.store.order(line)
    if shipped:
        running.store.ship(order, EAST, (line, shipped))
    running.store.refund(order, (line, 2, kind))
    fact = await the_order(running)
    assert (units(fact), back(fact)) == ([bought], returned)


async def test_a_fulfilment_that_failed_moved_nothing(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    line = running.store.line(mug, 2, "8.50")
    order = running.store.order(line)
    running.store.ship(order, WEST, (line, 2), status="CANCELLED")
    running.store.refund(order, (line, 2, "NO_RESTOCK"))
    fact = await the_order(running)
    assert (units(fact), back(fact), fact.lines[0].place) == ([0], [], "")


@pytest.mark.parametrize("current", [5, 3])  # whether units on their way back are current is nowhere said
async def test_units_handed_in_came_back_though_nobody_paid_for_them_yet(running: Running, current: int) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    line = running.store.line(mug, 5, "21.25", currentQuantity=current)
    order = running.store.order(line)
    running.store.ship(order, EAST, (line, 5))
    running.store.take_back(order, line, 2, processed=1)
    fact = await the_order(running)
    assert (units(fact), back(fact)) == ([5], [1])


@pytest.mark.parametrize("status", ["REQUESTED", "DECLINED", "CANCELED"])
async def test_a_return_that_is_only_asked_for_brings_nothing(running: Running, status: str) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    line = running.store.line(mug, 5, "21.25")
    order = running.store.order(line)
    running.store.ship(order, EAST, (line, 5))
    running.store.take_back(order, line, 2, processed=1, status=status)
    fact = await the_order(running)
    assert (units(fact), back(fact)) == ([5], [])


async def test_a_return_that_was_paid_back_counts_once(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    line = running.store.line(mug, 5, "21.25")
    order = running.store.order(line)
    running.store.ship(order, EAST, (line, 5))
    running.store.take_back(order, line, 2, processed=2, refunded=2, status="CLOSED")
    running.store.refund(order, (line, 2, "RETURN"))
    fact = await the_order(running)
    assert (units(fact), back(fact)) == ([5], [2])


async def test_a_deleted_variant_is_known_by_its_sku_and_tips_and_gift_cards_are_no_goods(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    deleted = running.store.line(mug, 1, "4.25")
    deleted["variant"] = None
    lines = [
        deleted,
        running.store.line(None, 1, "2.00", name="Tip"),
        running.store.line(mug, 1, "10.00", isGiftCard=True),
    ]
    running.store.order(*lines)
    fact = await the_order(running)
    assert [(line.code, line.sku) for line in fact.lines] == [("sku:MUG", "MUG"), ("", "")]


async def test_a_line_leaves_from_where_most_of_it_left_or_is_assigned(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    split, shipped, free = (running.store.line(mug, 5, "21.25") for _ in range(3))
    order = running.store.order(split, shipped, free)
    running.store.assign(order, EAST, (split, 2), (shipped, 5))
    running.store.assign(order, WEST, (split, 3))
    running.store.assign(order, WEST, (split, 99), status="CANCELLED")
    running.store.ship(order, WEST, (shipped, 1))
    fact = await the_order(running)
    assert [line.place for line in fact.lines] == ["1002", "1002", ""]
    assert fact.place == "1001"  # the shop's first, for what no fulfilment names


async def test_what_is_sold_in_a_shop_leaves_from_there(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.order(running.store.line(mug, 1, "4.25"), retailLocation=running.store.locations[1])
    assert (await the_order(running)).place == "1002"


async def test_an_order_that_cannot_be_read_is_set_aside_without_its_customer(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    bad = running.store.order(running.store.line(mug, 0, "0.00"))
    running.store.order(running.store.line(mug, 1, "4.25"))
    (page,) = await running.read("orders")
    (fault,) = page.faults
    assert (len(page.facts), fault.where, fault.problem) == (1, tail(bad["id"]), "a line of 0 units")
    assert "#1001" in fault.record
    assert "Ada" not in str(fault)
    assert "ada@" not in str(fault)


@given(data=st.data())
def test_no_unit_is_counted_twice_or_lost(data: st.DataObject) -> None:
    store = ShopifyStore(MovableClock(NOW, frozen=True))
    variant = store.sell("MUG", "Mug", "4.25")
    bought = data.draw(st.integers(1, 9), "bought")
    line = store.line(variant, bought, "8.99")
    order = store.order(line)
    edited = data.draw(st.integers(0, bought), "edited off")
    cancelled = data.draw(st.integers(0, bought - edited), "cancelled")
    shipped = bought - edited - cancelled - data.draw(st.integers(0, bought - edited - cancelled), "waiting")
    returned = data.draw(st.integers(0, shipped), "returned")
    unsaid = data.draw(st.integers(0, shipped - returned), "refunded without restocking")
    line["currentQuantity"] -= edited
    if shipped:
        store.ship(order, EAST, (line, shipped))
    parts: list[tuple[dict[str, Any], int, str]] = [
        (line, units, kind)
        for units, kind in ((cancelled, "CANCEL"), (returned, "RETURN"), (unsaid, "NO_RESTOCK"))
        if units
    ]
    for part in parts:
        store.refund(order, part)
    fact = order_fact(unpaged(order), "")
    assert fact is not None
    assert units(fact) == [bought - edited - cancelled]
    assert sum(back(fact)) == returned + unsaid
    assert fact.lines[0].amount == Money.rounded(Decimal("8.99") * (bought - edited - cancelled) / bought, "GBP")
    assert len({each.id for each in fact.returns}) == len(fact.returns)


@given(
    bought=st.integers(1, 9),
    current=st.integers(0, 9),
    shipped=st.integers(0, 9),
    refunds=st.lists(st.tuples(st.integers(1, 9), st.sampled_from(KINDS))),
    handed=st.integers(0, 9),
)
def test_whatever_a_shop_says_no_more_comes_back_than_was_bought(
    bought: int, current: int, shipped: int, refunds: list[tuple[int, str]], handed: int
) -> None:
    store = ShopifyStore(MovableClock(NOW, frozen=True))
    line = store.line(store.sell("MUG", "Mug", "4.25"), bought, "8.99")
    order = store.order(line)
    store.ship(order, EAST, (line, shipped))
    for units_back, kind in refunds:
        store.refund(order, (line, units_back, kind))
    store.take_back(order, line, handed, processed=handed)
    line["currentQuantity"] = current
    fact = order_fact(unpaged(order), "")
    assert fact is not None
    assert 0 <= sum(back(fact)) <= units(fact)[0] <= bought


def unpaged(record: Any) -> Any:
    """A record of the store as an answer tells it, with lists as the connections that they are."""
    connections = {
        "lineItems",
        "fulfillmentLineItems",
        "fulfillmentOrders",
        "refundLineItems",
        "returns",
        "returnLineItems",
    }
    if isinstance(record, list):
        return [unpaged(each) for each in record]
    if not isinstance(record, dict):
        return record
    return {
        name: {"nodes": unpaged(value)} if name in connections else value if name == "variant" else unpaged(value)
        for name, value in record.items()
    }
