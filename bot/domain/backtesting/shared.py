"""What the places of one product tell about each other: a rise that all of them show is the product's own."""

from __future__ import annotations

import numpy as np

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.backtesting.setting import DAYS
from bot.domain.forecasting import Panel

_LATELY = 14.0  # days that a product's present rate is read from,
_BEFORE = 4  # and of how many times as many its rate so far
_GOES_ON = 0.5  # share of the rise, as a logarithm, that is expected to last
_HALF = 50.0  # periods of places with a sale, lately, at which a rise is believed by half
_LIMIT = 1.0  # a rise beyond this logarithm, up or down, is cut to it


def rises(past: Panel, product: Ints) -> Floats:
    """(n,): the factor by which demand is expected to leave its past rate, one for all places of a `product` (n,).

    Units are held against what each place's rate so far asks for while it has stock: shelves that were empty lately
    are no fall. What sold in few places and seldom is believed little, for there a rise is mostly chance: 1 where
    nothing did.
    """
    lately = max(1, round(_LATELY / DAYS[past.freq]))
    units = past.units[:, -lately * _BEFORE :]
    stock = np.ones_like(units) if past.in_stock is None else past.in_stock[:, -lately * _BEFORE :]
    rate = ratio(units.sum(axis=1, dtype=np.float64), stock.sum(axis=1, dtype=np.float64), 0.0)
    asked = _of(product, rate * stock[:, -lately:].sum(axis=1))
    now = _of(product, units[:, -lately:].sum(axis=1, dtype=np.float64))
    sales = _of(product, (units[:, -lately:] > 0).sum(axis=1))
    rise = np.clip(np.log(np.where(now > 0, ratio(now, asked, 1.0), 1.0)), -_LIMIT, _LIMIT)
    factor: Floats = np.exp(_GOES_ON * rise * sales / (sales + _HALF))
    return factor[product]


def _of(product: Ints, values: Floats | Ints) -> Floats:
    """(products,): the sum of the rows of each product."""
    return np.bincount(product, weights=values).astype(np.float64, copy=False)
