"""Orders of a shop: what counts as sold, what came back, and what cannot be read."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.money import Money
from bot.ports import MovableClock, OrderFact, ReturnedLine, SoldLine
from bot.stores.woocommerce import WooFeed
from tests.stores.woocommerce.conftest import Woo, facts, faults


@pytest.fixture
def lamp(woo: Woo) -> int:
    """A product."""
    return woo.shop.put(sku="LAMP", name="Lamp", regular_price="12.00")


async def test_an_order_is_told_with_its_lines_and_nobodys_name(woo: Woo, lamp: int, clock: MovableClock) -> None:
    shirt = woo.shop.put(type="variable", name="Shirt")
    large = woo.shop.vary(shirt, sku="SHIRT-L")
    number = woo.shop.place(
        {"product": lamp, "quantity": 3, "subtotal": "36.00", "total": "30.60"},
        {"product": shirt, "variation": large, "quantity": 1, "total": "9.99", "name": "Shirt - L"},
        number="2024-0017",
    )
    lines = woo.shop.orders[number]["line_items"]
    pages = await woo.read("orders")
    assert facts(pages, OrderFact) == [
        OrderFact(
            id=str(number),
            number="2024-0017",
            placed_at=clock.now(),
            changed_at=clock.now(),
            lines=(  # discounts are taken off: `total`, not `subtotal`
                SoldLine(str(lines[0]["id"]), str(lamp), "LAMP", "Lamp", 3, Money(Decimal("30.60"), "GBP")),
                SoldLine(str(lines[1]["id"]), str(large), "SHIRT-L", "Shirt - L", 1, Money(Decimal("9.99"), "GBP")),
            ),
            place="store",
            customer="7",
            version=clock.now(),
        )
    ]
    assert not any("Ada" in str(page) for page in pages)
    asked = [asked["_fields"] for asked in woo.shop.asked if "line_items" in asked.get("_fields", "")]
    assert asked
    assert not any("billing" in fields for fields in asked)


@pytest.mark.parametrize("status", ["processing", "completed", "on-hold"])
async def test_a_status_that_counts_as_sold(woo: Woo, lamp: int, status: str) -> None:
    order = await woo.order(woo.shop.place({"product": lamp, "quantity": 2}, status=status))
    assert [line.quantity for line in order.lines] == [2]


@pytest.mark.parametrize("status", ["pending", "failed", "cancelled", "trash"])
async def test_a_status_that_is_no_sale_any_more_has_lines_of_no_units(woo: Woo, lamp: int, status: str) -> None:
    number = woo.shop.place({"product": lamp, "quantity": 2})
    woo.shop.refund(number, (0, 1))
    woo.shop.touch(woo.shop.orders[number], status=status)
    order = await woo.order(number)
    assert [(line.quantity, line.amount.minor) for line in order.lines] == [(0, 0)]
    assert order.returns == ()


async def test_a_cart_at_the_checkout_is_no_order(woo: Woo, lamp: int) -> None:
    woo.shop.place({"product": lamp}, status="checkout-draft")
    pages = await woo.read("orders")
    assert (facts(pages, OrderFact), faults(pages)) == ([], {})


async def test_a_status_of_a_plugin_is_a_fault_until_somebody_says_what_it_is(woo: Woo, lamp: int) -> None:
    shipped = woo.shop.place({"product": lamp, "quantity": 2}, status="shipped")
    quote = woo.shop.place({"product": lamp, "quantity": 9}, status="quote")
    pages = await woo.read("orders")
    assert facts(pages, OrderFact) == []
    assert set(faults(pages)) == {str(shipped), str(quote)}
    assert "'shipped'" in faults(pages)[str(shipped)]
    told = WooFeed("shop", woo.part(options={"sold": "shipped, wc-delivered", "unsold": "quote,on-hold"}))
    orders = facts([page async for page in told.read("orders")], OrderFact)
    await told.close()
    assert [(order.id, order.lines[0].quantity) for order in orders] == [(str(shipped), 2), (str(quote), 0)]


async def test_refunds_leave_the_lines_and_are_returns(woo: Woo, lamp: int, clock: MovableClock) -> None:
    number = woo.shop.place({"product": lamp, "quantity": 5, "total": "50.00"}, status="completed")
    clock.push(timedelta(days=2))
    woo.shop.refund(number, (0, 2))
    clock.push(timedelta(days=1))
    woo.shop.refund(number, (0, 0))  # money back, and no goods
    woo.shop.refund(number)  # an amount of the whole order
    order = await woo.order(number)
    (line,) = order.lines
    assert (line.quantity, line.amount.minor) == (5, 5000)
    part = woo.shop.refunds[number][0]["line_items"][0]
    assert order.returns == (ReturnedLine(str(part["id"]), line.id, 2, clock.now() - timedelta(days=1)),)


async def test_an_order_that_was_paid_back_as_a_whole_came_back_with_what_was_left(woo: Woo, lamp: int) -> None:
    number = woo.shop.place({"product": lamp, "quantity": 5}, {"product": lamp, "quantity": 1}, status="refunded")
    woo.shop.refund(number, (0, 2))
    woo.shop.refund(number)  # by the status: it names no line
    order = await woo.order(number)
    assert [line.quantity for line in order.lines] == [5, 1]
    assert [(back.line, back.quantity) for back in order.returns] == [
        (order.lines[0].id, 2),
        (order.lines[0].id, 3),
        (order.lines[1].id, 1),
    ]
    assert len({back.id for back in order.returns}) == 3


async def test_a_refund_that_names_no_line_is_told_by_the_only_one_of_its_product(woo: Woo, lamp: int) -> None:
    vase = woo.shop.put(sku="VASE")
    one = woo.shop.place({"product": lamp, "quantity": 2}, {"product": vase})
    two = woo.shop.place({"product": lamp, "quantity": 2}, {"product": lamp})
    for number in (one, two):
        woo.shop.refund(number, (0, 1))
        woo.shop.refunds[number][0]["line_items"][0]["meta_data"] = []
    pages = await woo.read("orders")
    (order,) = facts(pages, OrderFact)
    assert (order.id, order.returns[0].line) == (str(one), order.lines[0].id)
    assert "does not say" in faults(pages)[str(two)]


async def test_an_order_in_another_currency_is_told_in_its_own_and_keeps_no_other_back(woo: Woo, lamp: int) -> None:
    yen = woo.shop.place({"product": lamp, "total": "1500.00"}, currency="JPY")
    odd = woo.shop.place({"product": lamp}, currency="points")
    home = woo.shop.place({"product": lamp, "total": "12.00"})
    pages = await woo.read("orders")
    told = {fact.id: fact.lines[0].amount for fact in facts(pages, OrderFact)}
    assert told == {str(yen): Money(Decimal(1500), "JPY"), str(home): Money(Decimal("12.00"), "GBP")}
    assert set(faults(pages)) == {str(odd)}


async def test_lines_of_products_that_were_deleted_are_told_as_of_nothing_and_said(woo: Woo, lamp: int) -> None:
    number = woo.shop.place({"product": lamp, "quantity": 2}, {"product": 0, "name": "Gone"})
    woo.shop.refund(number, (0, 1))
    pages = await woo.read("orders")
    (order,) = facts(pages, OrderFact)
    assert [(bool(line.code), line.sku) for line in order.lines] == [(True, "LAMP"), (False, "")]
    assert faults(pages) == {str(number): "1 of its lines are of products deleted in the shop"}


async def test_an_order_that_cannot_be_read_is_shown_without_whoever_bought(woo: Woo, lamp: int) -> None:
    bad = woo.shop.place({"product": lamp, "quantity": 1.5})
    good = woo.shop.place({"product": lamp})
    pages = await woo.read("orders")
    assert [order.id for order in facts(pages, OrderFact)] == [str(good)]
    (fault,) = pages[0].faults
    assert (fault.where, fault.problem) == (str(bad), "quantity is 1.5, not a whole number")
    assert '"sku": "LAMP"' in fault.record
    assert "Ada" not in fault.record
