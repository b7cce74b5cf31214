"""Packs of daily demand: what is read through them is what the rows say, whoever wrote those and however."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from bot.services.packing import keep_packed
from bot.storage import derive, packs
from bot.storage.database import Database
from bot.storage.ledger import HistoryArrays, history
from bot.storage.packform import SPAN, packed, unpacked
from bot.storage.tables import DailyDemand, DemandPack, DemandPacked, Product
from tests.ingest.conftest import Desk

HEAD = "invoice,sku,quantity,date,price,customer,country\n"
STOCK = "sku,location,on_hand,committed,as_of\n"
UNTIL = date(2011, 11, 21)
AT = datetime(2011, 11, 21, 9, tzinfo=UTC)


async def both(database: Database, days: int) -> tuple[HistoryArrays, HistoryArrays]:
    """The whole catalogue's history, and that of every product by name, which no pack has a part in."""
    async with database.reading() as connection:
        named = list(await connection.scalars(select(Product.id)))
        whole = await history(connection, UNTIL, days, at=AT)
        return whole, await history(connection, UNTIL, days, at=AT, product_ids=named)


async def are_the_same(database: Database) -> None:
    for days in (1, 40, 400):
        whole, plain = await both(database, days)
        for field in fields(HistoryArrays):
            mine, theirs = getattr(whole, field.name), getattr(plain, field.name)
            assert np.array_equal(mine, theirs), (days, field.name)


def day_of(random: Random) -> date:
    """Some day of the last fourteen months, or one to come."""
    return UNTIL - timedelta(days=random.randrange(-3, 420))


class Writers:
    """Every way that demand is written, with figures from one source of chance."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk = desk
        self.random = Random(seed)  # noqa: S311  # a fixed seed for a test
        self.invoice = 0

    async def imports(self) -> None:
        """A file of sales: some are cancelled by a later line, and some come back."""
        lines = []
        for _ in range(12):
            self.invoice += 1
            sku, units, at = self.random.choice("AEFG"), self.random.randrange(1, 60), day_of(self.random)
            place = self.random.choice(["United Kingdom", "Germany"])
            lines.append(f"{self.invoice},{sku},{units},{at} 09:00,2,7,{place}\n")
            if self.random.random() < 0.4:
                back = units if self.random.random() < 0.5 else units + 1
                lines.append(f"C{self.invoice},{sku},-{back},{at + timedelta(days=1)} 09:00,2,7,{place}\n")
        await self.desk.take(HEAD + "".join(lines), name=f"{self.invoice}.csv")

    async def rebuilds(self) -> None:
        """What feeds, corrections and a new meaning of a code do: lines change, and products' days are rebuilt."""
        since = day_of(self.random)
        async with self.desk.database.transaction() as connection:
            ids = list(await connection.scalars(select(Product.id).order_by(Product.id)))
            some = self.random.sample(ids, min(len(ids), 2))
            await connection.execute(
                text("UPDATE sales SET product_id = :to WHERE product_id = :of AND day >= :since"),
                {"of": some[0], "to": some[-1], "since": str(since) if self.desk.database.is_sqlite else since},
            )
            await derive.rebuild(connection, some, since.isoformat())

    async def states(self) -> None:
        """Statements of somebody who knows the table: very many units, more returned than sold, days taken away."""
        async with self.desk.database.transaction() as connection:
            ids = list(await connection.scalars(select(Product.id).order_by(Product.id)))
            here: dict[str, Any] = {
                "product_id": self.random.choice(ids), "location_id": self.random.choice([1, 2]),
                "day": day_of(self.random),
            }  # fmt: skip
            mine = [getattr(DailyDemand, name) == value for name, value in here.items()]
            await connection.execute(delete(DailyDemand).where(*mine))
            figures = {
                "units": self.random.choice([0, 7, 70_000]), "shipped": self.random.choice([0, 7, -90_000]),
                "lines": 1, "returned": 0, "revenue_minor": 0,
            }  # fmt: skip
            await connection.execute(insert(DailyDemand).values(**here, **figures))
            move = update(DailyDemand).where(*mine).values(day=here["day"] - timedelta(days=500))
            if self.random.random() < 0.3:
                await connection.execute(move)
            await connection.execute(delete(DailyDemand).where(DailyDemand.day == day_of(self.random)))

    async def counts(self) -> None:
        """A count of stock, at midnight or inside a day."""
        hour = self.random.choice(["00:00", "13:30"])
        line = f"{self.random.choice('ABCD')},UK,{self.random.randrange(900)},0,{day_of(self.random)} {hour}\n"
        await self.desk.take(STOCK + line, "stock", "s.csv")


