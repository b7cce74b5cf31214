"""Demand: which days count, how fast a series sells on them, and how regularly.

Velocity is units per in-stock day. A day without stock is no demand of zero: it is left out, and the window reaches
further back until it holds enough in-stock days (Inventory Planner); where it is known for how much of its hours there
was stock, a day counts for that part of one. Spikes are kept out of the base rate (OCA
`stock_average_daily_sale`). Classes of regularity are those of Syntetos, Boylan & Croston (2005).

Where a catalogue is large enough to teach, `bot.domain.outlook` forecasts, and takes the place of the blended velocity;
which days count, spikes and classes are those found here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Bools, Counts, Floats, Ints, ratio, shaped
from bot.domain.parts import Parts, Shares

BLOCK = 512  # rows worked on together, so that a block's arrays stay in the processor's cache


class DemandClass(IntEnum):
    """How regularly a series sells: by the average interval between sale days and the variation of their sizes."""

    NONE = 0  # no sale in the longest window
    SMOOTH = 1
    ERRATIC = 2
    INTERMITTENT = 3
    LUMPY = 4


@dataclass(frozen=True, slots=True)
class SeriesHistory:
    """Daily history of `n` series; column `t` is the local day `first_day + t`, and the last column the last whole day.

    `units` (n, T): demand in units, zero or more (cancelled orders already left out).
    `on_hand` (n, T): closing stock in units; -1 where it is not known, which counts as in stock.
    `marked` (n, T): days inside an interval of the event calendar, kept out of the base rate.
    `receipts` (n, T): units received; where absent they are inferred from the movement of the stock.
    `behind` (n,): days by which a row's columns lie before those days, where its place has yesterday still; None: none.
    `since` (n,): the column in which the product was first told of, where that is new; stock before it is only reckoned
    backwards. 0 of others; None: of all.
    `parts`: the days of which it is known for how much of their hours there was stock; None: of no day.
    """

    first_day: date
    units: Counts
    on_hand: Counts
    marked: Bools | None = None
    receipts: Counts | None = None
    behind: Ints | None = None
    since: Ints | None = None
    parts: Parts | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        if self.units.ndim != 2 or self.units.shape[1] == 0:
            raise ValueError(f"units must be (series, days) with at least one day, not {self.units.shape}")
        for name, array in (("on_hand", self.on_hand), ("marked", self.marked), ("receipts", self.receipts)):
            if array is not None:
                shaped(name, array, self.units.shape)
        for name, column in (("behind", self.behind), ("since", self.since)):
            if column is not None:
                shaped(name, column, self.units.shape[:1])
        if self.parts is not None and self.parts.series != len(self.units):
            raise ValueError(f"parts are of {self.parts.series} series, not {len(self.units)}")

    @property
    def series(self) -> int:
        """How many series there are (n)."""
        return int(self.units.shape[0])

    @property
    def days(self) -> int:
        """How many days there are (T)."""
        return int(self.units.shape[1])

    @property
    def last_day(self) -> date:
        """The day of the last column: figures are as of its close."""
        return self.first_day + timedelta(days=self.days - 1)

    def rows(self, chosen: slice | Ints | Bools) -> SeriesHistory:
        """The same days for some of the series."""
        return SeriesHistory(
            self.first_day,
            self.units[chosen],
            self.on_hand[chosen],
            None if self.marked is None else self.marked[chosen],
            None if self.receipts is None else self.receipts[chosen],
            None if self.behind is None else self.behind[chosen],
            None if self.since is None else self.since[chosen],
            None if self.parts is None else self.parts.rows(chosen),
        )

    def tail(self, days: int) -> SeriesHistory:
        """The last `days` days (all of them where there are fewer)."""
        cut = max(0, self.days - days)
        return SeriesHistory(
            self.first_day + timedelta(days=cut),
            self.units[:, cut:],
            self.on_hand[:, cut:],
            None if self.marked is None else self.marked[:, cut:],
            None if self.receipts is None else self.receipts[:, cut:],
            self.behind,
            None if self.since is None else np.maximum(self.since - cut, 0),
            None if self.parts is None else self.parts.tail(cut),
        )

    def blocks(self) -> Iterator[slice]:
        """Slices of BLOCK rows that together cover all series."""
        return (slice(start, min(start + BLOCK, self.series)) for start in range(0, self.series, BLOCK))


@dataclass(frozen=True, slots=True)
class DemandSettings:
    """Defaults of the demand estimate."""

    windows: tuple[int, ...] = (7, 30, 90)  # days, ascending
    blend: tuple[float, ...] = (0.5, 0.3, 0.2)  # weight of each window; sums to one
    window_fill: float = 1.0  # share of a window's days that must be in-stock days before it stops reaching back
    least_days: int = 30  # a window that stays unfilled rests on so many days at least, as far as they are listed
    reach_days: int = 180  # no window reaches back further; what was not in stock for so long has no velocity
    stockout_stock: Literal["closing", "whole_day"] = "closing"  # stock was zero at closing, or at opening and closing
    stockout_join: Literal["and", "or"] = "and"  # zero stock and/or few sales
    stockout_sales_share: float = 0.30  # few: under this share of the mean day with stock (SoStocked)
    spike_sigma: float = 3.0
    spike_sale_days: int = 5  # with fewer sale days beside the largest, nothing is called a spike
    adi_limit: float = 1.32
    cv2_limit: float = 0.49
    week_buckets: int = 13  # weeks whose variation gives XYZ
    week_days_needed: int = 3  # a week with fewer in-stock days is left out

    def __post_init__(self) -> None:
        """Refuse windows and weights that do not fit each other."""
        if len(self.windows) != len(self.blend) or not self.windows or list(self.windows) != sorted(set(self.windows)):
            raise ValueError("windows must ascend, one weight of the blend for each")
        if abs(sum(self.blend) - 1) > 1e-9 or min(self.blend) < 0:
            raise ValueError("the weights of the blend must be positive and sum to one")
        if not 0 < self.window_fill <= 1 or self.reach_days < max(self.windows):
            raise ValueError("window_fill is a share, and reach_days at least the longest window")


@dataclass(frozen=True, slots=True)
class DemandEstimate:
    """What is known of demand; (n, W) arrays have one column per window, the others are (n,)."""

    raw: Floats  # (n, W) units per calendar day, nothing corrected
    corrected: Floats  # (n, W) base units per in-stock day; 0 where the window holds no such day
    units: Floats  # (n, W) base units behind `corrected`: spikes capped
    in_stock_days: Floats  # (n, W) days with stock in the window, parts of days among them
    base_days: Floats  # (n, W) days behind `corrected`: the in-stock days, or `least_days` where the window is unfilled
    span_days: Ints  # (n, W) calendar days the window reached back
    left_out_days: Ints  # (n, W) days inside the span that were left out as a whole, for want of stock
    part_days: Ints  # (n, W) days inside the span that count for the part of their hours that had stock
    part_out_days: Floats  # (n, W) what was left out of those, in days
    marked_days: Ints  # (n, W) days of the event calendar inside the span
    velocity: Floats  # blended base units per day
    sd: Floats  # units: standard deviation (n - 1) of a base day in the longest window, be it a part of one
    cv: Floats  # sd over the mean base day; 0 without demand
    week_cv: Floats  # the same over weekly rates; NaN with fewer than four weeks
    adi: Floats  # in-stock days per sale day; inf without demand
    cv2: Floats  # squared coefficient of variation of sale-day sizes
    kind: Ints  # DemandClass
    spike_limit: Floats  # units above which a day is capped; inf where nothing can be called a spike
    spike_days: Ints  # days capped in the longest window
    listed_days: Ints  # days since the first stock or sale within reach


@dataclass(frozen=True, slots=True)
class DayMasks:
    """Which days count, all (n, T) bool. `usable` = listed, not stocked out, not marked."""

    listed: Bools  # since the first day with a sale or stock
    stocked_out: Bools  # listed, and without stock by the settings' rule
    usable: Bools


def day_masks(history: SeriesHistory, settings: DemandSettings) -> DayMasks:
    """Tell in-stock days from the others, by whole days alone.

    A day is stocked out when stock was zero and sales fell under `stockout_sales_share` of the series' mean day with
    stock; with `or` either is enough. Days before the first sale or stock are not listed: they count nowhere.
    """
    listed, stocked_out = _stocked_out(history, settings)
    return DayMasks(listed, stocked_out, _usable(history, listed & ~stocked_out))


def _stocked_out(history: SeriesHistory, settings: DemandSettings) -> tuple[Bools, Bools]:
    """Days that are listed, and those of them without stock, (n, T) each."""
    units, closing = history.units, history.on_hand
    sold, some = units > 0, closing > 0
    listed = np.logical_or.accumulate(sold | some, axis=1)
    zero = closing == 0
    if settings.stockout_stock == "whole_day":
        zero[:, 1:] &= closing[:, :-1] == 0
    with_stock = listed & ~zero
    mean = ratio(np.einsum("ij,ij->i", units, with_stock, dtype=np.float64), with_stock.sum(1), 0.0)
    few = units < (settings.stockout_sales_share * mean)[:, None]
    stocked_out: Bools = listed & ((zero & (few | ~sold)) if settings.stockout_join == "and" else (zero | few))
    return listed, stocked_out


def _usable(history: SeriesHistory, in_stock: Bools) -> Bools:
    """Days in stock without those that are marked; what knows no usual day has those alone."""
    if history.marked is None:
        return in_stock
    calm = in_stock & ~history.marked
    return np.where(calm.any(axis=1, keepdims=True), calm, in_stock)


@dataclass(frozen=True, slots=True)
class DayShares:
    """What each day counts for, (n, T): `share` of it had stock and is no event; `parts` are the days between 0 and 1.

    In the `masks` a day that is known by its hours is not stocked out, and usable where it is not marked.
    """

    masks: DayMasks
    parts: Parts | None
    share: Shares


def day_shares(history: SeriesHistory, settings: DemandSettings) -> DayShares:
    """Days as the demand estimate and the forecasters count them: by their hours where those are known."""
    if history.parts is None or not len(history.parts.row):
        masks = day_masks(history, settings)
        return DayShares(masks, None, masks.usable.astype(np.float32))
    listed, stocked_out = _stocked_out(history, settings)
    known = history.parts.where(listed)
    stocked_out[known.row, known.column] = False
    usable = _usable(history, listed & ~stocked_out)
    parts = known.where(usable)
    share = usable.astype(np.float32)
    parts.put(share)
    return DayShares(DayMasks(listed, stocked_out, usable), parts, share)


def without_spikes(history: SeriesHistory, settings: DemandSettings) -> SeriesHistory:
    """The history with each day's units capped where they would be a spike among all days that count."""
    masks = day_shares(history, settings).masks
    limit = _spike_limit(np.where(masks.usable, history.units, 0).astype(np.float64), settings)
    return replace(history, units=np.minimum(history.units, limit[:, None]))


