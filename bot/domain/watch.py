"""The watch: one pass over the whole catalogue, from plain arrays to every figure, class and amount at risk.

Rows are series (SKU x location) in the caller's order; a row's figures depend on no other row, save ABC (and the
service level chosen by it), the false-alarm budgets of surges and slumps, days on which a place was closed,
and transfers; lessons are learned beforehand. Money is
in integer minor units of one currency: the caller converts beforehand. An unknown cost or price is zero and puts no
money at risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain import replenishment, slump, surge, turnover
from bot.domain.arrays import Bools, Ints, shaped
from bot.domain.classes import reviews
from bot.domain.demand import BlendedVelocity, DemandEstimate, SeriesHistory
from bot.domain.figures import Stock, Supply, Terms, stock_figures, supply_figures, terms_of, transfer_figures
from bot.domain.groups import Groups
from bot.domain.judgement import Judged, money_at_risk, severities
from bot.domain.outlook import Outlook, Question, Taught, outlook
from bot.domain.uplift import Lift
from bot.domain.views import CaseKind
from bot.domain.watch_inputs import Network, Positions, Routes, WatchSettings

__all__ = ["Assessment", "Network", "Positions", "Routes", "Stock", "Supply", "Taught", "WatchSettings", "assess"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything the watch knows as of the close of `as_of`, with the inputs it rests on.

    `opens` and `holds` give each kind's severity by the opening and by the relaxed limits (see `cases.step`); where a
    feed is stale nothing opens and nothing changes but `data_stale`. `money_minor` is the money at risk if the kind
    applies; read it together with the severity.
    """

    as_of: date
    settings: WatchSettings
    routes: Routes
    positions: Positions
    demand: DemandEstimate
    outlook: Outlook | None  # None: nothing was taught, and the demand is that of `demand` alone
    supply: Supply
    stock: Stock
    surge: surge.SurgeSigns
    surging: Bools  # within the false-alarm budget
    slump: slump.SlumpSigns
    slumping: Bools  # within a budget of its own
    transfers: replenishment.Transfers
    opens: Mapping[CaseKind, Ints]
    holds: Mapping[CaseKind, Ints]
    money_minor: Mapping[CaseKind, Ints]
    coming: tuple[Lift, Groups] | None = None  # the events ahead, and what series have in common for them

    @property
    def series(self) -> int:
        """How many series there are (n)."""
        return len(self.supply.position)


def assess(
    history: SeriesHistory,
    routes: Routes,
    positions: Positions,
    settings: WatchSettings,
    network: Network | None = None,
    taught: Taught | None = None,
    classes: Ints | None = None,
    others: int = 0,
) -> Assessment:
    """Judge every series as of the close of the history's last day; ValueError where the arrays do not fit.

    Where there are lessons of the catalogue's past (`taught`), velocities and the demand of lead times are theirs;
    events ahead make either of more days than the calendar counts.
    For an assessment of a few series of a catalogue: `classes` are their ABC numbers known from a pass over the whole,
    and `others` is how many series are not among them, so that no more false surges and slumps are found than in the
    whole.
    """
    _check(history, routes, positions, network)
    estimate = BlendedVelocity().estimate(history, settings.demand)
    span = turnover.period(history, settings.turnover.period_days)
    abc = classes
    if abc is None:
        abc = turnover.abc(span.units * routes.unit_price_minor.astype(np.float64), settings.turnover)
    kinds = abc, turnover.xyz(estimate.week_cv, settings.turnover)
    if settings.replenishment.classes:
        own = reviews(routes.review_days, settings.replenishment.classes, *kinds, every=routes.review_every)
        routes = replace(routes, review_days=own)
    coming = None if taught is None or taught.lift is None else (taught.lift, taught.groups)
    terms = terms_of(kinds, routes, settings.replenishment, coming)
    ahead = None if taught is None else _ahead(history, estimate, settings, taught, terms)
    if ahead is not None:
        estimate = replace(estimate, velocity=ahead.velocity)
    supply = supply_figures(estimate, terms, routes, positions, settings.replenishment, ahead)
    stock = stock_figures(history, estimate, span, kinds, supply, routes, positions, settings)
    signs = surge.surge_signs(replace(history, marked=None), settings.demand, settings.surge)  # events are news too
    surging = surge.discoveries(signs.p_value, signs.judged, settings.surge.false_discoveries, others)
    surging &= signs.count >= settings.surge.least_units
    fallen = slump.slump_signs(
        history, settings.demand, settings.slump, None if network is None else network.location, positions.untold
    )
    slumping = surge.discoveries(fallen.p_value, fallen.judged, settings.slump.false_discoveries, others)
    slumping &= fallen.count <= settings.slump.most_share * fallen.usual
    judged = Judged(estimate, supply, stock, signs, surging, fallen, slumping, positions, settings, coming)
    opens, holds = severities(judged)
    return Assessment(
        as_of=history.last_day,
        settings=settings,
        routes=routes,
        positions=positions,
        demand=estimate,
        outlook=ahead,
        supply=supply,
        stock=stock,
        surge=signs,
        surging=surging,
        slump=fallen,
        slumping=slumping,
        transfers=transfer_figures(supply, positions, network),
        opens=opens,
        holds=holds,
        money_minor=money_at_risk(judged),
        coming=coming,
    )


def _ahead(
    history: SeriesHistory,
    estimate: DemandEstimate,
    settings: WatchSettings,
    taught: Taught,
    terms: Terms,
) -> Outlook | None:
    if taught.lessons is None:
        return None
    question = Question(
        terms.lead_days, terms.cycle_days, terms.joint_days, terms.lead_time_sd, terms.service_level, taught.groups
    )
    return outlook(history, estimate, settings.demand, taught.lessons, question)


def _check(history: SeriesHistory, routes: Routes, positions: Positions, network: Network | None) -> None:
    """Refuse arrays of another length than the history."""
    n = history.series
    per_series = {**_arrays(routes), **_arrays(positions), **({} if network is None else _arrays(network))}
    for name, array in per_series.items():
        if name == "incoming":
            shaped(name, array, (n, array.shape[1] if array.ndim == 2 else 0))
        elif name != "transfer_days":
            shaped(name, array, (n,))


def _arrays(inputs: Routes | Positions | Network) -> dict[str, NDArray[Any]]:
    """The arrays of an input by name, without the absent ones."""
    named = {name: getattr(inputs, name) for name in inputs.__dataclass_fields__}
    return {name: array for name, array in named.items() if array is not None}
