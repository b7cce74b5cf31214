"""What the places of one product tell about each other: a rise that all of them show is the product's own."""

from __future__ import annotations

import numpy as np

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.backtesting.setting import DAYS
from bot.domain.forecasting import Panel

_LATELY = 7.0  # days that a product's present rate is read from,
_BEFORE = 5  # and of how many times as many its rate so far
_GOES_ON = 0.5  # share of the rise, as a logarithm, that is expected to last
_HALF = 50.0  # periods of places with a sale, lately, at which a rise is believed by half
_LIMIT = 1.0  # a rise beyond this logarithm, up or down, is cut to it


def rises(past: Panel, product: Ints) -> Floats:
    """(n,): the factor by which demand is expected to leave its past rate, one for all places of a `product` (n,).

    What sold in few places and seldom is believed little, for there a rise is mostly chance: 1 where nothing did.
    """
    lately = max(1, round(_LATELY / DAYS[past.freq]))
    units = _of(product, past.units[:, -lately * _BEFORE :])
    sales = _of(product, past.units[:, -lately:] > 0).sum(axis=1)
    now, before = units[:, -lately:].mean(axis=1), units.mean(axis=1)
    rise = np.clip(np.log(np.where(now > 0, ratio(now, before, 1.0), 1.0)), -_LIMIT, _LIMIT)
    factor: Floats = np.exp(_GOES_ON * rise * sales / (sales + _HALF))
    return factor[product]


def _of(product: Ints, cells: np.ndarray[tuple[int, ...], np.dtype[np.float32 | np.bool_]]) -> Floats:
    """(products, columns): the sum of the rows of each product."""
    out = np.zeros((int(product.max(initial=-1)) + 1, cells.shape[1]))
    np.add.at(out, product, cells)
    return out
