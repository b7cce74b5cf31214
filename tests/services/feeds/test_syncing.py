"""Stores are read kind by kind, from where the last reading stopped."""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.arguments import Sku
from bot.chat.nodes import Text
from bot.errors import Declined, OutsideError, UnknownReference, Unreached
from bot.ports import Check, FactKind, Page, StorePlace
from bot.services import Services
from bot.services.audit import Audit
from bot.services.feeds import feedcheck, turns
from bot.services.feeds.kits import Kits
from bot.services.feeds.syncing import Syncing, SyncReport
from bot.services.feeds.turns import LEASE
from bot.storage import facts, leases, touched
from bot.storage.tables import StockLevel, StoreCursor
from bot.storage.tables import StorePlace as PlaceRow
from jobs.stores import stores
from tests.services.feeds.kit import EAST, NOW, SHOP, WEST, Shop, code, count, order, product, sold


@dataclass
class Script:
    """A store that tells what is written here: pages by kind; where an error stands among them it breaks off, and what
    can be called happens between two pages.
    """

    told: dict[FactKind, list[Page | OutsideError | Callable[[], Awaitable[None]]]] = field(default_factory=dict)
    name: str = SHOP
    kinds: tuple[FactKind, ...] = ("products", "stock", "orders")
    known: tuple[StorePlace, ...] = ()
    asked: list[tuple[FactKind, str]] = field(default_factory=list)
    away: OutsideError | None = None

    async def places(self) -> tuple[StorePlace, ...]:
        if self.away is not None:
            raise self.away
        return self.known

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        self.asked.append((kind, cursor))
        for page in self.told.get(kind, []):
            if isinstance(page, OutsideError):
                raise page
            if isinstance(page, Page):
                yield page
            else:
                await page()

    async def check(self) -> tuple[Check, ...]:
        return (Check("store shop", "ok", "answers"),)

    async def close(self) -> None:
        self.asked.clear()


@pytest.fixture
def script() -> Script:
    """A store that tells nothing yet."""
    return Script()


@pytest.fixture
def syncing(shop: Shop, script: Script) -> Syncing:
    """What reads it."""
    audit = Audit(database=shop.database, clock=shop.clock)
    return Syncing(database=shop.database, clock=shop.clock, audit=audit, taking=shop.taking, feeds={SHOP: script})


