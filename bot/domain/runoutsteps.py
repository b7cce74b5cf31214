"""The steps of evidence that tell when the stock runs out and what that loses; see `bot.domain.steps`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from bot.domain.arrays import Floats, Ints, ratio
from bot.domain.sheet import Sheet, Texts
from bot.domain.watch import Assessment

_Step = tuple[Ints | Floats, Mapping[str, Ints | Floats]]  # a result, and the values that it comes from
_Figures = Callable[[Assessment], _Step]


def _while_selling(name: str, formula: str, figures: _Figures, a: Assessment, sheet: Sheet) -> Texts:
    """A step of the run-out; nothing where nothing sells."""

    def make(part: Sheet) -> Texts:
        result, values = figures(a)
        return part.step(name, formula, result, **values)

    return sheet.where(a.demand.velocity > 0, make)


def _with_events(name: str, plain: str, moved: str, figures: _Figures, a: Assessment, sheet: Sheet) -> Texts:
    """The same, by the formula `moved` where `events` ahead make usual days more or fewer than the calendar's."""

    def make(part: Sheet) -> Texts:
        result, values = figures(a)
        events = np.asarray(values["events"])
        without = {key: value for key, value in values.items() if key != "events"}
        return part.either(
            [
                (events != 0, lambda some: some.step(name, moved, result, **values)),
                (events == 0, lambda some: some.step(name, plain, result, **without)),
            ]
        )

    return sheet.where(a.demand.velocity > 0, make)


def _eventful(days: Floats, shown: Floats) -> Floats:
    """Usual days less those shown: what events take off; 0 where neither ends."""
    known = np.isfinite(days) & np.isfinite(shown)
    return np.where(known, np.where(known, days, 0.0) - np.where(known, shown, 0.0), 0.0)


def stock_in_hand(a: Assessment) -> Ints:
    """What can be sold, in units."""
    return np.maximum(a.positions.available, 0).astype(np.int64)


def _cover(a: Assessment) -> _Step:
    stock, d, cover = stock_in_hand(a), a.demand.velocity, a.supply.runout.cover
    return cover, {"stock": stock, "d": d, "events": _eventful(ratio(stock, d, np.inf), cover)}


def _stockout(a: Assessment) -> _Step:
    end, stock, d = a.supply.runout, stock_in_hand(a), a.demand.velocity
    events = _eventful(ratio(stock + end.landing, d, np.inf), end.stockout)
    return end.stockout, {"stock": stock, "landing": end.landing, "d": d, "events": events}


def _gap(a: Assessment) -> _Step:
    end = a.supply.runout
    return end.gap, {"relief": end.relief, "stockout": end.stockout}


def _lost_units(a: Assessment) -> _Step:
    end, d = a.supply.runout, a.demand.velocity
    spread = np.where(end.relief_due, 0.0, a.supply.lead_time_sd)
    return a.supply.lost_units, {
        "stock": stock_in_hand(a) + end.landing,
        "d": d,
        "relief": end.relief,
        "events": a.supply.relief_days - end.relief,
        "sigma": np.sqrt(a.supply.relief_days * a.demand.sd**2 + d**2 * spread**2),
    }


def _lost_margin(a: Assessment) -> _Step:
    return a.supply.lost_margin_minor, {"lost_units": a.supply.lost_units, "margin": a.supply.margin_minor}


STEPS: Mapping[str, Callable[[Assessment, Sheet], Texts]] = {
    "days_of_cover": partial(_with_events, "days_of_cover", "stock / d", "stock / d - events", _cover),
    "days_to_stockout": partial(
        _with_events, "days_to_stockout", "(stock + landing) / d", "(stock + landing) / d - events", _stockout
    ),
    "gap": partial(_while_selling, "gap", "max(0, relief - stockout)", _gap),
    "lost_units": partial(
        _with_events,
        "lost_units",
        "shortage(stock, d * relief, sigma)",
        "shortage(stock, d * (relief + events), sigma)",
        _lost_units,
    ),
    "lost_margin": partial(_while_selling, "lost_margin", "round(lost_units * margin)", _lost_margin),
}
