"""What suppliers ask, from a real Tryton into routes: lead times, prices, and what a person states stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from bot.domain.money import Money
from bot.ports import FactKind, Fault, MovableClock, OfferFact
from bot.storage.database import Database
from bot.storage.tables import Route, Supplier
from bot.stores.tryton.feed import TrytonFeed
from bot.words import verbatim
from tests.services.feeds.kit import SHOP, Shop
from tests.stores.tryton.conftest import Erp, facts, faults
from tests.stores.tryton.running import Served
from tests.stores.tryton.test_taken import opened

pytestmark = pytest.mark.xdist_group("tryton")
_ROUTES = (
    "SELECT s.code, p.sku, l.code, CAST(r.lead_time_days AS INTEGER) / 1000000, r.minimum_order, r.unit_cost_minor, "
    "r.currency, r.source FROM routes r JOIN suppliers s ON s.id = r.supplier_id LEFT JOIN products p "
    "ON p.id = r.product_id JOIN locations l ON l.id = r.location_id "
    "WHERE l.code IN ('EAST', 'HOME') ORDER BY 1, 2, 3"
)


def dollars(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


async def offers(erp: Erp) -> dict[str, OfferFact]:
    """What is told, by id."""
    return {fact.id: fact for fact in facts(await erp.read("offers"), OfferFact)}


def test_suppliers_are_told_with_their_lead_times(served: Served) -> None:
    pages = served.readings["offers"]
    lights = OfferFact("supplier-1/1", "1", "85123A", "SZ", "Shenzhen Lights", "USD", Decimal(30), own=False)
    mugs = OfferFact("supplier-2/2", "2", "MUG/1 blue", "YW", "Yiwu Mugs", "USD", Decimal(30), own=False)
    assert (facts(pages, OfferFact), faults(pages)) == ([lights, mugs], {})
    assert pages[-1].until is not None


async def test_the_price_is_that_of_the_least_quantity_and_of_two_of_it_the_last_one(erp: Erp) -> None:
    for quantity, price, sequence in ((500, "1.00", 1), (100, "1.20", 3), (100, "1.10", 2), (1000, "0.80", 4)):
        given = {"quantity": float(quantity), "unit_price": Decimal(price), "sequence": sequence}
        await erp.create("purchase.product_supplier.price", product_supplier=2, **given)
    mug = (await offers(erp))["supplier-2/2"]
    assert (mug.price, mug.minimum) == (dollars("1.20"), 100)


async def test_a_price_of_a_dozen_is_told_for_one(erp: Erp) -> None:
    dozen = await erp.create(
        "product.uom", name="Dozen", symbol="dz", category=1, factor=12.0, rate=0.083333333333, rounding=1.0, digits=0
    )
    await erp.write("product.template", 1, purchase_uom=dozen)
    given = {"quantity": 2.0, "unit_price": Decimal("24.00")}
    await erp.create("purchase.product_supplier.price", product_supplier=1, **given)
    lantern = (await offers(erp))["supplier-1/1"]
    assert (lantern.price, lantern.minimum) == (dollars("2.00"), 24)


async def test_a_lead_time_is_in_whole_days_and_where_none_stands_it_is_that_of_the_settings(erp: Erp) -> None:
    await erp.write("purchase.product_supplier", 1, lead_time=timedelta(days=2, hours=1))
    await erp.write("purchase.product_supplier", 2, lead_time=None)
    told = await offers(erp)
    assert [told[name].lead_days for name in ("supplier-1/1", "supplier-2/2")] == [3, 35]


async def read(shop: Shop, erp: Erp, clock: MovableClock, *kinds: FactKind) -> int:
    """Take what Tryton tells; how much of the last kind was news."""
    changed = 0
    for kind in kinds:
        clock.push(datetime.now(UTC) - clock.now())
        changed = sum([(await shop.taking.take(SHOP, page)).changed for page in await erp.read(kind)])
    return changed


async def state(shop: Shop, **values: Any) -> None:
    """A person states a route to the warehouse at home."""
    found = {name: (await shop.rows(f"SELECT id FROM {table} WHERE {key} = '{value}'"))[0][0]  # noqa: S608  # our own
             for name, table, key, value in (("supplier_id", "suppliers", "code", "SZ"),
                                             ("location_id", "locations", "code", "HOME"))}  # fmt: skip
    given = {"lead_time_days": Decimal(50), "lead_time_sd_days": Decimal(2), "currency": "USD", **found, **values}
    async with shop.database.transaction() as connection:
        await connection.execute(insert(Route).values(**given))


async def test_offers_are_routes_to_each_warehouse_and_follow_what_is_said(
    erp: Erp, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await opened(sqlite_database, clock)
    assert await read(shop, erp, clock, "products", "offers") == 2
    told = "USD", "store:shop"
    lights = [("SZ", "85123A", place, 30, 1, None, *told) for place in ("EAST", "HOME")]
    mugs = [("YW", "MUG/1 BLUE", place, 30, 1, None, *told) for place in ("EAST", "HOME")]
    assert await shop.rows(_ROUTES) == lights + mugs
    assert await read(shop, erp, clock, "offers") == 0

    await erp.create("purchase.product_supplier.price", product_supplier=1, quantity=0.0, unit_price=Decimal("7.505"))
    await erp.write("purchase.product_supplier", 2, active=False)
    assert await read(shop, erp, clock, "offers") == 2
    dearer = [("SZ", "85123A", place, 30, 1, 750, *told) for place in ("EAST", "HOME")]
    assert await shop.rows(_ROUTES) == dearer


@pytest.mark.parametrize("stated", ["the product", "all goods"])
async def test_what_a_person_states_of_a_supplier_stands_before_and_after(
    erp: Erp, sqlite_database: Database, clock: MovableClock, stated: str
) -> None:
    shop = await opened(sqlite_database, clock)
    async with shop.database.transaction() as connection:
        known = {"code": "SZ", "name": "My own name", "country": "CN", "currency": "USD"}
        await connection.execute(insert(Supplier).values(**known))
    await read(shop, erp, clock, "products", "offers")
    ((lantern,),) = await shop.rows("SELECT id FROM products WHERE sku = '85123A'")
    east = ("SZ", "85123A", "EAST", 30, 1, None, "USD", "store:shop")
    mine = ("SZ", None if stated == "all goods" else "85123A", "HOME", 50, 1, None, "USD", "")
    if stated == "the product":  # what the store said is now a person's, as a file of routes makes it
        async with shop.database.transaction() as connection:
            ours = update(Route).where(Route.product_id == lantern).values(source="", lead_time_days=Decimal(50))
            await connection.execute(ours.where(Route.location_id == (await _home(shop))))
    else:
        await state(shop, product_id=None)
    await read(shop, erp, clock, "offers")
    lights = [row for row in await shop.rows(_ROUTES) if row[0] == "SZ"]
    assert sorted(lights, key=repr) == sorted([east, mine], key=repr)
    async with shop.database.transaction() as connection:
        await connection.execute(delete(Route).where(Route.source == ""))
    await read(shop, erp, clock, "offers")
    assert len([row for row in await shop.rows(_ROUTES) if row[0] == "SZ"]) == 2
    assert await shop.rows("SELECT code, name FROM suppliers ORDER BY code") == [
        ("SZ", "My own name"), ("YW", "Yiwu Mugs"),
    ]  # fmt: skip


async def test_a_variant_s_own_offer_holds_wherever_a_general_one_stands_and_whether_that_is_active_or_not(
    erp: Erp, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await opened(sqlite_database, clock)
    (mug,) = await erp.rows("purchase.product_supplier", [["id", "=", 2]], "party", "currency")
    same = {"template": 1, "party": mug["party"], "currency": mug["currency"]}
    await erp.create("purchase.product_supplier", **same, product=1, lead_time=timedelta(days=10))
    general = await erp.create("purchase.product_supplier", **same, lead_time=timedelta(days=40))
    small = TrytonFeed("erp", erp.part(), page=1)
    for page in [*await erp.read("products"), *[page async for page in small.read("offers")]]:
        await shop.taking.take(SHOP, page)
    lights = [row for row in await shop.rows(_ROUTES) if row[:2] == ("YW", "85123A")]
    assert [row[3] for row in lights] == [10, 10]
    await erp.write("purchase.product_supplier", general, active=False)
    taken = [await shop.taking.take(SHOP, page) async for page in small.read("offers")]
    assert [each.changed for each in taken] == [0]
    assert [row for row in await shop.rows(_ROUTES) if row[:2] == ("YW", "85123A")] == lights
    await small.close()


async def test_an_offer_that_is_told_no_more_takes_its_routes_away_but_not_a_person_s(
    erp: Erp, sqlite_database: Database, clock: MovableClock
) -> None:
    shop = await opened(sqlite_database, clock)
    (mug,) = await erp.rows("purchase.product_supplier", [["id", "=", 2]], "party", "currency")
    lantern = {"template": 1, "party": mug["party"], "currency": mug["currency"]}
    made = await erp.create("purchase.product_supplier", **lantern, lead_time=timedelta(days=10))
    await read(shop, erp, clock, "products", "offers")
    async with shop.database.transaction() as connection:
        stated = update(Route).where(Route.location_id == (await _home(shop))).values(source="")
        await connection.execute(stated)
    before = [(row[:3], row[7]) for row in await shop.rows(_ROUTES)]
    gone = ("YW", "85123A", "EAST"), "store:shop"
    assert gone in before

    await erp.delete("purchase.product_supplier", made)
    unread = Fault(f"supplier-{made}", verbatim("its supplier has no name"))
    for page in await erp.read("offers"):
        assert (await shop.taking.take(SHOP, replace(page, faults=(unread,)))).changed == 0, "it may be that one"
    assert await read(shop, erp, clock, "offers") == 1
    before.remove(gone)
    assert [(row[:3], row[7]) for row in await shop.rows(_ROUTES)] == before
    assert (("YW", "85123A", "HOME"), "") in before


async def _home(shop: Shop) -> int:
    return int((await shop.rows("SELECT id FROM locations WHERE code = 'HOME'"))[0][0])
