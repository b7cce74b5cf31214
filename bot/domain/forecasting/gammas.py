"""Quantiles of gammas of many shapes at the same levels, from a table that is as exact as the function behind it."""

from __future__ import annotations

import math

import numpy as np
import scipy  # loads its parts when they are first used

from bot.domain.arrays import Bools, Floats
from bot.domain.forecasting.compiled import compiled

_FROM, _UNTIL = math.log(0.05), math.log(1e6)  # shapes of the table, as logarithms
_STEP = 0.02  # between two of them: then six neighbours give a quantile to some 1e-11 of it
_REACH = 3  # neighbours on either side
WORTH = 2_000  # shapes from which on a table takes less time than the function


class Gammas:
    """Quantiles of gammas of mean 1 at `levels`, each between 0 and 1; `many` is how many will be asked for."""

    def __init__(self, levels: Floats, many: int) -> None:
        self._levels = levels
        self._table: Floats | None = None
        if many >= WORTH:
            nodes = np.arange(math.ceil((_UNTIL - _FROM) / _STEP) + 2 * _REACH)
            shape = np.exp(_FROM + (nodes - (_REACH - 1)) * _STEP)
            with np.errstate(divide="ignore"):
                table = np.log(_exact(shape, levels))
            self._table = table if np.isfinite(table).all() else None

    def quantiles(self, shape: Floats) -> Floats:
        """(n, levels) of the gammas with the shapes (n,), above zero, and the scale 1 / shape."""
        place = np.log(shape)
        inside = (place >= _FROM) & (place < _UNTIL)
        if self._table is None or not inside.any():
            return _exact(shape, self._levels)
        out = np.empty((len(shape), len(self._levels)))
        _fill_between((place - _FROM) / _STEP, self._table, inside, out)
        if not inside.all():
            out[~inside] = _exact(shape[~inside], self._levels)
        return out


def _exact(shape: Floats, levels: Floats) -> Floats:
    found: Floats = scipy.special.gammaincinv(shape[:, None], levels[None, :]) / shape[:, None]
    return found


@compiled
def _fill_between(place: Floats, table: Floats, inside: Bools, out: Floats) -> None:
    """From the polynomial through six neighbours in the table of logarithms (Lagrange's form), where `inside`."""
    for row in range(place.shape[0]):
        if not inside[row]:
            continue
        at = int(place[row])
        f = place[row] - at
        a, b, c, d, e, g = f + 2.0, f + 1.0, f, f - 1.0, f - 2.0, f - 3.0
        w0 = -b * c * d * e * g / 120.0
        w1 = a * c * d * e * g / 24.0
        w2 = -a * b * d * e * g / 12.0
        w3 = a * b * c * e * g / 12.0
        w4 = -a * b * c * d * g / 24.0
        w5 = a * b * c * d * e / 120.0
        for level in range(table.shape[1]):
            out[row, level] = math.exp(
                w0 * table[at, level] + w1 * table[at + 1, level] + w2 * table[at + 2, level]
                + w3 * table[at + 3, level] + w4 * table[at + 4, level] + w5 * table[at + 5, level]
            )  # fmt: skip
