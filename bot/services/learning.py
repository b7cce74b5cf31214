"""Learn once a day, from a part of the catalogue, what all of its series are then judged by.

Up to `TEACHERS` series teach, spread evenly over the catalogue, with more of their past than a scan reads: a season
shows against the year before. What they teach is stored, so that a scan of the whole, one of a few products and an
answer in the chat reckon alike until the next day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.arrays import Floats
from bot.domain.calendar import Event
from bot.domain.demand import without_spikes
from bot.domain.forecasting.fitting import evenly
from bot.domain.forecasting.lessons import LEAST_SERIES, Law, Lessons, laws_of, teach
from bot.domain.groups import Groups
from bot.domain.outlook import panel_of
from bot.domain.sourcing import SourcingSettings
from bot.domain.uplift import learned_sizes
from bot.services import snapshot
from bot.services.days import Days, days_by_hours, with_new
from bot.services.peaking import behind, todays, with_events
from bot.services.settings import ServiceSettings
from bot.storage import catalogue as facts
from bot.storage import lessons as rows
from bot.storage.database import Database

TEACHERS = 5_000  # series
PAST_DAYS = 800  # two years, and what comes before a season
LAWS = 10  # of lead times at most: those that most series have
WEEK = Law(7.0, 0.0)  # what forecasts on record are held to
_EPOCH = date(1970, 1, 1)
_FRESH = timedelta(hours=20)


async def learn(
    database: Database, settings: ServiceSettings, sourcing: SourcingSettings, at: datetime
) -> Lessons | None:
    """Learn as of `at` (aware) and keep it, unless that was done within the day; what was learned now."""
    async with database.reading() as connection:
        last = await rows.learned_at(connection, at)
    if last is not None and at - last < _FRESH:
        return None
    lessons = await as_of(database, settings, sourcing, at)
    async with database.transaction() as connection:
        await rows.keep(connection, at, lessons)
    return lessons


async def as_of(
    database: Database, settings: ServiceSettings, sourcing: SourcingSettings, at: datetime
) -> Lessons | None:
    """What was to be learned as of `at` (aware); nothing is kept."""
    async with database.reading() as connection:
        book, groups, laws, events = await _read(connection, settings, sourcing, at)
    if not laws or len(book.product_ids) < LEAST_SERIES:
        return None
    return await asyncio.to_thread(_taught, book, laws, events, groups, settings)


def _taught(
    book: Days, laws: list[Law], found: Mapping[int, list[Event]], groups: Groups, settings: ServiceSettings
) -> Lessons | None:
    rules, calm = settings.watch.demand, without_spikes(book.history, settings.watch.demand)
    marked = calm.marked
    peaks = calm if marked is None else replace(calm, units=np.where(marked, book.history.units, calm.units))
    firsts = {place: _EPOCH + timedelta(days=int(day) - calm.days) for place, day in _todays(book)}
    sizes = learned_sizes(peaks, rules, groups, found, firsts)
    return teach(panel_of(calm, rules, groups), laws, sizes)


def _todays(book: Days) -> Iterator[tuple[int, int]]:
    """Each place's own today, in days since 1970."""
    places, first = np.unique(book.location_ids, return_index=True)
    return zip(places.tolist(), book.today[first].tolist(), strict=True)


async def _read(
    connection: AsyncConnection, settings: ServiceSettings, sourcing: SourcingSettings, at: datetime
) -> tuple[Days, Groups, list[Law], dict[int, list[Event]]]:
    """The past of those that teach, what they have in common, the laws of lead times that routes have, and past events
    by place.
    """
    places = await facts.places(connection)
    known = await facts.products(connection)
    products = np.fromiter(known, dtype=np.int64)
    chosen = products[evenly(len(products), max(1, TEACHERS // max(1, len(places))))].tolist()
    book = await days_by_hours(connection, places, at, PAST_DAYS, chosen)
    if 2 * len(book.today) < TEACHERS and len(chosen) < len(products):  # few products are at every place
        more = TEACHERS * len(chosen) // max(1, len(book.today))
        chosen = products[evenly(len(products), more)].tolist()
        book = await days_by_hours(connection, places, at, PAST_DAYS, chosen)
    book = await with_new(connection, book, at, PAST_DAYS, chosen)
    today = todays(places, at)
    events = behind(places, today, settings.peaks, PAST_DAYS)
    book = replace(book, history=with_events(book.history, book.location_ids, today, events))
    taken = await snapshot.take(connection, settings, sourcing, at, chosen)
    routes, rules = taken.routes, settings.watch.replenishment
    assumed = np.isnan(routes.lead_time_days)
    days: Floats = np.where(assumed, rules.assumed_lead_time_days, routes.lead_time_days)
    deviation: Floats = np.where(assumed, rules.assumed_lead_time_sd, routes.lead_time_sd)
    sold = taken.history.tail(90).units.sum(axis=1).astype(np.float64) + 1.0
    spans = np.concatenate([days + routes.review_days, days])
    weight = np.concatenate([2.0 * sold, sold])  # velocities are weighed by what an order is to cover
    groups = Groups(snapshot.categories(book.product_ids, known), book.location_ids)
    return book, groups, [*laws_of(spans, np.concatenate([deviation, deviation]), weight, LAWS), WEEK], events
