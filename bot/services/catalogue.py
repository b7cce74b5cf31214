"""What people ask about stock, computed live at the instant of asking by the very functions of the watch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.arguments import Location, Sku
from bot.domain import turnover
from bot.domain.arrays import Ints
from bot.domain.chart import StockChart
from bot.domain.evidence import evidence
from bot.domain.money import Money
from bot.domain.sourcing import SourcingSettings, without_requests
from bot.domain.views import REVENUE_DAYS, CaseKind, CaseView, Page, Revenue, StockReport, TurnoverLine
from bot.domain.watch import Assessment, WatchSettings
from bot.ports import Clock
from bot.services import revenues, snapshot
from bot.services.charts import chart_of, worth_a_look
from bot.services.days import Days, days_before
from bot.services.exchange import Exchange
from bot.services.figures import (
    borrowed,
    decimal,
    events_ahead,
    gap_days,
    learned,
    next_arrival,
    opened_flags,
    stock_line,
    stockout_on,
)
from bot.services.pages import offset, paged
from bot.services.ranking import Ranking
from bot.services.rates import exchange_at
from bot.services.settings import ServiceSettings
from bot.services.snapshot import Snapshot
from bot.storage import cases as case_rows
from bot.storage import catalogue as facts
from bot.storage import categories, storebooks
from bot.storage.database import Database

_RESTOCK: tuple[CaseKind, ...] = ("stockout_risk",)
_SLOW: tuple[CaseKind, ...] = ("slow_mover", "overstock")
# Surges and slumps are judged against the whole catalogue's false-alarm budget, so a few series cannot tell; cases can.
_OF_CASES: tuple[CaseKind, ...] = ("surge", "slump")
_OF_FIGURES: tuple[CaseKind, ...] = ("stockout_risk", "slow_mover", "overstock", "late_inbound")


class Catalogue:
    """Figures of one product, of the cases on a page, and of groups."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        settings: ServiceSettings,
        sourcing: SourcingSettings | None = None,
        ranking: Ranking | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._sourcing = sourcing or SourcingSettings()
        self._ranking = ranking or Ranking(settings)

    async def stock_report(self, sku: Sku, location: Location | None = None, at: datetime | None = None) -> StockReport:
        """A product at each of its locations, or at one; see `bot.services.figures` for what each figure means."""
        at = at or self._clock.now()
        async with self._database.reading() as connection:
            report, taken, _assessed, _shown = await self._report(connection, sku, location, location, at)
            told = await storebooks.coming(connection, sku.id, at)
            taken_in = await self._revenues(connection, taken, sku.id)
        codes = {place.code: place.id for place in taken.places.values()}
        lines = [
            dataclasses.replace(line, told=told.get(codes[line.location]), revenue=taken_in.get(codes[line.location]))
            for line in report.lines
        ]
        return dataclasses.replace(report, lines=tuple(lines))

    async def reckoned(
        self, connection: AsyncConnection, sku: Sku, chosen: Location | None, at: datetime
    ) -> tuple[StockReport, Mapping[str, object]]:
        """A product at all its locations, drawn at the chosen one, and everything behind the figures there."""
        report, taken, assessed, shown = await self._report(connection, sku, None, chosen, at)
        return report, {} if shown is None else {
            **evidence(assessed, shown),
            **learned(taken, shown),
            **events_ahead(taken, assessed, shown),
            **borrowed(taken, assessed, shown),
        }

    async def _report(
        self, connection: AsyncConnection, sku: Sku, location: Location | None, chosen: Location | None, at: datetime
    ) -> tuple[StockReport, Snapshot, Assessment, int | None]:
        taken, assessed = await self._assess(connection, [sku.id], at)
        cases = await case_rows.views_of_product(connection, sku.id)
        here = [case for case in cases if location is None or case.location == location.code]
        rows = _rows_at(taken, assessed, location)
        shown = None if chosen is None else taken.find(sku.id, chosen.id)
        if shown is None:
            shown = worth_a_look(taken, rows, frozenset(case.location for case in here))
        chart = None if shown is None else await chart_of(connection, taken, assessed, shown)
        held = {(case.kind, case.location) for case in here}
        opens, _holds = without_requests(assessed)
        lines = []
        for row in rows:
            flags = opened_flags(opens, row, _OF_FIGURES)
            code = taken.place(row).code
            told = (kind for kind in _OF_CASES if (kind, code) in held)
            lines.append(stock_line(taken, assessed, row, (*flags, *told)))
        fresh = taken.fresh_until
        report = StockReport(
            sku=sku.code,
            name=sku.name,
            as_of=at,
            lines=tuple(lines),
            cases=tuple(here),
            fresh_until=None if fresh is None else min(fresh, at),
            chart=chart,
            category=await _category(connection, taken, sku.id),
        )
        return report, taken, assessed, shown

    async def _revenues(self, connection: AsyncConnection, taken: Snapshot, product: int) -> dict[int, Revenue]:
        """A product's revenue of the last whole local days at each place, by location."""
        ends = {int(place): taken.today_of(row) for row, place in enumerate(taken.location_ids)}
        spans = {place: (today - REVENUE_DAYS, today - timedelta(days=1)) for place, today in ends.items()}
        settings = self._settings
        return await revenues.of_product(connection, settings.organisation_currency, settings.rates, product, spans)

    async def chart(self, case_id: int, at: datetime) -> StockChart | None:
        """The chart of a case's product at its place; None where the case has none."""
        async with self._database.reading() as connection:
            product, place = (await case_rows.places(connection, [case_id])).get(case_id, (None, None))
            if product is None or place is None:
                return None
            taken, assessed = await self._assess(connection, [product], at)
            row = taken.find(product, place)
            return None if row is None else await chart_of(connection, taken, assessed, row)

    async def restock(
        self, location: Location | None = None, page: int = 1, size: int = 10, at: datetime | None = None
    ) -> Page:
        """Open stock-out risks as CaseViews, most money at risk first, with the figures of this moment."""
        return await self._live(_RESTOCK, location, page, size, at or self._clock.now())

    async def slow(
        self, location: Location | None = None, page: int = 1, size: int = 10, at: datetime | None = None
    ) -> Page:
        """Open slow movers and overstocks as CaseViews, most capital first, with the figures of this moment."""
        return await self._live(_SLOW, location, page, size, at or self._clock.now())

    async def turnover(
        self,
        sku: Sku | None = None,
        location: Location | None = None,
        at: datetime | None = None,
        days: int = 90,
    ) -> tuple[TurnoverLine, ...]:
        """Turnover over the last `days` whole local days: a line per location, the total (label "") last.

        Cost of goods sold = units of uncancelled sales x unit cost; average inventory = mean closing stock of those
        days x unit cost, both at today's cost in the organisation's currency. Series without a known cost or stock
        are left out. With a location there is its line alone.
        """
        at = at or self._clock.now()
        async with self._database.reading() as connection:
            places = await facts.places(connection)
            products = await facts.products(connection, None if sku is None else [sku.id])
            book = await days_before(
                connection,
                places,
                at,
                days,
                None if sku is None else [sku.id],
                None if location is None else [location.id],
            )
            exchange = await exchange_at(connection, self._settings, at)
        groups = sorted(places.values(), key=lambda place: place.code)
        label = {place.id: number for number, place in enumerate(groups)}
        cost = np.array([_cost(products, product, exchange) for product in book.product_ids.tolist()], dtype=np.int64)
        chosen = (cost > 0) & book.counted
        lines = _turnover_lines(
            book.only(chosen), cost[chosen], [place.code for place in groups], label, exchange.currency
        )
        return lines if location is None else lines[:1]

    async def _live(
        self, kinds: Sequence[CaseKind], location: Location | None, page: int, size: int, at: datetime
    ) -> Page:
        async with self._database.reading() as connection:
            place = None if location is None else location.id
            total, ids = await case_rows.page(connection, kinds, place, offset(page, size), size)
            stored = await case_rows.views(connection, ids)
            keys = await case_rows.places(connection, ids)
            products = sorted({product for product, _place in keys.values() if product is not None})
            if not products:
                return paged([stored[case_id] for case_id in ids], page, size, total)
            taken, assessed = await self._assess(connection, products, at)
        views = [_refreshed(stored[case_id], keys[case_id], taken, assessed) for case_id in ids]
        return paged(views, page, size, total)

    @property
    def watch_settings(self) -> WatchSettings:
        """By which everything here is judged."""
        return self._settings.watch

    async def figures(
        self, connection: AsyncConnection, product_ids: Sequence[int], at: datetime
    ) -> tuple[Snapshot, Ints]:
        """The facts of some products at every place, and their ABC numbers among the whole catalogue."""
        taken = await snapshot.take(connection, self._settings, self._sourcing, at, product_ids)
        return taken, (await self._ranking.exact(connection, taken)).of(taken)

    async def _assess(
        self, connection: AsyncConnection, product_ids: Sequence[int], at: datetime
    ) -> tuple[Snapshot, Assessment]:
        taken, classes = await self.figures(connection, product_ids, at)
        return taken, taken.assess(self._settings.watch, classes)