async def test_whoever_writes_demand_the_packs_tell_what_the_rows_do(any_desk: Desk) -> None:
    writers = Writers(any_desk, 1)
    await writers.imports()
    await writers.counts()
    for turn in range(8):
        if turn % 3 == 0:
            await keep_packed(any_desk.database, AT)
        await (writers.states, writers.rebuilds, writers.imports, writers.counts)[turn % 4]()
        await are_the_same(any_desk.database)


async def a_year(desk: Desk) -> None:
    """Two products that sell each third day, packed up to the newest one."""
    days = [UNTIL - timedelta(days=back) for back in range(1, 400, 3)]
    rows = [f"{day:%y%m%d},{sku},{1 + day.day},{day} 09:00,2,7,United Kingdom\n" for sku in "AE" for day in days]
    await desk.take(HEAD + "".join(rows))
    await keep_packed(desk.database, AT)


async def held(database: Database) -> list[date]:
    async with database.reading() as connection:
        return list(await connection.scalars(select(DemandPacked.until_day).order_by(DemandPacked.product_id)))


async def test_packs_are_read_in_place_of_rows(any_desk: Desk) -> None:
    await a_year(any_desk)
    assert await held(any_desk.database) == [UNTIL, UNTIL]
    async with any_desk.database.transaction() as connection:  # as if nobody had seen it
        await connection.execute(text("UPDATE demand_packed SET until_day = '1970-01-01'"))
        await connection.execute(delete(DailyDemand))
        await connection.execute(text("UPDATE demand_packed SET until_day = '2011-11-21'"))
    whole, plain = await both(any_desk.database, 400)
    assert plain.units.sum() == 0
    assert whole.units.sum() > 4_000


@pytest.mark.parametrize("table", [DemandPack, DemandPacked])
async def test_losing_packs_costs_time_alone(any_desk: Desk, table: type[DemandPack | DemandPacked]) -> None:
    await a_year(any_desk)
    async with any_desk.database.transaction() as connection:
        await connection.execute(delete(table))
    assert await held(any_desk.database) == []
    await are_the_same(any_desk.database)
    await keep_packed(any_desk.database, AT)
    assert await held(any_desk.database) == [UNTIL, UNTIL]
    await are_the_same(any_desk.database)


@pytest.mark.parametrize("table", ["daily_demand", "demand_packs"])
async def test_a_table_that_is_emptied_at_once_is_noticed(
    postgres_database: Database, open_any: Any, table: str
) -> None:
    desk = await open_any(postgres_database)
    await a_year(desk)
    async with postgres_database.transaction() as connection:
        await connection.execute(text(f"TRUNCATE {table}"))
    assert await held(postgres_database) == []
    await are_the_same(postgres_database)


async def test_packs_that_lack_a_few_days_are_left_as_they_are(any_desk: Desk) -> None:
    await a_year(any_desk)
    async with any_desk.database.reading() as connection:
        before = (await connection.execute(select(DemandPack))).all()
    async with any_desk.database.transaction() as connection:
        await connection.execute(
            update(DailyDemand).where(DailyDemand.day == UNTIL - timedelta(days=1)).values(units=99)
        )
    await keep_packed(any_desk.database, AT)
    assert await held(any_desk.database) == [UNTIL - timedelta(days=1)] * 2
    async with any_desk.database.reading() as connection:
        assert (await connection.execute(select(DemandPack))).all() == before
    await are_the_same(any_desk.database)


