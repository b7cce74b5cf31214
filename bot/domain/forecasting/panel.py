"""What a forecast is made of, and what it says: `n` series down, `T` periods across, the oldest first."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.domain.arrays import Floats, Ints, shaped

Singles = NDArray[np.float32]
Freq = Literal["day", "week", "month"]
SEASON: dict[Freq, int] = {"day": 7, "week": 52, "month": 12}  # periods of the seasonal naive forecast


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Histories of `n` series over the same `T` periods; column `t` is the period `first + t` of `freq`.

    `units` (n, T) float32: units sold, zero or more. `in_stock` (n, T) float32: the share of the period with stock,
    0 to 1; None where nobody recorded it, which counts as always. `listed` (n,): the first column that counts, that
    of the first sale or stock. `pool` and `region` (n,): any numbering of the category and the place, for what
    series share. `price` and `cost` (n,): of a unit, NaN where unknown. `behind` (n,): days by which a
    series' columns lie before those of the panel; None where none do.
    """

    first: date
    freq: Freq
    units: Singles
    in_stock: Singles | None
    listed: Ints
    pool: Ints
    region: Ints
    price: Floats
    cost: Floats
    behind: Ints | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        if self.units.ndim != 2:
            raise ValueError(f"units must be (series, periods), not {self.units.shape}")
        if self.in_stock is not None:
            shaped("in_stock", self.in_stock, self.units.shape)
        for name in ("listed", "pool", "region", "price", "cost"):
            shaped(name, getattr(self, name), self.units.shape[:1])
        if self.behind is not None:
            shaped("behind", self.behind, self.units.shape[:1])

    @property
    def series(self) -> int:
        """How many series there are (n)."""
        return int(self.units.shape[0])

    @property
    def periods(self) -> int:
        """How many periods there are (T)."""
        return int(self.units.shape[1])

    def before(self, column: int) -> Panel:
        """What was known when `column` began: the periods before it."""
        return dataclasses.replace(
            self,
            units=self.units[:, :column],
            in_stock=None if self.in_stock is None else self.in_stock[:, :column],
        )

    def chosen(self, rows: NDArray[np.bool_] | Ints | slice) -> Panel:
        """Some of the series, their periods side by side in memory: loops are compiled for such arrays alone."""
        return Panel(
            self.first,
            self.freq,
            np.ascontiguousarray(self.units[rows]),
            None if self.in_stock is None else np.ascontiguousarray(self.in_stock[rows]),
            self.listed[rows],
            self.pool[rows],
            self.region[rows],
            self.price[rows],
            self.cost[rows],
            None if self.behind is None else self.behind[rows],
        )

    def starts(self, column: int) -> date:
        """The first day of a period, which may lie in the future."""
        match self.freq:
            case "day":
                return self.first + timedelta(days=column)
            case "week":
                return self.first + timedelta(weeks=column)
            case "month":
                month = self.first.month - 1 + column
                return date(self.first.year + month // 12, month % 12 + 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Demand of the periods after a panel, had there always been stock: `mean` (n, H), `quantiles` (n, H, levels)."""

    mean: Floats
    levels: tuple[float, ...]
    quantiles: Floats


class Forecaster(Protocol):
    """Says what to expect; each implementation sees the past alone."""

    @property
    def name(self) -> str:
        """How tables call it."""
        ...

    def forecast(self, past: Panel, horizon: int, levels: tuple[float, ...]) -> Forecast:
        """Demand of each of the next `horizon` periods."""
        ...

    def over(self, past: Panel, spans: Ints, weights: Floats, levels: tuple[float, ...]) -> Floats:
        """Quantiles (n, levels) of the demand of the next periods together.

        Their number is random: `spans[k]` periods with the chance `weights[k]` (a lead time and the review after it).
        """
        ...
