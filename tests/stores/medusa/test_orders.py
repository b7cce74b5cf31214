"""Orders of a shop: what counts as sold, where it lies, what came back, and what cannot be read."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.errors import SettingsError
from bot.ports import MovableClock, OrderFact, ReturnedLine, SoldLine
from bot.stores.medusa import MedusaFeed
from bot.stores.medusa.orders import _net
from tests.stores.medusa.conftest import Medusa, facts, faults


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


@pytest.fixture
def leeds(medusa: Medusa) -> str:
    """The first location."""
    return medusa.shop.location("Leeds")


@pytest.fixture
def lamp(medusa: Medusa, leeds: str) -> str:
    """A product that lies there."""
    return medusa.shop.vary("LAMP", 12, (medusa.shop.item("LAMP", {leeds: 50}), 1))


async def test_an_order_is_told_with_its_lines_and_nobodys_name(
    medusa: Medusa, lamp: str, leeds: str, clock: MovableClock
) -> None:
    number = medusa.shop.place({"variant": lamp, "quantity": 3, "unit_price": 19.99, "variant_title": "Red"})
    (line,) = medusa.shop.orders[number]["items"]
    pages = await medusa.read("orders")
    sold = SoldLine(line["id"], lamp, "LAMP", "Product LAMP - Red", 3, pounds("59.97"), leeds)
    assert facts(pages, OrderFact) == [
        OrderFact(number, str(int(number[-4:])), clock.now(), clock.now(), (sold,), (), leeds, "cus_7", clock.now())
    ]
    assert not any("Ada" in str(page) or "ada@" in str(page) for page in pages)
    fields = [value for asked in medusa.shop.asked for name, value in asked if name == "fields"]
    assert not any("address_1" in told or "email" in told or "customer." in told for told in fields)


async def test_money_is_before_tax_with_discounts_taken_off(medusa: Medusa, lamp: str) -> None:
    taxed = {"variant": lamp, "quantity": 2, "unit_price": 12, "tax_lines": [{"id": "t", "rate": 20}]}
    off = {"id": "a", "amount": 4}
    without = medusa.shop.place({**taxed, "adjustments": [off]})
    within = medusa.shop.place({**taxed, "is_tax_inclusive": True, "adjustments": [{**off, "is_tax_inclusive": True}]})
    mixed = medusa.shop.place({**taxed, "is_tax_inclusive": True, "adjustments": [off]})
    told = {order.id: order.lines[0].amount for order in facts(await medusa.read("orders"), OrderFact)}
    assert told == {without: pounds("20.00"), within: pounds("16.67"), mixed: pounds("16.00")}


@pytest.mark.parametrize(
    ("status", "sold"),
    [("pending", 2), ("completed", 2), ("archived", 2), ("canceled", 0), ("requires_action", 0)],
)
async def test_a_status_says_whether_it_is_a_sale(medusa: Medusa, lamp: str, status: str, sold: int) -> None:
    order = await medusa.order(medusa.shop.place({"variant": lamp, "quantity": 2}, status=status))
    assert [line.quantity for line in order.lines] == [sold]


async def test_a_cancelled_order_has_no_units_and_nothing_came_back(medusa: Medusa, lamp: str) -> None:
    number = medusa.shop.place({"variant": lamp, "quantity": 2})
    medusa.shop.receive(number, "RECEIVE_RETURN_ITEM", (0, 1))
    medusa.shop.touch(number, canceled_at=medusa.shop.stamp())
    order = await medusa.order(number)
    assert ([(line.quantity, line.amount.minor) for line in order.lines], order.returns) == ([(0, 0)], ())


async def test_drafts_are_left_out_and_an_unknown_status_is_a_fault(medusa: Medusa, lamp: str) -> None:
    medusa.shop.place({"variant": lamp}, is_draft_order=True)
    medusa.shop.place({"variant": lamp}, status="draft")
    odd = medusa.shop.place({"variant": lamp}, status="quoted")
    pages = await medusa.read("orders")
    assert facts(pages, OrderFact) == []
    assert faults(pages) == {odd: "whether the status 'quoted' is a sale is not known"}


async def test_an_edited_order_is_as_its_newest_version_says(medusa: Medusa, lamp: str) -> None:
    number = medusa.shop.place({"variant": lamp, "quantity": 5}, {"variant": lamp, "quantity": 1})
    for line, units in zip(medusa.shop.orders[number]["items"], (3, 0), strict=True):
        line["detail"]["quantity"] = units  # the line item's own number is that of the order as it was placed
    order = await medusa.order(number)
    assert [(line.quantity, line.amount) for line in order.lines] == [(3, pounds("30.00")), (0, pounds("0.00"))]


async def test_what_came_back_damaged_is_one_return_although_it_counts_twice(
    medusa: Medusa, lamp: str, clock: MovableClock
) -> None:
    number = medusa.shop.place({"variant": lamp, "quantity": 6})
    line = medusa.shop.orders[number]["items"][0]["id"]
    clock.push(timedelta(days=1))
    whole = medusa.shop.receive(number, "RECEIVE_RETURN_ITEM", (0, 2))
    at = clock.now()
    clock.push(timedelta(days=1))
    damaged = medusa.shop.receive(number, "RECEIVE_DAMAGED_RETURN_ITEM", (0, 1))
    medusa.shop.receive(number, "RECEIVE_RETURN_ITEM", status="requested")
    order = await medusa.order(number)
    assert [each.quantity for each in order.lines] == [6]
    assert order.returns == (
        ReturnedLine(whole["actions"][0]["id"], line, 2, at),
        ReturnedLine(damaged["actions"][0]["id"], line, 1, clock.now()),
    )


async def test_what_was_written_off_was_paid_back(medusa: Medusa, lamp: str) -> None:
    number = medusa.shop.place({"variant": lamp, "quantity": 2})
    medusa.shop.receive(number, "WRITE_OFF_ITEM", (0, 1))
    assert [back.quantity for back in (await medusa.order(number)).returns] == [1]


async def test_returns_that_no_change_tells_of_are_told_with_the_last_change(
    medusa: Medusa, lamp: str, clock: MovableClock
) -> None:
    number = medusa.shop.place({"variant": lamp, "quantity": 4})
    medusa.shop.receive(number, "RECEIVE_RETURN_ITEM", (0, 3))
    line = medusa.shop.orders[number]["items"][0]["id"]
    medusa.shop.order_changes.clear()
    assert (await medusa.order(number)).returns == (ReturnedLine(f"rest-{line}", line, 3, clock.now()),)


async def test_only_orders_with_returns_are_asked_for_their_changes(medusa: Medusa, lamp: str) -> None:
    for _ in range(5):
        medusa.shop.place({"variant": lamp})
    await medusa.read("orders")
    assert not [name for name, _, _ in medusa.shop.calls if name == "order_changes"]


async def test_a_line_lies_where_medusa_reserved_it_which_is_the_first_place_that_has_it(
    medusa: Medusa, leeds: str
) -> None:
    york = medusa.shop.location("York")
    item = medusa.shop.item("LAMP", {leeds: 2, york: 90})
    lamp = medusa.shop.vary("LAMP", 12, (item, 1))
    small, large = (
        medusa.shop.place({"variant": lamp, "quantity": 2}),
        medusa.shop.place({"variant": lamp, "quantity": 3}),
    )
    assert [(await medusa.order(number)).lines[0].place for number in (small, large)] == [leeds, york]
    told = {level["location_id"]: level["reserved_quantity"] for level in medusa.shop.items[item]["location_levels"]}
    assert told == {leeds: 2, york: 3}
    medusa.shop.fulfil(small, york, (0, 2))  # somebody sends it from elsewhere
    assert (await medusa.order(small)).lines[0].place == york
    sent = medusa.shop.fulfil(large, leeds, (0, 3))
    sent["canceled_at"] = medusa.shop.stamp()
    order = await medusa.order(large)
    assert (order.lines[0].place, order.place) == ("", "")  # neither sent nor reserved, and there are two places
    assert (await medusa.order(large, options={"place": york})).place == york


async def test_reservations_of_many_lines_are_asked_for_in_lists_that_medusa_reads(medusa: Medusa, leeds: str) -> None:
    lamp = medusa.shop.vary("LAMP", 12, (medusa.shop.item("LAMP", {leeds: 5000}), 1))
    for _ in range(40):
        medusa.shop.place(*[{"variant": lamp}] * 5)
    orders = facts(await medusa.read("orders"), OrderFact)
    assert {line.place for order in orders for line in order.lines} == {leeds}
    assert len([name for name, _, _ in medusa.shop.calls if name == "reservations"]) == 10


async def test_an_order_keeps_the_currency_it_was_paid_in_and_its_units_count(medusa: Medusa, lamp: str) -> None:
    euros = medusa.shop.place({"variant": lamp, "quantity": 2, "unit_price": 10}, currency_code="eur")
    yen = medusa.shop.place({"variant": lamp, "unit_price": 1500}, currency_code="jpy")
    pages = await medusa.read("orders")
    told = {order.id: (order.lines[0].quantity, order.lines[0].amount) for order in facts(pages, OrderFact)}
    assert told == {euros: (2, Money(Decimal("20.00"), "EUR")), yen: (1, Money(Decimal(1500), "JPY"))}
    assert faults(pages) == {}


async def test_an_order_of_no_known_currency_is_a_fault(medusa: Medusa, lamp: str) -> None:
    odd = medusa.shop.place({"variant": lamp}, currency_code="")
    assert set(faults(await medusa.read("orders"))) == {odd}


async def test_rates_in_the_settings_are_refused_by_a_word_that_says_what_converts(medusa: Medusa) -> None:
    with pytest.raises(SettingsError) as refused:
        MedusaFeed("shop", medusa.part(options={"rates": "EUR=1.08"}))
    (wrong,) = refused.value.faults
    assert wrong.where == "stores.connected.shop.options.rates"
    assert "rates.source" in str(wrong.remedy)


async def test_a_cursor_of_before_currencies_were_kept_begins_again(
    medusa: Medusa, lamp: str, clock: MovableClock
) -> None:
    euros = medusa.shop.place({"variant": lamp}, currency_code="eur")
    clock.push(timedelta(days=3))
    new = (await medusa.read("orders"))[-1].cursor
    assert facts(await medusa.read("orders", new), OrderFact) == []
    old = json.dumps({name: value for name, value in json.loads(new).items() if name != "form"})
    assert [order.id for order in facts(await medusa.read("orders", old), OrderFact)] == [euros]


async def test_a_line_of_no_variant_is_told_as_of_nothing_and_said(medusa: Medusa, lamp: str) -> None:
    number = medusa.shop.place({"variant": lamp}, {"title": "Engraving for Ada"})
    pages = await medusa.read("orders")
    assert [(bool(line.code), line.sku) for line in facts(pages, OrderFact)[0].lines] == [(True, "LAMP"), (False, "")]
    assert faults(pages) == {number: "1 of its lines are of no variant"}


async def test_an_order_that_cannot_be_read_is_shown_without_whoever_bought(medusa: Medusa, lamp: str) -> None:
    bad = medusa.shop.place({"variant": lamp, "quantity": 1.5, "metadata": {"engraving": "For Ada"}})
    good = medusa.shop.place({"variant": lamp})
    pages = await medusa.read("orders")
    assert [order.id for order in facts(pages, OrderFact)] == [good]
    (fault,) = pages[0].faults
    assert (fault.where, fault.problem) == (bad, "quantity is 1.5, not a whole number")
    assert '"variant_sku": "LAMP"' in fault.record
    assert "Ada" not in fault.record


PRICES = st.decimals("0.01", "99999.99", places=2)


@given(PRICES, st.integers(1, 500), st.sampled_from([0, 7, Decimal("5.5"), 20]), st.decimals("0", "50", places=2))
def test_tax_that_is_within_a_price_is_what_would_be_added_without_it(
    price: Decimal, units: int, rate: Decimal, off: Decimal
) -> None:
    line = {"unit_price": price, "tax_lines": [{"rate": rate}], "adjustments": [{"amount": off}]}
    assert _net(line, units) == price * units - off
    within = _net({**line, "is_tax_inclusive": True}, units)
    assert abs((within + off) * (1 + Decimal(rate) / 100) - price * units) < Decimal("1e-15")
