"""The naive min-max buyer of the reconstruction, for every product at every location at once (pure NumPy)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MEMORY = 2 / (28 + 1)  # weight of a day in the buyer's exponential mean of four weeks
SAFETY_DAYS = 10
REVIEW_DAYS = 7
LOOK_AHEAD = 56  # days whose sales the opening stock is guessed from
FADING = 2 / (56 + 1)
FEWEST_DAYS = 2.0  # days with sales, each fading over eight weeks, below which a product is not bought again
HELD_UP = 0.05  # share of orders that customs or a storm delays


@dataclass(frozen=True, slots=True, eq=False)
class Goods:
    """n products at locations over T days.

    `units` (n, T) is demand, `out` (n, T) what left the shelf net of returns, write-offs and finds; `lead` and `spread`
    are days, `pack` and `minimum` units, all (n,).
    """

    units: Ints
    out: Ints
    lead: Floats
    spread: Floats
    pack: Ints
    minimum: Ints


class Orders(NamedTuple):
    """Orders as columns: which product, the days ordered, promised and arrived, and the units.

    Days count from 0, the first of the sales; a launch may have been ordered before, an arrival lie after the last.
    """

    series: Ints
    ordered: Ints
    promised: Ints
    arrived: Ints
    units: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """What the buyer did: his orders, the opening stock (n,), and the units sold beyond the shelf (n, T)."""

    orders: Orders
    opening: Ints
    beyond: Ints


def buy(goods: Goods, rng: np.random.Generator) -> Purchases:
    """Replay the buyer over all days; the generator's state decides every guess and every delay."""
    n, days = len(goods.units), int(goods.units.shape[1])
    cover: Floats = rng.uniform(25, 60, n)
    guess: Floats = rng.lognormal(0.0, 0.55, n)
    weekday = rng.integers(0, REVIEW_DAYS, n)
    sold = goods.units > 0
    begins = np.where(sold.any(axis=1), sold.argmax(axis=1), days)
    launched = (begins > LOOK_AHEAD) & (begins < days)
    early = _mean_from(goods.units, np.where(launched, begins, 0)) * guess
    opening = np.where(launched, 0, np.rint(early * (goods.lead + cover))).astype(np.int64)
    orders = [_launches(goods, np.flatnonzero(launched), begins, early * (goods.lead + cover), rng)]
    arriving = np.zeros((days, n), np.int64)
    placed = np.zeros((days, n), np.int64)
    np.add.at(arriving, (orders[0].arrived, orders[0].series), orders[0].units)
    np.add.at(placed, (np.maximum(orders[0].ordered, 0), orders[0].series), orders[0].units)
    stock, coming = opening.copy(), np.zeros(n, np.int64)
    rate: Floats = np.where(launched, 0.0, early)
    lively = np.where(launched | (begins == days), 0.0, FEWEST_DAYS)
    beyond = np.zeros((n, days), np.int64)
    for day in range(days):
        stock += arriving[day]
        coming += placed[day] - arriving[day]
        left = stock - goods.out[:, day]
        beyond[:, day] = np.maximum(-left, 0)
        stock = np.maximum(left, 0)
        rate += MEMORY * (goods.units[:, day] - rate)
        lively += sold[:, day] - FADING * lively
        needed: Floats = rate * (goods.lead + SAFETY_DAYS)
        low = (weekday == day % REVIEW_DAYS) & (lively >= FEWEST_DAYS) & (stock + coming <= needed)
        chosen = np.flatnonzero(low)
        if len(chosen):
            wish = needed[chosen] + rate[chosen] * cover[chosen] - stock[chosen] - coming[chosen]
            order = _order(goods, chosen, day, wish, rng)
            within = order.arrived < days
            arriving[order.arrived[within], chosen[within]] += order.units[within]
            coming[chosen] += order.units
            orders.append(order)
    columns = (np.concatenate(column) for column in zip(*orders, strict=True))
    return Purchases(Orders(*columns), opening, beyond)


def _mean_from(units: Ints, start: Ints) -> Floats:
    """Mean units a day over the eight weeks from each product's `start`."""
    total = np.concatenate([np.zeros((len(units), 1), np.int64), np.cumsum(units, axis=1)], axis=1)
    line, last = np.arange(len(units)), units.shape[1]
    end = np.minimum(start + LOOK_AHEAD, last)
    mean: Floats = (total[line, end] - total[line, start]) / np.maximum(end - start, 1)
    return mean


def _lots(wish: Floats, goods: Goods, chosen: Ints) -> Ints:
    """Whole packs, and no fewer than the minimum."""
    pack = goods.pack[chosen]
    lots: Ints = np.ceil(np.maximum(wish, goods.minimum[chosen]) / pack).astype(np.int64) * pack
    return lots


def _launches(goods: Goods, chosen: Ints, begins: Ints, wish: Floats, rng: np.random.Generator) -> Orders:
    """One order for each new product, which arrived in the week before its first sale."""
    arrived = begins[chosen] - rng.integers(1, 8, len(chosen))
    promised = arrived - rng.integers(-3, 4, len(chosen))
    ordered = promised - np.rint(goods.lead[chosen]).astype(np.int64)
    return Orders(chosen, np.minimum(ordered, arrived - 1), promised, arrived, _lots(wish[chosen], goods, chosen))


def _order(goods: Goods, chosen: Ints, day: int, wish: Floats, rng: np.random.Generator) -> Orders:
    """Orders placed on `day`; each takes its route's time, more or less."""
    held = np.where(rng.random(len(chosen)) < HELD_UP, rng.integers(7, 22, len(chosen)), 0)
    taken = goods.lead[chosen] + goods.spread[chosen] * rng.standard_normal(len(chosen)) + held
    arrived = day + np.maximum(np.rint(taken), 2).astype(np.int64)
    promised = day + np.rint(goods.lead[chosen]).astype(np.int64)
    return Orders(chosen, np.full(len(chosen), day), promised, arrived, _lots(wish, goods, chosen))
