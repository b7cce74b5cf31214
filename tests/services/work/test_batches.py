"""A scan of many findings: it lets others write in between, and what was cut off is finished by the next one."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import MovableClock
from bot.services.audit import Audit
from bot.services.cases import Applied, Cases
from bot.services.watch import Watch
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.kit import DAY
from tests.services.work.shop import Shop, open_shop
from tests.services.work.test_watch import plant_shortage

SERIES = 6


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    for number in range(SERIES):
        await plant_shortage(shop, f"A{number}")
    shop.watch = watch_of(shop, shop.cases)
    return shop


def watch_of(shop: Shop, cases: Cases) -> Watch:
    """A watch that writes one series at a time."""
    return Watch(
        database=shop.database,
        clock=shop.clock,
        audit=Audit(database=shop.database, clock=shop.clock),
        cases=cases,
        requests=shop.requests,
        settings=shop.settings,
        batch=1,
    )


class CutOff(Cases):
    """Cases whose process ends right before people are told."""

    async def announce(self, connection: AsyncConnection, applied: Applied, at: datetime, individual: int) -> int:  # noqa: ARG002  # it ends
        raise ConnectionError("the process ended")


async def test_a_scan_in_batches_finds_and_says_what_one_transaction_would(shop: Shop) -> None:
    report = await shop.scan()
    assert (report.opened, report.requests_drafted, report.announced) == (SERIES, 1, 7)
    assert len(await shop.unresolved()) == SERIES
    (request,) = await shop.requested()
    assert (request.state, len(await shop.lines_of(request.id))) == ("pending", SERIES)
    again = await shop.scan()
    assert (again.opened, again.requests_drafted, again.announced) == (0, 0, 0)


async def test_others_write_while_a_scan_is_under_way(shop: Shop) -> None:
    seen: list[int] = []
    writers: list[asyncio.Task[None]] = []

    async def write() -> None:
        async with shop.database.transaction() as connection:
            count = await connection.execute(select(func.count()).select_from(tables.Case))
            await connection.execute(insert(tables.Mark).values(key="written", value=""))
            seen.append(count.scalar_one())

    def begin(phase: str) -> None:
        if phase == "apply":  # the first batch has begun to write
            writers.append(asyncio.create_task(write()))

    async with shop.database.reading(), shop.database.reading():
        pass  # both have their connections: what is tried is who waits for whom, not how long a new one takes
    await shop.watch.scan(shop.clock.now(), begin)
    await asyncio.gather(*writers)
    assert len(seen) == 1
    assert seen[0] < SERIES


async def test_what_a_scan_that_was_cut_off_did_not_say_the_next_one_says_once(shop: Shop, clock: MovableClock) -> None:
    cut = CutOff(database=shop.database, clock=shop.clock, audit=shop.audit, outbox=shop.outbox, settings=shop.settings)
    with pytest.raises(ConnectionError):
        await watch_of(shop, cut).scan(clock.now())
    assert len(await shop.unresolved()) == SERIES
    assert await shop.said() == []
    clock.push(DAY / 24)
    report = await shop.scan()
    assert (report.opened, report.requests_drafted, report.announced) == (0, 0, 7)
    assert len(await shop.said()) == 7
    assert (await shop.scan()).announced == 0


async def test_a_case_put_to_sleep_before_it_is_told_stays_asleep(shop: Shop, clock: MovableClock) -> None:
    class Drowsy(Cases):
        """Cases one of which a person puts to sleep between the last batch and the telling."""

        async def announce(self, connection: AsyncConnection, applied: Applied, at: datetime, individual: int) -> int:
            await connection.execute(
                update(tables.Case).where(tables.Case.id == applied.opened[0]).values(snoozed_until=clock.now() + DAY)
            )
            return await super().announce(connection, applied, at, individual)

    drowsy = Drowsy(
        database=shop.database, clock=shop.clock, audit=shop.audit, outbox=shop.outbox, settings=shop.settings
    )
    report = await watch_of(shop, drowsy).scan(clock.now())
    assert report.announced == SERIES - 1 + 1  # the cases that are awake, and the order
    asleep = [row for row in await shop.all_cases() if row.snoozed_until is not None]
    assert len(asleep) == 1
    assert (await shop.scan()).announced == 0
    clock.push(2 * DAY)
    assert (await shop.scan()).announced == 1