async def test_a_reading_that_broke_off_goes_on_behind_the_last_page_that_was_kept(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    first, second = order("1", sold("a", "MUG", 1)), order("2", sold("a", "MUG", 2))
    script.told["orders"] = [Page("orders", (first,), "after 1"), Unreached("the line broke")]
    reports = await syncing.sync(SHOP)
    assert reports[-1] == SyncReport(SHOP, "orders", 1, 1, 0, "the line broke")
    script.told["orders"] = [Page("orders", (first, second), "after 2", until=NOW)]
    assert (await syncing.sync(SHOP))[-1] == SyncReport(SHOP, "orders", 2, 1, 0)
    assert [cursor for kind, cursor in script.asked if kind == "orders"] == ["", "after 1"]
    assert (await shop.demand())[0][3] == 3


async def test_a_page_without_facts_is_written_at_once_for_it_says_where_to_go_on(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    """What a store was asked to prepare is found again after a kill while it is waited for."""
    cursors = []

    async def look() -> None:
        cursors.append(await shop.rows("SELECT cursor FROM store_cursors WHERE kind = 'orders'"))

    begun, still = Page("orders", (), "operation 7"), Page("orders", (), "operation 7, still")
    done = Page("orders", (order("1", sold("a", "MUG", 1)),), "done", until=NOW)
    script.told["orders"] = [begun, look, still, look, done]
    assert (await syncing.sync(SHOP))[-1] == SyncReport(SHOP, "orders", 1, 1, 0)
    assert cursors == [[("operation 7",)], [("operation 7, still",)]]


async def test_what_a_store_prepares_is_waited_for_without_keeping_its_calls_waiting(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    held = []

    async def look() -> None:
        held.append(syncing.pages[SHOP].locked())

    waiting, here = Page("orders", (), "operation 7", waits=True), Page("orders", (), "operation 7, here")
    done = Page("orders", (order("1", sold("a", "MUG", 1)),), "done", until=NOW)
    script.told["orders"] = [look, waiting, look, waiting, look, here, look, done]
    assert (await syncing.sync(SHOP))[-1] == SyncReport(SHOP, "orders", 1, 1, 0)
    assert held == [True, False, False, True]
    assert await shop.rows("SELECT cursor FROM store_cursors WHERE kind = 'orders'") == [("done",)]


async def test_a_first_reading_whose_orders_broke_off_is_not_judged_before_the_rest_is_there(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    """Half a history tells of half the demand; where nothing came at all, what is there is judged."""

    async def due() -> int:
        async with shop.database.reading() as connection:
            return len(await touched.due(connection, shop.clock.now()))

    first, second = order("1", sold("a", "MUG", 1)), order("2", sold("a", "MUG", 2))
    script.told = {kind: [Page(kind, (), "c", until=NOW)] for kind in script.kinds}
    script.told["orders"] = [Page("orders", (first,), "after 1"), Unreached("503")]
    await syncing.sync(SHOP)
    assert await shop.demand() == []
    assert await due() == 0
    script.told["orders"] = [Page("orders", (second,), "after 2", until=NOW)]
    await syncing.sync(SHOP)
    assert (await shop.demand())[0][3] == 3
    assert await due() == 1


async def test_one_kind_that_cannot_be_read_keeps_no_other_from_it(script: Script, syncing: Syncing) -> None:
    script.told["products"] = [Declined("the token may not")]
    script.told["stock"] = [Page("stock", (count("MUG", 5),), "c", until=NOW)]
    assert [(r.kind, r.changed, r.error) for r in await syncing.sync(SHOP)] == [
        ("products", 0, "the token may not"), ("stock", 1, ""), ("orders", 0, ""),
    ]  # fmt: skip


async def test_a_kind_that_is_never_permitted_keeps_no_store_in_its_first_reading(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    """In a first reading demand waits for the end; later it is there with its page."""
    script.kinds = ("products", "offers", "stock", "orders", "ages")
    script.told = {kind: [Page(kind, (), "c", until=NOW)] for kind in ("products", "stock", "orders")}
    script.told |= {"offers": [Declined("no right")], "ages": [Declined("no right")]}
    await syncing.sync(SHOP)
    seen = []

    async def look() -> None:
        seen.append(len(await shop.demand()))

    script.told["orders"] = [
        Page("orders", (order("1", sold("a", "MUG", 1)),), "d"), look, Page("orders", (), "e", until=NOW)
    ]  # fmt: skip
    await syncing.sync(SHOP)
    assert seen == [1]


async def test_a_fault_of_ours_in_one_store_keeps_no_other_from_being_read(shop: Shop, script: Script) -> None:
    async def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    script.told["stock"] = [Page("stock", (count("MUG", 5),), "c", until=NOW)]
    first = Script({"products": [full]}, "first")
    audit = Audit(database=shop.database, clock=shop.clock)
    syncing = Syncing(
        database=shop.database, clock=shop.clock, audit=audit, taking=shop.taking, feeds={"first": first, SHOP: script}
    )
    house = House(shop, syncing)
    done = await stores(house.services, NOW)
    assert done["first"]["errors"] == ["products: OSError: [Errno 28] No space left on device"]
    assert (done[SHOP]["changed"], done[SHOP]["errors"]) == (1, [])
    assert house.rescans == 2
    assert ("first", "products", "OSError: [Errno 28] No space left on device") in await shop.rows(
        "SELECT store, kind, error FROM store_syncs"
    )


@dataclass
class House:
    """What the job needs: stores, and a watch that counts how often feeds were judged; `busy` times it must wait."""

    shop: Shop
    syncing: Syncing
    rescans: int = 0
    busy: int = 0

    @property
    def services(self) -> Services:
        watch = SimpleNamespace(rescan=self._rescan)
        return cast("Services", SimpleNamespace(stores=self.syncing, watch=watch, clock=self.shop.clock))

    async def _rescan(self, *_given: object) -> object:
        self.rescans += 1
        return None if self.rescans <= self.busy else object()


async def test_feeds_are_judged_after_a_scan_that_is_under_way(
    shop: Shop, syncing: Syncing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedcheck, "_PAUSES", (0.0, 0.0))
    house = House(shop, syncing, busy=2)
    await stores(house.services, NOW)
    assert house.rescans == 3


async def test_a_store_that_another_process_reads_is_left_to_it(
    shop: Shop, script: Script, syncing: Syncing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def renewed(_connection: AsyncConnection, _store: str) -> datetime:
        return next(instants)

    instants = (NOW + timedelta(seconds=each) for each in range(2))
    async with shop.database.transaction() as connection:
        await leases.take(connection, SHOP, "another", shop.clock.now(), shop.clock.now() + LEASE)
    monkeypatch.setattr(leases, "held_until", renewed)
    monkeypatch.setattr(turns, "BEAT", timedelta())
    house = House(shop, syncing)
    assert await stores(house.services, NOW) == {SHOP: {"under_way": True}}
    assert (script.asked, house.rescans) == ([], 0)


@pytest.fixture
def pair(shop: Shop, script: Script) -> tuple[Script, Syncing]:
    """A store before the shop in the alphabet, and what reads both."""
    slow, audit = Script(name="amazon"), Audit(database=shop.database, clock=shop.clock)
    feeds = {"amazon": slow, SHOP: script}
    return slow, Syncing(database=shop.database, clock=shop.clock, audit=audit, taking=shop.taking, feeds=feeds)


async def test_a_store_that_hangs_holds_up_no_other_and_is_read_once_at_a_time(
    shop: Shop, script: Script, pair: tuple[Script, Syncing]
) -> None:
    slow, syncing = pair
    reached, go = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        reached.set()
        await go.wait()

    slow.told["products"] = [hang]
    script.told["orders"] = [Page("orders", (order("1", sold("a", "MUG", 1)),), "c", until=NOW)]
    house = House(shop, syncing)
    first = asyncio.create_task(stores(house.services, NOW))
    await reached.wait()
    async with asyncio.timeout(10):
        while not house.rescans:  # noqa: ASYNC110  # the quick one is read, and judged
            await asyncio.sleep(0.01)
    assert (await stores(house.services, NOW))["amazon"] == {"under_way": True}
    assert [row[3] for row in await shop.demand()] == [1]
    assert not first.done()
    go.set()
    assert (await first)["amazon"]["errors"] == []
    assert [kind for kind, _ in slow.asked] == ["products", "stock", "orders"]


async def test_a_store_that_tells_nothing_for_too_long_is_given_up_and_that_is_written_down(
    shop: Shop, script: Script, syncing: Syncing, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = "SELECT limit_hours FROM feeds"
    script.told["stock"] = [Page("stock", (count("MUG", 5, minutes=-1),), "c", until=NOW)]
    await syncing.sync(SHOP)
    assert await shop.rows(limits) == [(3,)]

    async def hang() -> None:
        await asyncio.Event().wait()

    shop.clock.push(timedelta(minutes=1))
    monkeypatch.setattr("bot.services.feeds.syncing.SILENCE", timedelta(seconds=0.3))
    script.told["stock"] = [Page("stock", (count("MUG", 4),), "d"), hang]
    script.told["orders"] = [Page("orders", (order("1", sold("a", "MUG", 1)),), "c", until=NOW)]
    told = {report.kind: report for report in await syncing.sync(SHOP)}
    assert (told["stock"].facts, told["stock"].error) == (1, "the store told nothing for 0.005 minutes")
    assert (told["orders"].facts, told["orders"].error) == (1, "")
    assert await shop.rows("SELECT error FROM store_syncs WHERE kind = 'stock' ORDER BY id DESC LIMIT 1") == [
        ("the store told nothing for 0.005 minutes",)
    ]
    assert (0,) in await shop.rows(limits)


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
    script.told["orders"] = [Page("orders", (first,), "after 1"), Unreached("503")]
    await syncing.sync(SHOP)
    assert [(row[0], row[3]) for row in await shop.demand()] == [("JUG", 2), ("MUG", 5)]
    async with shop.database.reading() as connection:
        assert len(await touched.due(connection, shop.clock.now())) == 2
    script.told["orders"] = [Page("orders", (second,), "after 2", until=NOW)]
    await syncing.sync(SHOP)
    assert [(row[0], row[3]) for row in await shop.demand()] == [("JUG", 7)]
    assert await shop.rows("SELECT key FROM marks WHERE key LIKE 'demand:%'") == []


async def test_a_store_that_cannot_be_read_is_stale_at_once_and_fresh_once_it_can(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    limits = "SELECT limit_hours FROM feeds"
    script.told["stock"] = [Page("stock", (count("MUG", 5, minutes=-1),), "c", until=NOW)]
    await syncing.sync(SHOP)
    assert await shop.rows(limits) == [(3,)]
    script.away = Declined("401 the key was withdrawn")
    assert {report.error for report in await syncing.sync(SHOP)} == {"401 the key was withdrawn"}
    assert await shop.rows(limits) == [(0,)]
    script.away = None
    script.told["stock"] = [Page("stock", (), "c", until=shop.clock.now())]
    await syncing.sync(SHOP)
    assert await shop.rows(limits) == [(3,)]


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
