"""The network at its worst: answers that are lost, late or errors. Counted from what the other side recorded."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from bot.domain.money import Money
from bot.errors import Unanswered
from bot.ports import Call, MovableClock, Performer
from bot.sandbox.serving import Serving
from bot.sandbox.store import Listing, LocalStore, store_app
from bot.sandbox.store.state import Weather as Storm
from bot.services.effects import EffectKind
from bot.services.placing import OrderSender, order_json
from bot.services.pricecalls import PriceSetter
from bot.storage.database import Database
from bot.storage.tables import Effect, Mark
from bot.stores.local import LocalConnector
from bot.suppliers.mail import MailChannel, MailOptions
from tests.faults.figures import is_long, record, times
from tests.runtime.recorder import until
from tests.services.effects.kit import STEADY, Floor, failed, followed, open_floor
from tests.services.effects.yard import ALL, BlindTill, Till, Yard
from tests.suppliers.kit import PostOffice, an_order, mail_server

LOST = times(30, 1000, 1000)  # calls that are applied and whose answer is lost
SOME = times(24, 100, 2000)
SHELVES = times(10, 40, 1000)  # products of the store

pytestmark = pytest.mark.timeout(7200 if is_long() else 180)
PATIENT = replace(STEADY, call=timedelta(seconds=20), lease=timedelta(seconds=60))


async def floor_with(database: Database, clock: MovableClock, performer: Performer, **more: Any) -> Floor:
    """The effects, with one kind of call."""
    return await open_floor(
        database, clock, kind=EffectKind(performer, followed, failed), **{"persistence": PATIENT, **more}
    )


async def plan_all(floor: Floor, payloads: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Write calls down in one transaction; their ids by key."""
    async with floor.database.transaction() as connection:
        return {
            key: await floor.effects.plan(
                connection, key=key, kind="order.send", topic="purchases", request_id=None, payload=payload
            )
            for key, payload in payloads.items()
        }


async def settle(floor: Floor, hours: int = 30) -> Counter[str]:
    """Work until nothing more comes of it, the clock running on; how many calls ended in which state."""
    end = floor.clock.now() + timedelta(hours=hours)
    while floor.clock.now() < end:
        await floor.worker.drain()
        waiting = [depth for depth in await floor.effects.depths() if depth.state in {"pending", "sending"}]
        if not waiting:
            break
        floor.clock.push(timedelta(seconds=20))
    return await states(floor)


async def states(floor: Floor) -> Counter[str]:
    """How many calls are in which state."""
    return Counter(row.state for row in await floor.desk.all(Effect))


async def missed_or_doubled(floor: Floor, keys: Mapping[str, int]) -> int:
    """Calls from which nothing followed, or something more than once."""
    followed = {row.key: row.value for row in await floor.desk.all(Mark)}
    return sum(followed.get(f"followed:{key}") != "done" for key in keys)


async def test_no_lost_answer_of_a_yard_that_remembers_is_a_second_purchase(
    sqlite_database: Database, clock: MovableClock
) -> None:
    async with Yard(weather=("lost",)).open() as yard:
        floor = await floor_with(sqlite_database, clock, Till(yard))
        keys = await plan_all(floor, {f"order-{number}": {"units": number} for number in range(LOST)})
        assert await settle(floor) == {"done": LOST}
        assert (len(yard.orders), yard.doubled) == (LOST, 0)
        assert set(yard.asked.values()) == {1}
        assert await missed_or_doubled(floor, keys) == 0
    record("Calls: applied, answer lost, read back", LOST, yard.doubled + LOST - len(set(yard.orders)), "SQLite")