class BlendedVelocity:
    """Corrected velocity of several windows, blended with fixed weights."""

    def estimate(self, history: SeriesHistory, settings: DemandSettings) -> DemandEstimate:
        """Demand of every series as of the close of the last day; the work is done in blocks of rows."""
        recent = history.tail(settings.reach_days)
        parts = [_estimate_block(recent.rows(rows), settings) for rows in recent.blocks()]
        parts = parts or [_estimate_block(recent, settings)]
        return DemandEstimate(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(DemandEstimate)
            }
        )


def _estimate_block(history: SeriesHistory, settings: DemandSettings) -> DemandEstimate:
    """The estimate for a block of rows; inside, day arrays run newest first."""
    days_of = day_shares(history, settings)
    masks = days_of.masks
    units = np.ascontiguousarray(history.units[:, ::-1], dtype=np.float64)
    usable = np.ascontiguousarray(masks.usable[:, ::-1])
    share = np.ascontiguousarray(days_of.share[:, ::-1])
    stocked_out = masks.stocked_out[:, ::-1]
    in_stock = np.cumsum(share, axis=1, dtype=np.float64)
    spans = np.stack([_span(in_stock, window, settings) for window in settings.windows], axis=1)
    reached = np.arange(history.days) < spans[:, -1:]
    member = usable & reached  # the in-stock days of the longest window

    limit = _spike_limit(np.where(member, units, 0.0), settings)
    capped = member & (units > limit[:, None])
    base = np.where(usable, np.minimum(units, limit[:, None]), 0.0)

    totals = _at(np.cumsum(base, axis=1), spans)
    days = _at(in_stock, spans)
    left_out = _at(np.cumsum(stocked_out, axis=1, dtype=np.int32), spans).astype(np.int64)
    marked = masks.listed & ~masks.stocked_out & ~masks.usable
    marked_days = _at(np.cumsum(marked[:, ::-1], axis=1, dtype=np.int32), spans).astype(np.int64)
    listed = masks.listed.sum(axis=1)
    part_days, part_out = _parts_within(days_of.parts, spans, history.days)
    base_days = _base_days(days, listed - marked.sum(axis=1), settings)
    corrected = ratio(totals, base_days, 0.0)
    weights = np.where(days > 0, np.asarray(settings.blend), 0.0)
    velocity = ratio((corrected * weights).sum(axis=1), weights.sum(axis=1), 0.0)

    longest = np.where(member, base, 0.0)
    # Parts of days among them: without those that sold out, what is left would vary too little.
    mean, sd = _mean_sd(longest.sum(1), np.einsum("ij,ij->i", longest, longest), member.sum(axis=1))
    sales = (longest > 0).sum(axis=1)
    size_mean, size_sd = _mean_sd(longest.sum(1), np.einsum("ij,ij->i", longest, longest), sales)
    adi = ratio(days[:, -1], sales, np.inf)
    cv2 = ratio(size_sd, size_mean, 0.0) ** 2
    return DemandEstimate(
        raw=np.stack([units[:, :window].mean(axis=1) for window in settings.windows], axis=1),
        corrected=corrected,
        units=totals,
        in_stock_days=days,
        base_days=base_days,
        span_days=spans,
        left_out_days=left_out,
        part_days=part_days,
        part_out_days=part_out,
        marked_days=marked_days,
        velocity=velocity,
        sd=sd,
        cv=ratio(sd, mean, 0.0),
        week_cv=_week_cv(base, share, settings),
        adi=adi,
        cv2=cv2,
        kind=demand_class(adi, cv2, settings),
        spike_limit=limit,
        spike_days=capped.sum(axis=1),
        listed_days=listed,
    )


