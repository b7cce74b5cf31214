"""Stock that the sample does not have: a reconstruction, openly made and said to be so.

The Online Retail file holds real sales and no stock, supplier or lead time. This replays a naive min-max buyer
against those sales, day by day, for every product at every location, so that real surges empty shelves and real
flops gather dust:

- Each product is given one of the sample's suppliers and a unit cost: a share of its median price between 35% and
  60%. Each product at each location has a sea route, and dearer goods an air route as well.
- Each product is given a volume and a weight: by a word in its name (cards are flat, bags are light, ceramics are
  bulky and heavy), by its price, and a throw of the dice. Two of the suppliers ship to Britain by the 20-foot
  container, so that their orders are filled up or cut back to whole ones; all else goes as loose cargo.
- The buyer looks once a week. He takes the mean of the last weeks (exponential, four weeks), orders when stock and
  orders together fall to what he expects to sell over the lead time and ten days more, and orders up to his cover.
  He knows nothing of seasons. He drops a product that sold on fewer than two of its last days with sales.
- Ships take their mean time and a spread; one order in twenty is held up for one to three weeks.
- Opening stock on the first day is his cover at the rate of the product's first eight weeks, times a guess that
  is often wrong. A product that first sells later was launched with one order that arrived shortly before.
- The sales are real: they happened. Where this buyer's shelf would have been empty the shelf is shown as zero, and
  the missing units are written as `adjustment` movements of that evening, so that the ledger adds up exactly.

The same seed gives the same figures on every machine and database. Orders are facts of the day they were placed on:
seen as of a day, nothing the buyer did later exists.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

import numpy as np

from bot.errors import Fault, FileRefused
from bot.sandbox import goods, shelves
from bot.sandbox.buyer import buy
from bot.storage import facts
from bot.storage.database import Database
from bot.words import Words, _

SOURCE = "reconstruction"
SEED = 20101201

DISCLOSURE: Words = _(
    "The sales are real: one year of a British gift wholesaler, 2010-12-01 to 2011-12-09 (Online Retail, UCI). "
    "Its stock, suppliers, costs and lead times are not public: they are reconstructed by replaying a simple buyer "
    "against those sales. The people, and what goods measure and weigh, are invented."
)

_LIMIT_HOURS = 72  # after the end of the sales, the stock counts as fresh for so long


@dataclass(frozen=True, slots=True)
class ReconstructionReport:
    """What was made up: counts of rows, and the share of days with demand on which the shelf ran out."""

    series: int
    orders: int
    arrivals: int
    routes: int
    units_beyond_stock: int
    days_out_of_stock: float
    seconds: float


async def reconstruct(
    database: Database, seed: int = SEED, progress: Callable[[int, int | None], None] | None = None
) -> ReconstructionReport:
    """Write opening stock, orders, arrivals, costs and routes for the sales in the database, in one transaction.

    The sample's suppliers and its sales must be in; FileRefused otherwise. An earlier reconstruction is replaced.
    """
    began = time.perf_counter()
    step = progress or _silent
    async with database.transaction() as connection:
        makers = await goods.read_makers(connection)
        await shelves.clear(connection, SOURCE, makers)
        world = await goods.read_world(connection, SOURCE)
        if world is None or not makers:
            raise FileRefused(
                Fault("reconstruction", "there are no sales or no suppliers yet", "load the sample first")
            )
        step(1, 4)
        rng = np.random.default_rng(seed)
        costs = goods.choose_costs(world, rng)
        chosen = goods.choose_makers(world, makers, rng)
        wares = goods.describe(world, chosen, rng)
        bought = await asyncio.to_thread(buy, wares, rng)
        step(2, 4)
        bulk = goods.choose_bulk(world, np.random.default_rng([seed, 1]))  # its own dice: the others fall as ever
        routes = await shelves.write_masters(connection, world, wares, chosen, costs, bulk)
        step(3, 4)
        arrivals = await shelves.write_stock(connection, world, bought, SOURCE)
        end = datetime.combine(world.first + timedelta(days=world.days), time_of_day(), UTC)
        await facts.refresh_feed(connection, SOURCE, "stock", end, _LIMIT_HOURS)
    step(4, 4)
    return ReconstructionReport(
        series=len(world.ware),
        orders=len(bought.orders.series),
        arrivals=arrivals,
        routes=routes,
        units_beyond_stock=int(bought.beyond.sum()),
        days_out_of_stock=float((bought.beyond > 0)[world.units > 0].mean()),
        seconds=time.perf_counter() - began,
    )


def _silent(_done: int, _of: int | None) -> None:
    """Nobody watches the progress."""
