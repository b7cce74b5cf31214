"""What a real Tryton tells: products, stock by warehouse; pages, cursors, what changed since."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.domain.money import Money
from bot.errors import Declined
from bot.ports import FactKind, ProductFact, StockFact, StorePlace
from bot.stores.tryton import TrytonFeed
from tests.stores.tryton.conftest import Erp, facts, faults
from tests.stores.tryton.running import KINDS, Served
from tests.stores.tryton.seed import USER

pytestmark = pytest.mark.xdist_group("tryton")


def dollars(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def test_products_are_told_with_their_codes_and_list_prices_and_services_are_not(served: Served) -> None:
    pages = served.readings["products"]
    assert facts(pages, ProductFact) == [
        ProductFact("1", "85123A", "Lantern", dollars("20.00")),
        ProductFact("2", "MUG/1 blue", "Mug, blue", dollars("4.25")),
        ProductFact("3", "TEA", "Tea", dollars("9.90")),
        ProductFact("4", "CANDLE", "Candle", dollars("3.00"), active=False),
    ]
    assert faults(pages) == {}


async def test_warehouses_are_the_places(erp: Erp) -> None:
    assert await erp.feed.places() == (StorePlace("5", "Warehouse"), StorePlace("12", "East Warehouse"))


def test_stock_is_what_lies_in_each_warehouse_and_what_is_promised_of_it(served: Served) -> None:
    pages = served.readings["stock"]
    told = {(fact.sku, fact.place): (fact.on_hand, fact.committed) for fact in facts(pages, StockFact)}
    # 120 were counted and 40 came; five are assigned to a customer, and three were picked for another
    assert told[("85123A", "5")] == (160, 8)
    assert told[("85123A", "12")] == (30, 0)
    assert told[("MUG/1 blue", "5")] == (37, 0)
    assert told[("MUG/1 blue", "12")] == (0, 0)
    assert len(told) == 7
    assert all(fact.as_of.tzinfo is UTC for fact in facts(pages, StockFact))


def test_parts_of_a_unit_are_a_fault_and_the_rest_is_told(served: Served) -> None:
    assert faults(served.readings["stock"]) == {"3@5": "quantity is 2.5, not a whole number"}
    assert faults(served.readings["inbounds"]) == {"move-17": "internal_quantity is 2.5, not a whole number"}


def test_nobody_s_name_is_told(served: Served) -> None:
    told = repr(served.readings)
    assert "Lantern" in told
    assert "Private" not in told


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "offers"])
async def test_a_reading_that_broke_off_goes_on_where_it_was(erp: Erp, kind: FactKind) -> None:
    whole = [page.facts for page in erp.served.readings[kind]]
    small = TrytonFeed("erp", erp.part(), page=3)
    pages = [page async for page in small.read(kind)]
    assert len(pages) > 1
    assert _undated(fact for page in pages for fact in page.facts) == _undated(fact for page in whole for fact in page)
    rest = [page async for page in small.read(kind, pages[0].cursor)]
    assert _undated(fact for page in rest for fact in page.facts) == _undated(
        fact for page in pages[1:] for fact in page.facts
    )
    assert [page.until is None for page in pages] == [True] * (len(pages) - 1) + [False]
    await small.close()


async def test_after_a_whole_reading_only_stock_is_told_again(erp: Erp) -> None:
    for kind, again in zip(KINDS, (0, 2, 7, 0), strict=True):
        following = await erp.read(kind, erp.served.readings[kind][-1].cursor)
        assert sum(len(page.facts) for page in following) == again


async def test_what_was_changed_or_made_since_is_told(erp: Erp) -> None:
    cursor = erp.served.readings["products"][-1].cursor
    await erp.write("product.template", 2, list_price=Decimal("4.50"))
    await erp.write("product.product", 1, suffix_code="85123B")
    made = {"name": "Vase", "type": "goods", "default_uom": 1, "list_price": Decimal("1.10")}
    await erp.create("product.template", **made, products=[["create", [{"suffix_code": "VASE"}]]])
    assert [(fact.sku, fact.price) for fact in facts(await erp.read("products", cursor), ProductFact)] == [
        ("85123B", dollars("20.00")),
        ("MUG/1 blue", dollars("4.50")),
        ("VASE", dollars("1.10")),
    ]


async def test_a_product_s_category_is_the_first_that_is_not_for_accounting(erp: Erp) -> None:
    cursor = erp.served.readings["products"][-1].cursor
    lamps = await erp.create("product.category", name="Lamps")
    zen = await erp.create("product.category", name="Zen")
    await erp.write("product.template", 1, categories=[["add", [zen, lamps]]])
    (fact,) = facts(await erp.read("products", cursor), ProductFact)
    assert (fact.sku, fact.category) == ("85123A", "Lamps")


async def test_a_cursor_that_nobody_can_read_is_the_beginning(erp: Erp) -> None:
    assert len(facts(await erp.read("products", "nonsense"), ProductFact)) == 4


async def test_what_is_assigned_by_force_beyond_the_shelf_is_owed(erp: Erp) -> None:
    (customer,) = await erp.rows("stock.location", [["type", "=", "customer"]], "id")
    move = {"product": 2, "unit": 1, "quantity": 50, "from_location": 3, "to_location": customer["id"]}
    number = await erp.create("stock.move", **move, unit_price=Decimal(1), currency=1)
    done = "UPDATE stock_move SET state = 'done', effective_date = '2024-03-01' WHERE id = ?"
    erp.sql(done, number)  # as a shipment that is forced does
    told = {(fact.sku, fact.place): fact for fact in facts(await erp.read("stock"), StockFact)}
    assert (told[("MUG/1 blue", "5")].on_hand, told[("MUG/1 blue", "5")].committed) == (0, 13)


async def test_settings_that_make_no_sense_are_named(erp: Erp) -> None:
    odd = TrytonFeed("erp", erp.part(options={"lead_days": "soon"}))
    with pytest.raises(Declined, match="lead_days"):
        _ = [page async for page in odd.read("inbounds")]
    with pytest.raises(Declined, match="orders"):
        _ = [page async for page in erp.feed.read("orders")]
    await odd.close()


async def test_a_company_that_the_user_does_not_work_for_is_named_for_tryton_would_count_nothing(erp: Erp) -> None:
    for company, words in (("7", "does not work for company 7"), ("Acme", "number in Tryton")):
        other = TrytonFeed("erp", erp.part(options={"company": company}))
        other._api._session = erp.served.visits[USER]._session
        (check,) = await other.check()
        assert (check.verdict, words in check.detail) == ("fail", True)
        await other.close()


def _undated(told: object) -> list[object]:
    """Facts but for when they were counted, sorted: pages of another size stand in another order."""
    epoch = datetime(2024, 1, 1, tzinfo=UTC)
    plain = [
        StockFact(fact.code, fact.sku, fact.place, fact.on_hand, epoch, fact.committed)
        if isinstance(fact, StockFact)
        else fact
        for fact in told  # type: ignore[attr-defined]
    ]
    return sorted(plain, key=repr)
