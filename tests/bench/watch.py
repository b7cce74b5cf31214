"""The watch over a whole catalogue, by phase; the baseline is a plain loop over the series."""

from __future__ import annotations

import numpy as np

from bot.domain import slump, surge
from bot.domain.demand import BlendedVelocity, SeriesHistory
from bot.domain.figures import Stock, Supply, stock_figures, supply_figures, terms_of, transfer_figures
from bot.domain.judgement import Judged, money_at_risk, severities
from bot.domain.turnover import abc, period, xyz
from bot.domain.watch import Network, Positions, Routes, WatchSettings, assess
from tests.bench.report import Benchmark, Report, Timing, timed
from tests.domain.catalogue import catalogue
from tests.domain.reference import slow_ageing, slow_demand, slow_runout, slow_safety_stock

SIZES = ((4_000, 365), (20_000, 365))
SAMPLE = 200  # series of the plain loop, scaled up to the catalogue
RULES = WatchSettings()
LOOP, PASS = "plain Python loop", "one pass"
NOTE = (
    f"The loop is timed over {SAMPLE} series and scaled; it does demand, normal safety stock, run-out and ageing, "
    "the pass everything."
)


def run() -> tuple[Report, ...]:
    """One table per size of catalogue."""
    return tuple(_report(*catalogue(n, days)) for n, days in SIZES)


def _report(history: SeriesHistory, routes: Routes, positions: Positions, network: Network) -> Report:
    """The phases of one pass, the whole pass, and the loop."""
    n = history.series
    rows = np.linspace(0, n - 1, SAMPLE).astype(int).tolist()
    return Report(
        title=f"{n:,} series x {history.days} days",
        timings=(
            timed(LOOP, lambda: plain_loop(history, routes, positions, rows), runs=3, scale=n / SAMPLE),
            timed(PASS, lambda: assess(history, routes, positions, RULES, network)),
            *_phases(history, routes, positions, network),
        ),
        baseline=LOOP,
        notes=(NOTE,),
    )


def _phases(history: SeriesHistory, routes: Routes, positions: Positions, network: Network) -> tuple[Timing, ...]:
    """Each phase with the results of those before it."""
    demand = BlendedVelocity().estimate(history, RULES.demand)
    span = period(history, RULES.turnover.period_days)
    worth = span.units * routes.unit_price_minor.astype(np.float64)
    classes = abc(worth, RULES.turnover), xyz(demand.week_cv, RULES.turnover)
    terms = terms_of(classes, routes, RULES.replenishment)
    supply = supply_figures(demand, terms, routes, positions, RULES.replenishment, None)
    stock = stock_figures(history, demand, span, classes, supply, routes, positions, RULES)
    signs = surge.surge_signs(history, RULES.demand, RULES.surge)
    surging = surge.discoveries(signs.p_value, signs.judged, RULES.surge.false_discoveries)
    fallen = slump.slump_signs(history, RULES.demand, RULES.slump, network.location)
    slumping = surge.discoveries(fallen.p_value, fallen.judged, RULES.slump.false_discoveries)
    facts = Judged(demand, supply, stock, signs, surging, fallen, slumping, positions, RULES)

    def stock_again() -> Stock:
        again = period(history, RULES.turnover.period_days)
        return stock_figures(history, demand, again, classes, supply, routes, positions, RULES)

    def supply_again() -> Supply:
        return supply_figures(demand, terms, routes, positions, RULES.replenishment, None)

    def judge_again() -> object:
        return severities(facts), money_at_risk(facts)

    return (
        timed("demand", lambda: BlendedVelocity().estimate(history, RULES.demand), phase_of=PASS),
        timed("replenishment", supply_again, phase_of=PASS),
        timed("turnover and ageing", stock_again, phase_of=PASS),
        timed("surge", lambda: surge.surge_signs(history, RULES.demand, RULES.surge), phase_of=PASS),
        timed("slump", lambda: slump.slump_signs(history, RULES.demand, RULES.slump, network.location), phase_of=PASS),
        timed("transfers", lambda: transfer_figures(supply, positions, network), phase_of=PASS),
        timed("severity and money", judge_again, phase_of=PASS),
    )


def plain_loop(
    history: SeriesHistory, routes: Routes, positions: Positions, rows: list[int], rules: WatchSettings = RULES
) -> None:
    """Some series, one at a time."""
    receipts = history.on_hand if history.receipts is None else history.receipts
    for row in rows:
        lead = float(np.nan_to_num(routes.lead_time_days[row], nan=30.0))
        demand = slow_demand(history.units[row].tolist(), history.on_hand[row].tolist(), rules.demand)
        slow_safety_stock(demand.velocity, demand.sd, lead, float(np.nan_to_num(routes.lead_time_sd[row])), 0.95)
        slow_runout(int(positions.available[row]), demand.velocity, positions.incoming[row].tolist(), lead)
        slow_ageing(receipts[row].tolist(), int(positions.on_hand[row]), rules.ageing.bucket_edges)


BENCHMARK = Benchmark("watch", run)