async def test_every_lost_answer_of_a_yard_that_forgets_all_asks_a_person(
    postgres_database: Database, clock: MovableClock
) -> None:
    async with Yard(weather=("lost",), memory=False).open() as yard:
        floor = await floor_with(postgres_database, clock, Till(yard))
        keys = await plan_all(floor, {f"order-{number}": {"units": number} for number in range(LOST)})
        assert await settle(floor) == {"halted": LOST}
        assert (len(yard.orders), yard.doubled) == (LOST, 0)
        assert set(yard.asked.values()) == {1}
        assert await missed_or_doubled(floor, keys) == LOST  # nothing follows before a person has spoken
    record("Calls: applied, answer lost, nobody can tell: halted", LOST, yard.doubled, "PostgreSQL")


async def test_in_any_weather_each_order_is_carried_out_once_and_none_is_missed(
    database: Database, clock: MovableClock
) -> None:
    async with Yard(weather=ALL, later=ALL, seed=1).open() as yard:
        floor = await floor_with(database, clock, Till(yard))
        keys = await plan_all(floor, {f"order-{number}": {"units": number} for number in range(SOME)})
        assert await settle(floor) == {"done": SOME}
        assert sorted(yard.orders) == sorted(keys)
        assert await missed_or_doubled(floor, keys) == 0
        assert set(yard.met) == set(ALL)
    record("Calls: orders in any weather, by seed", SOME, yard.doubled + SOME - len(set(yard.orders)))


async def test_without_reading_back_the_same_weather_is_seen_to_double(
    sqlite_database: Database, clock: MovableClock
) -> None:
    async with Yard(weather=ALL, later=ALL, seed=1).open() as yard:
        floor = await floor_with(sqlite_database, clock, BlindTill(yard))
        await plan_all(floor, {f"order-{number}": {"units": number} for number in range(16)})
        await settle(floor)
        assert yard.doubled > 1


class Unwritten(Till):
    """Orders as soon as it is asked, however often: what a worker without a written intent and a fence does."""

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """Order, and once more where no answer comes."""
        try:
            return await super().perform(call)
        except Unanswered:
            return await super().perform(call)


async def test_a_client_that_repeats_by_itself_is_seen_to_double(
    sqlite_database: Database, clock: MovableClock
) -> None:
    async with Yard(weather=("lost",)).open() as yard:
        floor = await floor_with(sqlite_database, clock, Unwritten(yard))
        await plan_all(floor, {f"order-{number}": {"units": number} for number in range(20)})
        assert await settle(floor) == {"done": 20}
        assert yard.doubled == 20


@pytest.fixture
async def store(clock: MovableClock) -> AsyncIterator[tuple[LocalStore, LocalConnector]]:
    """A running local store with many products, and a hasty client of it."""
    listings = [
        Listing(f"SKU-{number}", f"Lantern {number}", Money(Decimal("9.90"), "GBP")) for number in range(SHELVES)
    ]
    local = LocalStore(clock, listings)
    serving = Serving(store_app(local))
    url = serving.bind()
    await serving.start()
    yield local, LocalConnector("shop", url, local.token, httpx.Timeout(2.0))
    await serving.stop()


def lowered(store: LocalStore, number: int) -> dict[str, Any]:
    """A call that lowers the price of one product."""
    item = store.items[f"SKU-{number}"]
    wanted = {"currency": "GBP", "price_minor": 790, "compare_at_minor": 990}
    return {"store": "shop", "sku": item.sku, "revision": str(item.revision), "wanted": wanted}


@pytest.mark.parametrize(
    ("share", "modes"),
    [
        (0.4, ("drop_after_reading", "drop_before_applying", "429:1", "500")),
        (0.5, ("drop_after_reading",)),
    ],
)
async def test_in_a_storm_each_price_of_a_real_store_is_changed_once(
    database: Database,
    clock: MovableClock,
    store: tuple[LocalStore, LocalConnector],
    share: float,
    modes: tuple[str, ...],
) -> None:
    local, connector = store
    local.weather = Storm(7, share, modes)
    floor = await floor_with(database, clock, PriceSetter({"shop": connector}))
    calls = {f"price-{number}": lowered(local, number) for number in range(SHELVES)}
    keys = await plan_all(floor, calls)
    assert await settle(floor) == {"done": SHELVES}
    changes = Counter(change.key for change in local.changes)
    assert changes == Counter(dict.fromkeys(keys, 1))
    assert await missed_or_doubled(floor, keys) == 0
    assert local.weather.met > SHELVES * share
    record("Calls: price changes in a storm, local store", SHELVES, sum(times != 1 for times in changes.values()))


