"""The first reading of a large shop by bulk operations: the same facts, from a file, once, or page by page instead."""

from __future__ import annotations

import errno
import io
import json
import random
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.errors import Declined, Unreached
from bot.ports import Fact, FactKind, Fault, MovableClock, OrderFact, Page, ProductFact, StockFact
from bot.sandbox.serving import Serving
from bot.settings import StorePart
from bot.stores.shopify import bulk
from bot.stores.shopify.bulkfile import Records
from bot.stores.shopify.client import Shop
from bot.stores.shopify.feed import ShopifyFeed
from bot.stores.shopify.queries import BULK
from bot.stores.shopify.reading import Mark, tail
from tests.stores.shopify.bulk import wrong_with
from tests.stores.shopify.conftest import NOW, Running
from tests.stores.shopify.server import shopify_app
from tests.stores.shopify.store import EAST, WEST, ShopifyStore

KINDS: tuple[FactKind, ...] = ("products", "stock", "orders")


@pytest.fixture
async def large(running: Running) -> AsyncIterator[Running]:
    """A shop that is read by bulk operations however small it is."""
    found = Running(running.store, running.url, running.another(options={"bulk_from": "0"}))
    yield found
    await found.feed.close()


def sorted_facts(pages: list[Page]) -> list[str]:
    """The facts of a reading without the order in which they were told; each once."""
    return sorted({repr(_in_order(fact)) for page in pages for fact in page.facts})


def _in_order(fact: Fact) -> Fact:
    if not isinstance(fact, OrderFact):
        return fact
    lines = tuple(sorted(fact.lines, key=lambda line: line.id))
    return replace(fact, lines=lines, returns=tuple(sorted(fact.returns, key=lambda back: back.id)))


def closable(reading: AsyncIterator[Page]) -> AsyncGenerator[Page]:
    """What a feed's reading is: it can be broken off."""
    assert isinstance(reading, AsyncGenerator)
    return reading


def named(store: ShopifyStore) -> list[str]:
    return [name for name, _ in store.asked]


