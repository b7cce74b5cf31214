"""Orders of stores become demand: as they are now, whatever was told twice, late or in another order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.ports import MovableClock, OrderFact, Page, ReturnedLine, ReturnedUnits, SoldLine
from bot.services.feeds import Taking
from bot.services.feeds.orders import Book
from bot.storage.database import Database
from bot.storage.stores import Code, Spot
from bot.storage.tables import StorePlace
from tests.services.feeds.kit import EAST, NOW, SHOP, WEST, Shop, code, open_shop, order, sold

DAY = "2026-11-18"


async def test_an_order_is_demand_of_its_local_day_and_told_again_changes_nothing(shop: Shop) -> None:
    late = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)  # the next day in Berlin and Shanghai
    given = order("1", sold("a", "MUG", 3, "25.50"), sold("b", "CUP", 1, place=WEST), placed_at=late)
    first = await shop.take("orders", given)
    assert (first.changed, first.faults, len(first.touched)) == (1, 0, 2)
    expected = [
        ("CUP", "SHA", "2026-11-19", 1, 0, 1, 1000),
        ("MUG", "BER", "2026-11-19", 3, 0, 3, 2550),
    ]
    assert await shop.demand() == expected
    again = await shop.take("orders", given)
    assert (again.changed, again.touched) == (0, set())
    assert await shop.demand() == expected


async def test_an_edit_takes_lines_off_adds_others_and_changes_their_number(shop: Shop) -> None:
    await shop.take("orders", order("1", sold("a", "MUG", 3), sold("b", "CUP", 2)))
    await shop.take("orders", order("1", sold("a", "MUG", 5), sold("c", "PLATE", 1)))
    assert [row[:4] for row in await shop.demand()] == [("MUG", "BER", DAY, 5), ("PLATE", "BER", DAY, 1)]


async def test_a_cancellation_undoes_a_sale_once_and_can_be_taken_back(shop: Shop) -> None:
    whole = order("1", sold("a", "MUG", 3))
    gone = order("1", sold("a", "MUG", 0), changed_at=NOW - timedelta(hours=1))
    await shop.take("orders", whole)
    for _time in range(2):
        await shop.take("orders", gone)
        assert [row[3:6] for row in await shop.demand()] == [(0, 0, 3), (0, 3, -3)]
    kinds = await shop.rows("SELECT kind, quantity, cancels, cancelled_by FROM sales ORDER BY id")
    assert kinds == [("sale", 3, None, "1/a/cancelled"), ("cancellation", -3, "1/a", None)]
    await shop.take("orders", replace(whole, changed_at=NOW, version=NOW))
    assert [row[2:6] for row in await shop.demand()] == [(DAY, 3, 0, 3)]


async def test_an_order_that_was_cancelled_before_it_was_known_is_no_sale(shop: Shop) -> None:
    await shop.take("orders", order("1", sold("a", "MUG", 0)))
    assert await shop.demand() == []


async def test_a_line_whose_goods_the_store_deleted_stays_what_it_was_and_goes_on_with_its_order(shop: Shop) -> None:
    def of_nothing(line: str, quantity: int) -> SoldLine:
        return replace(sold(line, "", quantity), code="")

    await shop.product("BULB")
    await shop.kit("SET", {"BULB": 2})
    told = order("1", sold("a", "CUP", 5), sold("b", "MUG", 4), sold("c", "SET", 1))
    await shop.take("orders", told)
    demand = await shop.demand()
    later = replace(told, lines=(told.lines[0], of_nothing("b", 4), of_nothing("c", 1), of_nothing("d", 7)))
    taken = await shop.take("orders", later)
    assert (taken.changed, await shop.demand(), await shop.faults()) == (0, demand, {})
    await shop.take("orders", replace(later, returns=(ReturnedLine("r", "b", 1, NOW - timedelta(days=2)),)))
    assert [row[:5] for row in await shop.demand()] == [
        ("BULB", "BER", DAY, 2, 0), ("CUP", "BER", DAY, 5, 0), ("MUG", "BER", DAY, 4, 1),
    ]  # fmt: skip
    ended = replace(later, lines=(told.lines[0], of_nothing("b", 4), of_nothing("c", 0)))
    assert (await shop.take("orders", ended)).changed == 1
    gone = [row[:4] for row in await shop.demand()]
    assert gone == [("BULB", "BER", DAY, 0), ("CUP", "BER", DAY, 5), ("MUG", "BER", DAY, 4)]
    assert (await shop.take("orders", ended)).changed == 0
    await shop.take("orders", replace(later, lines=(of_nothing("b", 0),)))
    assert [row[:4] for row in await shop.demand()] == [("MUG", "BER", DAY, 0)]


async def test_a_kit_that_the_store_deleted_comes_back_and_changes_as_what_it_consisted_of(shop: Shop) -> None:
    await shop.product("MUG", unit_price_minor=300)
    await shop.product("CUP", unit_price_minor=401)
    for kit, units in (("SET", 2), ("BOX", 4)):  # the same parts: the rows alone do not tell which of them it was
        await shop.kit(kit, {"MUG": units, "CUP": units // 2})
        await code(shop, f"v-{kit}", (await shop.rows(f"SELECT id FROM products WHERE sku = '{kit}'"))[0][0], "same")  # noqa: S608  # our own
    told = order("1", sold("a", "SET", 4, "39.99"))
    await shop.take("orders", told)

    def gone(quantity: int, amount: str, *back: tuple[str, int]) -> OrderFact:
        line = replace(sold("a", "", quantity, amount), code="")
        return replace(told, lines=(line,), returns=tuple(ReturnedLine(name, "a", n, NOW) for name, n in back))

    async def rows(*columns: str) -> list[tuple[object, ...]]:
        chosen = f"SELECT code, kind, {', '.join(columns)} FROM sales ORDER BY kind, code, external_id"  # noqa: S608  # our own
        return await shop.rows(chosen)

    whole = await shop.rows("SELECT * FROM sales ORDER BY id")
    assert (await shop.take("orders", gone(4, "39.99"))).changed == 0
    assert await shop.rows("SELECT * FROM sales ORDER BY id") == whole
    for _time in range(2):
        await shop.take("orders", gone(4, "39.99", ("r", 1)))
        assert (await rows("quantity"))[:2] == [("CUP", "return", -1), ("MUG", "return", -2)]
    await shop.take("orders", gone(4, "39.99", ("r", 1), ("s", 3)))
    assert await shop.rows("SELECT SUM(quantity), SUM(amount_minor) FROM sales") == [(0, 0)]
    assert (await shop.take("orders", gone(3, "29.99"))).changed == 1
    assert await rows("quantity", "amount_minor") == [("CUP", "sale", 3, 1201), ("MUG", "sale", 6, 1798)]
    again = await shop.rows("SELECT * FROM sales ORDER BY id")
    assert (await shop.take("orders", gone(3, "29.99"))).changed == 0
    await shop.take("orders", gone(0, "0"))
    assert await shop.rows("SELECT SUM(quantity), SUM(amount_minor) FROM sales") == [(0, 0)]
    assert [row[:2] for row in await rows("id")] == [
        (sku, kind) for kind in ("cancellation", "sale") for sku in ("CUP", "MUG")
    ]
    await shop.take("orders", gone(3, "29.99"))
    assert await shop.rows("SELECT * FROM sales ORDER BY id") == again


async def test_of_a_kit_that_was_sold_before_its_units_were_kept_and_deleted_since_nothing_is_guessed(
    shop: Shop,
) -> None:
    await shop.product("BULB")
    await shop.kit("SET", {"BULB": 2})
    told = order("1", sold("a", "SET", 1))
    await shop.take("orders", told)
    async with shop.database.transaction() as connection:
        await connection.exec_driver_sql("UPDATE sales SET kit_units = NULL")
    fewer = replace(told, lines=(replace(sold("a", "", 3), code=""),))
    assert (await shop.take("orders", fewer)).changed == 0
    ended = replace(told, lines=(replace(sold("a", "", 0), code=""),))
    assert (await shop.take("orders", ended)).changed == 1
    assert await shop.rows("SELECT SUM(quantity) FROM sales") == [(0,)]


async def test_a_line_whose_id_begins_with_that_of_another_and_a_slash_is_none_of_its_rows(shop: Shop) -> None:
    part = await shop.product("MUG")
    kit = await shop.kit("SET", {"MUG": 2})
    await code(shop, "v-SET", kit, "same")
    told = order("1", sold("a", "SET", 1), sold(f"a/{part}", "CUP", 3), sold("a/b", "PLATE", 5))
    await shop.take("orders", told)
    assert await units(shop) == {"CUP": 3, "MUG": 2, "PLATE": 5}
    back = ReturnedUnits("L", "1", f"a/{part}", "v-CUP", 1, NOW)
    await shop.take("returns", back, replace(back, line="a", code="", quantity=1))
    assert await units(shop) == {"CUP": 2, "MUG": 0, "PLATE": 5}
    bare = replace(sold("a", "", 0), code="")
    await shop.take("orders", replace(told, lines=(bare, *told.lines[1:])))
    assert await units(shop) == {"CUP": 2, "MUG": 0, "PLATE": 5}
    assert await shop.rows("SELECT DISTINCT code FROM sales WHERE kind = 'cancellation'") == [("MUG",)]


async def units(shop: Shop) -> dict[str, int]:
    """What of each SKU went out and did not come back."""
    return dict(await shop.rows("SELECT code, CAST(SUM(quantity) AS INTEGER) FROM sales GROUP BY code"))


async def test_an_older_state_that_is_told_later_changes_nothing_and_an_equal_one_is_taken(shop: Shop) -> None:
    at = NOW - timedelta(hours=1)
    first, gone = order("1", sold("a", "MUG", 5), changed_at=at), order("1", sold("a", "MUG", 0), changed_at=NOW)
    await shop.take("orders", first)
    await shop.take("orders", gone, first)  # of one page too the latest state holds
    cancelled = await shop.demand()
    assert (await shop.take("orders", first, cursor="")).changed == 0
    assert await shop.demand() == cancelled
    assert await shop.rows("SELECT SUM(quantity) FROM sales") == [(0,)]
    await shop.take("orders", order("1", sold("a", "MUG", 3), changed_at=NOW))
    assert await shop.rows("SELECT SUM(quantity) FROM sales") == [(3,)]


async def test_a_state_without_a_version_holds_once_it_is_told(shop: Shop) -> None:
    """Where the store's instants may fall: its last line's row was deleted, or corrected to an earlier one."""
    await shop.take("orders", order("1", sold("a", "CUP", 5), sold("b", "MUG", 4), changed_at=NOW))
    fewer = order("1", sold("a", "CUP", 3), version=None)
    assert (await shop.take("orders", order("1", sold("a", "CUP", 9), version=None), fewer)).outdated == set()
    assert [row[:4] for row in await shop.demand()] == [("CUP", "BER", DAY, 3)]
    gone = order("1", sold("a", "CUP", 0), version=NOW)  # as of the same instant as the first, cancelled before that
    await shop.take("orders", gone)
    assert [row[3] for row in await shop.demand()] == [0]


async def test_what_is_set_aside_of_an_order_stands_when_an_older_state_is_told(shop: Shop) -> None:
    await shop.take("orders", order("1", sold("a", "MUG", 5), place="p9", changed_at=NOW))
    await shop.take("orders", order("1", sold("a", "MUG", 2), changed_at=NOW - timedelta(hours=1)))
    assert list(await shop.faults()) == ["1"]
    assert await shop.demand() == []


async def test_of_two_processes_at_once_the_later_state_of_an_order_holds(shop: Shop) -> None:
    states = [order("1", sold("a", "MUG", n), changed_at=NOW - timedelta(hours=9 - n)) for n in range(1, 9)]
    other = Taking(database=shop.database, clock=shop.clock, currency="EUR")
    await shop.take("orders", states[0])
    pages = [Page("orders", (state,), "") for state in states]
    await asyncio.gather(
        *[taker.take(SHOP, page) for page in reversed(pages) for taker in (shop.taking, other)]
    )  # fmt: skip
    assert await shop.rows("SELECT SUM(quantity) FROM sales") == [(8,)]
    assert [row[3] for row in await shop.demand()] == [8]


async def test_what_comes_back_is_a_return_of_its_own_day_and_leaves_the_sale(shop: Shop) -> None:
    back = (ReturnedLine("r1", "a", 1, NOW - timedelta(days=1)), ReturnedLine("r2", "a", 2, NOW))
    for _time in range(2):
        await shop.take("orders", order("1", sold("a", "MUG", 4, "40"), returns=back))
    assert [row[2:] for row in await shop.demand()] == [
        (DAY, 4, 0, 4, 4000), ("2026-11-19", 0, 1, -1, 0), ("2026-11-20", 0, 2, -2, 0),
    ]  # fmt: skip
    assert await shop.rows("SELECT amount_minor FROM sales WHERE kind = 'return' ORDER BY id") == [(-1000,), (-2000,)]


async def test_a_kit_leaves_the_shelf_as_what_it_consists_of_and_its_money_is_shared_by_price(shop: Shop) -> None:
    await shop.product("MUG", unit_price_minor=600)
    await shop.product("SPOON", unit_price_minor=200)
    kit = await shop.kit("SET", {"MUG": 1, "SPOON": 3})
    await code(shop, "v-SET", kit, "same")
    await shop.take("orders", order("1", sold("a", "SET", 2, "20.00")))
    assert [(row[0], *row[3:]) for row in await shop.demand()] == [("MUG", 2, 0, 2, 1000), ("SPOON", 6, 0, 6, 1000)]


PART = st.tuples(st.integers(1, 5), st.sampled_from([None, 0, 100, 333]))
MINOR = st.integers(-100_000, 100_000)


def book(parts: Sequence[tuple[int, int | None]]) -> Book:
    """A kit `SET` of (units, price) each, sold at EAST."""
    goods = {number: (f"P{number}", price) for number, (_, price) in enumerate(parts)}
    kit = [(number, units) for number, (units, _) in enumerate(parts)]
    spot = Spot(EAST, 1, "UTC", counts=True, ignored=False)
    return Book({"v-SET": Code(1, "v-SET", "SET", 99, "same")}, {EAST: spot}, {99: kit}, goods)


@given(MINOR, st.integers(1, 9), st.lists(PART, min_size=1, max_size=5))
def test_the_money_of_a_kit_is_all_that_its_parts_cost_and_no_part_is_a_cent_off(
    minor: int, units: int, parts: list[tuple[int, int | None]]
) -> None:
    line = replace(sold("a", "SET", units), amount=Money.of_minor(minor, "EUR"))
    lines = book(parts).change(order("1", line), ()).added
    assert sum(line.amount_minor for line in lines) == minor
    weights = [(price or 0) * each for each, price in parts]
    weights = weights if sum(weights) else [each for each, _ in parts]
    for part, weight in zip(lines, weights, strict=True):
        assert abs(part.amount_minor - Fraction(minor * weight, sum(weights))) < 1


@given(MINOR, st.integers(1, 9), st.lists(PART, min_size=1, max_size=5))
@example(minor=1, units=2, parts=[(5, 1), (1, 333)])
def test_a_kit_that_the_store_deleted_is_what_it_was_to_the_last_digit_and_another_share_by_share(
    minor: int, units: int, parts: list[tuple[int, int | None]]
) -> None:
    line = replace(sold("a", "SET", units), amount=Money.of_minor(minor, "EUR"))
    kept = book(parts)
    before = kept.change(order("1", line), ()).added
    bare = replace(line, code="")
    assert not kept.change(order("1", bare), before)
    other = replace(bare, quantity=units + 1, amount=Money.of_minor(minor + 7, "EUR"))
    changed = kept.change(order("1", other), before)
    assert [row.quantity for row in changed.changed] == [(units + 1) * each for each, _ in parts]
    assert (changed.added, changed.dropped, sum(row.amount_minor for row in changed.changed)) == ((), (), minor + 7)


def test_three_equal_parts_of_one_pound_are_one_pound_also_when_they_come_back_one_by_one() -> None:
    back = tuple(ReturnedLine(name, "a", 1, NOW) for name in ("r1", "r2", "r3"))
    lines = book([(1, 100)] * 3).change(order("1", sold("a", "SET", 3, "1.00"), returns=back), ()).added
    assert sorted(line.amount_minor for line in lines if line.kind == "sale") == [33, 33, 34]
    assert sum(line.amount_minor for line in lines) == 0


async def test_what_cannot_be_taken_is_set_aside_and_taken_once_it_can_be(shop: Shop) -> None:
    lost, good, tomorrow = order("1", sold("a", "MUG", 1), place="p9"), order("2", sold("a", "MUG", 1)), order(
        "3", sold("a", "MUG", 1), placed_at=NOW + timedelta(days=2)
    )  # fmt: skip
    report = await shop.take("orders", lost, good, tomorrow)
    assert (report.facts, report.changed, report.faults) == (3, 1, 2)
    assert await shop.faults() == {
        "1": "its place 'p9' is not known yet",
        "3": "it was placed in the future",
    }
    (berlin,) = await shop.rows("SELECT id FROM locations WHERE code = 'BER'")
    await shop.add(StorePlace, store=SHOP, place="p9", name="New", location_id=berlin[0], counts=False)
    await shop.take("orders", lost)
    assert set(await shop.faults()) == {"3"}
    assert (await shop.demand())[0][3] == 2


async def test_a_variant_that_is_none_of_ours_and_a_place_that_is_none_are_left_out(shop: Shop) -> None:
    await code(shop, "v-GIFT", None, "ignored")
    await shop.add(StorePlace, store=SHOP, place="p3", name="Drop ship", location_id=None, counts=False, ignored=True)
    lines = (sold("a", "GIFT", 1), sold("b", "MUG", 2), sold("c", "CUP", 1, place="p3"))
    report = await shop.take("orders", order("1", *lines))
    assert report.faults == 0
    assert [row[:4] for row in await shop.demand()] == [("MUG", "BER", DAY, 2)]


VERSIONS = st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=4)
TELLINGS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), max_size=6)


def _told(number: int, quantities: list[int], version: int) -> OrderFact:
    lines = [sold(str(place), f"S{place}", quantity) for place, quantity in enumerate(quantities)]
    at = NOW - timedelta(hours=10 - version)
    return order(str(number), *lines, changed_at=at)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.tuples(VERSIONS, VERSIONS), tellings=TELLINGS)
async def test_whatever_was_told_before_the_units_are_those_of_the_last_version(
    sqlite_database: Database, versions: tuple[list[list[int]], list[list[int]]], tellings: list[tuple[int, int]]
) -> None:
    async with sqlite_database.transaction() as connection:
        for table in (
            "daily_demand",
            "sales",
            "store_codes",
            "store_places",
            "store_cursors",
            "store_orders",
            "touched_products",
            "products",
            "locations",
        ):
            await connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608  # our own
    shop = await open_shop(sqlite_database, MovableClock(NOW))
    for number, version in tellings:
        known = versions[number]
        at = version % len(known)
        await shop.take("orders", _told(number, known[at], at))
    last = [_told(number, known[-1], len(known)) for number, known in enumerate(versions)]
    await shop.take("orders", *last)
    units: dict[str, int] = {}
    for row in await shop.demand():
        units[row[0]] = units.get(row[0], 0) + row[3]
    expected = {f"S{place}": sum(known[-1][place] for known in versions) for place in range(3)}
    assert {sku: found for sku, found in units.items() if found} == {sku: n for sku, n in expected.items() if n}
    shipped = await shop.rows("SELECT COALESCE(SUM(quantity), 0) FROM sales")
    assert shipped == [(sum(expected.values()),)]


async def test_an_order_of_a_variant_without_a_sku_waits_and_leaves_nothing_behind(shop: Shop) -> None:
    bare = replace(sold("a", "MUG", 1), sku="")
    await shop.take("orders", order("1", bare))
    assert await shop.faults() == {"1": "nobody has said yet which product v-MUG is"}
    await shop.take("orders", order("1", sold("a", "MUG", 1)))
    assert await shop.faults() == {}


async def test_a_line_of_a_variant_that_a_person_must_name_waits(shop: Shop) -> None:
    await shop.product("LANTERN-85123A")
    report = await shop.take("orders", order("1", sold("a", "LANTERN 85123A", 1)))
    assert report.faults == 1
    assert await shop.faults() == {"1": "nobody has said yet which product LANTERN 85123A is"}
    assert await shop.rows("SELECT match, score FROM store_codes") == [("suggested", 100)]
