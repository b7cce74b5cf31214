"""What came back, told apart from its order: taken off it once, in whatever order they are told; no more than left."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.ports import MovableClock, OrderFact, Page, ReturnedUnits
from bot.services.feeds.loading import Loading
from bot.services.feeds.syncing import Syncing
from bot.storage.database import Database
from tests.services.feeds.kit import NOW, SHOP, Shop, code, open_shop, order, sold
from tests.services.feeds.script import Script

DAY, LATER = "2026-11-18", "2026-11-19"
BACK = NOW - timedelta(days=1)


def back(ident: str, units: int = 1, line: str = "a", sku: str = "MUG", of: str = "1", hours: int = 0) -> ReturnedUnits:
    """Units of a line that came back a day before now, or so many hours later."""
    return ReturnedUnits(ident, of, line, f"v-{sku}", units, BACK + timedelta(hours=hours))


async def returned(shop: Shop) -> list[tuple[str, int, int]]:
    """(id, units, money) of the rows of what came back."""
    rows = await shop.rows("SELECT external_id, quantity, amount_minor FROM sales WHERE kind = 'return' ORDER BY 1")
    return [(name, units, money) for name, units, money in rows]


async def test_it_is_taken_off_the_order_that_stands(shop: Shop) -> None:
    await shop.take("orders", order("1", sold("a", "MUG", 3, "10.00"), sold("b", "CUP", 1)))
    taken = await shop.take("returns", back("L1"), back("L2", hours=1))
    assert (taken.facts, taken.changed, taken.faults, len(taken.touched)) == (2, 1, 0, 1)
    assert await returned(shop) == [("1/a/return/L1", -1, -333), ("1/a/return/L2", -1, -334)]
    assert [row[2:6] for row in await shop.demand() if row[0] == "MUG"] == [(DAY, 3, 0, 3), (LATER, 0, 2, -2)]
    again = await shop.take("returns", back("L1", hours=9), back("L2"))
    assert (again.changed, again.touched) == (0, set()), "told with another date it is the same"


async def test_it_waits_for_its_order_and_for_the_line_that_it_is_of(shop: Shop) -> None:
    taken = await shop.take("returns", back("L1"), back("L2", line="b", sku="CUP"))
    assert (taken.changed, taken.faults, taken.touched) == (0, 0, set())
    assert await shop.rows("SELECT COUNT(*) FROM store_codes") == [(0,)], "nobody is asked about what was never sold"
    await shop.take("orders", order("1", sold("a", "MUG", 3)))
    assert await returned(shop) == [("1/a/return/L1", -1, -1000)]
    await shop.take("orders", order("1", sold("a", "MUG", 3), sold("b", "CUP", 1)))
    assert [name for name, _, _ in await returned(shop)] == ["1/a/return/L1", "1/b/return/L2"]


async def test_an_order_that_is_read_again_neither_loses_nor_doubles_it(shop: Shop) -> None:
    whole = order("1", sold("a", "MUG", 3))
    await shop.take("orders", whole)
    await shop.take("returns", back("L1", 2))
    before = await shop.rows("SELECT * FROM sales ORDER BY id")
    assert (await shop.take("orders", whole)).changed == 0
    assert (await shop.take("returns", back("L1", 2))).changed == 0
    assert await shop.rows("SELECT * FROM sales ORDER BY id") == before


async def test_no_more_comes_back_than_was_sold(shop: Shop) -> None:
    await shop.take("returns", back("L1", 2), back("L2", 2, hours=1), back("L3", hours=2))
    await shop.take("orders", order("1", sold("a", "MUG", 3)))
    assert [row[:2] for row in await returned(shop)] == [("1/a/return/L1", -2), ("1/a/return/L2", -1)]
    await shop.take("returns", back("L0", hours=-1))  # what came first counts first
    assert [row[:2] for row in await returned(shop)] == [("1/a/return/L0", -1), ("1/a/return/L1", -2)]
    await shop.take("orders", order("1", sold("a", "MUG", 5), changed_at=NOW))
    assert sum(units for _, units, _ in await returned(shop)) == -5
    await shop.take("orders", order("1", sold("a", "MUG", 0), changed_at=NOW))
    await shop.take("returns", back("L9"))
    assert await returned(shop) == [], "of a cancelled order nothing left"
    assert await shop.rows("SELECT SUM(quantity), SUM(amount_minor) FROM sales") == [(0, 0)]


async def test_a_quantity_that_is_told_anew_holds(shop: Shop) -> None:
    await shop.take("orders", order("1", sold("a", "MUG", 5)))
    await shop.take("returns", back("L1", 1))
    assert (await shop.take("returns", back("L1", 3))).changed == 1
    assert await returned(shop) == [("1/a/return/L1", -3, -3000)]


async def test_of_a_kit_its_parts_come_back(shop: Shop) -> None:
    await shop.product("MUG", unit_price_minor=300)
    await shop.product("CUP", unit_price_minor=400)
    set_of = await shop.kit("SET", {"MUG": 2, "CUP": 1})
    await code(shop, "v-SET", set_of, "confirmed")
    await shop.take("orders", order("1", sold("a", "SET", 2, "20.00")))
    await shop.take("returns", back("L1", 1, sku="SET"), back("L2", 5, sku="SET", hours=1))
    assert [(units, money) for _, units, money in await returned(shop)] == [
        (-2, -600),
        (-2, -600),
        (-1, -400),
        (-1, -400),
    ]
    rows = await shop.rows("SELECT SUM(quantity), SUM(amount_minor) FROM sales")
    assert rows == [(0, 0)]


async def test_it_is_none_of_ours_where_its_variant_is_not(shop: Shop) -> None:
    await code(shop, "v-MUG", None, "ignored")
    await shop.take("orders", order("1", sold("a", "MUG", 3)))
    assert (await shop.take("returns", back("L1"))).changed == 0
    assert await returned(shop) == []


async def test_what_is_to_come_back_another_day_is_set_aside_until_its_date_is_mended(shop: Shop) -> None:
    await shop.take("orders", order("1", sold("a", "MUG", 3)))
    taken = await shop.take("returns", back("L1"), back("L2", hours=24 * 365))
    assert (taken.faults, await shop.faults()) == (1, {"1/a/L2": "it came back in the future"})
    assert [name for name, _, _ in await returned(shop)] == ["1/a/return/L1"]
    await shop.take("returns", back("L2"))
    assert (len(await returned(shop)), await shop.faults()) == (2, {})


async def test_on_hand_is_read_and_stays_as_it_is(shop: Shop) -> None:
    await shop.take("orders", order("1", sold("a", "MUG", 3)))
    await shop.take("returns", back("L1"))
    assert await shop.rows("SELECT COUNT(*) FROM stock_movements") == [(0,)]
    assert await shop.rows("SELECT COUNT(*) FROM stock_levels") == [(0,)]


async def test_a_first_reading_takes_it_off_before_anything_is_judged(shop: Shop) -> None:
    loading = Loading(database=shop.database, clock=shop.clock, taking=shop.taking, store=SHOP)
    await loading.take(Page("orders", (order("1", sold("a", "MUG", 3)),), "c1"))
    await loading.take(Page("returns", (back("L1"),), "c2"))
    assert await shop.demand() == []
    await loading.settle()
    assert [row[2:6] for row in await shop.demand()] == [(DAY, 3, 0, 3), (LATER, 0, 1, -1)]


_TOLD = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.integers(0, 4), st.integers(0, 4)),
        st.tuples(st.just("back"), st.integers(0, 3), st.integers(1, 3)),
    ),
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=_TOLD, last=st.integers(0, 4))
async def test_in_whatever_order_they_are_told_what_came_back_is_the_same_and_no_more_than_left(
    sqlite_database: Database, told: list[tuple[str, int, int]], last: int
) -> None:
    async with sqlite_database.transaction() as connection:
        for table in (
            "daily_demand", "sales", "store_codes", "store_places", "store_cursors", "store_orders", "store_returns",
            "touched_products", "products", "locations",
        ):  # fmt: skip
            await connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608  # our own
    shop = await open_shop(sqlite_database, MovableClock(NOW))
    units: dict[int, int] = {}

    def as_it_is(quantity: int, step: int) -> OrderFact:
        return order("1", sold("a", "MUG", quantity), changed_at=BACK + timedelta(minutes=step))

    for step, (what, first, second) in enumerate(told):
        if what == "order":
            await shop.take("orders", as_it_is(second, step))
        else:
            units[first] = second
            await shop.take("returns", back(f"L{first}", second, hours=first))
    await shop.take("orders", as_it_is(last, len(told)))
    rows = await returned(shop)
    expected, left = [], last
    for name, each in sorted(units.items()):
        if each and left:
            expected.append((f"1/a/return/L{name}", -min(each, left), -1000 * min(each, left)))
            left -= min(each, left)
    assert rows == expected
    (shipped,) = await shop.rows("SELECT COALESCE(SUM(quantity), 0), COALESCE(SUM(amount_minor), 0) FROM sales")
    assert tuple(shipped) == (left, left * 1000)


async def test_a_reading_takes_orders_first_and_then_what_came_back_of_them(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    script.kinds = ("returns", "orders")
    script.told["orders"] = [Page("orders", (order("1", sold("a", "MUG", 3)),), "c", until=NOW)]
    script.told["returns"] = [Page("returns", (back("L1"),), "c", until=NOW)]
    reports = await syncing.sync(SHOP)
    assert [(report.kind, report.facts, report.error) for report in reports] == [("orders", 1, ""), ("returns", 1, "")]
    assert await returned(shop) == [("1/a/return/L1", -1, -1000)]
    assert [row[2:6] for row in await shop.demand()] == [(DAY, 3, 0, 3), (LATER, 0, 1, -1)]
