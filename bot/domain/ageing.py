"""Ageing by FIFO cohorts, slow and dead stock, excess, and what it costs to keep.

Arrays are (n,) unless said otherwise; units of stock, days, and integer minor units of money.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Bools, Floats, Ints, to_minor
from bot.domain.demand import SeriesHistory
from bot.domain.replenishment import pack_up, whole


@dataclass(frozen=True, slots=True)
class AgeingSettings:
    """Defaults of ageing and of the lines at which stock is slow or too much."""

    bucket_edges: tuple[int, ...] = (30, 60, 90, 180)  # last day of each bucket but the last, which is open
    slow_idle_days: tuple[int, int, int] = (30, 60, 90)  # days in stock without a sale; from the last on it is dead
    slow_cover_days: float = 180.0
    new_days: int = 30  # a series listed for less is too new to be called slow or overstocked
    excess_cycles: float = 2.0  # cycle stocks above the safety stock (K3S: less noise than one)
    carrying_rate: float = 0.25  # of value a year, where the location gives no storage tariff
    storage_ahead_days: int = 90  # fees of so many days ahead count as money at risk


def receipts_of(history: SeriesHistory) -> Floats:
    """Units received per day (n, T); where not told, what the stock rose by beyond the day's sales."""
    if history.receipts is not None:
        return np.maximum(history.receipts, 0).astype(np.float64)
    rose = np.zeros(history.units.shape)
    stock = np.maximum(history.on_hand, 0)
    rose[:, 1:] = np.maximum(stock[:, 1:] - stock[:, :-1] + history.units[:, 1:], 0)
    return rose


def ageing_buckets(receipts: Floats, on_hand: Ints, edges: tuple[int, ...]) -> Ints:
    """Stock in hand by age, (n, edges + 1) units, youngest bucket first; each row sums to `on_hand`.

    First in, first out: what is in hand came with the newest receipts. Age 0 is the last day; a bucket holds ages up
    to and with its edge. Stock older than the receipts known goes to the bucket of the least age that it can have.
    """
    days = receipts.shape[1]
    stock = np.maximum(on_hand, 0).astype(np.float64)
    reached = [np.zeros_like(stock)]
    for edge in edges:
        got = receipts[:, max(0, days - edge - 1) :].sum(axis=1)
        reached.append(stock.copy() if days <= edge else np.minimum(stock, got))
    reached.append(stock)
    return np.rint(np.diff(np.stack(reached, axis=1), axis=1)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class NextStep:
    """The next age line that stock in hand crosses, (n,) each: in how many days, how many units, at what age.

    `days` is NO_STEP where nothing in hand is younger than the last line.
    """

    days: Ints
    units: Ints
    age: Ints


NO_STEP = 2**31


def next_step(receipts: Floats, on_hand: Ints, lines: Ints) -> NextStep:
    """When the oldest cohort under each line crosses it, first in, first out; the soonest line of each row.

    `lines` (n, K): ages in days, ascending, at which a row's stock costs more or counts as older; 0 for none. Stock
    older than the receipts known is beyond every line.
    """
    days = receipts.shape[1]
    newest = receipts[:, ::-1]
    before = np.cumsum(newest, axis=1) - newest
    cohort = np.clip(np.maximum(on_hand, 0)[:, None] - before, 0, newest)  # (n, T) by age in days
    age = np.arange(days)
    best = NextStep(*(np.full(len(on_hand), start, dtype=np.int64) for start in (NO_STEP, 0, 0)))
    for line in lines.T:
        under = (cohort >= 1) & (age[None, :] < line[:, None])
        oldest = days - 1 - under[:, ::-1].argmax(axis=1)
        left = np.where(under.any(axis=1), line - oldest, NO_STEP)
        sooner = left < best.days
        units = np.rint(np.take_along_axis(cohort, oldest[:, None], axis=1)[:, 0]).astype(np.int64)
        best = NextStep(
            np.where(sooner, left, best.days), np.where(sooner, units, best.units), np.where(sooner, line, best.age)
        )
    return best


def idle_days(history: SeriesHistory) -> Ints:
    """Days with stock (at closing, or unknown) since the last sale; of the whole history where there was no sale.

    Days without stock do not count: what is not there cannot fail to sell.
    """
    since = np.logical_or.accumulate(history.units[:, ::-1] > 0, axis=1)
    held: Ints = ((history.on_hand[:, ::-1] != 0) & ~since).sum(axis=1, dtype=np.int64)
    return held


def days_since_sale(history: SeriesHistory) -> Ints:
    """Days since the last sale: 0 is the last day; T where the history holds no sale."""
    since = np.logical_or.accumulate(history.units[:, ::-1] > 0, axis=1)
    days: Ints = (~since).sum(axis=1, dtype=np.int64)
    return days


def cycle_stock(velocity: Floats, span: Floats, minimum: Ints, pack: Ints) -> Ints:
    """What one order cycle asks for, after the minimum and pack-size adjustment.

    The position counts what is on its way, so a cycle is lead time + review period: `span` days.
    """
    return pack_up(whole(velocity * span), minimum, pack)


def excess_line(safety_stock: Floats, cycle: Ints, settings: AgeingSettings) -> Floats:
    """The position above which there is too much: safety stock + 2 x cycle stock (K3S), in units."""
    line: Floats = safety_stock + settings.excess_cycles * cycle
    return line


def carrying_cost(units: Ints, unit_cost: Ints, days: Floats, tariff: Floats | None, rate: float) -> Ints:
    """Cost of keeping `units` for `days`, in minor units.

    `tariff` (n,): the location's own storage fee in minor units per unit and day, NaN where it gives none; then
    `rate` of the value a year (365 days) applies.
    """
    daily = unit_cost * (rate / 365.0)
    if tariff is not None:
        daily = np.where(np.isnan(tariff), daily, tariff)
    return to_minor(np.maximum(units, 0) * days * daily)


def capital_at_risk(units: Ints, unit_cost: Ints, tariff: Floats | None, settings: AgeingSettings) -> Ints:
    """Capital tied up in `units` plus the storage fees of the days ahead, in minor units."""
    ahead = np.full(len(units), float(settings.storage_ahead_days))
    fees = carrying_cost(units, unit_cost, ahead, tariff, settings.carrying_rate)
    return to_minor(np.maximum(units, 0) * unit_cost.astype(np.float64)) + fees


def is_dead(idle: Ints, on_hand: Ints, settings: AgeingSettings) -> Bools:
    """Stock that lay for 90 days in stock without a sale."""
    return (on_hand > 0) & (idle >= settings.slow_idle_days[-1])
