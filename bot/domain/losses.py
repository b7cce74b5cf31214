"""Expected lost units E[(D - stock)+]: what a shelf of so many units cannot sell of a random demand D.

Broadcast over any shapes; units, whole for counts and fractional for the normal. Regular demand is a normal (Silver,
Pyke & Peterson, Inventory Management and Production Planning, 3rd ed.); skewed demand is a negative binomial,
or a Poisson where its variance does not exceed its mean. For a count, d P_r(d) = mean P_{r+1}(d - 1) gives

    E[(D - y)+] = mean P_{r+1}(D >= y) - y P_r(D > y)

for whole y (r to r + 1 at the same p; a Poisson keeps its rate), and the function is linear between whole numbers.
"""

from __future__ import annotations

import numpy as np
import scipy  # loads its parts when they are first used

from bot.domain.arrays import Bools, Floats, ratio


def expected_lost(stock: Floats, mean: Floats, variance: Floats, skewed: Bools) -> Floats:
    """E[(D - stock)+] with that mean and variance; zero without demand."""
    shape = np.broadcast_shapes(stock.shape, mean.shape)
    y, m, v = (np.broadcast_to(each, shape) for each in (stock, mean, variance))
    count = np.broadcast_to(skewed, shape) & (m > 0)
    out = np.empty(shape)
    out[~count] = normal_lost(y[~count], m[~count], v[~count])
    out[count] = _counted(y[count], m[count], v[count])
    return np.maximum(out, 0.0)


def normal_lost(stock: Floats, mean: Floats, variance: Floats) -> Floats:
    """Of a normal: sigma (phi(u) - u (1 - Phi(u))), u = (stock - mean) / sigma; without a spread the difference."""
    sigma = np.sqrt(variance)
    u = ratio(stock - mean, sigma, 0.0)
    loss = sigma * (np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi) - u * scipy.special.ndtr(-u))
    return np.where(sigma > 0, loss, np.maximum(mean - stock, 0.0))


def _counted(stock: Floats, mean: Floats, variance: Floats) -> Floats:
    """Of a negative binomial or a Poisson; below zero every unit of demand is lost, and the lack itself."""
    whole = np.maximum(np.floor(stock), 0.0)
    at_least, above = np.empty_like(mean), np.empty_like(mean)
    over = variance > mean * (1 + 1e-6)
    size = mean[over] ** 2 / (variance[over] - mean[over])
    miss = 1 - mean[over] / variance[over]
    at_least[over] = np.where(whole[over] > 0, scipy.special.betainc(np.maximum(whole[over], 1.0), size + 1, miss), 1.0)
    above[over] = scipy.special.betainc(whole[over] + 1, size, miss)
    rest = ~over
    at_least[rest] = np.where(whole[rest] > 0, scipy.special.gammainc(np.maximum(whole[rest], 1.0), mean[rest]), 1.0)
    above[rest] = scipy.special.gammainc(whole[rest] + 1, mean[rest])
    between = np.where(stock > 0, stock - whole, 0.0)
    loss: Floats = mean * at_least - whole * above - between * above
    return loss - np.minimum(stock, 0.0)
