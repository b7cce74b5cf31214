"""What an order of Vendure comes to: bought, taken off, sent, come back, paid back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.ports import MovableClock, OrderFact
from bot.stores.vendure.client import Terms
from bot.stores.vendure.orders import is_order, order_fact
from tests.stores.vendure.conftest import NOW, Strict, facts, read, sound
from tests.stores.vendure.shop import VendureShop

TERMS = Terms("GBP", 2, counted=True)


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


@pytest.fixture
def shop() -> VendureShop:
    return VendureShop(MovableClock(NOW, frozen=True))


def told(order: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Units of each line, and of each return."""
    fact = order_fact(order, TERMS, "1")
    return [line.quantity for line in fact.lines], [back.quantity for back in fact.returns]


def test_an_order_is_told_with_its_lines_and_no_person(shop: VendureShop) -> None:
    lamp = shop.sell("LAMP", name="Lamp red")
    order = shop.place(shop.line(lamp, 3, proratedLinePrice=2701), customer={"id": "7", "lastName": "Lovelace"})
    fact = order_fact(order, TERMS, "9")
    (line,) = fact.lines
    assert (line.code, line.sku, line.name, line.quantity, line.amount) == (
        lamp["id"], "LAMP", "Lamp red", 3, pounds("27.01"),
    )  # fmt: skip
    assert (fact.placed_at, fact.changed_at, fact.place, fact.customer) == (NOW, NOW, "9", "7")
    assert "Lovelace" not in repr(fact)


def test_units_taken_off_before_they_left_were_not_sold(shop: VendureShop) -> None:
    line = shop.line(shop.sell("A"), 5)
    order = shop.place(line)
    shop.send(line, 3)
    shop.cancel(order, line, 2)
    assert told(order) == ([3], [])
    assert order_fact(order, TERMS, "1").lines[0].amount == pounds("30.00")


def test_units_taken_off_after_they_left_came_back_on_that_day(shop: VendureShop) -> None:
    line = shop.line(shop.sell("A"), 5)
    order = shop.place(line)
    shop.cancel(order, line, 1)  # not sent yet
    shop.send(line, 4)
    shop.clock.push(timedelta(days=3))
    shop.cancel(order, line, 3)
    fact = order_fact(order, TERMS, "1")
    assert told(order) == ([4], [3])
    assert fact.returns[0].at == fact.changed_at == NOW + timedelta(days=3)
    assert fact.lines[0].amount == pounds("40.00")


def test_units_of_a_fulfilment_that_was_cancelled_or_is_not_sent_have_not_left(shop: VendureShop) -> None:
    line = shop.line(shop.sell("A"), 5)
    order = shop.place(line)
    for state in ("Cancelled", "Pending", "Created"):
        shop.send(line, 5, state)
    shop.cancel(order, line, 5)
    assert told(order) == ([0], [])


def test_money_paid_back_for_units_that_were_sent_is_a_return(shop: VendureShop) -> None:
    line = shop.line(shop.sell("A"), 5)
    order = shop.place(line)
    shop.send(line, 5)
    shop.refund(order, line, 2)
    shop.refund(order, line, 3, "Failed")
    assert told(order) == ([5], [2])


def test_money_paid_back_for_units_that_never_left_takes_them_off(shop: VendureShop) -> None:
    line = shop.line(shop.sell("A"), 5)
    order = shop.place(line)
    shop.send(line, 1)
    shop.refund(order, line, 3)
    assert told(order) == ([3], [1])


def test_money_paid_back_for_what_is_cancelled_counts_once(shop: VendureShop) -> None:
    line = shop.line(shop.sell("A"), 5)
    order = shop.place(line)
    shop.send(line, 5)
    shop.refund(order, line, 2)
    shop.cancel(order, line, 2)
    assert told(order) == ([5], [2])


def test_a_basket_and_an_order_that_was_split_among_sellers_are_none(shop: VendureShop) -> None:
    line = shop.line(shop.sell("A"), 1)
    assert not is_order(shop.place(line, orderPlacedAt=None))
    assert not is_order(shop.place(line, type="Aggregate"))
    assert is_order(shop.place(line, type="Seller"))


def test_amounts_have_the_stores_decimals_in_every_currency(shop: VendureShop) -> None:
    line = shop.line(shop.sell("A"), 2, proratedLinePrice=796000)
    fact = order_fact(shop.place(line, currencyCode="JPY"), TERMS, "1")
    assert fact.lines[0].amount == Money(Decimal(7960), "JPY")
    fine = Terms("GBP", 4, counted=True)
    assert order_fact(shop.place(line), fine, "1").lines[0].amount == pounds("79.60")


async def test_an_order_that_cannot_be_read_is_set_aside_and_the_others_are_kept(strict: Strict) -> None:
    good = strict.shop.place(strict.shop.line(strict.shop.sell("A"), 1))
    line = strict.shop.line(strict.shop.sell("B"), 0, orderPlacedQuantity=2)
    strict.shop.send(line, 2)  # gone, and no entry of the history says when they came back
    bad = strict.shop.place(line)
    (page,) = await read(strict.feed, "orders")
    assert [fact.id for fact in page.facts if isinstance(fact, OrderFact)] == [good["id"]]
    (fault,) = page.faults
    assert (fault.where, "history" in fault.problem) == (bad["id"], True)
    assert bad["code"] in fault.record


async def test_orders_leave_from_the_place_of_the_settings_or_the_first(strict: Strict) -> None:
    strict.shop.locations = [{"id": "2", "name": "Hamburg"}, {"id": "3", "name": "Rotterdam"}]
    strict.shop.place(strict.shop.line(strict.shop.sell("A"), 1))
    assert [fact.place for fact in await facts(strict.feed, "orders", OrderFact)] == ["2"]
    other = strict.another(options={"place": "3"})
    assert [fact.place for fact in sound(await read(other, "orders"), OrderFact)] == ["3"]


@given(
    bought=st.integers(1, 20),
    deeds=st.lists(st.tuples(st.sampled_from(["send", "cancel", "refund"]), st.integers(1, 6))),
)
def test_what_is_sold_less_what_came_back_is_what_customers_have_or_will_get(
    bought: int, deeds: list[tuple[str, int]]
) -> None:
    shop = VendureShop(MovableClock(NOW, frozen=True))
    line = shop.line(shop.sell("A"), bought)
    order = shop.place(line)
    sent = refunded = 0
    for deed, units in deeds:
        shop.clock.push(timedelta(hours=1))
        match deed:
            case "send":
                units = min(units, max(line["quantity"] - sent, 0))  # noqa: PLW2901  # as far as there are so many
                sent += units
                shop.send(line, units)
            case "cancel":
                shop.cancel(order, line, min(units, line["quantity"]))
            case _:
                refunded += units
                shop.refund(order, line, units)
    (kept,), back = told(order)
    paid = min(max(refunded - (bought - line["quantity"]), 0), line["quantity"])
    assert 0 <= sum(back) <= kept <= bought
    assert kept - sum(back) == line["quantity"] - paid
    assert sum(back) <= sent