async def test_orders_by_mail_whose_answer_is_lost_halt_and_are_sent_once(
    sqlite_database: Database, clock: MovableClock
) -> None:
    count = 12
    office = PostOffice(break_off=True)
    async with mail_server(office) as port:
        channel = MailChannel(MailOptions("127.0.0.1", port, "orders@acme.example", "none"))
        floor = await floor_with(sqlite_database, clock, OrderSender({"mail": channel}))
        order = order_json(an_order(1))
        await plan_all(floor, {f"mail-{number}": {"channel": "mail", "order": order} for number in range(count)})
        assert await settle(floor, 3) == {"halted": count}
        assert len({message["Message-ID"] for message in office.taken}) == len(office.taken) == count
    record("Calls: orders by mail, answer lost: halted", count, len(office.taken) - count)


class Stopped:
    """A Performer whose process stands still before or after its call, as after SIGSTOP; it goes on when let."""

    def __init__(self, inner: Performer, where: str) -> None:
        self._inner = inner
        self._where = where
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """Call, standing still once."""
        if self._where == "before":
            await self._stand()
        answer = await self._inner.perform(call)
        if self._where == "after":
            await self._stand()
        return answer

    async def look(self, call: Call) -> Mapping[str, Any] | None:
        """Look at once."""
        return await self._inner.look(call)

    async def _stand(self) -> None:
        self.reached.set()
        await self.go_on.wait()


@pytest.mark.parametrize("where", ["before", "after"])
async def test_a_worker_that_stood_still_beyond_its_lease_changes_no_price_twice(
    database: Database, clock: MovableClock, store: tuple[LocalStore, LocalConnector], where: str
) -> None:
    local, connector = store
    still = Stopped(PriceSetter({"shop": connector}), where)
    first = await floor_with(database, clock, still)
    second = await floor_with(database, clock, PriceSetter({"shop": connector}), desk=first.desk)
    keys = await plan_all(first, {"price-0": lowered(local, 0)})
    working = asyncio.create_task(first.worker.drain())
    await until(still.reached.is_set)
    clock.push(PATIENT.lease)
    await second.worker.drain()
    clock.push(timedelta(seconds=1))
    await second.worker.drain()
    settled = await second.row(keys["price-0"])
    assert (settled.state, settled.attempts) == ("done", 2 if where == "before" else 1)
    still.go_on.set()
    await working
    assert await second.row(keys["price-0"]) == settled
    assert [change.key for change in local.changes] == ["price-0"]
    assert await second.followed("price-0") == "done"


async def test_the_engine_begins_a_call_soon_and_many_a_second(database: Database, clock: MovableClock) -> None:
    async with Yard().open() as yard:
        floor = await floor_with(database, clock, Till(yard))
        floor.worker.start()
        waits = []
        for number in range(20):
            planned = time.perf_counter()
            await plan_all(floor, {f"soon-{number}": {"units": 1}})
            await until(lambda goal=number: len(yard.orders) > goal)  # type: ignore[misc]
            waits.append(time.perf_counter() - planned)
        await floor.worker.stop(5)
        await plan_all(floor, {f"many-{number}": {"units": 1} for number in range(SOME)})
        began = time.perf_counter()
        await floor.worker.drain()
        rate = SOME / (time.perf_counter() - began)
        assert len(yard.orders) == SOME + 20
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    soon = sorted(waits)[10] * 1000
    note = f"{rate:.0f}/s; planned to applied {soon:.0f} ms"
    record(f"Calls: through the whole engine, {kind}", SOME + 20, yard.doubled, note)
    assert soon < 1000
