"""What the service levels hold in stock, what a target of days would, and what to order first with limited cash.

Figures are those of the whole catalogue as of an instant, by the functions of the watch; money is in the organisation's
currency but for a budget, which is in its own. Series without a known cost or a count of stock are left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from bot.chat.arguments import Location, Sku
from bot.domain import targets
from bot.domain.arrays import Bools, Floats, Ints
from bot.domain.calendar import CalendarSettings, Event, events, holidays_of
from bot.domain.money import Money
from bot.domain.replenishment import ReplenishmentSettings, pack_up
from bot.domain.sourcing import SourcingSettings
from bot.domain.targets import Group, Sold
from bot.domain.watch import Assessment
from bot.ports import Clock
from bot.services import snapshot
from bot.services.budgets import BudgetView, Trade, orders_within, set_aside
from bot.services.daysoff import DaysOff
from bot.services.expecting import demand_over, usual_days
from bot.services.settings import ServiceSettings
from bot.services.snapshot import Snapshot
from bot.storage import suppliers, undecided
from bot.storage.database import Database

AHEAD = 120  # days: what is ordered by sea now sells then
CURVE = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0)  # shifts of z that the curve shows


@dataclass(frozen=True, slots=True)
class Scenario:
    """One choice of service levels. `target_days` None: as they are set. `levels` are those of A, B and C to set, and
    `own` those of the classes that have one of their own.

    `groups` is empty where no level reaches the target: `least_days` are what lots and reviews alone hold.
    """

    target_days: float | None
    levels: tuple[float, ...]
    groups: tuple[Group, ...]
    own: tuple[tuple[str, float], ...] = ()
    least_days: float = 0.0


@dataclass(frozen=True, slots=True)
class LevelsView:
    """The catalogue's stock now and by scenario; `days_now` NaN where nothing sells, and no target is weighed then.

    `ahead` are the calendar's events of the next `AHEAD` days in the countries of the places and, where suppliers rest,
    of the suppliers; and the public holidays of the places.
    """

    currency: str
    as_of: datetime
    series: int
    without_cost: int
    silenced: int
    stock_now: Money
    days_now: float
    scenarios: tuple[Scenario, ...]
    curve: tuple[Scenario, ...]
    ahead: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """What to look at: days of inventory, cash, and a product or a place alone."""

    target_days: tuple[float, ...] = ()
    budgets: tuple[Money, ...] = ()
    sku: Sku | None = None
    location: Location | None = None


class Targets:
    """Weighs stock against service, and orders against cash."""

    def __init__(
        self, *, database: Database, clock: Clock, settings: ServiceSettings, sourcing: SourcingSettings
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._sourcing = sourcing

    async def weigh(self, ask: Ask, at: datetime | None = None) -> tuple[LevelsView, tuple[BudgetView, ...]]:
        """The scenarios of the target days, and each budget's orders, in the order asked for."""
        at = at or self._clock.now()
        async with self._database.reading() as connection:
            taken = await snapshot.take(connection, self._settings, self._sourcing, at)
            trade = Trade(
                await undecided.purchases(connection, at),
                await suppliers.minimums(connection),
                {row.id: row.name for row in await suppliers.all_of(connection)},
            )
            makers = await suppliers.countries(connection)

        today = at.astimezone(ZoneInfo(self._settings.default_zone)).date()

        def work() -> tuple[LevelsView, tuple[BudgetView, ...]]:
            free = set_aside(taken, trade.waiting)
            assessed = free.assess(self._settings.watch)
            chosen = _chosen(free, ask)
            levels = replace(
                levels_view(free, assessed, chosen, ask.target_days),
                ahead=_ahead(free, makers, today, self._settings.calendar),
            )
            if not ask.budgets:
                return levels, ()
            return levels, orders_within(free, assessed, chosen, self._sourcing, trade, ask.budgets, today)

        return await asyncio.to_thread(work)


def _chosen(taken: Snapshot, ask: Ask) -> Bools:
    """The series that were asked for."""
    chosen = np.ones(len(taken.product_ids), dtype=np.bool_)
    if ask.sku is not None:
        chosen &= taken.product_ids == ask.sku.id
    if ask.location is not None:
        chosen &= taken.location_ids == ask.location.id
    return chosen


