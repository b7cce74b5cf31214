"""What stores call to say: stored before it is acknowledged, followed once, and lost by nobody."""

from __future__ import annotations

import asyncio
from collections import Counter as Counts
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Declined, Forged, Unreached
from bot.ports import Check, Delivery, FactKind, HookedFeed, OrderFact, Page, StorePlace
from bot.services.feeds import following
from bot.services.feeds.following import ATTEMPTS, BRISK, LEASE, SLOW, Following, Pace
from bot.services.feeds.reception import RUSH, RUSH_SECONDS, Reception
from bot.services.pacing import Backoff
from bot.services.wakes import Wakes
from bot.storage import deliveries
from bot.storage.database import Database
from tests.services.feeds.kit import SHOP, Shop, order, sold


def delivered(number: int, order: str = "") -> Delivery:
    """A call about an order."""
    return Delivery(f"d{number}", "orders/updated", {"order": order or str(number)})


@dataclass
class Caller:
    """A store that calls: what it says is the body, a signature is the word 'signed'; `orders` are as they are now."""

    orders: dict[str, OrderFact | Exception] = field(default_factory=dict)
    followed: list[str] = field(default_factory=list)
    name: str = SHOP
    kinds: tuple[FactKind, ...] = ("orders",)
    called: tuple[FactKind, ...] = ("orders",)
    subscribed: list[str] = field(default_factory=list)
    missing: tuple[str, ...] | Exception | None = ()
    told: list[Page] = field(default_factory=list)

    async def places(self) -> tuple[StorePlace, ...]:
        return ()

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        assert not cursor
        for page in self.told:
            assert page.kind == kind
            yield page

    async def check(self) -> tuple[Check, ...]:
        return ()

    async def close(self) -> None:
        self.followed.clear()

    def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery | None:
        assert now.tzinfo is not None
        if headers.get("signature") != "signed":
            raise Forged
        number, _, subject = body.decode().partition(" ")
        return delivered(int(number), subject) if number != "0" else None

    async def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
        for delivery in deliveries:
            subject = str(delivery.said["order"])
            self.followed.append(subject)
            fact = self.orders[subject]
            if isinstance(fact, Exception):
                raise fact
            yield Page("orders", (fact,), "")

    async def subscribe(self, address: str) -> tuple[str, ...] | None:
        self.subscribed.append(address)
        if isinstance(self.missing, Exception):
            raise self.missing
        return self.missing


@dataclass
class Counter:
    """A shop that is called."""

    shop: Shop
    caller: Caller
    reception: Reception
    following: Following

    async def call(self, number: int, subject: str = "", signature: str = "signed") -> bool:
        return await self.reception.take(SHOP, {"signature": signature}, f"{number} {subject or number}".encode())

    async def states(self) -> dict[str, str]:
        return dict(await self.shop.rows("SELECT delivery_id, state FROM store_deliveries ORDER BY id"))


async def no_rush() -> None:
    """Calls come one by one."""


def following_of(shop: Shop, caller: HookedFeed, wakes: Wakes) -> Following:
    return Following(
        database=shop.database, clock=shop.clock, wakes=wakes, taking=shop.taking, feeds={SHOP: caller},
        pages={SHOP: asyncio.Lock()}, lull=no_rush,
        backoff=Backoff(timedelta(seconds=1), timedelta(minutes=10), jitter=lambda: 0.0),
    )  # fmt: skip


@pytest.fixture
def counter(shop: Shop) -> Counter:
    caller, wakes = Caller(), Wakes(shop.database)
    reception = Reception(database=shop.database, clock=shop.clock, wakes=wakes, feeds={SHOP: caller})
    return Counter(shop, caller, reception, following_of(shop, caller, wakes))


async def rush(counter: Counter, calls: int) -> None:
    assert all(await asyncio.gather(*[counter.call(number) for number in range(1, calls + 1)]))


def waits(lull: Coroutine[Any, Any, None]) -> bool:
    """Whether it does not return at once."""
    try:
        lull.send(None)
    except StopIteration:
        return False
    lull.close()
    return True


async def test_work_on_what_was_said_waits_while_calls_come_in_a_rush(counter: Counter) -> None:
    assert not waits(counter.reception.lull())
    await rush(counter, RUSH - 1)
    assert not waits(counter.reception.lull())
    began = asyncio.get_running_loop().time()
    await rush(counter, RUSH)
    assert waits(counter.reception.lull())
    await counter.reception.lull()
    assert asyncio.get_running_loop().time() - began >= RUSH_SECONDS
    assert not waits(counter.reception.lull())


async def test_a_rush_without_an_end_does_not_keep_the_work_from_being_done(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.services.feeds.reception.RUSH_SECONDS", 60.0)
    monkeypatch.setattr("bot.services.feeds.reception.PATIENCE_SECONDS", 0.01)
    await rush(counter, RUSH)
    await counter.reception.lull()


async def test_a_call_is_stored_once_however_often_it_comes(counter: Counter) -> None:
    assert await counter.call(1)
    assert await counter.call(1)
    assert await asyncio.gather(*[counter.call(2) for _ in range(5)]) == [True] * 5
    assert await counter.states() == {"d1": "new", "d2": "new"}


async def test_a_greeting_and_a_forged_call_leave_nothing_behind(counter: Counter) -> None:
    assert not await counter.call(0)
    with pytest.raises(Forged):
        await counter.call(1, signature="")
    assert await counter.states() == {}


async def test_calls_that_come_together_are_written_together_and_none_is_lost(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = deliveries.add

    async def counted(connection: AsyncConnection, told: list[tuple[str, Delivery]], now: datetime) -> int:
        sizes.append(len(told))
        return await real(connection, told, now)

    monkeypatch.setattr(deliveries, "add", counted)
    await asyncio.gather(*[counter.call(number) for number in range(1, 201)])
    assert len(await counter.states()) == 200
    assert sum(sizes) == 200
    assert len(sizes) < 20


async def test_a_call_that_could_not_be_stored_is_not_acknowledged(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_given: object) -> int:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(deliveries, "add", away)
    told = await asyncio.gather(*[counter.call(number) for number in (1, 2)], return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionError] * 2
    monkeypatch.undo()
    assert await counter.call(1)
    assert await counter.states() == {"d1": "new"}


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
    counter.caller.orders["1"] = Unreached("the line broke")
    await counter.call(1)
    tries = 0
    for _ in range(40):
        tries += await counter.following.drain()
        counter.shop.clock.push(timedelta(minutes=3))
    assert tries == ATTEMPTS
    assert await counter.shop.rows("SELECT state, error FROM store_deliveries") == [("failed", "the line broke")]


async def test_a_record_that_the_store_does_not_show_keeps_no_other_from_being_taken(counter: Counter) -> None:
    counter.caller.orders |= {"1": Declined("no such order"), "2": order("2", sold("a", "MUG", 4))}
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
