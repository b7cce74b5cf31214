"""Everything known of the catalogue at one instant, aligned so that the domain can judge it in one pass.

A series is a product at a location. Each location lives in its own zone: the history's last column is the last whole
local day before the instant, per location, and what was sold since that midnight stands apart as `sold_today`. The
stock is what lies there at the instant itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import turnover
from bot.domain.arrays import Bools, Ints
from bot.domain.demand import SeriesHistory
from bot.domain.forecasting.lessons import Lessons
from bot.domain.groups import Groups
from bot.domain.sourcing import SourcingSettings, row_numbers, transfer_matrix
from bot.domain.told import ToldAge
from bot.domain.uplift import Lift
from bot.domain.watch import Assessment, Network, Positions, Routes, Taught, WatchSettings, assess
from bot.services import peaking
from bot.services.buying import Market, market, review_columns
from bot.services.days import Days, since_told
from bot.services.exchange import Exchange
from bot.services.settings import ServiceSettings
from bot.services.sources import HISTORY_DAYS, Sources, read, with_hours
from bot.storage import orders
from bot.storage.catalogue import FeedRow, InboundRow, PlaceRow, ProductRow

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """n series, sorted by product and location; see the fields for shapes and units."""

    at: datetime
    product_ids: Ints  # (n,)
    location_ids: Ints
    groups: Groups  # the categories of the products, and the places
    today: Ints  # (n,) the local day that holds `at`, in days since 1970
    history: SeriesHistory  # whole local days; each row ends the day before its `today`
    sold_today: Ints
    committed: Ints
    counted: Bools  # False: no count of stock is known
    positions: Positions
    routes: Routes
    market: Market
    network: Network
    promised: Ints  # (n,) units that requests will move elsewhere; still in `positions`
    overdue_since: Mapping[int, date]  # by row: the oldest promised date that has passed
    overdue_orders: Mapping[int, tuple[str, ...]]  # by row: the orders whose goods are overdue
    products: Mapping[int, ProductRow]
    category_names: Mapping[int, str]
    places: Mapping[int, PlaceRow]
    stale_feeds: tuple[FeedRow, ...]
    fresh_until: datetime | None
    exchange: Exchange
    lessons: Lessons | None  # what the catalogue's past taught by the last whole scan
    lift: Lift  # what the events ahead add at each place
    told_ages: Mapping[int, ToldAge]  # by row: what a store says of its stock's age, where that is fresh

    def assess(self, settings: WatchSettings, classes: Ints | None = None, others: int = 0) -> Assessment:
        """The domain's judgement of every series; `classes` and `others` as in `bot.domain.watch.assess`."""
        taught = self.taught(slice(None))
        return assess(
            self.history, self.routes, self.positions, settings, self.network, taught, classes=classes, others=others
        )

    def taught(self, rows: Ints | slice) -> Taught:
        """What is known beforehand of some series."""
        return Taught(self.lessons, self.lift, self.groups.rows(rows))

    def taught_by(self, lessons: Lessons | None, settings: ServiceSettings) -> Snapshot:
        """The same facts with other lessons, and the sizes of events that come with them."""
        lift = peaking.ahead(
            self.places,
            peaking.todays(self.places, self.at),
            settings.peaks,
            {} if lessons is None else lessons.uplifts,
            np.unique(self.category).tolist(),
        )
        return dataclasses.replace(self, lessons=lessons, lift=lift)

    def today_of(self, row: int) -> date:
        """The local day that holds the instant."""
        return _EPOCH + timedelta(days=int(self.today[row]))

    def product(self, row: int) -> ProductRow:
        """The product of a series."""
        return self.products[int(self.product_ids[row])]

    @property
    def category(self) -> Ints:
        """(n,): the id of each series' category; 0 where its product has none."""
        return self.groups.category

    def category_of(self, row: int) -> str:
        """The name of a series' category; empty where it has none."""
        return self.category_names.get(int(self.category[row]), "")

    def place(self, row: int) -> PlaceRow:
        """The location of a series."""
        return self.places[int(self.location_ids[row])]

    def find(self, product_id: int, location_id: int) -> int | None:
        """The row of a series; None where it has no facts."""
        wanted = np.array([product_id]), np.array([location_id])
        row = int(row_numbers(self.product_ids, self.location_ids, *wanted)[0])
        return None if row < 0 else row


async def take(
    connection: AsyncConnection,
    settings: ServiceSettings,
    sourcing: SourcingSettings,
    at: datetime,
    product_ids: Sequence[int] | None = None,
    location_ids: Sequence[int] | None = None,
) -> Snapshot:
    """Read the facts as of `at` (aware); of some products and places only where they are named."""
    told = await with_hours(connection, await read(connection, settings, at, product_ids, location_ids))
    return put_together(told, settings, sourcing)


