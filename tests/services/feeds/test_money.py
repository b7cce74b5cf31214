"""Money in other currencies than the organisation's: converted at the rate of its day, or waiting for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.domain.setaside import no_rate
from bot.domain.views import Revenue
from bot.ports import OrderFact, ProductFact, SoldLine
from bot.services import revenues
from bot.services.exchange import StatedRate
from bot.services.feeds import Taking
from bot.services.revenues import DatedRates
from bot.storage import rates
from bot.storage.rates import RateRow
from bot.storage.revenues import Takings
from bot.words import kept
from tests.services.feeds.kit import NOW, Shop, euros, order, product, sold

DAY = date(2026, 11, 18)  # of the orders, a Wednesday
FAULTS = "SELECT subject, problem FROM store_faults"
REVENUE = "SELECT s.sku, d.revenue_minor, d.units FROM daily_demand d JOIN products s ON s.id = d.product_id"
FOREIGN = "SELECT currency, revenue_minor FROM foreign_revenue ORDER BY currency"


def dollars(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def paid(line: str, sku: str, quantity: int, money: Money) -> SoldLine:
    return replace(sold(line, sku, quantity), amount=money)


async def state(shop: Shop, day: date, **stated: str) -> None:
    """What one euro is in other currencies on a day."""
    at = datetime.combine(day, time(15), UTC)
    rows = [RateRow("ecb", "EUR", code, day, Decimal(rate), at) for code, rate in stated.items()]
    async with shop.database.transaction() as connection:
        await rates.keep(connection, rows, at)


async def revenue(shop: Shop, sku: str, typed: Mapping[str, Decimal] | None = None) -> Revenue:
    """Of a product at its only location, on the day of the orders."""
    ((number, place),) = await shop.rows(
        f"SELECT DISTINCT product_id, location_id FROM sales WHERE code = '{sku}'"  # noqa: S608  # our own
    )
    async with shop.database.reading() as connection:
        spans = {place: (DAY, DAY)}
        return (await revenues.of_product(connection, "EUR", typed or {}, number, spans))[place]


async def test_money_without_a_rate_waits_while_its_units_count_and_a_rate_that_comes_mends_it(shop: Shop) -> None:
    lines = (
        sold("a", "MUG", 2),
        paid("b", "MUG", 3, dollars("33.33")),
        paid("c", "CUP", 1, Money(Decimal(900), "JPY")),
    )
    await state(shop, DAY, JPY="180")
    await shop.take("orders", order("1", *lines))
    assert sorted(await shop.rows(REVENUE)) == [("CUP", 0, 1), ("MUG", 2000, 5)]
    assert await shop.rows(FOREIGN) == [("JPY", 900), ("USD", 3333)]
    waits = kept(no_rate("USD 2026-11-18"))
    assert await shop.rows(FAULTS) == [("rate:USD", waits)]
    assert await revenue(shop, "MUG") == Revenue(euros("20.00"), ("USD",))
    assert await revenue(shop, "CUP") == Revenue(euros("5.00"))

    await state(shop, DAY + timedelta(days=1), USD="1.25")  # of the day after, which is none of the order's day
    await shop.taking.mend()
    assert await shop.rows(FAULTS) == [("rate:USD", waits)]
    await state(shop, DAY, USD="1.25")
    await shop.taking.mend()
    assert await shop.rows(FAULTS) == []
    assert await revenue(shop, "MUG") == Revenue(euros("46.66"))  # 20 + 33.33 / 1.25 = 46.664


async def test_each_day_has_its_own_rate_and_a_weekend_that_of_the_friday_before(shop: Shop) -> None:
    for day, rate in ((date(2026, 11, 6), "1.00"), (date(2026, 11, 13), "1.50"), (DAY, "2.00")):
        await state(shop, day, USD=rate)
    async with shop.database.reading() as connection:
        exchange = await revenues.dated(connection, "EUR", {}, [date(2026, 11, 15), DAY])
    factors = [exchange.on(day).factor("USD") for day in (date(2026, 11, 15), DAY)]
    assert factors == [Decimal("0.666666666666667"), Decimal("0.5")]
    assert exchange.on(date(2026, 11, 5)).factor("USD") is None, "no rate is older than ten days, and none is of later"


async def test_a_rate_typed_by_hand_stands_in_and_is_no_fault(shop: Shop) -> None:
    typed = {"USD": Decimal("0.9")}
    taking = Taking(database=shop.database, clock=shop.clock, currency="EUR", rates=typed)
    await replace(shop, taking=taking).take("orders", order("1", paid("a", "MUG", 1, dollars("10.00"))))
    assert await shop.rows(FAULTS) == []
    assert await revenue(shop, "MUG", typed) == Revenue(euros("9.00"))


async def test_what_was_cancelled_or_changed_is_no_longer_money(shop: Shop) -> None:
    await state(shop, DAY, USD="2")
    await shop.take("orders", order("1", paid("a", "MUG", 2, dollars("10")), paid("b", "MUG", 1, dollars("7"))))
    again: OrderFact = order("1", paid("a", "MUG", 2, dollars("8")), paid("b", "MUG", 0, dollars("0")))
    await shop.take("orders", again)
    assert await revenue(shop, "MUG") == Revenue(euros("4.00"))


async def test_the_list_of_what_waits_names_the_first_day_that_has_no_rate(shop: Shop) -> None:
    for number, days in (("1", 9), ("2", 3), ("3", 5)):
        at = NOW - timedelta(days=days)
        await shop.take("orders", order(number, paid("a", "MUG", 1, dollars("9")), placed_at=at, changed_at=at))
    await shop.taking.mend()
    assert "USD 2026-11-11" in (await shop.rows(FAULTS))[0][1]
    await state(shop, date(2026, 11, 11), USD="1.1")  # ten days of it: all of them
    await shop.taking.mend()
    assert await shop.rows(FAULTS) == []


async def test_a_price_in_another_currency_stands_beside_the_products_own(shop: Shop) -> None:
    await shop.product("CUP", unit_cost_minor=100)
    fact = product("CUP", "A cup")
    assert (await shop.take("products", replace(fact, price=dollars("3.00")))).changed == 1
    rows = "SELECT currency, unit_price_minor, store_price_minor, store_currency FROM products"
    assert await shop.rows(rows) == [("EUR", None, 300, "USD")]
    assert (await shop.take("products", replace(fact, price=dollars("3.00")))).changed == 0
    await shop.take("products", replace(fact, price=Money(Decimal(2), "GBP")))
    assert await shop.rows(rows) == [("EUR", None, 300, "USD")], "the currency that was told first stands"
    await shop.take("products", replace(fact, price=euros("2.50")))
    assert await shop.rows(rows) == [("EUR", 250, 300, "USD")]


async def test_a_product_that_turns_out_to_be_kept_in_another_currency_keeps_its_revenue(shop: Shop) -> None:
    await shop.take("orders", order("1", sold("a", "MUG", 2)))
    assert await shop.rows(REVENUE) == [("MUG", 2000, 2)]
    fact: ProductFact = replace(product("MUG", "A mug"), price=dollars("12.00"))
    await shop.take("products", fact)
    assert await shop.rows(REVENUE) == [("MUG", 0, 2)]
    assert await shop.rows(FOREIGN) == [("EUR", 2000)]
    assert await revenue(shop, "MUG") == Revenue(euros("20.00"))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10**11), st.integers(0, 4)), min_size=1, max_size=6),
    st.lists(st.decimals("0.0001", "9999", places=6), min_size=5, max_size=5),
)
def test_a_sum_over_days_is_exact_and_rounded_once(taken: list[tuple[int, int]], stated: list[Decimal]) -> None:
    """Against fractions: yen of several days, each at its own rate."""
    days = [DAY - timedelta(days=number) for number in range(5)]
    rows = tuple(
        StatedRate("file", "JPY", "EUR", day, rate, datetime.combine(day, time(9), UTC))
        for day, rate in zip(days, stated, strict=True)
    )
    exact = sum(Fraction(minor) * 100 * Fraction(stated[number]) for minor, number in taken)
    found = revenues.sum_of(
        [Takings(1, days[number], "JPY", minor) for minor, number in taken], DatedRates("EUR", {}, rows)
    )
    assert found.amount.minor == round(exact), "Python rounds a fraction half to even"