async def test_a_day_in_another_age_is_left_a_row_and_has_nothing_packed_anew(any_desk: Desk) -> None:
    await a_year(any_desk)
    async with any_desk.database.transaction() as connection:
        first = (await connection.execute(select(DailyDemand.product_id, DailyDemand.location_id).limit(1))).one()
        far = {"units": 3, "lines": 1, "shipped": 3, "revenue_minor": 6, "day": date(9999, 12, 31)}
        await connection.execute(insert(DailyDemand).values(product_id=first[0], location_id=first[1], **far))
        before = (await connection.execute(select(DemandPack))).all()
    await keep_packed(any_desk.database, AT)
    assert await held(any_desk.database) == [UNTIL, UNTIL]
    async with any_desk.database.reading() as connection:
        assert (await connection.execute(select(DemandPack))).all() == before
        assert await packs.behind(connection, UNTIL) == []
    await are_the_same(any_desk.database)


async def test_who_looked_before_a_product_was_packed_cannot_change_its_past_unseen(
    postgres_database: Database, open_any: Any
) -> None:
    desk = await open_any(postgres_database)
    await a_year(desk)
    async with postgres_database.transaction() as connection:
        await connection.execute(delete(DemandPacked))
    engine = postgres_database.engine.execution_options(isolation_level="REPEATABLE READ")
    async with engine.connect() as connection:
        await connection.execute(select(DailyDemand.units).limit(1))
        await keep_packed(postgres_database, AT)
        with pytest.raises(DBAPIError, match="could not serialize"):
            await connection.execute(update(DailyDemand).values(units=DailyDemand.units + 1))
    await are_the_same(postgres_database)


async def test_a_session_that_names_no_schema_moves_packs_back_as_well(
    postgres_database: Database, open_any: Any
) -> None:
    desk = await open_any(postgres_database)
    await a_year(desk)
    async with postgres_database.transaction() as connection:
        table = (await connection.execute(text("SELECT current_schema() || '.daily_demand'"))).scalar_one()
        await connection.execute(text("SET LOCAL search_path = ''"))
        await connection.execute(text(f"UPDATE {table} SET units = units + 1 WHERE day = '2011-11-20'"))  # noqa: S608  # our own name
    assert await held(postgres_database) == [UNTIL - timedelta(days=1)] * 2
    await are_the_same(postgres_database)


async def test_packing_waits_no_longer_than_a_second_for_somebody_who_writes_demand(
    postgres_database: Database, open_any: Any
) -> None:
    desk = await open_any(postgres_database)
    await a_year(desk)
    writing, done = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with postgres_database.transaction() as connection:
            await connection.execute(delete(DailyDemand).where(DailyDemand.day < UNTIL - timedelta(days=9)))
            writing.set()
            await done.wait()

    async with postgres_database.transaction() as connection:
        await connection.execute(delete(DemandPacked))
    writer = asyncio.create_task(write())
    await writing.wait()
    await keep_packed(postgres_database, AT)
    assert await held(postgres_database) == []
    done.set()
    await writer
    await keep_packed(postgres_database, AT)
    assert await held(postgres_database) == [UNTIL, UNTIL]
    await are_the_same(postgres_database)


def test_rows_come_out_of_their_bodies_as_they_went_in() -> None:
    law = np.random.default_rng(3)
    keys = np.unique(law.integers([1, 1, -50], [6, 4, 120], (300, 3)), axis=0)
    units = law.integers(-5, 50, len(keys))
    shipped = np.where(law.random(len(keys)) < 0.02, units + 1, units)
    units[::40] = [1 << 40, -(1 << 40)] * 4
    rows = np.column_stack([keys, units, shipped])
    law.shuffle(rows)
    back = []
    for part in unpacked(list(packed(rows))):
        record, column = np.nonzero((part.present[:, None] >> np.arange(SPAN, dtype=np.uint32)) & 1)
        columns = (part.product[record], part.location[record], part.first[record] + column)
        back.append(np.column_stack([*columns, part.units[record, column], part.shipped[record, column]]))
    assert all(len(part) for part in back)
    assert sorted(np.concatenate(back).tolist()) == sorted(rows.tolist())


def test_where_everybodys_rows_are_read_is_chosen_by_what_it_costs() -> None:
    late = np.full(1_000, 100)
    assert packs._best_floor(late, 99) == 100  # nothing is missing
    late[:3] = 10
    assert packs._best_floor(late, 99) == 100  # three are looked up by name
    late[:600] = 10
    assert packs._best_floor(late, 99) == 10
