"""All that a snapshot of the catalogue is made of, as it was read, and a digest that tells whether any of it changed.

Reading the facts takes a fraction of what it takes to put them together and to judge them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.fingerprint import parts
from bot.domain.forecasting.lessons import Lessons, plain
from bot.domain.told import ToldAge
from bot.services import days, peaking
from bot.services.exchange import Exchange
from bot.services.rates import exchange_at
from bot.services.settings import ServiceSettings
from bot.storage import ages, promises
from bot.storage import catalogue as facts
from bot.storage import lessons as lesson_rows
from bot.storage import requests as request_rows
from bot.storage.catalogue import FeedRow, InboundRow, PlaceRow, ProductRow, RouteColumns
from bot.storage.sellinghours import week_of

HISTORY_DAYS = 365
_EPOCH = date(1970, 1, 1)
_Asked = tuple[int, int, int | None, int]  # product, location, from location, quantity


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """The facts as of `at`: of the whole catalogue, or of some products and places; see the readers for each."""

    at: datetime
    whole: bool  # where slumps are judged
    places: Mapping[int, PlaceRow]
    products: Mapping[int, ProductRow]  # those that are sold
    past: days.Past
    new: Mapping[int, int]  # by product: whole days since it was first told of, where that is news
    exchange: Exchange
    routes: RouteColumns
    assortments: Mapping[int, Collection[int]]
    feeds: tuple[FeedRow, ...]
    stale_feeds: tuple[FeedRow, ...]
    fed: Mapping[int, AbstractSet[int]]  # by feed, as far as they are asked for: the places whose facts come from it
    requested: Sequence[_Asked]
    unshipped: Sequence[_Asked]
    inbounds: Sequence[InboundRow]
    lessons: Lessons | None
    category_names: Mapping[int, str]
    told_ages: Mapping[tuple[int, int], ToldAge]

    @property
    def today(self) -> dict[int, date]:
        """The local day that holds the instant, by place."""
        return peaking.todays(self.places, self.at)

    def untold(self, feed: FeedRow) -> dict[int, int]:
        """By place: how many whole days there have not been told to their end by a feed of sales."""
        return _untold(feed, self.places, self.past.today)

    def digest(self) -> bytes:
        """The same for two readings that make one snapshot, but for its instant and for how long feeds are fresh yet.

        All that is reckoned by the instant goes by local days, by the week for which selling hours hold, which begins
        while local days run, or is in what was read.
        """
        made = sha256()  # the quickest where processors help with it
        for part in self._told():
            made.update(part)
            made.update(b"\x00")
        return made.digest()

    def _told(self) -> Iterator[bytes | memoryview]:
        window = self.past.ledger.window
        yield repr((self.whole, tuple(window), self.past.today, self.past.days, week_of(self.at))).encode()
        for column in self.past.ledger.columns():
            yield repr((column.dtype.str, column.shape)).encode()
            yield np.ascontiguousarray(column).data
        yield repr([astuple(place) for place in self.places.values()]).encode()
        yield repr([tuple(product) for product in self.products.values()]).encode()
        yield repr([tuple(inbound) for inbound in self.inbounds]).encode()
        yield repr((self.requested, self.unshipped, self.new)).encode()
        yield repr({key: sorted(goods) for key, goods in self.assortments.items()}).encode()
        yield repr([(code, self.exchange.rate(code)) for code in self.exchange.currencies()]).encode()
        yield from parts(self.routes)
        stale = {feed.id for feed in self.stale_feeds}
        yield repr(
            [
                (feed.id, feed.source, feed.kind, feed.id in stale, sorted(self.fed.get(feed.id, ())))
                for feed in self.feeds
            ]
        ).encode()
        yield repr([self.untold(feed) for feed in self.feeds if feed.kind == "sales"]).encode()
        yield repr(None if self.lessons is None else plain(self.lessons)).encode()
        yield repr((self.category_names, self.told_ages)).encode()


async def read(
    connection: AsyncConnection,
    settings: ServiceSettings,
    at: datetime,
    product_ids: Sequence[int] | None = None,
    location_ids: Sequence[int] | None = None,
) -> Sources:
    """Read the facts as of `at` (aware); of some products and places only where they are named."""
    places = await facts.places(connection)
    products = await facts.products(connection, product_ids)
    past = await days.past_before(connection, places, at, HISTORY_DAYS, product_ids, location_ids)
    met = {product.category_id for product in products.values() if product.category_id}
    told = await facts.new_products(connection, at - timedelta(days=HISTORY_DAYS), product_ids) if met else {}
    routes = await facts.routes(connection, at, product_ids, settings.closures)
    general = {int(supplier) for supplier in routes.supplier[routes.product == 0]}
    feeds = await facts.feeds(connection)
    stale_feeds = tuple(feed for feed in feeds if feed.fresh_until + timedelta(hours=feed.limit_hours) < at)
    asked = [feed for feed in feeds if feed in stale_feeds or (product_ids is None and _lacks(feed, places, past))]
    return Sources(
        at=at,
        whole=product_ids is None,
        places=places,
        products=products,
        past=past,
        new={product: (at - first).days for product, first in told.items()},
        exchange=await exchange_at(connection, settings, at),
        routes=routes,
        assortments=await facts.assortments(connection, general),
        feeds=feeds,
        stale_feeds=stale_feeds,
        fed={feed.id: await facts.fed_places(connection, feed) for feed in asked},
        requested=await request_rows.counted(connection, at, product_ids),
        unshipped=await promises.unshipped(connection, at, product_ids),
        inbounds=await facts.inbounds(connection, at, product_ids),
        lessons=await lesson_rows.latest(connection, at),
        category_names=await facts.category_names(connection, None if product_ids is None else met) if met else {},
        told_ages=await ages.fresh(connection, at, product_ids),
    )


async def with_hours(connection: AsyncConnection, told: Sources) -> Sources:
    """The facts with the hours for which days that sold out had stock, which a reading without news can do without."""
    return replace(told, past=await days.by_hours(connection, told.past, told.at))


def _lacks(feed: FeedRow, places: Mapping[int, PlaceRow], past: days.Past) -> bool:
    return feed.kind == "sales" and any(lacking > 0 for lacking in _untold(feed, places, past.today).values())


def _untold(feed: FeedRow, places: Mapping[int, PlaceRow], today: Mapping[int, int]) -> dict[int, int]:
    told = {
        place.id: (feed.fresh_until.astimezone(ZoneInfo(place.zone)).date() - _EPOCH).days for place in places.values()
    }
    return {place: max(0, today[place] - told[place]) for place in told}