def demand_class(adi: Floats, cv2: Floats, settings: DemandSettings) -> Ints:
    """DemandClass by the cut-offs of Syntetos, Boylan & Croston (2005): ADI 1.32 and CV^2 0.49."""
    rare, varied = adi >= settings.adi_limit, cv2 >= settings.cv2_limit
    kind = np.where(rare, np.where(varied, DemandClass.LUMPY, DemandClass.INTERMITTENT), DemandClass.SMOOTH)
    kind = np.where(~rare & varied, DemandClass.ERRATIC, kind)
    return np.where(np.isinf(adi), DemandClass.NONE, kind).astype(np.int64)


def _parts_within(parts: Parts | None, spans: Ints, days: int) -> tuple[Ints, Floats]:
    """How many days of each span count for a part of their hours, and what is left out of them, (n, W) each."""
    count, out = np.zeros(spans.shape, dtype=np.int64), np.zeros(spans.shape)
    if parts is not None:
        row, window = np.nonzero((days - parts.column)[:, None] <= spans[parts.row])
        np.add.at(count, (parts.row[row], window), 1)
        np.add.at(out, (parts.row[row], window), 1.0 - parts.share[row].astype(np.float64))
    return count, out


def _span(in_stock: Floats, window: int, settings: DemandSettings) -> Ints:
    """Calendar days a window reaches back, per row: until it holds enough in-stock days, and never less than itself."""
    days = in_stock.shape[1]
    need = int(np.ceil(window * settings.window_fill))
    reach: Ints = np.clip((in_stock < need).sum(axis=1, dtype=np.int64) + 1, min(window, days), days)
    return reach