def put_together(told: Sources, settings: ServiceSettings, sourcing: SourcingSettings) -> Snapshot:
    """The facts that were read, aligned."""
    at, places, products, exchange = told.at, told.places, told.products, told.exchange
    book = told.past.brought()
    book = book.only(np.isin(book.product_ids, np.fromiter(products, dtype=np.int64, count=len(products))))
    groups = Groups(categories(book.product_ids, products), book.location_ids)
    met = np.unique(groups.category).tolist()  # categories
    book = since_told(book, told.new)
    cost, price = _unit_money(book.product_ids, products, exchange)
    offers = market(told.routes, told.assortments, (book.product_ids, book.location_ids), cost, exchange)
    positions, overdue_since = _positions(book, told.inbounds, told.requested, _stale(told, book))
    if told.whole:
        positions = dataclasses.replace(positions, untold=_untold(told, book))
    lessons, today = told.lessons, told.today
    events = peaking.behind(places, today, settings.peaks, HISTORY_DAYS)
    return Snapshot(
        at=at,
        product_ids=book.product_ids,
        location_ids=book.location_ids,
        groups=groups,
        today=book.today,
        history=peaking.with_events(book.history, book.location_ids, today, events),
        sold_today=book.sold_today,
        committed=book.committed,
        counted=book.counted,
        positions=positions,
        routes=_planned_routes(offers, book.today, cost, price, sourcing),
        market=offers,
        network=_network(book, places, sourcing),
        promised=_promised(book, [*told.requested, *told.unshipped]),
        overdue_since=overdue_since,
        overdue_orders=_overdue_orders(book, [row for row in told.inbounds if row.source == orders.SOURCE]),
        products=products,
        category_names=told.category_names,
        places=places,
        stale_feeds=told.stale_feeds,
        fresh_until=min((feed.fresh_until for feed in told.feeds), default=None),
        exchange=exchange,
        lessons=lessons,
        lift=peaking.ahead(
            places,
            today,
            settings.peaks,
            {} if lessons is None else lessons.uplifts,
            met,
        ),
        told_ages=_told_ages(book, told.told_ages),
    )


def categories(product_ids: Ints, products: Mapping[int, ProductRow]) -> Ints:
    """The id of the category (n,) of each product; 0 where it has none."""
    ids, where = np.unique(product_ids, return_inverse=True)
    found = np.array([products[product].category_id or 0 for product in ids.tolist()], dtype=np.int64)
    return found[where]


def _unit_money(product_ids: Ints, products: Mapping[int, ProductRow], exchange: Exchange) -> tuple[Ints, Ints]:
    """Unit cost and price of each series in the organisation's minor units; 0 where unknown."""
    ids, where = np.unique(product_ids, return_inverse=True)
    rows = [products[product_id] for product_id in ids.tolist()]
    costs = [exchange.minor(row.unit_cost_minor, row.currency) or 0 for row in rows]
    prices = [_price(row, exchange) for row in rows]
    return np.array(costs, dtype=np.int64)[where], np.array(prices, dtype=np.int64)[where]


def _price(product: ProductRow, exchange: Exchange) -> int:
    """The product's own price, or a store's in another currency; 0 where neither is known, or has no rate."""
    own = exchange.minor(product.unit_price_minor, product.currency)
    return own or exchange.minor(product.store_price_minor, product.store_currency or "") or 0


def _planned_routes(offers: Market, today: Ints, cost: Ints, price: Ints, sourcing: SourcingSettings) -> Routes:
    """The planned route of each series as the domain wants it."""
    routes = offers.routes
    landed = np.zeros(len(cost), dtype=np.int64)
    if len(offers.cost):
        landed = np.where(offers.planned >= 0, offers.cost[np.maximum(offers.planned, 0)], 0)
    return Routes(
        lead_time_days=offers.of_plan(routes.lead_time, np.nan),
        lead_time_sd=offers.of_plan(routes.lead_time_sd, np.nan),
        minimum_order=offers.of_plan(routes.minimum_order, 1).astype(np.int64),
        pack_size=offers.of_plan(routes.pack_size, 1).astype(np.int64),
        unit_cost_minor=np.where(cost > 0, cost, np.maximum(landed, 0)),
        unit_price_minor=price,
        **review_columns(routes, offers.planned_route, today, sourcing.review_days),
    )


