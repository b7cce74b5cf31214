"""What people say of a store's variants and places, whatever is being read as they say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bot.chat.arguments import Sku
from bot.chat.nodes import Text
from bot.errors import UnknownReference, Unreached
from bot.ports import FactKind, Page, StorePlace
from bot.services.audit import Audit
from bot.services.feeds.kits import Kits
from bot.services.feeds.syncing import Syncing
from bot.storage import facts, touched
from bot.storage.tables import StockLevel, StoreCursor
from bot.storage.tables import StorePlace as PlaceRow
from bot.words import verbatim
from tests.services.feeds.kit import EAST, NOW, SHOP, WEST, Shop, code, count, order, product, sold
from tests.services.feeds.script import Script


async def test_what_people_said_holds_at_once_also_where_the_reading_anew_breaks_off(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    mug, whole = sold("a", "MUG", 2), [Page("products", (), "c", until=NOW)]
    first, second = order("1", mug), order("2", sold("a", "MUG", 5))
    script.told = {"products": [*whole], "stock": [Page("stock", (), "c", until=NOW)]}
    script.told["orders"] = [Page("orders", (first, second), "c", until=NOW)]
    await syncing.sync(SHOP)
    await shop.product("JUG")
    await syncing.product(SHOP, "v-MUG", "JUG")
    script.told["orders"] = [Page("orders", (first,), "after 1"), Unreached(verbatim("503"))]
    await syncing.sync(SHOP)
    assert [(row[0], row[3]) for row in await shop.demand()] == [("JUG", 2), ("MUG", 5)]
    async with shop.database.reading() as connection:
        assert len(await touched.due(connection, shop.clock.now())) == 2
    script.told["orders"] = [Page("orders", (second,), "after 2", until=NOW)]
    await syncing.sync(SHOP)
    assert [(row[0], row[3]) for row in await shop.demand()] == [("JUG", 7)]
    assert await shop.rows("SELECT key FROM marks WHERE key LIKE 'demand:%'") == []


async def test_a_place_that_is_called_as_a_location_is_that_location_and_others_wait_for_a_person(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    script.known = (StorePlace(EAST, "anything"), StorePlace("w7", "sha"), StorePlace("w9", "Hamburg"))
    await syncing.sync(SHOP)
    rows = await shop.rows(
        "SELECT s.place, l.code, s.counts FROM store_places s LEFT JOIN locations l ON l.id = s.location_id ORDER BY 1"
    )
    assert [(place, code, bool(counts)) for place, code, counts in rows] == [
        ("p1", "BER", True), ("p2", "SHA", True), ("w7", "SHA", False), ("w9", None, False),
    ]  # fmt: skip
    assert (await syncing.unsure(SHOP)).places == (("w9", "Hamburg"),)


async def test_what_a_person_says_of_a_variant_and_a_place_lets_their_facts_in(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    await shop.product("LANTERN-85123A")
    script.known = (StorePlace("w9", "Hamburg"),)
    lines = (sold("a", "LANTERN 85123A", 2), sold("b", "LANTERN 85123A", 1, place="w9"))
    script.told["orders"] = [Page("orders", (order("1", *lines),), "after 1")]
    await syncing.sync(SHOP)
    (state,) = await syncing.states()
    assert (state.unsure, state.homeless, state.faults) == (1, 1, 1)
    assert (await syncing.unsure(SHOP)).codes == (
        ("v-LANTERN 85123A", "LANTERN 85123A", "Lantern 85123A", "LANTERN-85123A", 100),
    )
    await syncing.product(SHOP, "v-LANTERN 85123A", "LANTERN-85123A")
    await syncing.place(SHOP, "w9", "SHA")
    await syncing.sync(SHOP)
    assert [row[:4] for row in await shop.demand()] == [
        ("LANTERN-85123A", "BER", "2026-11-18", 2), ("LANTERN-85123A", "SHA", "2026-11-18", 1),
    ]  # fmt: skip
    (state,) = await syncing.states()
    assert (state.unsure, state.homeless, state.faults) == (0, 0, 0)
    assert await shop.rows("SELECT action FROM audit ORDER BY id") == [("store.product",), ("store.place",)]


@pytest.mark.parametrize("kind", ["products", "stock"])
async def test_a_sku_that_the_store_itself_gives_a_variant_lets_in_what_waited_for_one(
    shop: Shop, script: Script, syncing: Syncing, kind: FactKind
) -> None:
    nameless = replace(sold("a", "WRAP", 3), sku="", name="Gift wrap")
    orders = Page("orders", (order("1", nameless, sold("b", "CUP", 5)),), "o1", until=NOW)
    stock = Page("stock", (replace(count("WRAP", 40), sku=""),), "s1", until=NOW)
    goods = Page("products", (replace(product("WRAP"), sku=""),), "p1", until=NOW)
    script.told = {"orders": [orders], "stock": [stock], "products": [goods]}
    await syncing.sync(SHOP)
    assert ([row[:4] for row in await shop.demand()], len(await shop.faults())) == (
        [("CUP", "BER", "2026-11-18", 5)],
        2,
    )
    named = {"products": Page("products", (product("WRAP"),), "p2"), "stock": Page("stock", (count("WRAP", 40),), "s2")}
    script.told = {kind: [named[kind]]}  # alone what changed in the store
    script.asked.clear()
    await syncing.sync(SHOP)
    script.told = {"orders": [orders], "stock": [stock], "products": [goods]}
    await syncing.sync(SHOP)
    assert [row[:4] for row in await shop.demand()] == [
        ("CUP", "BER", "2026-11-18", 5), ("WRAP", "BER", "2026-11-18", 3),
    ]  # fmt: skip
    assert await shop.rows("SELECT on_hand FROM stock_levels") == [(40,)]
    assert (await shop.faults(), (await syncing.unsure(SHOP)).codes) == ({}, ())
    assert {("stock", ""), ("orders", "")} <= {*script.asked}  # also of the kind that told it
    script.asked.clear()
    await syncing.sync(SHOP)
    assert ("orders", "o1") in script.asked  # once


async def test_what_is_not_there_cannot_be_mapped(syncing: Syncing) -> None:
    for asked in (
        syncing.sync("elsewhere"), syncing.place(SHOP, "w9", "SHA"), syncing.place(SHOP, EAST, "NOWHERE"),
        syncing.product(SHOP, "v-1", "MUG"), syncing.check("elsewhere"), syncing.unsure("elsewhere"),
    ):  # fmt: skip
        with pytest.raises(UnknownReference) as refused:
            await asked
        assert all(isinstance(value, Text) for value in refused.value.words.values.values())


async def test_a_place_that_joins_a_stock_which_another_counts_does_not_count_it_too(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    script.known = (StorePlace("w9", "Hamburg"),)
    await syncing.sync(SHOP)
    counts = "SELECT place FROM store_places WHERE counts = true ORDER BY place"
    await syncing.place(SHOP, "w9", "BER")
    assert await shop.rows(counts) == [("p1",), ("p2",)]
    await syncing.place(SHOP, EAST, "")
    await syncing.place(SHOP, "w9", "BER")
    assert await shop.rows(counts) == [("p2",), ("w9",)]


LYING = (
    "SELECT p.sku, l.code, s.on_hand FROM stock_levels s JOIN products p ON p.id = s.product_id "
    "JOIN locations l ON l.id = s.location_id ORDER BY s.as_of, 1, 2"
)


async def test_what_a_place_counted_does_not_lie_on_where_it_is_no_more(shop: Shop, syncing: Syncing) -> None:
    await shop.take("stock", count("CUP", 4, minutes=-60), count("MUG", 10), count("MUG", 7, place=WEST))
    theirs = await shop.product("JUG")
    (berlin,) = await shop.rows("SELECT id FROM locations WHERE code = 'BER'")
    files = {"product_id": theirs, "location_id": berlin[0], "committed": 0, "incoming": 0, "source": "files"}
    await shop.add(StockLevel, **files, as_of=NOW, on_hand=3)
    await syncing.place(SHOP, EAST, "")
    lying = [("CUP", "BER", 0), ("JUG", "BER", 3), ("MUG", "BER", 0), ("MUG", "SHA", 7)]
    assert await shop.rows(LYING) == lying
    assert len(await shop.rows("SELECT product_id FROM touched_products")) == 2
    await syncing.place(SHOP, EAST, "BER")  # it was a slip: the same counts, told again, hold again
    await shop.take("stock", count("CUP", 4, minutes=-60), count("MUG", 10))
    assert await shop.rows(LYING) == [("CUP", "BER", 4), ("JUG", "BER", 3), ("MUG", "BER", 10), ("MUG", "SHA", 7)]


async def test_another_place_of_a_location_counts_when_the_one_that_did_is_another(
    shop: Shop, syncing: Syncing
) -> None:
    (berlin,) = await shop.rows("SELECT id FROM locations WHERE code = 'BER'")
    await shop.add(PlaceRow, store="outlet", place="o1", name="Outlet", location_id=berlin[0], counts=False)
    await shop.add(StoreCursor, store="outlet", kind="stock", cursor="c", read_at=NOW)
    await shop.take("stock", count("MUG", 10))
    await syncing.place(SHOP, EAST, "")
    assert await shop.rows("SELECT place FROM store_places WHERE counts = true ORDER BY place") == [("o1",), ("p2",)]
    assert await shop.rows("SELECT store FROM store_cursors") == []  # its stock is told from the beginning
    assert await shop.rows(LYING) == [("MUG", "BER", 10)]  # until then


async def test_what_a_variant_was_counted_as_does_not_lie_on_once_it_is_another_product(
    shop: Shop, syncing: Syncing
) -> None:
    mug = await shop.product("MUG")
    await shop.product("JUG")
    await code(shop, "v-MUG-2", mug, "confirmed")
    await shop.take("stock", count("MUG", 10), count("MUG-2", 5), count("CUP", 4))
    await syncing.product(SHOP, "v-MUG-2", "JUG")  # the other one is still a mug
    assert await shop.rows(LYING) == [("CUP", "BER", 4), ("MUG", "BER", 15)]
    await syncing.product(SHOP, "v-MUG", "JUG")
    await syncing.product(SHOP, "v-CUP", "")
    assert await shop.rows(LYING) == [("CUP", "BER", 0), ("MUG", "BER", 0)]


_Say = Callable[[Shop, Syncing], Awaitable[None]]


async def _map_code(_shop: Shop, syncing: Syncing) -> None:
    await syncing.product(SHOP, "v-LANTERN 85123A", "LANTERN-85123A")


async def _map_place(_shop: Shop, syncing: Syncing) -> None:
    await syncing.place(SHOP, "w9", "SHA")


async def _make_a_kit(shop: Shop, _syncing: Syncing) -> None:
    kits = Kits(database=shop.database, audit=Audit(database=shop.database, clock=shop.clock))
    async with shop.database.reading() as connection:
        ids = await facts.product_ids(connection)
    product, part = [Sku(ids[sku], sku, "") for sku in ("SET", "LANTERN-85123A")]
    await kits.put(product, {part: 3})


@pytest.mark.parametrize("behind", ["", "before"], ids=["the first reading", "a later one"])
@pytest.mark.parametrize(
    ("say", "units"),
    [
        (_map_code, {"LANTERN-85123A": 4, "SET": 3}),
        (_map_place, {"SET": 8}),
        (_make_a_kit, {"LANTERN-85123A": 9}),
    ],
)
async def test_what_people_say_between_two_pages_holds_for_the_pages_before_with_the_next_reading(
    shop: Shop, script: Script, syncing: Syncing, say: _Say, units: dict[str, int], behind: str
) -> None:
    for sku in ("LANTERN-85123A", "SET"):
        await shop.product(sku)
    script.known = (StorePlace("w9", "Hamburg"),)
    if behind:
        script.told = {kind: [Page(kind, (), behind, until=NOW)] for kind in script.kinds}
        await syncing.sync(SHOP)
    aside = (order("1", sold("a", "LANTERN 85123A", 4)), order("2", sold("a", "SET", 5), place="w9"))
    first = Page("orders", (*aside, order("3", sold("a", "SET", 1))), "after 1", until=NOW)
    second = Page("orders", (order("4", sold("a", "SET", 2)),), "after 2", until=NOW)
    script.told = {"orders": [first, lambda: say(shop, syncing), second]}
    await syncing.sync(SHOP)
    script.told = {"orders": [first, second]}
    await syncing.sync(SHOP)
    await syncing.sync(SHOP)
    assert [cursor for kind, cursor in script.asked if kind == "orders"][-3:] == [behind, "", "after 2"]
    counted = Counter[str]()
    for sku, _, _, sold_of_it, *_ in await shop.demand():
        counted[sku] += sold_of_it
    assert counted == units