async def _category(connection: AsyncConnection, taken: Snapshot, product_id: int) -> str:
    """What a product's category is called; those of products without a series are looked up."""
    product = taken.products.get(product_id)
    number = None if product is None else product.category_id
    if number is None:
        return ""
    return taken.category_names.get(number) or await categories.name_of(connection, number)


def _rows_at(taken: Snapshot, assessed: Assessment, location: Location | None) -> list[int]:
    """The series of a place, or all; what sells most first."""
    rows = [row for row in range(assessed.series) if location is None or int(taken.location_ids[row]) == location.id]
    velocity, on_hand = assessed.demand.velocity, assessed.positions.on_hand
    return sorted(
        rows, key=lambda row: (-(decimal(float(velocity[row]), 4) or 0), -int(on_hand[row]), taken.place(row).code)
    )


def _refreshed(case: CaseView, key: tuple[int | None, int | None], taken: Snapshot, assessed: Assessment) -> CaseView:
    """The case with the figures of this moment."""
    product, place = key
    row = None if product is None or place is None else taken.find(product, place)
    if row is None:
        return case
    return dataclasses.replace(
        case,
        money_at_risk=Money.of_minor(int(assessed.money_minor[case.kind][row]), taken.exchange.currency),
        on_hand=int(assessed.positions.on_hand[row]),
        per_day=decimal(assessed.demand.velocity[row], 4),
        days_of_cover=decimal(assessed.supply.runout.cover[row]),
        stockout_on=stockout_on(taken, assessed, row),
        next_arrival=next_arrival(taken, assessed, row),
        evidence={**case.evidence, "gap_days": gap_days(assessed, row)},
        told_age=taken.told_ages.get(row),
    )