def fill(store: ShopifyStore, seed: int) -> None:
    """Some goods, counts, and orders in every state."""
    dice = random.Random(seed)  # noqa: S311  # a shop like another
    variants = [store.sell(f"S{number}", "Thing", "4.25") for number in range(dice.randint(1, 4))]
    variants += [store.sell(f"T{number}", str(number), "3.00", product=variants[0]["product"]) for number in range(2)]
    for variant in variants:
        for place in dice.sample([EAST, WEST], dice.randint(0, 2)):
            store.stock(
                variant, place, available=dice.randint(0, 9), on_hand=9, committed=1, incoming=dice.randint(0, 5)
            )
    for _number in range(dice.randint(0, 6)):
        lines = [store.line(dice.choice(variants), dice.randint(1, 5), "20.00") for _line in range(dice.randint(1, 3))]
        order = store.order(*lines)
        for line in lines:
            place = dice.choice([EAST, EAST, WEST])
            if dice.random() < 0.8:
                store.assign(order, place, (line, line["quantity"]))
            if dice.random() < 0.6:
                store.ship(order, place, (line, line["quantity"]), status=dice.choice(["SUCCESS", "CANCELLED"]))
            if dice.random() < 0.2:
                store.refund(order, (line, 1, dice.choice(["RETURN", "CANCEL", "NO_RESTOCK"])))
            elif dice.random() < 0.2:
                store.take_back(order, line, 1, processed=1)
        if dice.random() < 0.1:
            order["cancelledAt"] = order["updatedAt"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
async def test_a_bulk_operation_tells_what_paging_tells(seed: int) -> None:
    store = ShopifyStore(MovableClock(NOW, frozen=True), looks=0)
    fill(store, seed)
    serving = Serving(shopify_app(store))
    url = serving.bind()
    await serving.start()
    shop = Shop(url, token=store.token, private=True, pause=store.pause, timer=lambda: store.now, clock=store.clock)
    try:
        told = []
        for least in ("never", "0"):
            feed = ShopifyFeed("shop", shop, StorePart(kind="shopify", url=url, options={"bulk_from": least}))
            pages = {kind: [page async for page in feed.read(kind)] for kind in KINDS}
            told.append({kind: sorted_facts(pages[kind]) for kind in KINDS})
            assert all(found[-1].until == NOW for found in pages.values())
            assert [fault for found in pages.values() for page in found for fault in page.faults] == []
        assert told[0] == told[1]
        assert len(store.bulks) == len(KINDS)
    finally:
        await shop.close()
        await serving.stop()


async def test_orders_that_shopify_cannot_tell_whole_are_read_by_name_and_no_other(large: Running) -> None:
    store = large.store
    mug = store.sell("MUG", "Mug", "4.25")
    plain, shipped, back, torn = (
        store.order(store.line(mug, 4, "17.00"), store.line(mug, 1, "4.25")) for _ in range(4)
    )
    for order in (shipped, back, torn):
        store.assign(order, EAST, *[(line, 1) for line in order["lineItems"]])
        store.ship(order, EAST, (order["lineItems"][0], 1))
    store.ship(torn, WEST, (torn["lineItems"][0], 3))
    store.refund(back, (back["lineItems"][0], 1, "RETURN"))
    facts = {fact.id: fact for fact in await large.facts("orders", OrderFact)}
    assert set(facts) == {tail(order["id"]) for order in (plain, shipped, back, torn)}
    asked = [ids for name, given in store.asked if name == "OrdersNamed" for ids in given["ids"]]
    assert asked == [back["id"], torn["id"]]
    assert [back.quantity for back in facts[tail(back["id"])].returns] == [1]
    assert [line.place for line in facts[tail(torn["id"])].lines] == ["1002", "1001"]


async def test_what_changed_while_the_operation_ran_is_read_before_the_reading_ends(large: Running) -> None:
    store = large.store
    store.sell("MUG", "Mug", "4.25")
    pages = []
    async for page in large.feed.read("products"):
        pages.append(page)
        if len(pages) == 4:  # the file is written
            large.later(minutes=1)
            store.sell("CUP", "Cup", "2.00")
    assert [fact.sku for page in pages for fact in page.facts if isinstance(fact, ProductFact)] == ["MUG", "MUG", "CUP"]
    assert [page.until is not None for page in pages] == [False] * (len(pages) - 1) + [True]
    assert Mark.of(pages[-1].cursor).since


@pytest.mark.parametrize("again", [False, True], ids=["begun", "gone on with"])
async def test_while_an_operation_is_waited_for_or_its_file_comes_the_page_before_says_so(
    large: Running, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    large.store.sell("MUG", "Mug", "4.25")
    cursor = (await first_page(large)).cursor if again else ""
    waited: list[bool] = []
    pages: list[Page] = []

    def watched(slow: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def waits(*given: object) -> None:
            waited.append(bool(pages) and pages[-1].waits)
            await slow(*given)

        return waits

    monkeypatch.setattr(Shop, "download", watched(Shop.download))
    monkeypatch.setattr(large.store, "pause", watched(large.store.pause))
    feed = large.another(options={"bulk_from": "0"})
    async for page in feed.read("products", cursor):
        assert not (page.facts and pages[-1].waits)
        pages.append(page)
    assert len(waited) > 1
    assert all(waited)
    await feed.close()


async def first_page(large: Running) -> Page:
    async with aclosing(closable(large.feed.read("products"))) as reading:
        return await anext(reading)


async def test_a_reading_that_is_killed_goes_on_with_the_same_operation_and_behind_what_was_taken(
    large: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_AT_ONCE", 3)
    for number in range(8):
        large.store.sell(f"S{number}", "Thing", "1.00")
    begun = await first_page(large)
    assert (begun.facts, begun.until) == ((), None)
    (name,) = large.store.bulks
    assert Mark.of(begun.cursor).bulk == name
    seen: list[str] = []
    cursor, turns = begun.cursor, 0
    while True:  # each process takes one page with facts, and dies
        turns += 1
        ended = True
        feed = large.another(options={"bulk_from": "0"})
        async with aclosing(closable(feed.read("products", cursor))) as reading:
            async for page in reading:
                cursor, ended = page.cursor, page.until is not None
                seen += [fact.sku for fact in page.facts if isinstance(fact, ProductFact)]
                if page.facts:
                    break
        await feed.close()
        if ended:
            break
    assert list(large.store.bulks) == [name]
    assert seen[:8] == [f"S{number}" for number in range(8)], "of the file each record once"
    assert turns == 4


async def test_an_operation_that_takes_longer_than_an_hour_is_left_to_the_next_reading(large: Running) -> None:
    large.store.looks = 10**6
    pages: list[Page] = []

    async def read() -> None:
        async for page in large.feed.read("stock"):
            pages.append(page)  # noqa: PERF401  # they are looked at after the error

    with pytest.raises(Unreached, match="the next reading goes on"):
        await read()
    assert 100 < len(pages) < 200
    large.store.looks = 0
    assert (await large.read("stock", pages[-1].cursor))[-1].until is not None
    assert len(large.store.bulks) == 1


def _failing(problem: Exception) -> Callable[..., Awaitable[None]]:
    async def fails(*_given: object) -> None:
        raise problem

    return fails


@pytest.mark.parametrize(
    "trouble",
    ["busy", "limit", "failed", "denied", "lost", "truncated", "moved", "garbled", "no room for it", "no room to sort"],
)
async def test_where_no_operation_can_be_had_the_shop_is_read_page_by_page(
    large: Running, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = large.store
    store.stock(store.sell("MUG", "Mug", "4.25"), EAST, available=3, on_hand=3)
    said = {
        "busy": "OPERATION_IN_PROGRESS", "limit": "LIMIT_REACHED", "failed": "FAILED INTERNAL_SERVER_ERROR",
        "denied": "lacks a scope", "lost": "does not know the operation", "truncated": "0 of 1 records",
        "moved": "it leads elsewhere", "garbled": "is no record",
        "no room for it": "No space left on device", "no room to sort": "database or disk is full",
    }[trouble]  # fmt: skip
    match trouble:
        case "busy":
            store.others = 5
        case "limit":
            store.bulk_error = "LIMIT_REACHED"
        case "failed":
            store.bulk_ends = "INTERNAL_SERVER_ERROR"
        case "denied":
            store.bulk_ends = "ACCESS_DENIED"
        case "moved":
            store.moved = True
        case "truncated":
            monkeypatch.setattr("tests.stores.shopify.bulk._carried_out", lambda *_: ([], 1))
        case "garbled":
            monkeypatch.setattr("tests.stores.shopify.bulk._carried_out", lambda *_: (["[7]"], 1))
        case "no room for it":
            monkeypatch.setattr(Shop, "download", _failing(OSError(errno.ENOSPC, "No space left on device")))
        case "no room to sort":
            monkeypatch.setattr(Shop, "download", _failing(sqlite3.OperationalError("database or disk is full")))
    kinds = []
    with capture_logs() as logs:
        async for page in large.feed.read("stock"):
            kinds += [type(fact) for fact in page.facts]
            if trouble == "lost":
                store.bulks.clear()
    assert kinds == [StockFact]
    assert "Items" in named(store)
    assert any(said in str(line) for line in logs)


async def test_a_bulk_operation_that_was_throttled_is_begun_a_moment_later(large: Running) -> None:
    large.store.sell("MUG", "Mug", "4.25")
    shop = large.shop()
    operation = bulk.Bulk(shop, 0)
    large.store.points = 5

    async def take(records: object, _at: object) -> tuple[tuple[Fact, ...], tuple[Fault, ...]]:
        told.append(records)
        return (), ()

    told: list[object] = []
    assert [page async for page in operation.read("products", Mark(), "products", take)]
    assert len(told) == len(large.store.bulks) == 1
    assert large.store.now > 0
    await shop.close()


async def test_a_shop_that_does_not_answer_is_come_back_to(large: Running) -> None:
    large.store.faults.add("bulk_start", "429:30")
    with pytest.raises(Unreached):
        await large.read("products")
    assert (await large.read("products"))[-1].until is not None


async def test_a_small_shop_is_read_page_by_page(running: Running) -> None:
    running.store.sell("MUG", "Mug", "4.25")
    for kind in KINDS:
        await running.read(kind)
    assert {"OrdersCount", "VariantsCount", "BulkStart"} & set(named(running.store)) == {"OrdersCount", "VariantsCount"}


def test_every_bulk_query_is_one_that_shopify_carries_out() -> None:
    assert {name: wrong_with(text) for name, text in BULK.items()} == {name: [] for name in BULK}


@pytest.mark.parametrize(
    "query",
    [
        "{ orders { edges { node { id refunds { refundLineItems { nodes { id quantity } } } } } } }",
        "{ orders { edges { node { id customer { name } } } } }",
        "{ products { edges { node { title variants { edges { node { id } } } } } } }",
        "{ shop { currencyCode } }",
    ],
)
def test_a_bulk_query_that_is_none_would_be_noticed(query: str) -> None:
    assert wrong_with(query)


async def test_a_file_larger_than_it_may_be_is_given_up_where_it_grows_too_large(
    large: Running, tmp_path: Path
) -> None:
    large.store.files["gid://shopify/BulkOperation/7"] = ["x" * 1000] * 100  # a few hundred bytes as they come
    shop = large.shop()
    with (tmp_path / "file").open("w+b") as file:
        with pytest.raises(Declined, match="a file of more than"):
            await shop.download(f"{large.url}/files/7", file, 50_000)
        assert file.tell() <= 50_000
        await shop.download(f"{large.url}/files/7", file, 200_000)
        assert file.tell() == 100_100
        large.store.faults.add("file", "drop_before_applying")
        await shop.download(f"{large.url}/files/7", file, 200_000)
        assert file.tell() == 100_100, "begun anew from its beginning"
        for address in ("ftp://127.0.0.1/file", "file:///etc/passwd"):
            with pytest.raises(Declined):
                await shop.download(address, file, 1)
    await shop.close()


async def test_a_file_at_an_address_that_is_not_public_is_not_fetched(tmp_path: Path) -> None:
    shop = Shop("https://a.myshopify.com", token="t")
    with (tmp_path / "file").open("w+b") as file, pytest.raises(Declined, match="private network"):
        await shop.download("https://localhost/file", file, 1)
    await shop.close()


def test_lines_are_put_together_wherever_they_lie_behind_their_parents(tmp_path: Path) -> None:
    lines = [
        {"id": "gid://shopify/Order/1"}, {"id": "gid://shopify/Order/2"},
        {"id": "gid://shopify/FulfillmentOrder/5", "__parentId": "gid://shopify/Order/1"},
        {"id": "gid://shopify/LineItem/3", "__parentId": "gid://shopify/Order/2"},
        {"id": "gid://shopify/Order/9"},
        {"id": "gid://shopify/LineItem/4", "__parentId": "gid://shopify/Order/1"},
        {"id": "gid://shopify/FulfillmentOrderLineItem/6", "__parentId": "gid://shopify/FulfillmentOrder/5"},
    ]  # fmt: skip
    records = Records(tmp_path / "records")
    records.load(io.BytesIO("\n".join(map(json.dumps, lines)).encode()))
    assert records.count == 3
    first, second, third = records.between(0, 3)
    assert [tail(line["id"]) for line in first["lineItems"]["nodes"]] == ["4"]
    (part,) = first["fulfillmentOrders"]["nodes"]
    assert [tail(line["id"]) for line in part["lineItems"]["nodes"]] == ["6"]
    assert [tail(line["id"]) for line in second["lineItems"]["nodes"]] == ["3"]
    assert (third["id"], third["lineItems"]) == ("gid://shopify/Order/9", {"nodes": []})
    with pytest.raises(Declined, match="which is not in it"):
        Records(tmp_path / "more").load(io.BytesIO(json.dumps({"id": "a", "__parentId": "b"}).encode()))
