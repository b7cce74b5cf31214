"""Events of demand as they bear on each place: the days behind that they mark, and what they add to days ahead."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.arrays import Ints
from bot.domain.calendar import Event
from bot.domain.demand import SeriesHistory
from bot.domain.uplift import AHEAD_DAYS, Lift, Peaks, Sizes, lift, marked
from bot.storage.catalogue import PlaceRow


def todays(places: Mapping[int, PlaceRow], at: datetime) -> dict[int, date]:
    """The local day that holds an instant, by place."""
    return {place.id: at.astimezone(ZoneInfo(place.zone)).date() for place in places.values()}


def behind(
    places: Mapping[int, PlaceRow], today: Mapping[int, date], peaks: Peaks, days: int
) -> dict[int, list[Event]]:
    """The events of the last `days` whole local days, by place."""
    return {
        place.id: peaks.of(place.country, today[place.id] - timedelta(days=days), today[place.id] - timedelta(days=1))
        for place in places.values()
    }


def with_events(
    history: SeriesHistory, location_ids: Ints, today: Mapping[int, date], found: Mapping[int, list[Event]]
) -> SeriesHistory:
    """The history with the days marked on which an event moved its place's demand."""
    firsts = {place: day - timedelta(days=history.days) for place, day in today.items()}
    return dataclasses.replace(history, marked=marked(location_ids, found, firsts, history.days))


def ahead(
    places: Mapping[int, PlaceRow],
    today: Mapping[int, date],
    peaks: Peaks,
    sizes: Sizes,
    categories: Collection[int],
) -> Lift:
    """What the events to come add at each place, to each of the categories as far as its own sales tell."""
    found = {
        place.id: peaks.of(place.country, today[place.id], today[place.id] + timedelta(days=AHEAD_DAYS))
        for place in places.values()
    }
    return lift(today, found, sizes, categories)
