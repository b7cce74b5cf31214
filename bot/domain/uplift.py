"""How much more events sell: their days in a history, their sizes learned from it, and what they add to days ahead."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from bot.domain.arrays import Bools, Counts, Floats, Ints, ratio
from bot.domain.calendar import CalendarSettings, Event, events
from bot.domain.demand import DemandSettings, SeriesHistory, day_masks
from bot.domain.groups import Groups, keyed, placed

AHEAD_DAYS = 400  # looked ahead; longer spans have no events beyond
WEIGHT = 300.0  # units sold as assumed, beside those seen
_BEFORE = 56  # days before an event that it is held against
_LEAST = 14  # of which a series must have been in stock


Source = Literal["category", "place", "assumed"]  # whose own sales tell a size, or nobody's
Sizes = Mapping[tuple[str, int, int], float]  # by the event's key, the region and the category; category 0: all of it


@dataclass(frozen=True, slots=True)
class Coming:
    """An event ahead: `size` times the usual sales, told by own sales of the category, of the place, or assumed."""

    event: Event
    size: float
    source: Source


class Peaks:
    """The calendar's events of demand, reckoned once for all questions."""

    def __init__(self, settings: CalendarSettings | None = None) -> None:
        self._events = [event for event in events(date.min, date.max, settings) if event.kind == "demand"]

    def of(self, country: str, first: date, last: date) -> list[Event]:
        """Those of a country with a day from `first` to `last`."""
        return [
            event for event in self._events if event.first <= last and event.last >= first and event.touches(country)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Lift:
    """What events add ahead: `extra` (R, AHEAD_DAYS + 1) days of usual demand within the first k days from today on.

    A row is a region, or a category there of which something was learned: `keys` (R,) ascending are those of
    `bot.domain.groups.keyed`. `found` are each region's events by first day.
    """

    keys: Ints
    extra: Floats
    found: Mapping[int, Sequence[Event]]
    sizes: Sizes

    def of(self, groups: Groups, days: Floats) -> Floats:
        """Days of usual demand that events add to spans of `days` (n,) from today on for each series (n,)."""
        row = self._rows(groups)
        column = np.clip(np.floor(days), 0, AHEAD_DAYS).astype(np.int64)
        return np.where(row >= 0, self.extra[row, column], 0.0) if len(self.keys) else np.zeros(len(days))

    def until(self, groups: Groups, day: Floats) -> Floats:
        """(n, H): days of usual demand that events add by each `day` (H,) from today on, parts of a day along."""
        whole = np.arange(AHEAD_DAYS + 1)
        rows, where = np.unique(self._rows(groups), return_inverse=True)
        table = np.zeros((len(rows), len(day)))
        for at, row in enumerate(rows.tolist()):
            if row >= 0:  # where there are no events, nothing is added
                table[at] = np.interp(day, whole, self.extra[row])
        found: Floats = table[where]
        return found

    def lasting(self, groups: Groups, days: Floats) -> Floats:
        """How many days from today on `days` (n,) of usual demand last for each series (n,): `until` inverted.

        Days before the first event are what they are, and infinite ones stay so.
        """
        out = np.array(days, dtype=np.float64)
        row = self._rows(groups)
        mine = np.flatnonzero((row >= 0) & np.isfinite(out))
        row = row[mine]
        usual = np.arange(AHEAD_DAYS + 1) + self.extra
        at = np.clip(_steps_within(usual, row, out[mine]) - 1, 0, AHEAD_DAYS)
        following = usual[row, np.minimum(at + 1, AHEAD_DAYS)]
        factor = np.where(at < AHEAD_DAYS, following - usual[row, at], 1.0)
        beyond = out[mine] - usual[row, at]
        out[mine] -= self.extra[row, at] + beyond * (1 - 1 / np.maximum(factor, 1e-9))
        return out

    def within(self, category: int, region: int, today: date, days: float) -> tuple[Coming, ...]:
        """The events of a category in a region with a day among so many from `today` on."""
        until = today + timedelta(days=int(min(days, AHEAD_DAYS)))
        return tuple(
            sized(event, self.sizes, category, region)
            for event in self.found.get(region, ())
            if event.first < until and event.last >= today
        )

    def _rows(self, groups: Groups) -> Ints:
        """The row of each series: its category's there, else that of the region; -1 where neither is known."""
        own = placed(self.keys, groups.keys)
        return np.where(own < 0, placed(self.keys, keyed(np.zeros_like(groups.region), groups.region)), own)


def _steps_within(usual: Floats, row: Ints, days: Floats) -> Ints:
    """How many of the ascending figures of a series' `row` of `usual` (R, K) are at most its `days`; by bisection."""
    low, high = np.zeros(len(days), dtype=np.int64), np.full(len(days), usual.shape[1], dtype=np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        within = (low < high) & (usual[row, np.minimum(middle, usual.shape[1] - 1)] <= days)
        low, high = np.where(within, middle + 1, low), np.where(within, high, np.minimum(high, middle))
    return low


def marked(region: Ints, found: Mapping[int, Sequence[Event]], firsts: Mapping[int, date], days: int) -> Bools | None:
    """Days (n, days) of each series that lie in an event of its region, the columns of a region from its own first day.

    None where no day does.
    """
    masks = {each: mask(found[each], firsts[each], days) for each in found}
    if not len(region) or not any(one.any() for one in masks.values()):
        return None
    keys, where = np.unique(region, return_inverse=True)
    none = np.zeros(days, dtype=np.bool_)
    return np.stack([masks.get(key, none) for key in keys.tolist()])[where]


def mask(chosen: Sequence[Event], first: date, days: int) -> Bools:
    """Which of `days` days from `first` on lie in one of the events, (days,)."""
    out = np.zeros(days, dtype=np.bool_)
    for event in chosen:
        start, end = (event.first - first).days, (event.last - first).days + 1
        out[max(start, 0) : max(end, 0)] = True
    return out


def learned_sizes(
    history: SeriesHistory,
    settings: DemandSettings,
    groups: Groups,
    found: Mapping[int, Sequence[Event]],
    firsts: Mapping[int, date],
) -> dict[tuple[str, int, int], float]:
    """The size of each event that the history holds, by key, region and category (0: all of the region's series).

    The columns of a region begin on its own first day of `firsts`. Each series' event days in stock are held against
    its usual days in stock of the eight weeks before. All regions together lean on what was assumed, each region on
    all of them, and each category there on its region; see `leaning`. `history.marked` are the days of every event:
    they are no usual days.
    """
    masks = day_masks(history, settings)
    there = masks.listed & ~masks.stocked_out
    sums: dict[str, dict[tuple[int, int], Floats]] = {}
    assumed: dict[str, float] = {}
    for each, its in found.items():
        rows = np.flatnonzero(groups.region == each)
        for event in its if len(rows) else ():
            start, end = (event.first - firsts[each]).days, (event.last - firsts[each]).days + 1
            if _BEFORE <= start < history.days:
                assumed[event.key] = event.uplift
                seen = _seen(history.units[rows], there[rows], masks.usable[rows], start, min(end, history.days))
                of = sums.setdefault(event.key, {})
                for category, part in _by_category(groups.category[rows], *seen):
                    of[each, category] = of.get((each, category), np.zeros(2)) + part
    sizes: dict[tuple[str, int, int], float] = {}
    for key, of in sums.items():
        places = {each: seen for (each, category), seen in of.items() if not category}
        pooled = leaning(sum(places.values(), np.zeros(2)), assumed[key])
        own = {each: leaning(seen, pooled) for each, seen in places.items()}
        sizes |= {
            (key, each, category): leaning(seen, own[each]) if category else own[each]
            for (each, category), seen in of.items()
            if seen[1] > 0
        }
    return sizes


def _by_category(category: Ints, actual: Floats, usual: Floats) -> Iterator[tuple[int, Floats]]:
    """What all series of a region saw together, as category 0, and those of each category that has any usual sales."""
    yield 0, np.array([float(actual.sum()), float(usual.sum())])
    keys, where = np.unique(category, return_inverse=True)
    sold, asked = np.bincount(where, actual, len(keys)), np.bincount(where, usual, len(keys))
    for at, key in enumerate(keys.tolist()):
        if key and asked[at] > 0:
            yield key, np.array([sold[at], asked[at]])


def leaning(seen: Floats, prior: float) -> float:
    """How many times the usual sells, from what was `seen` (units sold, units usual), shrunk to `prior`.

    (weight x prior + sold) / (weight + usual): the posterior mean where sales are Poisson with mean uplift x usual and
    the uplift is gamma with mean `prior` and weighs `WEIGHT` units (Gelman et al., Bayesian Data Analysis, 3rd ed.,
    section 2.6).
    """
    return float((WEIGHT * prior + seen[0]) / (WEIGHT + seen[1]))


def _seen(units: Counts, there: Bools, usable: Bools, start: int, end: int) -> tuple[Floats, Floats]:
    """Units (n,) sold on the event days from column `start` to `end`, and those that usual days would have sold."""
    before = slice(start - _BEFORE, start)
    count = usable[:, before].sum(axis=1)
    sold = np.where(usable[:, before], units[:, before], 0).sum(axis=1)
    rate = np.where(count >= _LEAST, ratio(sold, count, 0.0), 0.0)
    counted = there[:, start:end] & (rate > 0)[:, None]
    actual = np.where(counted, units[:, start:end], 0).sum(axis=1, dtype=np.float64)
    return actual, rate * counted.sum(axis=1)


def lift(
    today: Mapping[int, date], found: Mapping[int, Sequence[Event]], sizes: Sizes, categories: Collection[int] = ()
) -> Lift:
    """What the events ahead add in each region from its `today` on; of two on one day the larger counts.

    Of the `categories` those have a row of their own in a region of which sizes were learned there.
    """
    own: dict[int, set[int]] = {region: {0} for region in today}
    wanted = set(categories)
    for _key, region, category in sizes:
        if category in wanted and region in own:
            own[region].add(category)
    keys, parts = [], []
    for region in sorted(own):
        its = sorted(own[region])
        keys.append(keyed(np.array(its, dtype=np.int64), np.full(len(its), region, dtype=np.int64)))
        parts.append(_extra(its, region, today[region], found.get(region, ()), sizes))
    none = np.zeros((0, AHEAD_DAYS + 1))
    return Lift(np.concatenate([*keys, np.zeros(0, np.int64)]), np.concatenate([*parts, none]), found, sizes)


def _extra(categories: Sequence[int], region: int, today: date, events: Sequence[Event], sizes: Sizes) -> Floats:
    """The rows (categories, AHEAD_DAYS + 1) of a region."""
    factor = np.ones((len(categories), AHEAD_DAYS))
    for event in events:
        chosen = mask([event], today, AHEAD_DAYS)
        size = np.array([sized(event, sizes, category, region).size for category in categories])[:, None]
        larger = np.where(size > 1, np.maximum(factor, size), np.minimum(factor, size))
        factor = np.where(chosen, larger, factor)
    extra = np.zeros((len(categories), AHEAD_DAYS + 1))
    np.cumsum(factor - 1.0, axis=1, out=extra[:, 1:])
    return extra


def sized(event: Event, sizes: Sizes, category: int, region: int) -> Coming:
    """An event's size: what a person wrote of this very one counts before what the category's own sales there tell,
    that before what the place's own tell, and that before what is assumed.
    """
    if not event.stated:
        own, place = sizes.get((event.key, region, category)), sizes.get((event.key, region, 0))
        if category and own is not None:
            return Coming(event, own, "category")
        if place is not None:
            return Coming(event, place, "place")
    return Coming(event, event.uplift, "assumed")
