"""A store that can call is asked to, and what its calls did not tell is found by reading and counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.errors import Declined
from bot.ports import Delivery, Identity, Page, Shelf, Shelves
from bot.services.audit import Audit
from bot.services.feeds.syncing import Syncing, hook_path
from bot.services.sessions import Address
from bot.storage import deliveries
from bot.words import told, verbatim
from tests.services.feeds.calling import Caller
from tests.services.feeds.kit import EAST, NOW, SHOP, Shop, count, order, product, sold

PUBLIC = "https://bot.example"


def syncing_of(shop: Shop, caller: Caller, public: str = PUBLIC) -> Syncing:
    audit = Audit(database=shop.database, clock=shop.clock)
    return Syncing(
        database=shop.database, clock=shop.clock, audit=audit, taking=shop.taking, feeds={SHOP: caller},
        address=Address(public, "http://127.0.0.1:8080"),
    )  # fmt: skip


@pytest.fixture
def caller() -> Caller:
    return Caller(missing=("orders/updated",))


async def missed(syncing: Syncing) -> int:
    (state,) = await syncing.states()
    return state.missed


async def test_a_store_is_asked_to_call_the_public_address_and_what_was_restored_is_said(
    shop: Shop, caller: Caller
) -> None:
    syncing = syncing_of(shop, caller)
    assert await syncing.subscribe(SHOP) == ("orders/updated",)
    assert caller.subscribed == [f"{PUBLIC}/stores/{SHOP}/hook"]
    assert hook_path("a b/c") == "/stores/a%20b%2Fc/hook"


async def test_nothing_is_asked_where_the_world_cannot_reach_us(shop: Shop, caller: Caller) -> None:
    syncing = syncing_of(shop, caller, public="")
    assert await syncing.subscribe(SHOP) == ()
    assert caller.subscribed == []
    (state,) = await syncing.states()
    assert state.calls is None


async def test_a_store_that_refuses_to_call_is_read_all_the_same_and_the_reason_is_kept(
    shop: Shop, caller: Caller
) -> None:
    syncing = syncing_of(shop, caller)
    caller.missing = Declined(verbatim("403 the key may not write webhooks"))
    assert await syncing.subscribe(SHOP) == ()
    (state,) = await syncing.states()
    assert state.calls is not None
    assert (state.calls.since, state.calls.error) == (None, "403 the key may not write webhooks")


async def test_what_a_reading_finds_that_no_call_told_is_counted(shop: Shop, caller: Caller) -> None:
    syncing = syncing_of(shop, caller)
    await syncing.subscribe(SHOP)
    caller.told = [Page("orders", (order("1", sold("a", "MUG", 1)),), "", until=NOW)]
    await syncing.sync(SHOP)
    assert await missed(syncing) == 0  # the first load: calls had begun only then
    shop.clock.push(timedelta(hours=1))
    caller.missing = ()
    await syncing.subscribe(SHOP)
    await syncing.sync(SHOP)
    assert await missed(syncing) == 0  # it told what was known
    caller.told = [
        Page("orders", (order("1", sold("a", "MUG", 1)), order("2", sold("a", "MUG", 1))), "", until=NOW),
        Page("orders", (order("3", sold("a", "MUG", 1)),), "", until=NOW),
    ]
    shop.clock.push(timedelta(hours=1))
    (report,) = await syncing.sync(SHOP)
    assert (report.changed, report.missed) == (2, 2)
    assert await missed(syncing) == 2
    shop.clock.push(timedelta(days=2))
    assert await missed(syncing) == 0  # of the last day


async def test_calls_that_had_stopped_count_from_when_they_were_restored(shop: Shop, caller: Caller) -> None:
    syncing = syncing_of(shop, caller)
    caller.missing = ()
    await syncing.subscribe(SHOP)
    await syncing.sync(SHOP)
    shop.clock.push(timedelta(hours=1))
    caller.missing = ("orders/updated",)  # the store had deleted the subscription
    await syncing.subscribe(SHOP)
    caller.told = [Page("orders", (order("1", sold("a", "MUG", 1)),), "", until=NOW)]
    (report,) = await syncing.sync(SHOP)
    assert (report.changed, report.missed) == (1, 0)


async def test_a_store_that_cannot_be_asked_calls_only_since_a_call_of_its_came(shop: Shop, caller: Caller) -> None:
    syncing = syncing_of(shop, caller)
    caller.missing = None
    caller.told = [Page("orders", (order("1", sold("a", "MUG", 1)),), "", until=NOW)]
    for _ in range(2):
        assert await syncing.subscribe(SHOP) == ()
        await syncing.sync(SHOP)
        (state,) = await syncing.states()
        assert state.calls is not None
        assert (state.calls.since, str(told(state.calls.error))[:18]) == (None, "none has come yet:")
        shop.clock.push(timedelta(hours=1))
    async with shop.database.transaction() as connection:
        await deliveries.add(connection, [(SHOP, Delivery("1", "orders/updated", {"order": "1"}))], shop.clock.now())
    on = []
    for _ in range(2):
        await syncing.subscribe(SHOP)
        await syncing.sync(SHOP)
        (state,) = await syncing.states()
        assert state.calls is not None
        on.append((state.calls.since, state.calls.error))
        shop.clock.push(timedelta(hours=1))
    assert on[0] == on[1] != (None, "")
    caller.told = [Page("orders", (order("2", sold("a", "MUG", 1)),), "", until=NOW)]
    assert [report.missed for report in await syncing.sync(SHOP)] == [1]


async def test_what_a_store_is_not_to_call_for_was_not_missed(shop: Shop, caller: Caller) -> None:
    syncing = syncing_of(shop, caller)
    caller.missing, caller.called = (), ()
    await syncing.subscribe(SHOP)
    await syncing.sync(SHOP)
    shop.clock.push(timedelta(hours=1))
    caller.told = [Page("orders", (order("1", sold("a", "MUG", 1)),), "", until=NOW)]
    assert [(report.changed, report.missed) for report in await syncing.sync(SHOP)] == [(1, 0)]


async def test_a_feed_that_wants_to_be_reminded_is_told_what_lies_in_the_store_and_which_one_it_is(shop: Shop) -> None:
    given: list[tuple[Shelves, Identity]] = []

    class Reminded(Caller):
        def remind(self, shelves: Shelves, identity: Identity) -> None:
            given.append((shelves, identity))

    syncing_of(shop, Reminded())
    await shop.take("stock", count("MUG", 5), count("CUP", 0))
    await shop.take("stock", count("POT", 7), count("POT", 0, minutes=5))
    ((shelves, identity),) = given
    assert list(await shelves()) == [Shelf("v-MUG", "MUG", EAST)]
    await shop.take("products", product("POT"))
    assert list(await shelves()) == [Shelf("v-MUG", "MUG", EAST), Shelf("v-POT", "POT", "")]
    assert [await identity(told) for told in ("1", "2")] == ["1", "1"]
