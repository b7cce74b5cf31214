"""Stores are read kind by kind, from where the last reading stopped."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Declined, Unreached
from bot.language import language
from bot.ports import Page
from bot.services import Services
from bot.services.audit import Audit
from bot.services.feeds import feedcheck, turns
from bot.services.feeds.reading import SyncReport
from bot.services.feeds.syncing import Syncing
from bot.services.feeds.turns import LEASE
from bot.storage import leases, touched
from bot.words import told as kept_as
from bot.words import verbatim
from jobs.stores import stores
from tests.services.feeds.kit import NOW, SHOP, Shop, count, order, sold
from tests.services.feeds.script import Script


async def test_a_reading_that_broke_off_goes_on_behind_the_last_page_that_was_kept(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    first, second = order("1", sold("a", "MUG", 1)), order("2", sold("a", "MUG", 2))
    script.told["orders"] = [Page("orders", (first,), "after 1"), Unreached(verbatim("the line broke"))]
    reports = await syncing.sync(SHOP)
    assert reports[-1] == SyncReport(SHOP, "orders", 1, 1, 0, verbatim("the line broke"))
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
    script.told["orders"] = [Page("orders", (first,), "after 1"), Unreached(verbatim("503"))]
    await syncing.sync(SHOP)
    assert await shop.demand() == []
    assert await due() == 0
    script.told["orders"] = [Page("orders", (second,), "after 2", until=NOW)]
    await syncing.sync(SHOP)
    assert (await shop.demand())[0][3] == 3
    assert await due() == 1


async def test_one_kind_that_cannot_be_read_keeps_no_other_from_it(script: Script, syncing: Syncing) -> None:
    script.told["products"] = [Declined(verbatim("the token may not"))]
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
    script.told |= {"offers": [Declined(verbatim("no right"))], "ages": [Declined(verbatim("no right"))]}
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
    assert done["first"]["errors"] == ["products: something went wrong: OSError: [Errno 28] No space left on device"]
    assert (done[SHOP]["changed"], done[SHOP]["errors"]) == (1, [])
    assert house.rescans == 2
    errors = {
        str(kept_as(error)) for (error,) in await shop.rows("SELECT error FROM store_syncs WHERE store = 'first'")
    }
    assert "something went wrong: OSError: [Errno 28] No space left on device" in errors


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
    monkeypatch.setattr("bot.services.feeds.reading.SILENCE", timedelta(seconds=0.3))
    script.told["stock"] = [Page("stock", (count("MUG", 4),), "d"), hang]
    script.told["orders"] = [Page("orders", (order("1", sold("a", "MUG", 1)),), "c", until=NOW)]
    told = {report.kind: report for report in await syncing.sync(SHOP)}
    assert (told["stock"].facts, told["stock"].error) == (1, "the store told nothing for 0.005 minutes")
    assert (told["orders"].facts, told["orders"].error) == (1, "")
    ((kept_error,),) = await shop.rows("SELECT error FROM store_syncs WHERE kind = 'stock' ORDER BY id DESC LIMIT 1")
    assert language("zh_CN").say(kept_as(kept_error)) == "店铺 0.005 分钟没有返回任何内容"
    assert (0,) in await shop.rows(limits)


async def test_a_store_that_cannot_be_read_is_stale_at_once_and_fresh_once_it_can(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    limits = "SELECT limit_hours FROM feeds"
    script.told["stock"] = [Page("stock", (count("MUG", 5, minutes=-1),), "c", until=NOW)]
    await syncing.sync(SHOP)
    assert await shop.rows(limits) == [(3,)]
    script.away = Declined(verbatim("401 the key was withdrawn"))
    assert {report.error for report in await syncing.sync(SHOP)} == {"401 the key was withdrawn"}
    assert await shop.rows(limits) == [(0,)]
    script.away = None
    script.told["stock"] = [Page("stock", (), "c", until=shop.clock.now())]
    await syncing.sync(SHOP)
    assert await shop.rows(limits) == [(3,)]
