"""A whole backtest: policies over reviews, what came of them, and what it would have taken to know the future."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Bools, Floats
from bot.domain.backtesting import clairvoyant
from bot.domain.backtesting.frontier import Curves, Standing, curves, draws, standings
from bot.domain.backtesting.policies import Plan, Policy
from bot.domain.backtesting.setting import Setting
from bot.domain.backtesting.simulation import Flows, Shelf, simulate
from bot.domain.forecasting import Panel

CARRYING = 0.25  # of the stock's cost a year
REFERENCE = "flat30"
Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One policy at one setting of its knob; units pooled over series.

    `fill_rate`: units sold of units asked. `cycle_service`: review periods without a lost unit. `average_stock`: units.
    `days_of_inventory`: average stock over mean demand a day; `days_at_cost`: the same weighed by cost, where known.
    `turnover`: units sold in a year over average stock. `orders`: how many were placed. `cost`: carrying the stock at
    25% of its cost a year and the margin lost with what was not sold, in whole units of the file's currency.
    """

    policy: str
    knob: float
    fill_rate: float
    cycle_service: float
    average_stock: float
    days_of_inventory: float
    days_at_cost: float | None
    turnover: float | None
    orders: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """All runs, the policies at equal fill, and the bound that knows the future; `series` were tried."""

    runs: tuple[Run, ...]
    frontier: tuple[Standing, ...]
    bound: Run
    series: int


def sold_before(panel: Panel, setting: Setting) -> Bools:
    """The series that a backtest takes: those that sold before its start."""
    return np.asarray((panel.units[:, : setting.start] > 0).any(axis=1), dtype=bool)


def nowhere_short(panel: Panel) -> Panel:
    """The panel of a file that tells of no stock: periods whose units nobody knows are such that sold nothing."""
    return dataclasses.replace(panel, in_stock=None)


def planned(panel: Panel, policy: Policy, setting: Setting, tick: Tick) -> list[Plan]:
    """The plan of each review, from what was known before it."""
    found = []
    for column in setting.reviews:
        plan = policy.plan(panel.before(column))
        reorder = None if plan.reorder is None else plan.reorder.astype(np.float32)
        up_to = plan.up_to.astype(np.float32)  # half the memory: a long file has many reviews
        found.append(Plan(up_to, reorder, plan.most))
        tick()
    return found


def shelf(panel: Panel, setting: Setting, pack: Floats, minimum: Floats, seed: int) -> Shelf:
    """The demand to be met and the lead times, which are the same for every policy."""
    leads = setting.lead.drawn((len(setting.reviews), panel.series), seed)
    return Shelf(panel.units.astype(np.float64), leads, pack, minimum)


def run(
    panel: Panel, tried: Shelf, policies: Sequence[Policy], setting: Setting, targets: Sequence[float], seed: int,
    tick: Tick,
) -> Outcome:  # fmt: skip
    """Run every policy on its grid; ValueError where nothing is asked in the measured periods.

    `panel` holds series that sold before the start, and `tried` is their `shelf`. Policies see when its series were
    without stock, up to their review, while what was sold is all that customers ask for.
    """
    asked = tried.demand[:, setting.measured :].sum(axis=1)
    if not asked.any():
        raise ValueError("nothing is asked in the measured periods")
    weights = draws(panel.series, seed)
    runs: list[Run] = []
    found: dict[str, Curves] = {}
    for policy in policies:
        flows = simulate(tried, planned(panel, policy, setting, tick), setting)
        runs += _runs(policy.name, policy.knobs, flows, asked, panel, setting)
        found[policy.name] = curves(flows, asked, weights, setting.days)
    bound = simulate(tried, clairvoyant.plans(tried, setting), setting)
    return Outcome(
        tuple(runs),
        tuple(standings(found, targets, REFERENCE)),
        _runs("clairvoyant", (1.0,), bound, asked, panel, setting)[0],
        panel.series,
    )


def _runs(name: str, knobs: Sequence[float], flows: Flows, asked: Floats, panel: Panel, setting: Setting) -> list[Run]:
    periods = setting.periods - setting.measured
    cycles = periods // setting.review * panel.series
    stock, filled = flows.stock.sum(axis=0) / periods, flows.filled.sum(axis=0)
    total = float(asked.sum())
    at_cost, costs = _valued(flows, asked, panel, setting)
    years = periods * setting.days / 365.25
    return [
        Run(
            policy=name,
            knob=knob,
            fill_rate=float(filled[at] / total),
            cycle_service=float(flows.whole[:, at].sum() / cycles),
            average_stock=float(stock[at]),
            days_of_inventory=float(stock[at] * periods / total * setting.days),
            days_at_cost=at_cost[at],
            turnover=float(filled[at] / years / stock[at]) if stock[at] > 0.0 else None,
            orders=int(flows.orders[:, at].sum()),
            cost=costs[at],
        )
        for at, knob in enumerate(knobs)
    ]


def _valued(flows: Flows, asked: Floats, panel: Panel, setting: Setting) -> tuple[list[float | None], list[int | None]]:
    """Days of inventory weighed by cost, and the cost of stock and of lost margin, of the series with a known cost."""
    known = np.isfinite(panel.cost) & (panel.cost > 0.0)
    knobs = flows.stock.shape[1]
    if not known.any() or not (asked[known] > 0.0).any():
        return [None] * knobs, [None] * knobs
    cost = panel.cost[known]
    tied = cost @ flows.stock[known]
    days = tied / float(cost @ asked[known]) * setting.days
    margin = np.clip(np.nan_to_num(panel.price[known] - cost), 0.0, None)
    missed = margin @ (asked[known][:, None] - flows.filled[known])
    spent = tied * setting.days / 365.25 * CARRYING + missed
    return [float(one) for one in days], [round(float(one)) for one in spent]


def nearness(outcome: Outcome, name: str) -> Mapping[float, float | None]:
    """By target: how many times the bound's days of inventory a policy takes."""
    bound = outcome.bound.days_of_inventory
    return {
        one.service: one.days / bound if one.days is not None and bound > 0.0 else None
        for one in outcome.frontier
        if one.policy == name
    }
