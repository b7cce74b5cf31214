"""Replenishment: how much stock a lead time asks for, when the stock runs out, and what to order.

All arrays are (n,); units are whole or fractional units of stock, time is in days, money in integer minor units.
`d` is the velocity, `L` the lead time, `R` the review period, `S` the order-up-to level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy  # loads its parts when they are first used: half a second that most commands do without

from bot.domain.arrays import Bools, Counts, Floats, Ints, ratio, to_minor
from bot.domain.classes import ClassRule
from bot.domain.demand import DemandClass
from bot.domain.groups import Groups
from bot.domain.losses import normal_lost
from bot.domain.uplift import Lift

ROUNDING = 1e-9  # a level this close above a whole unit is that unit: float noise must not order a pack more
NORMAL_SHAPE = 1e12  # from this shape on a gamma is a normal to a millionth of its deviation


@dataclass(frozen=True, slots=True)
class ReplenishmentSettings:
    """Defaults of replenishment."""

    service_levels: tuple[float, float, float] = (0.975, 0.95, 0.90)  # cycle service of ABC classes A, B, C
    classes: tuple[ClassRule, ...] = ()  # ABC x XYZ classes with a service level or a review of their own
    skewed: Literal["negative_binomial", "gamma"] = "negative_binomial"  # for irregular series
    skewed_cv: float = 1.0  # a daily CV from here on is irregular, whatever the class
    assumed_lead_time_days: float = 30.0  # where a series has no route
    assumed_lead_time_sd: float = 7.0


@dataclass(frozen=True, slots=True)
class SpanDemand:
    """Demand over a span of days as a distribution, all (n,) in units."""

    mean: Floats
    variance: Floats
    safety_stock: Floats  # quantile at the service level, less the mean
    skewed: Bools  # by the skewed distribution rather than the normal one


def irregular(kind: Ints, cv: Floats, settings: ReplenishmentSettings) -> Bools:
    """Series for which the normal formula is optimistic: intermittent or lumpy, or a daily CV of `skewed_cv` on."""
    rare = np.isin(kind, (DemandClass.INTERMITTENT, DemandClass.LUMPY))
    return np.logical_or(rare, cv >= settings.skewed_cv)


def span_demand(
    velocity: Floats,
    sd: Floats,
    span: Floats,
    span_sd: Floats,
    service_level: Floats,
    skewed: Bools,
    distribution: Literal["negative_binomial", "gamma"],
) -> SpanDemand:
    """Demand over `span` days (standard deviation `span_sd`) and the safety stock for the cycle service level.

    mean = d L and variance = L sd_d^2 + d^2 sd_L^2. Regular series: safety stock = z sqrt(variance). Skewed ones take
    the quantile of a negative binomial (Poisson where the variance does not exceed the mean) or of a gamma with the
    same mean and variance. Never under zero, and zero without demand.
    """
    mean = velocity * span
    variance = span * sd**2 + velocity**2 * span_sd**2
    safety = scipy.special.ndtri(service_level) * np.sqrt(variance)
    chosen = skewed & (mean > 0) & (variance > 0)
    if chosen.any():
        quantile = gamma_quantile if distribution == "gamma" else _negative_binomial_quantile
        safety[chosen] = quantile(mean[chosen], variance[chosen], service_level[chosen]) - mean[chosen]
    return SpanDemand(mean, variance, np.where(mean > 0, np.maximum(safety, 0.0), 0.0), chosen)


def demand_paths(
    velocity: float,
    sd: float,
    span: Floats,
    levels: tuple[float, ...],
    shape: Literal["normal", "negative_binomial", "gamma"],
) -> Floats:
    """Quantiles of one series' demand over each `span` (m,) of days, ascending: (levels, m) in units.

    The distribution of `span_demand` without a spread of the span; no path falls from one span to the next.
    """
    mean, variance = velocity * span, sd**2 * span
    if velocity <= 0:
        return np.zeros((len(levels), len(span)))
    quantile = gamma_quantile if shape == "gamma" else _negative_binomial_quantile
    paths = np.empty((len(levels), len(span)))
    for row, level in enumerate(levels):
        if shape == "normal" or sd <= 0:
            paths[row] = mean + scipy.special.ndtri(level) * np.sqrt(variance)
        else:
            paths[row] = quantile(mean, variance, np.full(len(span), level))
    return np.maximum.accumulate(np.maximum(paths, 0.0), axis=1)


def demand_quantile(mean: Floats, variance: Floats, skewed: Bools, levels: Floats) -> Floats:
    """Quantiles (n, m) of demand with that mean and variance, (n,) each, at `levels` (m,) or (n, m); never under zero.

    A normal for regular series, a negative binomial for skewed ones, as in `span_demand`.
    """
    shape = len(mean), levels.shape[-1]
    level = np.broadcast_to(levels, shape)
    m, v = np.broadcast_to(mean[:, None], shape), np.broadcast_to(variance[:, None], shape)
    out: Floats = m + scipy.special.ndtri(level) * np.sqrt(v)
    chosen = np.broadcast_to((skewed & (mean > 0) & (variance > 0))[:, None], shape)
    out[chosen] = _negative_binomial_quantile(m[chosen], v[chosen], level[chosen])
    return np.maximum(out, 0.0)


def gamma_quantile(mean: Floats, variance: Floats, level: Floats) -> Floats:
    """Quantile of the gamma with that mean and variance; of its limit, the normal, where it is all but certain."""
    out: Floats = mean + scipy.special.ndtri(level) * np.sqrt(variance)
    spread = variance > mean**2 / NORMAL_SHAPE
    shape = mean[spread] ** 2 / variance[spread]
    out[spread] = scipy.special.gammaincinv(shape, level[spread]) * variance[spread] / mean[spread]
    return out


def _negative_binomial_quantile(mean: Floats, variance: Floats, level: Floats) -> Floats:
    """Quantile of the negative binomial with that mean and variance; of Poisson where it is not overdispersed."""
    out = np.empty_like(mean)
    over = variance > mean * (1 + 1e-6)
    size = mean[over] ** 2 / (variance[over] - mean[over])
    out[over] = scipy.stats.nbinom.ppf(level[over], size, mean[over] / variance[over])
    out[~over] = scipy.stats.poisson.ppf(level[~over], mean[~over])
    return out


def inventory_position(available: Counts, incoming: Counts, pending: Counts, backorders: Counts) -> Ints:
    """Available + incoming + pending requests - backorders, in units; counting requests prevents ordering twice."""
    return np.asarray(available + incoming + pending - backorders).astype(np.int64)


def landing_after(incoming: Counts, days: Floats) -> Ints:
    """Units of inbound (n, H), landing k days from now in column k, that land later than `days` (n,)."""
    row, day = np.nonzero(incoming)  # few series await anything
    late = day > days[row]
    row, day = row[late], day[late]
    return np.bincount(row, weights=incoming[row, day], minlength=len(days)).astype(np.int64)


def whole(units: Floats) -> Ints:
    """Units rounded up to whole ones, forgiving float noise."""
    return np.ceil(units - ROUNDING).astype(np.int64)


def pack_up(quantity: Ints, minimum: Ints, pack: Ints) -> Ints:
    """A wanted quantity raised to the minimum and then up to whole packs; zero stays zero."""
    raised = np.maximum(quantity, minimum)
    packed: Ints = -(-raised // pack) * pack
    return np.where(quantity > 0, packed, 0)


def order_quantity(order_up_to: Floats, position: Ints, minimum: Ints, pack: Ints) -> Ints:
    """max(0, order_up_to - position), raised to the minimum order and rounded up to the pack size."""
    return pack_up(np.maximum(whole(order_up_to) - position, 0), minimum, pack)


@dataclass(frozen=True, slots=True)
class Runout:
    """When stock ends and when help comes; days from the close of the last day, (n,) float64."""

    cover: Floats  # available / d, without inbound; inf where nothing sells; days of events count as more
    stockout: Floats  # the same with the inbound that lands before the stock runs out
    landing: Floats  # units of inbound counted in `stockout`
    next_arrival: Floats  # the first arrival still to come; NaN without one
    relief: Floats  # the first arrival after the stock-out; where none is due, an order placed now (the lead time)
    relief_due: Bools  # relief is on its way already
    gap: Floats  # relief - stockout: days without stock; 0 where it does not come to that
    slack: Floats  # stockout - relief, signed: how many days of stock are left when relief comes


def runout(
    available: Counts,
    velocity: Floats,
    incoming: Counts,
    lead_time: Floats,
    spare_days: float = 0.0,
    coming: tuple[Lift, Groups] | None = None,
) -> Runout:
    """Run the stock down at `velocity`, taking arrivals as they land.

    `incoming` (n, H): units landing `k` days from now in column `k`, usable from that moment. Inbound counts only if
    it lands before the stock runs out, with `spare_days` of stock left. `coming` are the events ahead and
    what series have in common for them: a day of an event sells as many usual ones.
    """
    stock = np.maximum(available, 0).astype(np.float64)
    horizon = incoming.shape[1]
    none = np.full(stock.shape, np.inf)

    def lasting(units: Floats) -> Floats:
        days = ratio(units, velocity, np.inf)
        return days if coming is None else coming[0].lasting(coming[1], days)

    cover = lasting(stock)
    if horizon == 0:
        return _relieved(cover, cover.copy(), np.zeros_like(stock), np.full_like(stock, np.nan), none, lead_time)
    day = np.arange(horizon, dtype=np.float64)
    landed = np.cumsum(incoming, axis=1, dtype=np.float64)
    before = np.concatenate([np.zeros((len(stock), 1)), landed[:, :-1]], axis=1)
    lasts = ratio(stock[:, None] + before, velocity[:, None], np.inf)
    until = day + spare_days
    usual = until if coming is None else until + coming[0].until(coming[1], until)
    dry = (lasts < usual) & (incoming > 0)  # out of stock when this arrival comes
    ends = dry.any(axis=1)
    end = dry.argmax(axis=1)[:, None]
    landing = np.where(ends, np.take_along_axis(before, end, axis=1)[:, 0], landed[:, -1])
    stockout = lasting(stock + landing)
    arrives = incoming > 0
    next_arrival = np.where(arrives.any(axis=1), arrives.argmax(axis=1).astype(np.float64), np.nan)
    due = np.where(ends, end[:, 0].astype(np.float64), np.inf)
    return _relieved(cover, stockout, landing, next_arrival, due, lead_time)


def _relieved(
    cover: Floats, stockout: Floats, landing: Floats, next_arrival: Floats, due: Floats, lead_time: Floats
) -> Runout:
    """The run-out with its relief: the arrival that is due after the stock-out, or an order placed now."""
    is_due = np.isfinite(due)
    relief = np.where(is_due, due, lead_time)
    slack = stockout - relief
    return Runout(cover, stockout, landing, next_arrival, relief, is_due, np.maximum(-slack, 0.0), slack)


def expected_lost_units(stock: Floats, velocity: Floats, sd: Floats, span: Floats, span_sd: Floats) -> Floats:
    """Units that cannot be sold before relief: E[(D - stock)+] for demand D over the span, as a normal.

    With mean = d A and sigma^2 = A sd^2 + d^2 sd_A^2 it is sigma (phi(u) - u (1 - Phi(u))), u = (stock - mean) / sigma
    (Silver, Pyke & Peterson); with sigma 0 it is gap x velocity.
    """
    mean = velocity * span
    variance = span * sd**2 + velocity**2 * span_sd**2
    return np.maximum(normal_lost(stock, mean, variance), 0.0)


def unit_margin(unit_price_minor: Ints, unit_cost_minor: Ints) -> Ints:
    """Price - cost in minor units, at least zero; zero where either is unknown (zero)."""
    known = (unit_price_minor > 0) & (unit_cost_minor > 0)
    return np.where(known, np.maximum(unit_price_minor - unit_cost_minor, 0), 0)


def lost_margin(lost_units: Floats, margin_minor: Ints) -> Ints:
    """Expected lost margin in minor units."""
    return to_minor(lost_units * margin_minor)


@dataclass(frozen=True, slots=True)
class Transfers:
    """For each series: the series that could give it stock (-1: none), and how many whole units."""

    donor: Ints
    quantity: Ints


def find_transfers(
    sku: Ints, location: Ints, need: Ints, spare: Ints, transfer_days: Floats, sooner_than: Floats, rank: Counts
) -> Transfers:
    """Look for stock at another location before buying.

    `need` and `spare` (n,) in units: what a series wants, and what it holds above its own order-up-to level.
    `transfer_days` (locations, locations), from row to column, inf where goods do not go. A donor must be sooner than
    `sooner_than` (n,) days; the soonest is taken, then the one with most to spare. Series with a higher `rank` are
    served first, and no unit is promised twice.
    """
    takers, givers = _pairs(sku, (need > 0), (spare > 0))
    days = transfer_days[location[givers], location[takers]]
    useful = (takers != givers) & (days < sooner_than[takers])
    takers, givers, days = takers[useful], givers[useful], days[useful]
    order = np.lexsort((givers, -spare[givers], days, takers))
    takers, givers = takers[order], givers[order]
    first = np.ones(len(takers), dtype=np.bool_)
    first[1:] = takers[1:] != takers[:-1]
    takers, givers = takers[first], givers[first]

    order = np.lexsort((takers, -rank[takers].astype(np.float64), givers))
    takers, givers = takers[order], givers[order]
    asked = np.cumsum(need[takers])
    start = np.zeros(len(givers), dtype=np.int64)
    fresh = np.flatnonzero(np.r_[True, givers[1:] != givers[:-1]]) if len(givers) else np.empty(0, dtype=np.int64)
    start[fresh] = asked[fresh] - need[takers][fresh]
    promised = asked - need[takers] - np.maximum.accumulate(start)
    given = np.clip(spare[givers] - promised, 0, need[takers])

    donor, quantity = np.full(len(sku), -1, dtype=np.int64), np.zeros(len(sku), dtype=np.int64)
    donor[takers[given > 0]] = givers[given > 0]
    quantity[takers] = given
    return Transfers(donor, quantity)


def _pairs(sku: Ints, wants: Bools, gives: Bools) -> tuple[Ints, Ints]:
    """All (taker, giver) pairs of one SKU, as two arrays of row numbers."""
    givers = np.flatnonzero(gives)
    givers = givers[np.argsort(sku[givers], kind="stable")]
    takers = np.flatnonzero(wants)
    low = np.searchsorted(sku[givers], sku[takers], "left")
    count = np.searchsorted(sku[givers], sku[takers], "right") - low
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(takers, count), givers[np.repeat(low, count) + within]
