"""Variants that a person must name, and what becomes of what was told of them; and which goods are still sold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards.stores import waiting_card
from bot.ports import Fault, Page, ProductFact
from bot.services.audit import Audit
from bot.services.feeds.syncing import Syncing
from bot.storage import storebooks
from bot.storage import stores as rows
from bot.storage.tables import StorePlace
from bot.storage.variants import variants_by_store, variants_of
from bot.words import verbatim
from tests.services.feeds.kit import EAST, NOW, SHOP, Shop, count, euros, order, product, sold
from tests.services.feeds.script import Script

DAY = "2026-11-18"
WRAP = replace(sold("a", "WRAP", 1), sku="", name="Gift wrap")
ORDER = order("1", WRAP, sold("b", "CUP", 5))


@pytest.fixture
def syncing(shop: Shop) -> Syncing:
    """What reads a store that tells one order, time and again."""
    audit = Audit(database=shop.database, clock=shop.clock)
    script = Script({"orders": [Page("orders", (ORDER,), "after 1")]})
    return Syncing(database=shop.database, clock=shop.clock, audit=audit, taking=shop.taking, feeds={SHOP: script})


async def _reads(syncing: Syncing) -> None:
    """The store tells the same order again."""
    feed = syncing._feeds[SHOP]
    assert isinstance(feed, Script)
    feed.told["orders"] = [Page("orders", (ORDER,), "after 1")]
    await syncing.sync(SHOP)


async def test_a_line_without_a_sku_waits_and_the_order_s_other_lines_count(shop: Shop, syncing: Syncing) -> None:
    await syncing.sync(SHOP)
    assert [row[:4] for row in await shop.demand()] == [("CUP", "BER", DAY, 5)]
    assert await shop.faults() == {"1": "nobody has said yet which product v-WRAP is"}
    unsure = await syncing.unsure(SHOP)
    assert unsure.codes == (("v-WRAP", "", "Gift wrap", "", 0),)
    assert (await syncing.states())[0].unsure == 1
    card = str(waiting_card(SHOP, unsure, 1, ()))
    assert "stores shop product v-WRAP SKU" in card
    assert "None of ours" in card
    await _reads(syncing)
    assert [row[3] for row in await shop.demand()] == [5]


async def test_a_line_that_was_named_later_is_added_and_nothing_is_doubled(shop: Shop, syncing: Syncing) -> None:
    await shop.product("GIFT-WRAP")
    await syncing.sync(SHOP)
    await syncing.product(SHOP, "v-WRAP", "gift-wrap")
    for _ in range(2):
        await _reads(syncing)
        assert [row[:4] for row in await shop.demand()] == [("CUP", "BER", DAY, 5), ("GIFT-WRAP", "BER", DAY, 1)]
        assert await shop.rows("SELECT COUNT(*), SUM(quantity) FROM sales") == [(2, 6)]
    assert await shop.faults() == {}


async def test_a_line_that_is_none_of_ours_is_left_out_and_no_longer_set_aside(shop: Shop, syncing: Syncing) -> None:
    await syncing.sync(SHOP)
    await syncing.product(SHOP, "v-WRAP", "")
    await _reads(syncing)
    assert [row[:4] for row in await shop.demand()] == [("CUP", "BER", DAY, 5)]
    assert await shop.faults() == {}
    assert (await syncing.unsure(SHOP)).codes == ()


async def test_what_a_person_said_meanwhile_is_not_written_over(shop: Shop, syncing: Syncing) -> None:
    """A page looks a variant up, a person names it, and then the page writes down what it found."""
    mug, cup = await shop.product("MUG"), await shop.product("CUP")
    await shop.take("products", replace(product("X"), sku="", name="A mug"))
    await syncing.product(SHOP, "v-X", "MUG")
    late = ("v-X", "X", "A mug", cup, "same", 100, 0)
    async with shop.database.transaction() as connection:
        await rows.write_codes(connection, SHOP, [late])
    stands = await shop.rows("SELECT product_id, match FROM store_codes")
    assert stands == [(mug, "confirmed")]
    await syncing.product(SHOP, "v-X", "")
    async with shop.database.transaction() as connection:
        await rows.write_codes(connection, SHOP, [late])
    assert await shop.rows("SELECT product_id, match FROM store_codes") == [(None, "ignored")]


async def test_a_count_without_a_sku_takes_no_suggestion_away(shop: Shop) -> None:
    await shop.product("LANTERN-85123A")
    await shop.take("stock", count("LANTERN 85123A", 5))
    await shop.take("stock", replace(count("LANTERN 85123A", 6, minutes=1), sku=""))
    assert await shop.rows("SELECT sku, match, score FROM store_codes") == [("LANTERN 85123A", "suggested", 100)]


async def test_a_cancelled_line_that_nobody_named_sets_nothing_aside(shop: Shop) -> None:
    await shop.take("orders", order("1", replace(WRAP, quantity=0), sold("b", "CUP", 2)))
    assert await shop.faults() == {}
    assert [row[:4] for row in await shop.demand()] == [("CUP", "BER", DAY, 2)]


async def test_a_suggestion_is_compared_anew_only_where_the_catalogue_changed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    catalogue = storebooks.catalogue

    async def counted(connection: AsyncConnection) -> dict[str, str]:
        asked.append(1)
        return await catalogue(connection)

    monkeypatch.setattr(storebooks, "catalogue", counted)
    await shop.product("LANTERN-85123A")
    for minutes in range(4):
        await shop.take("stock", count("LANTERN 85123A", 5, minutes=minutes))
        await shop.take("stock", replace(count("WRAP", 5, minutes=minutes), sku=""))
    assert len(asked) == 2  # once for each of them
    await shop.product("LANTERN 85123A")
    await shop.take("stock", count("LANTERN 85123A", 5, minutes=9))
    assert len(asked) == 3
    assert ("v-LANTERN 85123A", "same") in await shop.rows("SELECT code, match FROM store_codes")


def _told(code: str, sku: str, *, active: bool) -> ProductFact:
    return ProductFact(code, sku, sku.title(), None, active)


async def _active(shop: Shop) -> dict[str, bool]:
    return {sku: bool(active) for sku, active in await shop.rows("SELECT sku, active FROM products")}


async def test_a_product_is_inactive_once_no_store_sells_it_and_active_again_once_one_does(shop: Shop) -> None:
    other = Page("products", (_told("o-MUG", "MUG", active=True),), "c")
    await shop.take("products", _told("v-MUG", "MUG", active=True), _told("v-CUP", "CUP", active=True))
    await shop.taking.take("other", other)
    gone = await shop.take("products", _told("v-MUG", "MUG", active=False), _told("v-CUP", "CUP", active=False))
    assert await _active(shop) == {"MUG": True, "CUP": False}
    assert gone.changed == 1
    await shop.taking.take("other", replace(other, facts=(_told("o-MUG", "MUG", active=False),)))
    assert await _active(shop) == {"MUG": False, "CUP": False}
    await shop.take("products", _told("v-CUP", "CUP", active=True))
    assert await _active(shop) == {"MUG": False, "CUP": True}
    assert (await shop.take("products", _told("v-CUP", "CUP", active=True))).changed == 0


async def test_what_a_till_without_a_list_of_goods_sold_lately_stays_active_though_a_shop_archived_it(
    shop: Shop,
) -> None:
    archived = _told("v-MUG", "MUG", active=False)
    await shop.add(StorePlace, store="till", place=EAST, name="Till", location_id=1, counts=False)
    weeks = tuple(order(str(n), sold("a", "MUG", 1), placed_at=NOW - timedelta(weeks=n)) for n in (9, 2))
    await shop.taking.take("till", Page("orders", weeks[:1], "c"))
    await shop.take("orders", order("3", sold("a", "MUG", 1)))  # its own sales say nothing: it listed the mug no more
    assert (await shop.take("products", archived)).changed == 1
    assert await _active(shop) == {"MUG": False}
    again = await shop.taking.take("till", Page("orders", weeks[1:], "c"))
    assert (await _active(shop), len(again.touched)) == ({"MUG": True}, 1)
    await shop.take("products", archived, until=NOW)
    assert await _active(shop) == {"MUG": True}
    shop.clock.push(timedelta(weeks=3))
    await shop.take("products", until=NOW)  # none changed in the shop, and no more were sold
    assert await _active(shop) == {"MUG": False}


async def test_what_a_list_of_all_goods_names_no_more_is_sold_no_more_and_nothing_of_it_lies_there(shop: Shop) -> None:
    names = ("MUG", "CUP", "POT")
    everything = [_told(f"v-{name}", name, active=True) for name in names]
    await shop.take("products", *everything, until=NOW)
    await shop.take("stock", *(count(name, 5, minutes=-9) for name in names), until=NOW)
    shop.clock.push(timedelta(minutes=1))
    await shop.take("products", everything[0], until=NOW)  # what changed
    assert await _active(shop) == dict.fromkeys(names, True)
    shop.clock.push(timedelta(minutes=1))
    wrong = Fault("v-CUP", verbatim("it cannot be read"))
    await shop.take("products", _told("v-MUG", "MUG", active=True), faults=(wrong,), until=NOW, anew=True)
    assert await _active(shop) == {"MUG": True, "CUP": True, "POT": False}
    await shop.take("stock", count("MUG", 5, minutes=-8), until=NOW, anew=True)
    lying = "SELECT p.sku, s.on_hand FROM stock_levels s JOIN products p ON p.id = s.product_id"
    assert dict(await shop.rows(lying)) == {"MUG": 5, "CUP": 5, "POT": 0}
    shop.clock.push(timedelta(minutes=1))
    broken = Fault("record 7 of a page", verbatim("it cannot be read"))  # nobody knows whose it is
    await shop.take("products", _told("v-MUG", "MUG", active=True), faults=(broken,), until=NOW, anew=True)
    assert await _active(shop) == {"MUG": True, "CUP": True, "POT": False}
    await shop.take("stock", count("MUG", 5, minutes=-7), faults=(broken,), until=NOW, anew=True)
    assert dict(await shop.rows(f"{lying} ORDER BY s.as_of")) == {"MUG": 5, "CUP": 5, "POT": 0}
    shop.clock.push(timedelta(minutes=1))
    await shop.take("products", until=NOW, anew=True)  # not one of them is another store, not an empty one
    assert await _active(shop) == {"MUG": True, "CUP": True, "POT": False}


async def test_the_price_of_what_is_sold_holds_over_that_of_its_like_in_the_bin_or_archived(shop: Shop) -> None:
    prices = "SELECT unit_price_minor FROM products"
    live, old = (
        ProductFact("900", "MUG", "Mug", euros(12)),
        ProductFact("100", "MUG", "Old mug", euros(10), active=False),
    )
    await shop.take("products", live, old)
    assert await shop.rows("SELECT name, unit_price_minor FROM products") == [("Mug", 1200)]
    await shop.take("products", replace(old, price=euros(9)))
    assert await shop.rows(prices) == [(1200,)]
    await shop.take("products", replace(live, price=euros(13)), replace(old, price=euros(8)))
    assert await shop.rows(prices) == [(1300,)]
    await shop.take("products", replace(live, active=False))
    await shop.take("products", replace(old, price=euros(7)))
    assert await shop.rows(prices) == [(700,)]


async def test_a_product_that_is_sold_in_a_set_stays_active_as_long_as_the_set(shop: Shop) -> None:
    await shop.take("products", _told("v-MUG", "MUG", active=True))
    await shop.kit("SET", {"MUG": 2})
    await shop.take("products", _told("v-SET", "SET", active=True), _told("v-MUG", "MUG", active=False))
    assert await _active(shop) == {"MUG": True, "SET": True}
    await shop.take("products", _told("v-SET", "SET", active=False))
    assert await _active(shop) == {"MUG": False, "SET": False}


async def test_a_product_whose_only_variant_is_said_to_be_another_is_as_it_was_before(
    shop: Shop, syncing: Syncing
) -> None:
    await shop.product("CUP")
    await shop.take("products", _told("v-MUG", "MUG", active=False))
    assert await _active(shop) == {"CUP": True, "MUG": False}
    await syncing.product(SHOP, "v-MUG", "CUP")
    assert await _active(shop) == {"CUP": False, "MUG": True}


async def test_the_variants_of_a_product_are_those_that_a_store_sells_or_else_all(shop: Shop) -> None:
    facts = [_told(f"v-{name}", "MUG", active=name != "old") for name in ("new", "old", "red")]
    await shop.take("products", *facts)
    await shop.take("stock", replace(count("MUG", 5), code="item-7"))  # which the list of goods does not name
    await shop.taking.take("other", Page("products", (_told("o", "MUG", active=False),), "c"))
    await shop.taking.take("counts", Page("stock", (replace(count("MUG", 5), code="c"),), "c"))
    (mug,) = (row[0] for row in await shop.rows("SELECT id FROM products"))
    async with shop.database.reading() as connection:
        assert await variants_of(connection, SHOP, mug) == ("v-new", "v-red")
        assert await variants_of(connection, "other", mug) == ("o",)
        assert await variants_of(connection, "counts", mug) == ("c",)
        assert await variants_of(connection, "elsewhere", mug) == ()
        assert await variants_by_store(connection, [mug]) == {
            mug: {"counts": ("c",), "other": ("o",), SHOP: ("v-new", "v-red")}
        }
