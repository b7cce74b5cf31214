"""What stores call to say: followed once, and lost by nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from bot.errors import Declined, Unreached
from bot.ports import Delivery, OrderFact, Page
from bot.services.feeds.following import ATTEMPTS, LEASE
from bot.services.feeds.reception import Reception
from bot.services.wakes import Wakes
from bot.storage import deliveries
from bot.storage.database import Database
from bot.words import verbatim
from tests.services.feeds.calling import Caller, Counter, following_of
from tests.services.feeds.kit import SHOP, order, sold


async def test_a_call_leads_to_facts_and_its_product_to_be_judged(counter: Counter) -> None:
    counter.caller.orders["1"] = order("1", sold("a", "MUG", 3))
    await counter.call(1)
    assert await counter.following.drain() == 1
    assert [row[3] for row in await counter.shop.demand()] == [3]
    assert await counter.states() == {"d1": "done"}
    assert await counter.shop.rows("SELECT p.sku FROM touched_products t JOIN products p ON p.id = t.product_id") == [
        ("MUG",)
    ]


async def test_calls_about_one_record_are_followed_once_and_leave_it_as_it_is_now(counter: Counter) -> None:
    counter.caller.orders["7"] = order("7", sold("a", "MUG", 2))
    for number in (3, 1, 2):  # in whichever order they come
        await counter.call(number, "7")
    assert await counter.following.drain() == 3
    assert counter.caller.followed == ["7"]
    assert [row[3] for row in await counter.shop.demand()] == [2]


async def test_a_store_that_is_away_is_asked_again_later_and_then_no_more(counter: Counter) -> None:
    counter.caller.orders["1"] = Unreached(verbatim("the line broke"))
    await counter.call(1)
    tries = 0
    for _ in range(40):
        tries += await counter.following.drain()
        counter.shop.clock.push(timedelta(minutes=3))
    assert tries == ATTEMPTS
    assert await counter.shop.rows("SELECT state, error FROM store_deliveries") == [("failed", "the line broke")]


async def test_a_record_that_the_store_does_not_show_keeps_no_other_from_being_taken(counter: Counter) -> None:
    counter.caller.orders |= {"1": Declined(verbatim("no such order")), "2": order("2", sold("a", "MUG", 4))}
    await asyncio.gather(counter.call(1), counter.call(2))
    await counter.following.drain()
    assert await counter.states() == {"d1": "failed", "d2": "done"}
    assert [row[3] for row in await counter.shop.demand()] == [4]


async def test_a_record_that_breaks_the_taking_harms_no_other(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.caller.orders |= {str(number): order(str(number), sold("a", "MUG", number)) for number in (1, 2, 3)}
    real = counter.shop.taking.take

    async def picky(store: str, page: Page) -> object:
        if any(isinstance(fact, OrderFact) and fact.id == "2" for fact in page.facts):
            raise RuntimeError("it cannot be written")
        return await real(store, page)

    monkeypatch.setattr(counter.shop.taking, "take", picky)
    await asyncio.gather(*[counter.call(number) for number in (1, 2, 3)])
    await counter.following.drain()
    assert await counter.states() == {"d1": "done", "d2": "new", "d3": "done"}
    monkeypatch.undo()
    counter.shop.clock.push(timedelta(minutes=1))
    await counter.following.drain()
    assert await counter.states() == {"d1": "done", "d2": "done", "d3": "done"}
    assert [row[3] for row in await counter.shop.demand()] == [6]


async def test_a_worker_that_died_between_taking_and_its_note_doubles_nothing(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.caller.orders["1"] = order("1", sold("a", "MUG", 3))
    await counter.call(1)

    class Killed(BaseException):
        pass

    async def killed(*_given: object) -> None:
        raise Killed

    monkeypatch.setattr(deliveries, "settle", killed)
    with pytest.raises(Killed):
        await counter.following.round()
    monkeypatch.undo()
    assert [row[3] for row in await counter.shop.demand()] == [3]
    assert await counter.following.drain() == 0  # the dead one still holds it
    counter.shop.clock.push(LEASE + timedelta(seconds=1))
    assert await counter.following.drain() == 1
    assert [row[3] for row in await counter.shop.demand()] == [3]
    assert await counter.states() == {"d1": "done"}


async def test_two_workers_follow_each_call_once_between_them(counter: Counter) -> None:
    counter.caller.orders |= {str(number): order(str(number), sold("a", "MUG", 1)) for number in range(1, 31)}
    await asyncio.gather(*[counter.call(number) for number in range(1, 31)])
    other = following_of(counter.shop, counter.caller, Wakes(counter.shop.database))
    rounds = await asyncio.gather(*[worker.round() for worker in (counter.following, other)])
    assert sum(rounds) == 30
    assert sorted(counter.caller.followed, key=int) == [str(number) for number in range(1, 31)]
    assert [row[3] for row in await counter.shop.demand()] == [30]


async def test_calls_of_several_topics_about_one_record_are_followed_once(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.caller.orders["7"] = order("7", sold("a", "MUG", 2))
    for number, topic in enumerate(("orders/create", "orders/updated", "refunds/create")):
        told = Delivery(f"d{number}", topic, {"order": "7"})
        monkeypatch.setattr(counter.caller, "open", lambda *_given, told=told: told)
        await counter.call(number)
    assert await counter.following.drain() == 3
    assert counter.caller.followed == ["7"]


async def test_a_stop_gives_back_what_was_not_followed(counter: Counter) -> None:
    reached = asyncio.Event()

    class Hanging(Caller):
        async def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
            reached.set()
            await asyncio.Event().wait()
            yield Page("orders", (), deliveries[0].id)

    slow = following_of(counter.shop, Hanging(), Wakes(counter.shop.database))
    await counter.call(1)
    slow.start()
    await reached.wait()
    await slow.stop(0.01)
    assert await counter.shop.rows("SELECT state, attempts, lease_until FROM store_deliveries") == [("new", 0, None)]


async def test_a_worker_is_woken_by_a_call(counter: Counter, database: Database) -> None:
    done = asyncio.Event()

    class Telling(Caller):
        async def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
            done.set()
            yield Page("orders", (order(str(deliveries[0].said["order"]), sold("a", "MUG", 1)),), "")

    wakes, telling = Wakes(database), Telling()
    worker = following_of(counter.shop, telling, wakes)
    reception = Reception(database=database, clock=counter.shop.clock, wakes=wakes, feeds={SHOP: telling})
    worker.start()
    await reception.take(SHOP, {"signature": "signed"}, b"1 1")
    async with asyncio.timeout(10):
        await done.wait()
    await worker.stop(5)
    assert await counter.states() == {"d1": "done"}


async def test_what_another_worker_has_taken_since_is_not_given_back(counter: Counter) -> None:
    """A third one would take what the second is at work on, with the second's own fence."""
    begun = asyncio.Semaphore(0)

    class Hanging(Caller):
        async def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
            begun.release()
            await asyncio.Event().wait()
            yield Page("orders", (), deliveries[0].id)

    first, second = (following_of(counter.shop, Hanging(), Wakes(counter.shop.database)) for _ in range(2))
    counter.caller.orders["1"] = order("1", sold("a", "MUG", 1))
    await counter.call(1)
    first.start()
    await begun.acquire()
    counter.shop.clock.push(LEASE + timedelta(seconds=1))
    second.start()
    await begun.acquire()
    await first.stop(0.01)
    assert await counter.following.round() == 0
    assert counter.caller.followed == []
    assert await counter.shop.rows("SELECT state, attempts FROM store_deliveries") == [("new", 2)]
    await second.stop(0.01)
    assert await counter.shop.rows("SELECT attempts, lease_until FROM store_deliveries") == [(1, None)]
    assert await counter.following.round() == 1