def _cost(products: dict[int, facts.ProductRow], product_id: int, exchange: Exchange) -> int:
    """A product's unit cost in the organisation's minor units, 0 where it or its rate is unknown."""
    product = products.get(product_id)
    return 0 if product is None else exchange.minor(product.unit_cost_minor, product.currency) or 0


def _turnover_lines(
    book: Days, cost: Ints, codes: Sequence[str], label: dict[int, int], currency: str
) -> tuple[TurnoverLine, ...]:
    if not len(book.product_ids):
        return ()
    span = turnover.period(book.history, book.history.days)
    group = np.array([label[place] for place in book.location_ids.tolist()], dtype=np.int64)
    sums = [
        np.append(found, found.sum())
        for found in (
            turnover.group_sums(group, values, len(codes))
            for values in (
                (span.units * cost).astype(np.float64),
                span.average_on_hand * cost,
                span.units.astype(np.float64),
                span.ending_on_hand.astype(np.float64),
                np.ones(len(group)),
            )
        )
    ]
    sold_at_cost, stock_at_cost, units, ending, members = sums
    turns = turnover.inventory_turnover(sold_at_cost, stock_at_cost)
    days = turnover.days_of_inventory(turns, span.days)
    through = turnover.sell_through(units, ending)
    return tuple(
        TurnoverLine(
            label=name,
            days=span.days,
            cost_of_goods_sold=_rounded(sold_at_cost[row], currency),
            average_inventory=_rounded(stock_at_cost[row], currency),
            turnover=decimal(turns[row], 4),
            days_of_inventory=decimal(days[row], 1),
            sell_through=decimal(through[row], 4),
        )
        for row, name in enumerate([*codes, ""])
        if members[row]
    )


def _rounded(minor: float, currency: str) -> Money:
    return Money.of_minor(int(Decimal(repr(float(minor))).to_integral_value()), currency)
