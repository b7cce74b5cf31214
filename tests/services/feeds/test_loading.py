"""A first reading comes to what its pages do, looks nothing up twice, and minds what people say meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import Money
from bot.ports import MovableClock, OrderFact, Page, ReturnedLine
from bot.services.feeds.desks import Desk, Desks
from bot.services.feeds.loading import Loading
from bot.services.feeds.orders import Book
from bot.storage import storebooks, stores, touched
from bot.storage.database import Database
from bot.storage.stores import Code, Spot
from bot.storage.tables import StorePlace
from tests.postgres import until_somebody_waits
from tests.services.feeds.kit import NOW, SHOP, WEST, Shop, code, open_shop, order, sold

SOLD = (
    "SELECT external_id, order_ref, location_id, code, sold_at, day, quantity, unit_price, amount_minor, kind, "
    "cancels, cancelled_by FROM sales ORDER BY external_id"
)
HERE = Spot("p1", 1, "UTC", counts=True, ignored=False)


@pytest.fixture
def loading(shop: Shop) -> Loading:
    """A first reading of the shop's store."""
    return begin(shop)


def begin(shop: Shop) -> Loading:
    return Loading(database=shop.database, clock=shop.clock, taking=shop.taking, store=SHOP)


def page(cursor: str, *facts: OrderFact) -> Page:
    return Page("orders", facts, cursor)


async def furnish(shop: Shop) -> Shop:
    """A kit, and a variant that is none of ours."""
    await shop.product("MUG", unit_price_minor=600)
    await shop.product("SPOON", unit_price_minor=200)
    await code(shop, "v-SET", await shop.kit("SET", {"MUG": 1, "SPOON": 3}), "same")
    await code(shop, "v-GIFT", None, "ignored")
    return shop


def history() -> list[Page]:
    """Orders with kits, returns, edits, a cancellation, and one that cannot be taken; some are told twice."""
    mixed = order("1", sold("a", "SET", 2, "20.01"), sold("b", "CUP", 3, "10.00"), sold("c", "GIFT", 1))
    west = order("2", sold("a", "MUG", 4, place=WEST), placed_at=NOW - timedelta(days=40))
    back = replace(west, returns=(ReturnedLine("r", "a", 3, NOW - timedelta(days=1)),))
    lost = order("3", sold("a", "MUG", 1), place="p9")
    gone = order("1", sold("a", "SET", 0), sold("b", "CUP", 1, "3.33"), changed_at=NOW - timedelta(hours=1))
    return [page("1", mixed, west, lost), page("2", mixed, order("4", sold("a", "CUP", 7))), page("3", gone, back)]


async def test_a_first_reading_comes_to_what_its_pages_come_to_one_by_one(
    shop: Shop, sqlite_template: bytes, tmp_path: Any
) -> None:
    file = tmp_path / "other.db"
    file.write_bytes(sqlite_template)
    other = Database(f"sqlite+aiosqlite:///{file}")
    beside = await furnish(await open_shop(other, MovableClock(NOW)))
    loading = begin(await furnish(shop))
    for told in history():
        first, second = await loading.take(told), await beside.taking.take(SHOP, told)
        assert (first.facts, first.changed, first.faults) == (second.facts, second.changed, second.faults)
    await loading.settle()
    assert await shop.demand() == await beside.demand() != []
    assert await shop.faults() == await beside.faults() == {"3": "its place 'p9' is not known yet"}
    assert plain(await shop.rows(SOLD)) == plain(await beside.rows(SOLD))
    await other.close()


def plain(rows: Sequence[tuple[Any, ...]]) -> list[list[str]]:
    """Rows of `sales` without what the two databases store in forms of their own: instants and days."""
    return [[str(value) for place, value in enumerate(row) if place not in {4, 5, 7}] for row in rows]


async def test_what_one_page_named_is_not_looked_up_for_the_next(sqlite_database: Database) -> None:
    shop = await furnish(await open_shop(sqlite_database, MovableClock(NOW)))
    loading = begin(shop)
    lines = (sold("a", "SET", 1), sold("b", "CUP", 1), sold("c", "GIFT", 1))
    await loading.take(page("1", order("1", *lines)))
    with asked(sqlite_database) as statements:
        await loading.take(page("2", order("2", *lines)))
    assert [one for one in statements if "INSERT INTO sales" in one]
    looked_up = ("store_codes", "store_places", "kits", "products ")
    named = [one for one in statements if any(f"FROM {table}" in one for table in looked_up)]
    assert all("products.active" in one for one in named)  # whether they are sold is no name


@contextmanager
def asked(database: Database) -> Iterator[list[str]]:
    """The statements that are run within."""
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def test_what_a_person_says_between_two_pages_holds_for_the_second(shop: Shop, loading: Loading) -> None:
    await shop.product("JUG")
    given = sold("a", "MUG", 1), sold("b", "CUP", 1, place=WEST)
    await loading.take(page("1", order("1", *given)))
    async with shop.database.transaction() as connection:
        assert await stores.map_code(connection, SHOP, "v-MUG", "JUG")
        assert await stores.map_place(connection, SHOP, WEST, "BER")
    await loading.take(page("2", order("2", *given)))
    await loading.settle()
    assert [row[:2] for row in await shop.demand()] == [
        ("CUP", "BER"), ("CUP", "SHA"), ("JUG", "BER"), ("MUG", "BER"),
    ]  # fmt: skip