def _ahead(taken: Snapshot, makers: Iterable[str], today: date, settings: CalendarSettings) -> tuple[Event, ...]:
    """Events to come, narrowed to the countries that they move here."""
    sellers = {place.country for place in taken.places.values() if place.country}
    until, off = today + timedelta(days=AHEAD), DaysOff()
    found = holidays_of({country: off.named(country, today, until) for country in sellers})
    for event in events(today, until, settings):
        here = frozenset(land for land in (sellers if event.kind == "demand" else makers) if event.touches(land))
        if here:
            found.append(replace(event, countries=here))
    return tuple(sorted(found, key=lambda event: (event.first, event.key)))


def levels_view(taken: Snapshot, assessed: Assessment, chosen: Bools, target_days: Sequence[float]) -> LevelsView:
    """The stock that scenarios hold; a series counts where its cost is known and its stock was counted."""
    stale = taken.positions.stale
    silent = np.zeros_like(chosen) if stale is None else stale
    known = taken.routes.unit_cost_minor > 0
    rows = np.flatnonzero(chosen & ~silent & known)
    sold = sold_of(taken, assessed, rows)
    cost = sold.unit_cost_minor
    held = int((np.maximum(taken.positions.on_hand[rows], 0) * cost).sum())
    a_day = float((sold.velocity * cost).sum())
    base = assessed.settings.replenishment
    aims = target_days if a_day > 0 else ()  # what nobody buys lasts no number of days
    return LevelsView(
        currency=taken.exchange.currency,
        as_of=taken.at,
        series=len(rows),
        without_cost=int((chosen & ~silent & ~known).sum()),
        silenced=int((chosen & silent).sum()),
        stock_now=Money.of_minor(held, taken.exchange.currency),
        days_now=held / a_day if a_day > 0 else float("nan"),
        scenarios=(_scenario(sold, base, None, 0.0), *(_of_target(sold, base, target) for target in aims)),
        curve=tuple(_scenario(sold, base, None, shift) for shift in CURVE),
    )


def sold_of(taken: Snapshot, assessed: Assessment, rows: Ints) -> Sold:
    """The planning inputs of some series; what they are expected to sell is what the watch expects."""
    demand, supply, routes = assessed.demand, assessed.supply, assessed.routes
    sd = demand.sd if assessed.outlook is None else assessed.outlook.daily_sd

    def of(values: Floats) -> Floats:
        return np.asarray(values, dtype=np.float64)[rows]

    every = None if routes.review_every is None else of(routes.review_every)
    until = of(supply.lead_time) + (0.0 if every is None else every)
    spread = of(supply.lead_time_sd)
    spans = (usual_days(taken, rows, until), spread), (of(supply.cycle_days), spread)
    lead, cycle = demand_over(taken, assessed, rows, spans)
    return Sold(
        velocity=of(demand.velocity),
        sd=of(sd),
        lead=lead,
        cycle=cycle,
        review=of(routes.review_days),
        lot=pack_up(np.ones(len(rows), dtype=np.int64), routes.minimum_order[rows], routes.pack_size[rows]),
        unit_cost_minor=routes.unit_cost_minor[rows],
        margin_minor=supply.margin_minor[rows],
        level=of(supply.service_level),
        abc=assessed.stock.abc[rows],
        every=every,
    )


def _of_target(sold: Sold, base: ReplenishmentSettings, target: float) -> Scenario:
    shift = targets.shift_for(sold, target)
    if shift is not None:
        return _scenario(sold, base, target, shift)
    least = targets.days(sold, targets.expected(sold, -targets.FARTHEST))
    return Scenario(target, (), (), least_days=least)


def _scenario(sold: Sold, base: ReplenishmentSettings, target: float | None, shift: float) -> Scenario:
    found = targets.groups(sold, targets.expected(sold, shift))
    own = [rule for rule in base.classes if rule.service is not None]
    levels = targets.shifted(np.array([*base.service_levels, *(rule.service for rule in own)]), shift).tolist()
    names = (rule.name for rule in own)
    return Scenario(target, tuple(levels[:3]), found, tuple(zip(names, levels[3:], strict=True)))
