"""How much more events sell: their days in a history, their sizes learned from it, and what they add to days ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from bot.domain.arrays import Bools, Counts, Floats, Ints, ratio
from bot.domain.calendar import CalendarSettings, Event, events
from bot.domain.demand import DemandSettings, SeriesHistory, day_masks

AHEAD_DAYS = 400  # looked ahead; longer spans have no events beyond
WEIGHT = 300.0  # units sold as assumed, beside those seen
_BEFORE = 56  # days before an event that it is held against
_LEAST = 14  # of which a series must have been in stock


@dataclass(frozen=True, slots=True)
class Coming:
    """An event ahead: `size` times the usual sales, `learned` from own sales or assumed."""

    event: Event
    size: float
    learned: bool


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

    `regions` (R,) ascending; `coming` holds each region's events by first day.
    """

    regions: Ints
    extra: Floats
    coming: tuple[tuple[Coming, ...], ...]

    def of(self, region: Ints, days: Floats) -> Floats:
        """Days of usual demand that events add to spans of `days` (n,) from today on in each region (n,)."""
        if not len(self.regions):
            return np.zeros(len(days))
        row = np.minimum(np.searchsorted(self.regions, region), len(self.regions) - 1)
        column = np.clip(np.floor(days), 0, AHEAD_DAYS).astype(np.int64)
        return np.where(self.regions[row] == region, self.extra[row, column], 0.0)

    def until(self, region: Ints, day: Floats) -> Floats:
        """(n, H): days of usual demand that events add by each `day` (H,) from today on, parts of a day along."""
        whole = np.arange(AHEAD_DAYS + 1)
        table = np.zeros((len(self.regions) + 1, len(day)))  # the last row is that of regions without events
        for row, extra in enumerate(self.extra):
            table[row] = np.interp(day, whole, extra)
        rows = np.searchsorted(self.regions, region)
        known = np.append(self.regions, -1)[rows] == region
        found: Floats = table[np.where(known, rows, len(self.regions))]
        return found

    def lasting(self, region: Ints, days: Floats) -> Floats:
        """How many days from today on `days` (n,) of usual demand last in each region (n,): `until` inverted.

        Days before the first event are what they are, and infinite ones stay so.
        """
        out = np.array(days, dtype=np.float64)
        whole = np.arange(AHEAD_DAYS + 1)
        for row, extra in enumerate(self.extra):
            mine = np.flatnonzero((self.regions[row] == region) & np.isfinite(out)) if extra.any() else whole[:0]
            usual = whole + extra
            at = np.clip(np.searchsorted(usual, out[mine], side="right") - 1, 0, AHEAD_DAYS)
            factor = np.append(np.diff(usual), 1.0)[at]
            beyond = out[mine] - usual[at]
            out[mine] -= extra[at] + beyond * (1 - 1 / np.maximum(factor, 1e-9))
        return out

    def within(self, region: int, today: date, days: float) -> tuple[Coming, ...]:
        """The events of a region with a day among so many from `today` on."""
        rows = np.flatnonzero(self.regions == region).tolist()
        until = today + timedelta(days=int(min(days, AHEAD_DAYS)))
        return tuple(
            each for row in rows for each in self.coming[row] if each.event.first < until and each.event.last >= today
        )


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


Sizes = Mapping[tuple[str, int], float]  # by the event's key and the region


def learned_sizes(
    history: SeriesHistory,
    settings: DemandSettings,
    region: Ints,
    found: Mapping[int, Sequence[Event]],
    firsts: Mapping[int, date],
) -> dict[tuple[str, int], float]:
    """The size of each event that the history holds, by key and region, whose columns begin on its own first day.

    Each series' event days in stock are held against its usual days in stock of the eight weeks before. All regions
    together lean on what was assumed, and each region on all of them; see `leaning`. `history.marked` are the days of
    every event: they are no usual days.
    """
    masks = day_masks(history, settings)
    there = masks.listed & ~masks.stocked_out
    sums: dict[str, dict[int, Floats]] = {}
    assumed: dict[str, float] = {}
    for each, its in found.items():
        rows = np.flatnonzero(region == each)
        for event in its if len(rows) else ():
            start, end = (event.first - firsts[each]).days, (event.last - firsts[each]).days + 1
            if _BEFORE <= start < history.days:
                assumed[event.key] = event.uplift
                seen = _seen(history.units[rows], there[rows], masks.usable[rows], start, min(end, history.days))
                of = sums.setdefault(event.key, {})
                of[each] = of.get(each, np.zeros(2)) + seen
    sizes: dict[tuple[str, int], float] = {}
    for key, of in sums.items():
        pooled = leaning(sum(of.values(), np.zeros(2)), assumed[key])
        sizes |= {(key, each): leaning(seen, pooled) for each, seen in of.items() if seen[1] > 0}
    return sizes


def leaning(seen: Floats, prior: float) -> float:
    """How many times the usual sells, from what was `seen` (units sold, units usual), shrunk to `prior`.

    (weight x prior + sold) / (weight + usual): the posterior mean where sales are Poisson with mean uplift x usual and
    the uplift is gamma with mean `prior` and weighs `WEIGHT` units (Gelman et al., Bayesian Data Analysis, 3rd ed.,
    section 2.6).
    """
    return float((WEIGHT * prior + seen[0]) / (WEIGHT + seen[1]))


def _seen(units: Counts, there: Bools, usable: Bools, start: int, end: int) -> Floats:
    """Units sold on the event days from column `start` to `end`, and those that usual days would have sold."""
    before = slice(start - _BEFORE, start)
    count = usable[:, before].sum(axis=1)
    sold = np.where(usable[:, before], units[:, before], 0).sum(axis=1)
    rate = np.where(count >= _LEAST, ratio(sold, count, 0.0), 0.0)
    counted = there[:, start:end] & (rate > 0)[:, None]
    actual = np.where(counted, units[:, start:end], 0).sum()
    return np.array([float(actual), float((rate * counted.sum(axis=1)).sum())])


def lift(today: Mapping[int, date], found: Mapping[int, Sequence[Event]], sizes: Sizes) -> Lift:
    """What the events ahead add in each region from its `today` on; of two on one day the larger counts."""
    regions = np.array(sorted(today), dtype=np.int64)
    extra = np.zeros((len(regions), AHEAD_DAYS + 1))
    coming = []
    for row, region in enumerate(regions.tolist()):
        there = [_coming(event, sizes.get((event.key, region))) for event in found.get(region, ())]
        factor = np.ones(AHEAD_DAYS)
        for each in there:
            chosen = mask([each.event], today[region], AHEAD_DAYS)
            larger = np.maximum(factor, each.size) if each.size > 1 else np.minimum(factor, each.size)
            factor = np.where(chosen, larger, factor)
        extra[row, 1:] = np.cumsum(factor - 1.0)
        coming.append(tuple(there))
    return Lift(regions, extra, tuple(coming))


def _coming(event: Event, learned: float | None) -> Coming:
    """What a person wrote of this very event counts before what was learned, and that before what is assumed."""
    return (
        Coming(event, event.uplift, learned=False)
        if event.stated or learned is None
        else Coming(event, learned, learned=True)
    )
