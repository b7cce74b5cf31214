"""Counts, goods on their way, names and prices of stores; and which product a variant is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.domain.views import StoreIncoming
from bot.ports import Fault, InboundFact, Page
from bot.services.feeds.naming import Names
from bot.storage import ledger, storebooks, stores
from bot.storage.tables import StorePlace, StoreShelf
from bot.words import verbatim
from tests.services.feeds.kit import EAST, NOW, SHOP, WEST, Shop, code, count, euros, order, product, sold

LEVELS = "SELECT on_hand, committed, source FROM stock_levels ORDER BY id"


async def test_units_on_hand_are_what_the_store_says_and_a_count_that_says_nothing_new_is_not_kept(shop: Shop) -> None:
    shop.clock.push(timedelta(hours=3))
    assert (await shop.take("stock", count("MUG", 10, committed=2))).changed == 1
    assert (await shop.take("stock", count("MUG", 10, minutes=60, committed=2))).changed == 0
    assert (await shop.take("stock", count("MUG", 9, minutes=120, committed=2))).changed == 1
    assert (await shop.take("stock", count("MUG", 50, minutes=90))).changed == 0, "an older word than the last"
    assert await shop.rows(LEVELS) == [(10, 2, "store:shop"), (9, 2, "store:shop")]


async def test_goods_on_their_way_without_a_date_are_kept_with_the_count_and_judge_nothing(shop: Shop) -> None:
    shop.clock.push(timedelta(hours=4))
    assert (await shop.take("stock", count("MUG", 10, incoming=30))).touched
    told = await shop.take("stock", count("MUG", 10, minutes=60, incoming=24))
    assert (told.changed, told.touched) == (1, set())
    assert (await shop.take("stock", count("MUG", 10, minutes=120, incoming=24))).changed == 0
    (mug, ber) = (await shop.rows("SELECT product_id, location_id FROM stock_levels"))[0]
    async with shop.database.reading() as connection:
        assert await storebooks.coming(connection, mug, NOW) == {ber: StoreIncoming(SHOP, 30)}
        assert await storebooks.coming(connection, mug, shop.clock.now()) == {ber: StoreIncoming(SHOP, 24)}
    await shop.take("stock", count("MUG", 10, minutes=180))
    async with shop.database.reading() as connection:
        assert await storebooks.coming(connection, mug, shop.clock.now()) == {}


async def test_the_same_count_after_a_sale_is_news(shop: Shop) -> None:
    """Ten were there, two were sold, and ten are there: two were found. Without the count it would be eight."""
    shop.clock.push(timedelta(hours=3))
    await shop.take("stock", count("MUG", 10))
    await shop.take("orders", order("1", sold("a", "MUG", 2), placed_at=NOW + timedelta(minutes=10)))
    await shop.take("stock", count("MUG", 10, minutes=60))
    async with shop.database.reading() as connection:
        (stock,) = await ledger.on_hand(connection, NOW + timedelta(hours=2))
    assert stock.on_hand == 10


async def test_a_count_is_kept_with_the_instant_up_to_which_readings_had_told_another(shop: Shop) -> None:
    """Nine were there at ten, when a reading ended, and by half past, as a delivery says, they were gone."""
    shop.clock.push(timedelta(hours=3))
    await shop.take("stock", count("MUG", 9), until=NOW)
    await shop.take("stock", until=NOW + timedelta(minutes=60))
    await shop.taking.take(SHOP, Page("stock", (count("MUG", 0, minutes=90),), ""))
    until = 1_000_000 * int((NOW + timedelta(minutes=60)).timestamp())
    async with shop.database.reading() as connection:
        told = (await ledger.past(connection, NOW.date(), 2, at=shop.clock.now())).told()
    assert told.counts.units.tolist() == [9, 0]
    assert told.counts.until.tolist() == [0, until]


async def test_readings_that_could_not_take_a_count_do_not_say_until_when_it_was_another(shop: Shop) -> None:
    """Of the first reading after what was set aside nobody knows when it changed; of the next one it is known again."""
    shop.clock.push(timedelta(hours=5))
    await shop.take("stock", count("MUG", 0), count("TEA", 3), until=NOW)
    aside = Fault(f"v-MUG@{EAST}", verbatim("no number"))
    for minutes in (60, 120):
        await shop.take("stock", faults=(aside,), until=NOW + timedelta(minutes=minutes))
    await shop.take("stock", count("MUG", 50, minutes=180), count("TEA", 2, minutes=180))
    await shop.take("stock", count("MUG", 40, minutes=190))
    query = (
        "SELECT p.sku, l.on_hand, l.unchanged_until IS NULL FROM stock_levels l "
        "JOIN products p ON p.id = l.product_id ORDER BY l.id"
    )
    told = [(sku, units, bool(unknown)) for sku, units, unknown in await shop.rows(query)]
    assert sorted(told[2:]) == [("MUG", 40, False), ("MUG", 50, True), ("TEA", 2, False)]


async def test_a_count_that_is_told_again_after_a_sale_keeps_until_when_it_was_another(shop: Shop) -> None:
    """Some stores tell each count by when it changed: that it is still the same says nothing new of that change."""
    shop.clock.push(timedelta(hours=6))
    await shop.take("stock", count("MUG", 0), until=NOW)
    await shop.take("stock", count("MUG", 50, minutes=200), until=NOW + timedelta(minutes=200))
    await shop.take("orders", order("1", sold("a", "MUG", 2), placed_at=NOW + timedelta(minutes=210)))
    kept = await shop.rows("SELECT * FROM stock_levels ORDER BY id")
    again = await shop.take("stock", count("MUG", 50, minutes=200), until=NOW + timedelta(minutes=260))
    assert (again.changed, again.touched) == (0, set())
    assert await shop.rows("SELECT * FROM stock_levels ORDER BY id") == kept
    await shop.take("stock", count("MUG", 0, minutes=230))  # readings had told 48 until later than that
    query = "SELECT on_hand, unchanged_until IS NULL FROM stock_levels ORDER BY id"
    assert [(units, bool(unknown)) for units, unknown in await shop.rows(query)] == [(0, True), (50, False), (0, True)]


async def test_of_a_variant_that_is_gone_nobody_knows_when_its_units_went(shop: Shop) -> None:
    mug = await shop.product("MUG")
    await code(shop, "v-MUG-2", mug, "confirmed")
    await shop.take("stock", count("MUG-2", 5, minutes=-1000), count("MUG", 0, minutes=-1000), until=NOW, anew=True)
    shop.clock.push(timedelta(hours=9))
    now = NOW + timedelta(hours=9)
    await shop.take("stock", count("MUG", 0, minutes=541), until=now, anew=True)
    told = await shop.rows("SELECT on_hand, unchanged_until IS NULL FROM stock_levels ORDER BY as_of")
    assert [(units, bool(unknown)) for units, unknown in told] == [(5, True), (0, True)]


async def test_what_a_store_whose_clock_is_ahead_counts_holds_at_once(shop: Shop) -> None:
    await shop.take("stock", count("MUG", 10, minutes=-5))
    await shop.take("stock", count("MUG", 0, minutes=5))
    async with shop.database.reading() as connection:
        (stock,) = await ledger.on_hand(connection, shop.clock.now())
    assert stock.on_hand == 0


async def test_of_counts_of_the_same_instant_the_one_told_last_holds_also_within_a_page(shop: Shop) -> None:
    await shop.take("stock", count("MUG", 10))
    assert (await shop.take("stock", count("MUG", 9))).changed == 1
    assert (await shop.take("stock", count("MUG", 9))).changed == 0
    await shop.take(
        "stock", count("MUG", 8, minutes=-30), count("MUG", 8), count("MUG", 7), count("MUG", 3, minutes=-9)
    )
    assert [row[0] for row in await shop.rows(LEVELS)] == [7]


async def test_of_stores_that_share_a_stock_one_counts(shop: Shop) -> None:
    (berlin,) = await shop.rows("SELECT id FROM locations WHERE code = 'BER'")
    await shop.add(StorePlace, store=SHOP, place="p3", name="Outlet", location_id=berlin[0], counts=False)
    await shop.take("stock", count("MUG", 10), count("MUG", 99, place="p3"), count("MUG", 7, place=WEST))
    assert [row[0] for row in await shop.rows(LEVELS)] == [10, 7]


async def test_two_variants_that_are_one_product_are_counted_together_and_none_is_less_than_nothing(shop: Shop) -> None:
    mug = await shop.product("MUG")
    await code(shop, "v-MUG-2", mug, "confirmed")
    await shop.take("stock", count("MUG", 10), count("MUG-2", 5), count("CUP", -3))
    assert sorted(row[0] for row in await shop.rows(LEVELS)) == [0, 15]


async def test_one_of_several_variants_that_are_one_product_is_counted_with_what_the_others_told_last(
    shop: Shop,
) -> None:
    """As their calls, and pages of their lists, tell of one at a time."""
    mug = await shop.product("MUG")
    await code(shop, "v-MUG-2", mug, "confirmed")
    await shop.take("stock", count("MUG", 10, committed=1))
    await shop.take("stock", count("MUG-2", 5, minutes=1, incoming=4))
    await shop.take("stock", count("MUG", 7, minutes=2), count("MUG", 99, place=WEST, minutes=2))
    assert (await shop.take("stock", count("MUG-2", 50, minutes=-5))).changed == 0  # came late
    levels = "SELECT on_hand, committed, incoming FROM stock_levels s JOIN locations l ON l.id = s.location_id"
    assert await shop.rows(f"{levels} WHERE code = 'BER' ORDER BY as_of") == [(10, 1, 0), (15, 1, 4), (12, 0, 4)]
    assert await shop.rows(f"{levels} WHERE code = 'SHA'") == [(99, 0, 0)]


async def test_a_variant_that_is_told_again_dates_no_count_of_the_others_that_are_one_product_with_it(
    shop: Shop,
) -> None:
    mug = await shop.product("MUG")
    await code(shop, "v-MUG-2", mug, "confirmed")
    await shop.take("stock", count("MUG", 10, minutes=-60), count("MUG-2", 5, minutes=-60))
    at = NOW - timedelta(minutes=30)
    await shop.take("orders", order("1", sold("a", "MUG", 2), placed_at=at, changed_at=at))
    assert (await shop.take("stock", count("MUG-2", 5, minutes=-10))).changed == 0  # the two that were sold stay away
    assert (await shop.take("stock", count("MUG", 8, minutes=-9))).changed == 1
    back = NOW - timedelta(minutes=8)
    await shop.take("orders", order("2", sold("a", "MUG", 1), placed_at=back, changed_at=back))
    both = count("MUG", 8, minutes=-6), count("MUG-2", 5, minutes=-7)
    assert [(await shop.take("stock", one)).changed for one in both] == [0, 1]  # all of it was counted anew by then
    assert [row[0] for row in await shop.rows(LEVELS)] == [15, 13, 13]


async def test_a_variant_that_joins_another_leaves_that_ones_count_in_the_sum(shop: Shop) -> None:
    await shop.take("stock", count("MUG", 10))
    (mug,) = await shop.rows("SELECT id FROM products WHERE sku = 'MUG'")
    await code(shop, "v-MUG-2", mug[0], "confirmed")
    await shop.take("stock", count("MUG-2", 5, minutes=1))
    assert [row[0] for row in await shop.rows(LEVELS)][-1] == 15
    await shop.take("stock", count("MUG", 8, minutes=2))
    assert [row[0] for row in await shop.rows(LEVELS)][-1] == 13


async def test_a_variant_that_tells_no_counts_adds_nothing_to_those_of_another_one(shop: Shop) -> None:
    """As an order's line whose variant is deleted, known by its SKU, and a set that takes another variant's shelf."""
    await shop.take("stock", count("MUG", 5))
    await shop.take("orders", order("1", replace(sold("a", "MUG", 1), code="sku:MUG")))
    for minutes, units in ((1, 7), (2, 3), (3, 0)):
        await shop.take("stock", count("MUG", units, minutes=minutes))
    assert sorted(await shop.rows("SELECT code, match FROM store_codes")) == [("sku:MUG", "same"), ("v-MUG", "same")]
    assert await shop.rows("SELECT on_hand FROM stock_levels ORDER BY as_of") == [(5,), (7,), (3,), (0,)]


async def test_what_a_reading_of_all_there_is_did_not_tell_is_no_more_in_the_sum(shop: Shop) -> None:
    """As of goods that were deleted and made anew under the same SKU, and of what older versions guessed."""
    mug = await shop.product("MUG")
    for name in ("v-MUG-2", "v-MUG-3"):
        await code(shop, name, mug, "confirmed")
    await shop.take("stock", count("MUG-2", 5, minutes=-9), count("CUP", 3, minutes=-9), until=NOW)
    await shop.add(StoreShelf, store=SHOP, code="v-MUG-3", place=EAST, as_of=NOW, on_hand=4, committed=0, incoming=0)
    shop.clock.push(timedelta(minutes=1))
    await shop.take("stock", count("MUG", 7, minutes=-5), until=NOW)  # what changed alone: the others stand
    mugs = "SELECT on_hand FROM stock_levels s JOIN products p ON p.id = s.product_id WHERE sku = 'MUG' ORDER BY as_of"
    assert await shop.rows(mugs) == [(5,), (16,)]
    shop.clock.push(timedelta(minutes=1))
    await shop.take("stock", count("MUG", 7, minutes=-4), anew=True)
    shop.clock.push(timedelta(minutes=1))
    wrong = Fault(f"v-MUG-3@{EAST}", verbatim("it cannot be read"))
    ended = await shop.take("stock", faults=(wrong,), until=NOW)
    assert (await shop.rows(mugs), ended.changed, ended.touched) == ([(5,), (11,)], 1, {mug})
    await shop.take("stock", count("MUG", 7, minutes=-4), until=NOW, anew=True)
    assert await shop.rows(mugs) == [(5,), (7,)]
    assert await shop.rows("SELECT code FROM store_shelves") == [("v-MUG",)]


async def test_rows_are_written_in_one_order_whatever_the_pages_so_that_two_at_once_do_not_wait_crosswise(
    shop: Shop,
) -> None:
    nameless = [replace(count(name, 1), sku="") for name in ("C", "A", "B")]
    await shop.take("stock", *nameless, count("Z", 1), count("Y", 1, place=WEST), count("X", 1))
    assert await shop.rows("SELECT subject FROM store_faults ORDER BY id") == [(f"v-{n}@{EAST}",) for n in "ABC"]
    assert await shop.rows("SELECT code FROM store_codes ORDER BY id") == [(f"v-{n}",) for n in "ABCXYZ"]
    assert await shop.rows("SELECT code FROM store_shelves ORDER BY id") == [(f"v-{n}",) for n in "XYZ"]
    levels = await shop.rows("SELECT product_id, location_id FROM stock_levels ORDER BY id")
    assert levels == sorted(levels)
    assert len(levels) == 3


async def test_a_variant_that_became_another_product_is_no_more_in_the_sum(shop: Shop) -> None:
    mug = await shop.product("MUG")
    await shop.product("JUG")
    await code(shop, "v-MUG-2", mug, "confirmed")
    await shop.take("stock", count("MUG", 10), count("MUG-2", 5))
    async with shop.database.transaction() as connection:
        assert await stores.map_code(connection, SHOP, "v-MUG-2", "JUG")
    await shop.take("stock", count("MUG", 10, minutes=1))
    assert [row[0] for row in await shop.rows(LEVELS)][-1] == 10


async def test_goods_on_their_way_are_incoming_until_they_arrive_and_arrive_once(shop: Shop) -> None:
    fact = InboundFact("t1", "v-MUG", "MUG", EAST, 40, NOW - timedelta(days=9), date(2026, 11, 25))
    assert (await shop.take("inbounds", fact)).changed == 1
    assert (await shop.take("inbounds", fact)).changed == 0
    for _time in range(2):
        await shop.take("inbounds", replace(fact, received_at=NOW))
    assert await shop.rows("SELECT quantity, received_at IS NOT NULL FROM inbounds") == [(40, True)]
    assert await shop.rows("SELECT quantity, kind FROM stock_movements") == [(40, "receipt")]


async def test_a_product_gets_the_stores_name_and_price_but_never_a_currency_it_is_not_kept_in(shop: Shop) -> None:
    await shop.product("CUP", name="My own name", currency="USD", unit_cost_minor=100, unit_price_minor=300)
    await shop.take("products", product("MUG", "A mug", "4.50"), product("CUP", "A cup", "2.00"))
    await shop.take("products", product("MUG", "A better mug", "4.75"))
    assert await shop.rows("SELECT sku, name, currency, unit_price_minor FROM products ORDER BY sku") == [
        ("CUP", "My own name", "USD", 300), ("MUG", "A mug", "EUR", 475),
    ]  # fmt: skip


async def test_a_variant_without_a_sku_waits_for_a_person_or_a_sku(shop: Shop) -> None:
    await shop.take("products", replace(product("MUG"), sku="", name="Mug"))
    assert await shop.rows("SELECT sku, name, product_id, match FROM store_codes") == [("", "Mug", None, "waiting")]
    await shop.take("stock", replace(count("MUG", 5), sku=""))
    assert await shop.rows("SELECT name FROM store_codes") == [("Mug",)]  # a count tells none, and takes none away
    assert await shop.faults() == {"v-MUG@p1": "nobody has said yet which product v-MUG is"}
    await shop.take("products", product("MUG"))
    assert await shop.rows("SELECT sku, match FROM store_codes") == [("MUG", "same")]


async def test_what_a_connector_could_not_read_is_listed_with_the_cursor_that_goes_on(shop: Shop) -> None:
    fault = Fault("order 7", verbatim("placed_at: not a date"), '{"placed_at": "soon"}')
    await shop.take("orders", faults=(fault,), cursor="page 2", until=NOW)
    assert await shop.rows("SELECT subject, problem, record FROM store_faults") == [
        ("order 7", fault.problem, fault.record)
    ]
    assert await shop.rows("SELECT kind, cursor FROM store_cursors") == [("orders", "page 2")]
    assert await shop.rows("SELECT source, kind, limit_hours FROM feeds") == [("store:shop", "sales", 3)]


@pytest.mark.parametrize(
    ("sku", "name", "found"),
    [
        ("ab-12", "", ("AB-12", "", 0)),
        ("AB 12", "", ("AB 12", "AB-12", 100)),
        ("ａｂ-12", "", ("AB-12", "", 0)),
        ("AB-13", "", ("AB-13", "", 0)),
        ("LANTERN-RED-85123A", "", ("LANTERN-RED-85123A", "LANTERN-READ-85123A", 97)),
        ("X9", "white hanging heart holder t light", ("X9", "85123A", 95)),
        ("X9", "something else", ("X9", "", 0)),
        ("SIB-2", "Sibling large", ("SIB-2", "", 0)),
    ],
)
def test_a_sku_is_the_same_only_when_it_is_written_the_same(sku: str, name: str, found: tuple[str, str, int]) -> None:
    known = {
        "AB-12": "AB-12", "LANTERN-READ-85123A": "Lantern", "85123A": "WHITE HANGING HEART T-LIGHT HOLDER",
        "SIB-1": "Sibling large",
    }  # fmt: skip
    named = Names(known, {"SIB-1"}).find(sku, name)
    assert (named.sku, named.suggested) == found[:2]
    assert abs(named.score - found[2]) <= 4


async def test_a_price_in_another_currency_is_the_products_own_while_it_has_neither_price_nor_cost(shop: Shop) -> None:
    await shop.product("MUG", currency="USD")
    await shop.take("products", replace(product("MUG"), price=euros("3.00")))
    assert await shop.rows("SELECT currency, unit_price_minor FROM products") == [("EUR", 300)]


async def test_facts_that_a_delivery_led_to_move_no_cursor(shop: Shop) -> None:
    await shop.take("orders", cursor="page 2")
    await shop.take("orders", order("1", sold("a", "MUG", 1)), cursor="")
    assert await shop.rows("SELECT cursor FROM store_cursors") == [("page 2",)]


async def test_a_product_that_was_counted_first_is_named_later_and_a_persons_name_stands(shop: Shop) -> None:
    await shop.take("stock", count("MUG", 5))
    assert (await shop.take("products", product("MUG", "Blue mug"))).changed == 1
    assert (await shop.take("products", product("MUG", "Red mug"))).changed == 0
    assert await shop.rows("SELECT name FROM products WHERE sku = 'MUG'") == [("Blue mug",)]