def _base_days(in_stock: Floats, listed: Ints, settings: DemandSettings) -> Floats:
    """The days a window's rate rests on, (n, W).

    One sale on the only day with stock is no rate: where a window could not be filled with in-stock days, days
    without stock count as days without a sale until there are `least_days`, or all that the series was listed for.
    """
    need = np.ceil(np.asarray(settings.windows) * settings.window_fill)
    floor = np.minimum(settings.least_days, listed)[:, None]
    return np.where((in_stock > 0) & (in_stock < need), np.maximum(in_stock, floor), in_stock)


def _at(running: NDArray[np.float64] | NDArray[np.int32], spans: Ints) -> Floats:
    """The running total of each row at the end of each span."""
    return np.take_along_axis(running, spans - 1, axis=1).astype(np.float64)


def _mean_sd(total: Floats, squares: Floats, count: Ints) -> tuple[Floats, Floats]:
    """Mean and sample standard deviation (n - 1) from sums; zero where there are too few."""
    mean = ratio(total, count, 0.0)
    variance = ratio(squares - total * mean, count - 1, 0.0)
    return mean, np.sqrt(np.maximum(variance, 0.0))


def _spike_limit(member_units: Floats, settings: DemandSettings) -> Floats:
    """The size above which a day is a spike: mean + k sigma of its class.

    The class of a day is the days like it: the in-stock days of the longest window on which the same series sold. Its
    largest day is set aside first, for one bulk order among few sales would hide in the sigma that it makes; sigma is
    at least that of Poisson sales. A spike is capped at the limit, not dropped: the day had ordinary sales too.
    """
    sales = (member_units > 0).sum(axis=1) - 1
    largest = member_units.max(axis=1)
    total = member_units.sum(axis=1) - largest
    squares = np.einsum("ij,ij->i", member_units, member_units) - largest**2
    mean, sd = _mean_sd(total, squares, sales)
    limit = mean + settings.spike_sigma * np.maximum(sd, np.sqrt(np.maximum(mean, 0.0)))
    return np.where(sales >= settings.spike_sale_days, limit, np.inf)


def _week_cv(base: Floats, share: Shares, settings: DemandSettings) -> Floats:
    """Coefficient of variation of the weekly rates (units per in-stock day); NaN with fewer than four weeks."""
    weeks = min(settings.week_buckets, base.shape[1] // 7)
    shape = (base.shape[0], weeks, 7)
    days = share[:, : weeks * 7].reshape(shape).sum(axis=2, dtype=np.float64)
    rates = ratio(base[:, : weeks * 7].reshape(shape).sum(axis=2), days, 0.0)
    counted = days >= settings.week_days_needed
    rates = np.where(counted, rates, 0.0)
    count = counted.sum(axis=1)
    mean, sd = _mean_sd(rates.sum(1), np.einsum("ij,ij->i", rates, rates), count)
    return np.where(count >= 4, ratio(sd, mean, np.nan), np.nan)
