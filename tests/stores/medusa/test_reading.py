"""Lists read to their end: cursors, rows that come and go, the shop's clock, logging in."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Declined, Unreached
from bot.ports import MovableClock, OrderFact, Page
from bot.stores.medusa import MedusaFeed
from bot.stores.medusa.api import Spot
from bot.stores.medusa.cursor import OVERLAP, Cursor
from tests.stores.medusa.conftest import Medusa, facts
from tests.stores.medusa.shop import EMAIL, PASSWORD

MOMENTS = st.integers(10**9, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def ids(pages: list[Page]) -> list[str]:
    return [fact.id for fact in facts(pages, OrderFact)]


async def test_an_empty_shop_says_until_when_it_speaks(medusa: Medusa, clock: MovableClock) -> None:
    for kind in medusa.feed.kinds:
        pages = await medusa.read(kind)
        assert [(page.facts, page.until) for page in pages] == [((), clock.now())]


async def test_a_long_list_is_told_whole_and_once(medusa: Medusa, clock: MovableClock) -> None:
    numbers = [medusa.shop.place() for _ in range(250)]
    pages = await medusa.read("orders")
    assert ids(pages) == numbers
    assert [page.until for page in pages] == [None, None, clock.now()]
    assert len({page.cursor for page in pages}) == 3
    assert not any(page.anew for page in pages)


async def test_all_stock_is_told_anew_each_time_and_a_reading_that_broke_off_is_still_the_same(medusa: Medusa) -> None:
    leeds = medusa.shop.location("Leeds")
    for number in range(101):
        medusa.shop.vary(f"S{number}", 12, (medusa.shop.item(f"S{number}", {leeds: 5}), 1))
    pages = await medusa.read("stock")
    assert [page.anew for page in pages] == [True, False]
    assert [page.anew for page in await medusa.read("stock", pages[0].cursor)] == [False]
    assert [page.anew for page in await medusa.read("stock", pages[1].cursor)] == [True, False]


@pytest.mark.parametrize("pages", [1, 2])
async def test_a_reading_that_broke_off_goes_on_where_it_was(medusa: Medusa, clock: MovableClock, pages: int) -> None:
    numbers = [medusa.shop.place() for _ in range(250)]
    begun = clock.now()
    first = (await medusa.read("orders"))[:pages]
    clock.push(timedelta(hours=5))
    rest = await medusa.read("orders", first[-1].cursor)
    assert ids(first) + ids(rest) == numbers
    assert rest[-1].until == begun
    assert Cursor.of(rest[-1].cursor).since == begun - OVERLAP


async def test_only_what_changed_is_asked_for_with_some_overlap(medusa: Medusa, clock: MovableClock) -> None:
    old = [medusa.shop.place() for _ in range(3)]
    cursor = (await medusa.read("orders"))[-1].cursor
    clock.push(OVERLAP * 2)
    medusa.shop.touch(old[1], status="completed")
    fresh = medusa.shop.place()
    pages = await medusa.read("orders", cursor)
    assert ids(pages) == [*old, fresh]
    clock.push(OVERLAP)
    assert ids(await medusa.read("orders", pages[-1].cursor)) == [old[1], fresh]


async def test_deleting_rows_that_were_read_hides_none_of_the_others(medusa: Medusa) -> None:
    numbers = [medusa.shop.place() for _ in range(250)]
    gone = [*numbers[:60], numbers[99]]

    def delete() -> None:
        for number in gone:
            del medusa.shop.orders[number]

    # The first two lists are that of the store itself and that of its places.
    medusa.shop.after_list.extend([lambda: None, lambda: None, delete])
    assert ids(await medusa.read("orders")) == numbers


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_is_deleted_and_added_every_row_that_stays_is_told(
    medusa: Medusa, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("bot.stores.medusa.api.MOST", 7)
    monkeypatch.setattr("bot.stores.medusa.api._RESTARTS", 20)
    chance = random.Random(seed)  # noqa: S311  # the same rows go again for the same seed
    numbers = [medusa.shop.place() for _ in range(40)]

    def meddle() -> None:
        for number in chance.sample(sorted(medusa.shop.orders), min(len(medusa.shop.orders), chance.randrange(9))):
            del medusa.shop.orders[number]
        medusa.shop.place()

    medusa.shop.after_list.extend([meddle] * 8)
    told = ids(await medusa.read("orders"))
    assert {*numbers} & {*medusa.shop.orders} <= {*told}


async def test_a_list_that_never_stands_still_is_come_back_to(medusa: Medusa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.stores.medusa.api.MOST", 2)
    for _ in range(6):
        medusa.shop.place()

    def replace() -> None:
        medusa.shop.orders.clear()
        for _ in range(6):
            medusa.shop.place()

    medusa.shop.after_list.extend([replace] * 200)
    with pytest.raises(Unreached, match="faster"):
        await medusa.read("orders")


async def test_a_busy_shop_is_waited_for_and_then_left(medusa: Medusa) -> None:
    medusa.shop.faults.add("orders", "429:7")
    medusa.shop.faults.add("orders", "error:504")
    await medusa.read("orders")
    assert medusa.pauses[0] == 7.0
    assert len(medusa.pauses) == 2
    medusa.shop.faults.add("orders", "500", 9)
    with pytest.raises(Unreached):
        await medusa.read("orders")


async def test_a_shop_without_a_default_currency_is_not_guessed_at(medusa: Medusa) -> None:
    medusa.shop.currency = ""
    with pytest.raises(Declined, match="currencies"):
        await medusa.read("products")


async def test_the_check_reads_a_row_of_everything_that_is_read(medusa: Medusa) -> None:
    (check,) = await medusa.feed.check()
    assert (check.verdict, "GBP" in check.detail) == ("ok", True)
    asked = {name for name, _, _ in medusa.shop.calls}
    assert asked == {"stores", "variants", "items", "orders", "locations", "reservations"}


async def test_a_login_is_shared_and_made_again_when_its_token_ended(medusa: Medusa) -> None:
    feed = MedusaFeed("shop", medusa.part(token="", user=EMAIL, secret=PASSWORD))
    await asyncio.gather(*(feed.places() for _ in range(4)))
    assert medusa.shop.logins == 1
    medusa.shop.tokens.clear()
    await asyncio.gather(*(feed.places() for _ in range(4)))
    assert medusa.shop.logins == 2
    await feed.close()


async def test_a_login_that_is_refused_says_so_without_the_password(medusa: Medusa) -> None:
    feed = MedusaFeed("shop", medusa.part(token="", user=EMAIL, secret="wrong-password"))
    (check,) = await feed.check()
    assert (check.verdict, check.detail) == ("fail", "401 the login was refused")
    await feed.close()


async def test_a_login_that_is_to_be_tried_later_is_waited_for(medusa: Medusa) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    feed = MedusaFeed("shop", medusa.part(token="", user=EMAIL, secret=PASSWORD), pause=pause)
    medusa.shop.faults.add("login", "500")
    assert await feed.places() == ()
    assert (medusa.shop.logins, len(pauses)) == (1, 1)
    await feed.close()


@given(
    st.builds(
        Cursor,
        since=st.none() | MOMENTS,
        begun=st.none() | MOMENTS,
        spot=st.builds(Spot, st.integers(0, 10**7), st.lists(st.text(), max_size=5).map(tuple)),
    )
)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert Cursor.of(str(cursor)) == cursor


@given(st.text(max_size=60) | st.sampled_from(['{"since": 1}', "null", '{"since":"2011-01-01","begun":null}']))
def test_what_is_no_cursor_is_the_beginning(told: str) -> None:
    assert Cursor.of(told) == Cursor()
