"""What the next unit of stock is worth, series beside series: how often sales come says how high a quantile pays.

Of an order-up-to level S with lead time L and review R, the units short in a review period are
E(D(L+R) - S)+ - E(D(L) - S)+ (Johnson, Lee, Davis & Hall 1995, Naval Research Logistics 42). One unit more spares
P(D(L+R) > S) - P(D(L) > S) of them, not all of P(D(L+R) > S): what is short before the order comes is lost with it or
without it. Given that there still is stock when it comes, the chance that the unit is sold in the review period is
1 - P(D(L+R) <= S) / P(D(L) <= S). Where sales come at the rate v a period as a Poisson process, that is
1 - exp(-v R) for the first unit, against 1 - exp(-v (L+R)) for the tail of the quantile. Their ratio weighs the tails:
it runs from R / (L+R) for what hardly ever sells to 1 for what sells every day.
"""

from __future__ import annotations

import numpy as np

from bot.domain.arrays import Floats
from bot.domain.forecasting import Panel

_RARE = 1e-9  # sales a period: below it the ratio is that of its limit


def sale_rate(past: Panel, half_life: float) -> Floats:
    """(n,): the share of periods with a sale since the listing, smoothed, and one period without beside them."""
    weight = 0.5 ** (np.arange(past.periods)[::-1] / half_life)
    since = np.concatenate([np.cumsum(weight[::-1])[::-1], np.zeros(1)])  # the weight of a column and all after it
    return np.asarray(
        (past.units > 0) @ weight / (since[np.minimum(past.listed, past.periods)] + 1.0), dtype=np.float64
    )


def weights(rate: Floats, lead: float, review: float) -> Floats:
    """(n,): the worth of a unit over the tail of demand over lead time and review, R / (L+R) to 1."""
    least = review / (lead + review)
    sells = rate > _RARE
    held = np.where(sells, rate, 1.0)
    return np.where(sells, np.expm1(-held * review) / np.expm1(-held * (lead + review)), least)


def at_tails(quantiles: Floats, levels: Floats, tails: Floats) -> Floats:
    """Quantiles at `tails` (n, knobs), the chances above them, from those at the ascending `levels` (n, levels).

    Between levels they are straight in the logarithm of the tail, and zero where the tail is everything; beyond the
    last level they are that level's own.
    """
    known = np.concatenate([np.zeros(1), -np.log1p(-levels)])
    wanted = -np.log(np.clip(tails, np.finfo(np.float64).tiny, 1.0))
    low = np.clip(np.searchsorted(known, wanted, side="right") - 1, 0, len(levels) - 1)
    share = np.minimum((wanted - known[low]) / (known[low + 1] - known[low]), 1.0)
    below = np.where(low > 0, np.take_along_axis(quantiles, np.maximum(low - 1, 0), axis=1), 0.0)
    return np.asarray(below + share * (np.take_along_axis(quantiles, low, axis=1) - below), dtype=np.float64)