def _positions(
    book: Days,
    inbounds: Sequence[InboundRow],
    requested: Sequence[tuple[int, int, int | None, int]],
    stale: Bools,
) -> tuple[Positions, dict[int, date]]:
    """What each series has and is to get, and since when the oldest overdue goods are."""
    n = len(book.today)
    coming = np.array(
        [(row.product_id, row.location_id, row.quantity, (row.expected_on - _EPOCH).days) for row in inbounds],
        dtype=np.int64,
    )
    product, place, quantity, day = coming.reshape(-1, 4).T
    row = row_numbers(book.product_ids, book.location_ids, product, place)
    known = row >= 0
    row, quantity, day = row[known], quantity[known], day[known]
    ahead = day - book.today[row] + 1  # columns after the last whole day: today's arrivals stand in column 1
    late = ahead < 1
    incoming = np.zeros((n, int(ahead.max(initial=0)) + 1), dtype=np.int32)
    np.add.at(incoming, (row[~late], ahead[~late]), quantity[~late].astype(np.int32))
    overdue_since: dict[int, date] = {}
    for series, on in sorted(zip(row[late].tolist(), day[late].tolist(), strict=True), reverse=True):
        overdue_since[series] = _EPOCH + timedelta(days=on)

    asked = np.array([(p, to, units) for p, to, _source, units in requested], dtype=np.int64).reshape(-1, 3)
    pending = _added(n, row_numbers(book.product_ids, book.location_ids, asked[:, 0], asked[:, 1]), asked[:, 2])
    free = book.on_hand - book.committed
    positions = Positions(
        on_hand=book.on_hand,
        available=np.maximum(free, 0),
        incoming=incoming,
        overdue=_added(n, row[late], quantity[late]),
        pending=pending,
        backorders=np.maximum(-free, 0),
        stale=stale,
    )
    return positions, overdue_since


def _overdue_orders(book: Days, ordered: Sequence[InboundRow]) -> dict[int, tuple[str, ...]]:
    """The orders of each series whose promised date has passed there, the longest due first."""
    columns = np.array([(one.product_id, one.location_id) for one in ordered], dtype=np.int64).reshape(-1, 2)
    found: dict[int, dict[str, None]] = {}
    for row, one in zip(
        row_numbers(book.product_ids, book.location_ids, columns[:, 0], columns[:, 1]).tolist(), ordered, strict=True
    ):
        if row >= 0 and (one.expected_on - _EPOCH).days < int(book.today[row]):
            found.setdefault(row, {})[one.external_id.partition(":")[0]] = None
    return {row: tuple(names) for row, names in found.items()}


def _told_ages(book: Days, told: Mapping[tuple[int, int], ToldAge]) -> dict[int, ToldAge]:
    """What is told of each series, by row."""
    columns = np.array(list(told), dtype=np.int64).reshape(-1, 2)
    rows = row_numbers(book.product_ids, book.location_ids, columns[:, 0], columns[:, 1]).tolist()
    return {row: age for row, age in zip(rows, told.values(), strict=True) if row >= 0}


def _promised(book: Days, requested: Sequence[tuple[int, int, int | None, int]]) -> Ints:
    """Units that requests will take from each series to elsewhere."""
    asked = [(product, source, units) for product, _to, source, units in requested if source is not None]
    columns = np.array(asked, dtype=np.int64).reshape(-1, 3)
    return _added(
        len(book.today), row_numbers(book.product_ids, book.location_ids, columns[:, 0], columns[:, 1]), columns[:, 2]
    )


def _added(n: int, row: Ints, value: Ints) -> Ints:
    """Sums per row; entries without a row are left out."""
    known = row >= 0
    return np.bincount(row[known], weights=value[known], minlength=n).astype(np.int64)


def _stale(told: Sources, book: Days) -> Bools:
    """Series that are not judged: a feed of their place is too old, or their stock was never counted."""
    silent = {place for feed in told.stale_feeds for place in told.fed[feed.id]}
    return ~book.counted | np.isin(book.location_ids, np.fromiter(silent, dtype=np.int64, count=len(silent)))


def _untold(told: Sources, book: Days) -> Ints:
    """Of each series the last whole days whose sales a feed of its place has not told to their end."""
    lacking: dict[int, int] = {}
    for feed in (each for each in told.feeds if each.kind == "sales" and each not in told.stale_feeds):
        for place, missing in told.untold(feed).items():
            if place in told.fed.get(feed.id, ()):
                lacking[place] = max(missing, lacking.get(place, 0))
    here, where = np.unique(book.location_ids, return_inverse=True)
    untold = np.array([lacking.get(place, 0) for place in here.tolist()], dtype=np.int64)
    return np.minimum(untold[where], book.history.days)


def _network(book: Days, places: Mapping[int, PlaceRow], sourcing: SourcingSettings) -> Network:
    ids = np.fromiter(places, dtype=np.int64, count=len(places))
    days = transfer_matrix([place.country for place in places.values()], sourcing)
    return Network(book.product_ids, np.searchsorted(ids, book.location_ids), days)


def classes_of(book: Days, products: Mapping[int, ProductRow], exchange: Exchange, settings: WatchSettings) -> Ints:
    """ABC numbers of a whole catalogue: by units of the turnover period at today's prices, as `assess` ranks them."""
    _cost, price = _unit_money(book.product_ids, products, exchange)
    span = turnover.period(book.history, settings.turnover.period_days)
    return turnover.abc(span.units * price.astype(np.float64), settings.turnover)
