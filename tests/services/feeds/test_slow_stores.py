"""Stores that take long to tell what their calls were about, and those that never do."""

from __future__ import annotations

import asyncio
from collections import Counter as Counts
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from bot.ports import Delivery, Page
from bot.services.feeds import following
from bot.services.feeds.following import ATTEMPTS, BRISK, SLOW, Following, Pace
from bot.services.feeds.reception import Reception
from bot.services.wakes import Wakes
from bot.storage.database import Database
from tests.services.feeds.calling import Caller, Counter, following_of, no_rush
from tests.services.feeds.kit import SHOP, order, sold


class Slow(Caller):
    """A store that never tells of the orders in `stuck`, and notes how many it is asked for together."""

    def __init__(self, stuck: set[str], orders: int) -> None:
        super().__init__({str(n): order(str(n), sold("a", "MUG", 1)) for n in range(1, orders + 1)})
        self.stuck, self.together = stuck, list[int]()

    async def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
        self.together.append(len(deliveries))
        for delivery in deliveries:
            if str(delivery.said["order"]) in self.stuck:
                await asyncio.Event().wait()
        async for page in super().follow(deliveries):
            yield page


async def test_what_a_store_never_tells_of_is_given_up_and_keeps_no_other_from_being_taken(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PART_SECONDS", 0.3)
    slow = Slow({"2"}, 4)
    worker = following_of(counter.shop, slow, Wakes(counter.shop.database))
    await asyncio.gather(*[counter.call(number) for number in range(1, 5)])
    assert await worker.round() == 4
    assert await counter.states() == {"d1": "done", "d2": "new", "d3": "done", "d4": "done"}
    assert [row[3] for row in await counter.shop.demand()] == [3]
    monkeypatch.setattr(following, "PART_SECONDS", 0.01)
    for _ in range(ATTEMPTS + 2):
        counter.shop.clock.push(timedelta(minutes=11))
        await worker.round()
    assert await counter.shop.rows("SELECT attempts, error FROM store_deliveries WHERE state = 'failed'") == [
        (ATTEMPTS, "the store told nothing of it within 0.01 s")
    ]


async def test_what_a_slow_store_told_of_is_taken_and_settled_before_the_rest_is_told(counter: Counter) -> None:
    slow = Slow({"11"}, 12)
    worker = following_of(counter.shop, slow, Wakes(counter.shop.database))
    await asyncio.gather(*[counter.call(number) for number in range(1, 13)])
    worker.start()
    async with asyncio.timeout(10):
        while len(slow.together) < 2:  # noqa: ASYNC110  # it is asked for what it will not tell
            await asyncio.sleep(0.01)
    assert [row[3] for row in await counter.shop.demand()] == [following.FIRST]
    assert Counts((await counter.states()).values()) == {"done": 10, "new": 2}
    await worker.stop(0.01)
    assert await counter.shop.rows("SELECT attempts, lease_until FROM store_deliveries WHERE state = 'new'") == [
        (0, None), (0, None)
    ]  # fmt: skip


async def test_what_a_round_had_no_time_for_is_given_back_untried(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "ROUND_SECONDS", 0.0)
    await counter.call(1)
    assert await counter.following.round() == 0
    assert await counter.shop.rows("SELECT state, attempts, lease_until FROM store_deliveries") == [("new", 0, None)]


async def test_a_store_that_hangs_holds_up_the_calls_of_no_other(counter: Counter, database: Database) -> None:
    wakes, shop = Wakes(database), counter.shop
    stuck, quick = Slow({"1"}, 1), Slow(set(), 1)
    worker = Following(
        database=database, clock=shop.clock, wakes=wakes, taking=shop.taking, feeds={"amazon": stuck, SHOP: quick},
        pages={"amazon": asyncio.Lock(), SHOP: asyncio.Lock()}, lull=no_rush,
    )  # fmt: skip
    reception = Reception(database=database, clock=shop.clock, wakes=wakes, feeds={"amazon": stuck, SHOP: quick})
    worker.start()
    await reception.take("amazon", {"signature": "signed"}, b"1 1")
    async with asyncio.timeout(10):
        while not stuck.together:  # noqa: ASYNC110  # it hangs
            await asyncio.sleep(0.01)
        await reception.take(SHOP, {"signature": "signed"}, b"2 1")
        while (await counter.states())["d2"] != "done":  # noqa: ASYNC110  # its own loop works
            await asyncio.sleep(0.01)
    await worker.stop(0.01)
    assert await counter.states() == {"d1": "new", "d2": "done"}


def test_a_store_is_asked_for_as_many_records_together_as_it_tells_of_within_seconds() -> None:
    pace = Pace()
    for seconds in (0.1, 0.1, BRISK, 0.1):
        pace.note(pace.size, seconds)
    assert pace.size == 8 * following.FIRST
    pace.note(3, 0.1)  # few were waiting, which says nothing of many
    assert pace.size == 8 * following.FIRST
    for _ in range(9):
        pace.note(pace.size, SLOW + 1)
    assert pace.size == 1
    for _ in range(9):
        pace.note(pace.size, 0.1)
    assert pace.size == following.IN_HAND
