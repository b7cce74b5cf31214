"""What every store's feed promises, against a running store."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime

import pytest

from bot.errors import Declined, Unreached
from bot.ports import (
    AgeFact,
    Fact,
    FactKind,
    InboundFact,
    MovableClock,
    OfferFact,
    OrderFact,
    Page,
    ProductFact,
    StockFact,
    StoreFeed,
)
from bot.stores import FEEDS
from tests.stores.conftest import REAL, REAL_TRYTON
from tests.stores.stocked import STOCKED, Stocked, nowhere

OF: Mapping[FactKind, type[Fact]] = {
    "products": ProductFact, "stock": StockFact, "orders": OrderFact, "inbounds": InboundFact, "ages": AgeFact,
    "offers": OfferFact,
}  # fmt: skip
KINDS = [REAL_TRYTON if kind == "tryton" else kind for kind in sorted(FEEDS)]


@pytest.fixture(params=[*KINDS, *REAL])
def kind(request: pytest.FixtureRequest) -> str:
    """Each registered kind; a real store is started outside of any loop."""
    if request.param == "tryton":
        request.getfixturevalue("served")
    name: str = request.param
    return name


@pytest.fixture
async def stocked(kind: str, request: pytest.FixtureRequest, clock: MovableClock) -> AsyncIterator[Stocked]:
    """A store of the kind, with two products and an order."""
    async with STOCKED[kind](request, clock) as found:
        yield found
        for feed in found.feeds:
            await feed.close()


async def read(feed: StoreFeed, kind: FactKind, cursor: str = "") -> list[Page]:
    """A whole reading."""
    return [page async for page in feed.read(kind, cursor)]


def told(pages: Iterable[Page]) -> list[Fact]:
    """The facts of pages, but for the moment at which they were told."""
    moment = datetime(2000, 1, 1, tzinfo=UTC)
    return [
        dataclasses.replace(fact, as_of=moment) if isinstance(fact, StockFact | AgeFact) else fact
        for page in pages
        for fact in page.facts
    ]


async def lanterns(stocked: Stocked) -> ProductFact:
    """The product as its store tells it."""
    facts = told(await read(stocked.feed(), "products"))
    (found,) = (fact for fact in facts if isinstance(fact, ProductFact) and fact.sku == stocked.goods[0])
    return found


async def test_a_reading_tells_facts_of_its_kind_and_at_its_end_until_when_it_speaks(stocked: Stocked) -> None:
    feed = stocked.feed()
    for kind in feed.kinds:
        pages = await read(feed, kind)
        assert {page.kind for page in pages} == {kind}
        assert all(isinstance(fact, OF[kind]) for page in pages for fact in page.facts)
        assert [page.until for page in pages[:-1]] == [None] * (len(pages) - 1)
        until = pages[-1].until
        assert until is not None
        assert until.utcoffset() is not None


async def test_what_is_sold_is_told_with_the_stores_own_code_and_its_price(stocked: Stocked) -> None:
    facts = [fact for fact in told(await read(stocked.feed(), "products")) if isinstance(fact, ProductFact)]
    codes = [fact.code for fact in facts]
    assert len(set(codes)) == len(codes)
    assert all(codes)
    assert set(stocked.goods) <= {fact.sku for fact in facts}
    lantern = await lanterns(stocked)
    assert (lantern.price, lantern.active) == (stocked.lantern, True)


async def test_what_lies_where_names_codes_and_places_that_the_store_tells(stocked: Stocked) -> None:
    feed = stocked.feed()
    codes = {fact.code for fact in told(await read(feed, "products")) if isinstance(fact, ProductFact)}
    places = {place.id for place in await feed.places()}
    facts = [fact for page in await read(feed, "stock") for fact in page.facts if isinstance(fact, StockFact)]
    lantern = (await lanterns(stocked)).code
    assert max(fact.on_hand for fact in facts if fact.code == lantern) == stocked.lies
    for fact in facts:
        assert fact.code in codes
        assert fact.place in places
        assert min(fact.on_hand, fact.committed, fact.incoming) >= 0
        assert fact.as_of.utcoffset() is not None


async def test_an_order_is_told_by_its_lines_and_nobody_is_named(stocked: Stocked) -> None:
    feed = stocked.feed()
    if "orders" not in feed.kinds or stocked.sold is None:
        assert stocked.sold is None
        return
    lantern = (await lanterns(stocked)).code
    orders = [fact for fact in told(await read(feed, "orders")) if isinstance(fact, OrderFact)]
    (order,) = (fact for fact in orders if lantern in {line.code for line in fact.lines})
    (line,) = order.lines
    assert (line.sku, line.quantity, order.returns) == (stocked.goods[0], stocked.sold, ())
    assert line.amount.amount > 0
    assert order.placed_at.utcoffset() is not None
    assert order.changed_at >= order.placed_at
    for person in ("Ada", "Lovelace", "ada@example.com", "Mill Lane"):
        assert person not in repr(orders)


async def test_a_reading_that_broke_off_goes_on_behind_any_of_its_pages(stocked: Stocked) -> None:
    feed = stocked.feed()
    for kind in feed.kinds:
        pages = await read(feed, kind)
        whole = told(pages)
        for number in {0, len(pages) // 2}:
            rest = told(await read(feed, kind, pages[number].cursor))
            before = told(pages[: number + 1])
            assert all(fact in before + rest for fact in whole), kind
            assert all(fact in whole for fact in rest), kind


async def test_a_fact_that_is_told_again_is_the_same_fact(stocked: Stocked) -> None:
    feed = stocked.feed()
    for kind in feed.kinds:
        pages = await read(feed, kind)
        again = told(await read(stocked.feed(), kind, pages[-1].cursor))
        assert all(fact in told(pages) for fact in again), kind


async def test_a_store_that_asks_to_come_again_is_asked_again(stocked: Stocked) -> None:
    if stocked.faults is None:
        pytest.skip("a database is asked by its own protocol")
    feed = stocked.feed()
    whole = told(await read(feed, "products"))
    for mode in ("429:1", "500", "drop_after_reading", "drop_before_applying"):
        stocked.faults.add("*", mode)
        assert told(await read(feed, "products")) == whole


async def test_a_store_that_is_not_there_was_not_reached(stocked: Stocked) -> None:
    if stocked.faults is None:
        pytest.skip("a file is there, or it is a wrong setting")
    away = stocked.feed(nowhere(stocked.url))
    with pytest.raises(Unreached):
        await read(away, "products")
    assert (await away.check())[0].verdict == "fail"


async def test_a_wrong_secret_is_declined_and_the_check_says_so_without_telling_it(stocked: Stocked) -> None:
    checks = await stocked.feed().check()
    assert {check.verdict for check in checks} <= {"ok", "warn"}
    if not stocked.secret:
        return
    wrong = stocked.feed(secret="wrong-secret")
    with pytest.raises(Declined):
        await read(wrong, "products")
    failed = await stocked.feed(secret="wrong-secret").check()
    assert failed[0].verdict == "fail"
    assert "wrong-secret" not in str(failed)