class _Interrupted(Desks):
    """Somebody says which location a place is, while a page is about to be written by what was said before."""

    def __init__(self, database: Database) -> None:
        super().__init__("EUR")
        self._database = database
        self.saying: list[asyncio.Task[None]] = []

    async def lay(self, connection: AsyncConnection, store: str, page: Page, now: datetime) -> Desk:
        laid = await super().lay(connection, store, page, now)
        self.saying.append(asyncio.create_task(self._say()))
        await asyncio.to_thread(until_somebody_waits, self._database)
        return laid

    async def _say(self) -> None:
        async with self._database.transaction() as connection:
            assert await stores.map_place(connection, SHOP, "w9", "SHA")


@pytest.mark.parametrize("reading", ["first", "later"])
async def test_who_speaks_while_a_page_is_written_takes_its_cursor_away(
    postgres_database: Database, reading: str
) -> None:
    shop = await open_shop(postgres_database, MovableClock(NOW))
    await shop.add(StorePlace, store=SHOP, place="w9", name="", counts=False, ignored=False)
    shop.taking.desks = desks = _Interrupted(postgres_database)
    given = page("after 1", order("1", sold("a", "MUG", 1), place="w9"))
    await (begin(shop).take(given) if reading == "first" else shop.taking.take(SHOP, given))
    await asyncio.gather(*desks.saying)
    assert list(await shop.faults()) == ["1"]
    assert await shop.rows("SELECT cursor FROM store_cursors") == []


async def test_a_product_that_is_told_as_another_from_now_on_keeps_no_demand(shop: Shop, loading: Loading) -> None:
    told = page("1", order("1", sold("a", "MUG", 2)))
    await loading.take(told)
    await loading.settle()
    await shop.product("JUG")
    async with shop.database.transaction() as connection:
        assert await stores.map_code(connection, SHOP, "v-MUG", "JUG")
    again = begin(shop)
    await again.take(told)
    await begin(shop).settle()  # after a crash
    assert [row[0] for row in await shop.demand()] == ["JUG"]


async def test_names_of_a_page_that_could_not_be_written_are_not_taken_for_known(shop: Shop, loading: Loading) -> None:
    await loading.take(page("1", order("1", sold("a", "MUG", 1))))
    with pytest.raises(Exception, match=r"too large|out of range"):
        await loading.take(page("2", order("2", sold("a", "CUP", 1)), order("3", sold("a", "CUP", 2**70, "1"))))
    assert await shop.rows("SELECT sku FROM products") == [("MUG",)]
    await loading.take(page("2", order("2", sold("a", "CUP", 1))))
    await loading.settle()
    assert [row[0] for row in await shop.demand()] == ["CUP", "MUG"]


async def test_demand_that_a_crash_left_underived_is_derived_by_the_next_reading(shop: Shop, loading: Loading) -> None:
    await loading.take(page("1", order("1", sold("a", "MUG", 2))))
    assert await shop.demand() == []
    later = begin(shop)
    await later.take(page("2", order("2", sold("a", "CUP", 1))))
    await later.settle()
    assert [(row[0], row[3]) for row in await shop.demand()] == [("CUP", 1), ("MUG", 2)]
    assert await shop.rows("SELECT key FROM marks WHERE key LIKE 'demand:%'") == []


async def test_what_another_process_puts_off_while_demand_is_derived_stays_put_off(
    shop: Shop, loading: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is of the same day, so that the mark says no other day than before."""
    beside = begin(shop)

    async def interrupted(connection: AsyncConnection, source: str, since: str) -> list[int]:
        found = await products_of(connection, source, since)
        await beside.take(page("2", order("2", sold("a", "CUP", 1))))  # and dies
        return found

    products_of = storebooks.products_of
    await loading.take(page("1", order("1", sold("a", "MUG", 2))))
    with monkeypatch.context() as patched:
        patched.setattr(storebooks, "products_of", interrupted)
        await loading.settle()
    assert [row[0] for row in await shop.demand()] == ["MUG"]
    assert await due(shop) == {}, "half a history is not judged"
    await begin(shop).settle()
    assert [row[0] for row in await shop.demand()] == ["CUP", "MUG"]
    assert len(await due(shop)) == 2
    assert await shop.rows("SELECT key FROM marks WHERE key LIKE 'demand:%'") == []


async def test_a_product_that_was_judged_meanwhile_is_judged_again_on_its_whole_history(
    shop: Shop, loading: Loading
) -> None:
    await loading.take(page("1", order("1", sold("a", "MUG", 2))))
    assert await due(shop) == {}
    async with shop.database.transaction() as connection:
        await touched.done(connection, await touched.versions(connection, None))
    await loading.take(page("2", order("2", sold("a", "MUG", 3))))
    await loading.settle()
    assert list((await due(shop)).values()) == [1]


async def due(shop: Shop) -> dict[int, int]:
    """The products that are to be judged now."""
    async with shop.database.reading() as connection:
        return await touched.due(connection, shop.clock.now())


@given(
    minor=st.integers(-(10**12), 10**12), units=st.integers(1, 10**6), currency=st.sampled_from(["EUR", "JPY", "KWD"])
)
def test_the_price_of_one_is_the_money_by_the_units_rounded_half_to_even(minor: int, units: int, currency: str) -> None:
    book = Book({"v-MUG": Code(1, "v-MUG", "MUG", 1, "same")}, {"p1": HERE}, {}, {1: ("MUG", None)})
    amount = Money.of_minor(minor, currency)
    given = order("1", replace(sold("a", "MUG", units), amount=amount))
    ((line,),) = [list(book.change(given, ()).added)]
    assert line.amount_minor == minor
    assert line.unit_price == round(Decimal(amount.amount) * 1_000_000 / units)
