"""The watch's arithmetic once more, one series at a time in plain Python: slow, obvious, independent of the fast one.

The tests compare the two; the benchmark takes this one as its baseline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, mean, stdev

from bot.domain.demand import DemandSettings


@dataclass
class SlowDemand:
    corrected: list[float]
    in_stock_days: list[float]
    span_days: list[int]
    left_out_days: list[int]
    part_days: list[int]
    part_out_days: list[float]
    raw: list[float]
    velocity: float
    mean: float  # of as many days as `sd`, be they parts of days
    sd: float
    adi: float
    cv2: float
    spike_limit: float
    spike_days: int


def slow_days(units: Sequence[int], closing: Sequence[int], settings: DemandSettings) -> tuple[list[bool], list[bool]]:
    """Per day: stocked out, listed."""
    listed, seen = [], False
    for sold, stock in zip(units, closing, strict=True):
        seen = seen or sold > 0 or stock > 0
        listed.append(seen)
    zero = []
    for day, stock in enumerate(closing):
        opening = closing[day - 1] if day else stock
        zero.append(stock == 0 and (settings.stockout_stock == "closing" or opening == 0))
    normal = [units[day] for day in range(len(units)) if listed[day] and not zero[day]]
    usual = mean(normal) if normal else 0.0
    out = []
    for day, sold in enumerate(units):
        few = sold < settings.stockout_sales_share * usual
        short = zero[day] and (few or sold == 0) if settings.stockout_join == "and" else zero[day] or few
        out.append(listed[day] and short)
    return out, listed


def slow_demand(
    units: Sequence[int], closing: Sequence[int], settings: DemandSettings, parts: Mapping[int, float] | None = None
) -> SlowDemand:
    """The demand of one series; `parts`: the share in stock of the days of which it is known."""
    cut = max(0, len(units) - settings.reach_days)
    part = {day - cut: share for day, share in (parts or {}).items() if day >= cut}
    units, closing = list(units[-settings.reach_days :]), list(closing[-settings.reach_days :])
    out, listed = slow_days(units, closing, settings)
    part = {day: share for day, share in part.items() if listed[day]}
    out = [short and day not in part for day, short in enumerate(out)]
    usable = [listed[day] and not out[day] for day in range(len(units))]
    spans, chosen = [], []
    for window in settings.windows:
        need, span = math.ceil(window * settings.window_fill), 0
        found: list[int] = []
        while span < len(units) and (span < window or sum(part.get(day, 1) for day in found) < need):
            span += 1
            if usable[-span]:
                found.append(len(units) - span)
        spans.append(span)
        chosen.append(found)
    limit = _slow_limit([units[day] for day in chosen[-1] if units[day] > 0], settings)
    base = [min(sold, limit) for sold in units]
    rests_on = []
    for window, found in zip(settings.windows, chosen, strict=True):
        held = sum(part.get(day, 1) for day in found)
        filled = held >= math.ceil(window * settings.window_fill)
        rests_on.append(held if filled or not found else max(held, min(settings.least_days, sum(listed))))
    corrected = [
        sum(base[day] for day in found) / days if found else 0.0 for found, days in zip(chosen, rests_on, strict=True)
    ]
    weights = [weight if found else 0.0 for weight, found in zip(settings.blend, chosen, strict=True)]
    days = [base[day] for day in chosen[-1]]
    sizes = [size for size in days if size > 0]
    within = [[day for day in part if day >= len(units) - span] for span in spans]
    return SlowDemand(
        corrected=corrected,
        in_stock_days=[sum(part.get(day, 1) for day in found) for found in chosen],
        span_days=spans,
        left_out_days=[sum(out[-span:]) for span in spans],
        part_days=[len(found) for found in within],
        part_out_days=[sum(1 - part[day] for day in found) for found in within],
        raw=[mean(units[-window:]) for window in settings.windows],
        velocity=sum(map(math.prod, zip(weights, corrected, strict=True))) / sum(weights) if sum(weights) else 0.0,
        mean=mean(days) if days else 0.0,
        sd=stdev(days) if len(days) > 1 else 0.0,
        adi=sum(part.get(day, 1) for day in chosen[-1]) / len(sizes) if sizes else math.inf,
        cv2=(stdev(sizes) / mean(sizes)) ** 2 if len(sizes) > 1 else 0.0,
        spike_limit=limit,
        spike_days=sum(units[day] > limit for day in chosen[-1]),
    )


def _slow_limit(sizes: list[int], settings: DemandSettings) -> float:
    """The spike limit from the sizes of the sale days."""
    others = sorted(sizes)[:-1]
    if not others or len(others) < settings.spike_sale_days:
        return math.inf
    spread = stdev(others) if len(others) > 1 else 0.0
    return mean(others) + settings.spike_sigma * max(spread, math.sqrt(mean(others)))


def slow_safety_stock(velocity: float, sd: float, lead_time: float, lead_time_sd: float, level: float) -> float:
    """The normal safety stock."""
    if velocity * lead_time <= 0:
        return 0.0
    return max(0.0, NormalDist().inv_cdf(level) * math.sqrt(lead_time * sd**2 + velocity**2 * lead_time_sd**2))


def slow_ageing(receipts: Sequence[int], on_hand: int, edges: Sequence[int]) -> list[int]:
    """Stock by age: walk back through the receipts until the stock in hand is explained."""
    buckets, left = [0] * (len(edges) + 1), on_hand
    for age, got in enumerate(reversed(receipts)):
        taken = min(left, got)
        buckets[bucket_of(age, edges)] += taken
        left -= taken
    buckets[bucket_of(len(receipts), edges)] += left
    return buckets


def bucket_of(age: int, edges: Sequence[int]) -> int:
    """The bucket of an age."""
    return sum(age > edge for edge in edges)


def slow_runout(available: int, velocity: float, incoming: Sequence[int], lead_time: float) -> tuple[float, float]:
    """(days to stock-out, days to relief), event by event."""
    stock = float(max(available, 0))
    for day, units in enumerate(incoming):
        if units:
            if velocity > 0 and stock / velocity < day:
                return stock / velocity, float(day)
            stock += units
    return (stock / velocity if velocity > 0 else math.inf), lead_time
