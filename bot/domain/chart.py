"""What a chart shows, of one series or of weeks of forecasts; chat and the board draw the same (see `bot.charts`).

Dates are local to the location. The fan runs the stock down along quantiles of the demand ahead: what cannot be sold
is lost, and goods on their way land on their promised day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from bot.domain.arrays import Counts, Floats

DAYS = 90  # of history
FAN_LEVELS = (0.1, 0.5, 0.9)  # of demand: the highest leaves the least stock


@dataclass(frozen=True, slots=True)
class Arrival:
    """Goods on their way to a location."""

    quantity: int
    on: date
    late: bool = False


@dataclass(frozen=True, slots=True)
class ChartEvent:
    """Something that explains the curve: a promotion that ran; `until` is its last day."""

    since: date
    until: date
    label: str


@dataclass(frozen=True, slots=True)
class StockChart:
    """One product at one place: history by day, the last entry yesterday's, and the weeks ahead.

    `stock` is each day's closing stock (None: not counted), `sales` the units sold, `empty` whether it was a day
    without stock; `fan` holds, for today and the days after it, the stock at the end of the day in units as (low,
    middle, high).
    """

    sku: str
    name: str
    code: str  # of the place
    place: str  # its name
    today: date
    stock: tuple[int | None, ...]
    sales: tuple[int, ...]
    empty: tuple[bool, ...]
    fan: tuple[tuple[int, int, int], ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    events: tuple[ChartEvent, ...] = ()
    reorder_point: int | None = None
    stockout_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        if not len(self.stock) == len(self.sales) == len(self.empty) or not self.stock:
            raise ValueError("a chart needs as many days of stock as of sales, and at least one")

    @property
    def first_day(self) -> date:
        """The day of the first column."""
        return self.today - timedelta(days=len(self.stock))

    @property
    def last_day(self) -> date:
        """The last day drawn: the end of the fan, or today."""
        return self.today + timedelta(days=max(len(self.fan) - 1, 0))

    def empty_spans(self) -> tuple[tuple[date, date], ...]:
        """Runs of days without stock, as first and last day."""
        marks = np.flatnonzero(np.diff(np.array([False, *self.empty, False], dtype=np.int8)))
        return tuple(
            (self.first_day + timedelta(days=int(start)), self.first_day + timedelta(days=int(end) - 1))
            for start, end in zip(marks[::2], marks[1::2], strict=True)
        )


@dataclass(frozen=True, slots=True)
class ScoreWeek:
    """A week's forecasts, judged: the share of series that each quantile held, and how far off all units were.

    `held` has one share per level of its chart; `bias` is (forecast - sold) / sold. None where nothing could be judged.
    """

    monday: date
    held: tuple[Decimal | None, ...]
    bias: Decimal | None


@dataclass(frozen=True, slots=True)
class ScoreChart:
    """Weeks of forecasts side by side, the oldest first, with the shares that their quantiles promise."""

    levels: tuple[Decimal, ...]
    weeks: tuple[ScoreWeek, ...]

    def __post_init__(self) -> None:
        """Refuse weeks with other quantiles than the chart's."""
        if not self.weeks or any(len(week.held) != len(self.levels) for week in self.weeks):
            raise ValueError("a chart of scores needs a week, and one share per level in each")


Drawn = StockChart | ScoreChart  # what a message can show as a picture


def fan(available: int, incoming: Counts, demand: Floats) -> tuple[tuple[int, int, int], ...]:
    """Stock at the end of each day ahead along each demand path, low first.

    `incoming` (H,): units usable on day k from today; `demand` (levels, H): cumulative demand by the end of that day,
    one row per level of FAN_LEVELS, each without a fall. S(k) = max(0, S(k-1) + incoming(k) - D(k) + D(k-1)).
    """
    levels, days = demand.shape
    steps = np.diff(demand, axis=1, prepend=0.0)
    stock = np.full(levels, float(max(available, 0)))
    path = np.empty((days, levels))
    for day in range(days):
        stock = np.maximum(stock + float(incoming[day]) - steps[:, day], 0.0)
        path[day] = stock
    ordered = np.rint(np.sort(path, axis=1)).astype(np.int64)
    return tuple((int(low), int(middle), int(high)) for low, middle, high in ordered)
