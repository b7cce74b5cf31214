"""Products and stock of a shop: kits, shared items, places, and what cannot be read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.domain.money import Money
from bot.ports import MovableClock, ProductFact, StockFact, StorePlace
from tests.stores.medusa.conftest import Medusa, facts, faults


async def test_a_variant_is_told_with_what_everybody_is_asked_in_the_shops_own_currency(medusa: Medusa) -> None:
    plain = medusa.shop.vary("LAMP", 12.5)
    rows = medusa.shop.variants[plain]["prices"]
    rows.append(medusa.shop.price_row(plain, 9, price_rules=[{"attribute": "customer_group_id", "value": "b2b"}]))
    rows.append(medusa.shop.price_row(plain, 8, min_quantity=10))
    rows.append(medusa.shop.price_row(plain, 3, "eur"))
    shirt = medusa.shop.vary("SHIRT-L", None, title="L", product={"id": "p", "title": "Shirt", "status": "draft"})
    pages = await medusa.read("products")
    assert facts(pages, ProductFact) == [
        ProductFact(plain, "LAMP", "Product LAMP", Money(Decimal("12.50"), "GBP")),
        ProductFact(shirt, "SHIRT-L", "Shirt - L", None, active=False),
    ]
    assert faults(pages) == {}


async def test_a_product_is_of_its_type_or_of_the_category_that_was_made_first(medusa: Medusa) -> None:
    categories = [{"id": "pcat_02", "name": "Sale"}, {"id": "pcat_01", "name": "Lamps"}]
    of: dict[str, object] = {"id": "p", "title": "Lamp", "status": "published", "type": None, "categories": []}
    medusa.shop.vary("TYPED", product=of | {"type": {"id": "ptyp_1", "value": "Lighting"}, "categories": categories})
    medusa.shop.vary("PLACED", product=of | {"categories": categories})
    medusa.shop.vary("BARE", product=of)
    told = {fact.sku: fact.category for fact in facts(await medusa.read("products"), ProductFact)}
    assert told == {"TYPED": "Lighting", "PLACED": "Lamps", "BARE": ""}


async def test_a_kit_is_a_product_and_says_what_it_consists_of(medusa: Medusa) -> None:
    leeds = medusa.shop.location("Leeds")
    sheet, pillow = medusa.shop.item("SHEET", {leeds: 5}), medusa.shop.item("PILLOW", {leeds: 9})
    medusa.shop.vary("SHEET", 10, (sheet, 1))
    bed = medusa.shop.vary("BED", 30, (sheet, 1), (pillow, 2))
    pair = medusa.shop.vary("PAIR", 18, (pillow, 2))
    pages = await medusa.read("products")
    assert [fact.sku for fact in facts(pages, ProductFact)] == ["SHEET", "BED", "PAIR"]
    assert set(faults(pages)) == {bed, pair}
    assert "1 x SHEET and 2 x PILLOW" in faults(pages)[bed]
    assert "2 x PILLOW" in faults(pages)[pair]
    known = await medusa.read("products", options={"known": "BED, PAIR"})  # once somebody entered their parts
    assert (len(facts(known, ProductFact)), faults(known)) == (3, {})


async def test_stock_is_told_by_place_with_what_is_reserved_and_incoming(medusa: Medusa, clock: MovableClock) -> None:
    leeds, york = medusa.shop.location("Leeds"), medusa.shop.location("York")
    item = medusa.shop.item("LAMP", {leeds: 7, york: 40})
    lamp = medusa.shop.vary("LAMP", 12, (item, 1))
    medusa.shop.items[item]["location_levels"][1] |= {"incoming_quantity": 60, "reserved_quantity": 4}
    assert facts(await medusa.read("stock"), StockFact) == [
        StockFact(lamp, "LAMP", leeds, 7, clock.now()),
        StockFact(lamp, "LAMP", york, 40, clock.now(), committed=4, incoming=60),
    ]


async def test_parts_of_kits_alone_are_told_for_themselves_and_a_kit_has_no_stock(medusa: Medusa) -> None:
    leeds = medusa.shop.location("Leeds")
    sheet, pillow = medusa.shop.item("SHEET", {leeds: 5}), medusa.shop.item("PILLOW", {leeds: 9})
    own = medusa.shop.vary("SHEET", 10, (sheet, 1))
    medusa.shop.vary("BED", 30, (sheet, 1), (pillow, 2))
    told = {(fact.code, fact.sku): fact.on_hand for fact in facts(await medusa.read("stock"), StockFact)}
    assert told == {(own, "SHEET"): 5, (pillow, "PILLOW"): 9}


async def test_stock_that_variants_share_is_counted_once_and_said(medusa: Medusa) -> None:
    leeds = medusa.shop.location("Leeds")
    item = medusa.shop.item("TEE", {leeds: 30})
    one = medusa.shop.vary("TEE-PLAIN", 10, (item, 1))
    medusa.shop.vary("TEE-GIFT", 12, (item, 1))
    pages = await medusa.read("stock")
    assert [(fact.code, fact.on_hand) for fact in facts(pages, StockFact)] == [(one, 30)]
    said = "TEE-GIFT share it; say that they are the same product, and name them in options.known"
    assert faults(pages) == {f"{one}@{leeds}": said}
    assert faults(await medusa.read("stock", options={"known": "TEE-GIFT"})) == {}


async def test_a_kit_may_take_parts_of_a_unit(medusa: Medusa) -> None:
    rope = medusa.shop.item("ROPE", {medusa.shop.location("Leeds"): 100})
    short = medusa.shop.vary("ROPE-SHORT", 2, (rope, 1))
    medusa.shop.variants[short]["inventory_items"][0]["required_quantity"] = 2.50
    pages = await medusa.read("products")
    assert "a kit of 2.5 x ROPE" in faults(pages)[short]
    assert [fact.code for fact in facts(await medusa.read("stock"), StockFact)] == [rope]


async def test_a_count_that_cannot_be_read_keeps_no_other_back(medusa: Medusa) -> None:
    leeds, york = medusa.shop.location("Leeds"), medusa.shop.location("York")
    rope = medusa.shop.vary("ROPE", 1, (medusa.shop.item("ROPE", {leeds: 2.5, york: 3}), 1))
    owed = medusa.shop.vary("OWED", 1, (medusa.shop.item("OWED", {leeds: -4}), 1))
    odd = medusa.shop.vary("ODD", 1, prices=[{"amount": "x", "currency_code": "gbp", "price_rules": []}])
    pages = await medusa.read("stock")
    told = [(fact.code, fact.place, fact.on_hand, fact.committed) for fact in facts(pages, StockFact)]
    assert told == [(rope, york, 3, 0), (owed, leeds, 0, 4)]
    assert faults(pages) == {f"{rope}@{leeds}": "stocked_quantity is 2.5, not a whole number"}
    pages = await medusa.read("products")
    assert len(facts(pages, ProductFact)) == 2
    assert faults(pages) == {odd: "amount is 'x', no number"}


async def test_places_are_the_stock_locations(medusa: Medusa) -> None:
    leeds = medusa.shop.location("Leeds")
    bare = medusa.shop.location("Kraków", "pl")
    medusa.shop.locations[bare]["address"] = None
    assert await medusa.feed.places() == (StorePlace(leeds, "Leeds", "GB"), StorePlace(bare, "Kraków"))


@pytest.mark.parametrize("kind", ["products", "stock"])
async def test_what_dates_no_row_is_read_whole_each_time(medusa: Medusa, kind: str) -> None:
    medusa.shop.vary("LAMP", 12, (medusa.shop.item("LAMP", {medusa.shop.location("Leeds"): 1}), 1))
    first = await medusa.read(kind)  # type: ignore[arg-type]  # one of the kinds
    again = await medusa.read(kind, first[-1].cursor)  # type: ignore[arg-type]  # as above
    assert [page.facts for page in again] == [page.facts for page in first]
    assert not [asked for asked in medusa.shop.asked if any("updated_at" in name for name, _ in asked)]
