"""From figures to judgements: each kind's severity by the opening and by the relaxed limits, and the money at risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain import cases, replenishment, slump, surge
from bot.domain.arrays import Bools, Floats, Ints, ratio, to_minor
from bot.domain.demand import DemandEstimate
from bot.domain.figures import Stock, Supply
from bot.domain.groups import Groups
from bot.domain.uplift import Lift
from bot.domain.views import CaseKind
from bot.domain.watch_inputs import Positions, WatchSettings


@dataclass(frozen=True, slots=True)
class Judged:
    """What the severities are judged from."""

    demand: DemandEstimate
    supply: Supply
    stock: Stock
    signs: surge.SurgeSigns
    surging: Bools
    slump: slump.SlumpSigns
    slumping: Bools
    positions: Positions
    settings: WatchSettings
    coming: tuple[Lift, Groups] | None = None  # the events ahead, and what series have in common for them


_Classes = tuple[Ints, Ints]  # by the opening limits, and by the relaxed ones


def severities(facts: Judged) -> tuple[dict[CaseKind, Ints], dict[CaseKind, Ints]]:
    """Each kind's severity by the opening and by the relaxed limits."""
    stale = facts.positions.stale
    if stale is None:
        stale = np.zeros(len(facts.supply.position), dtype=np.bool_)
    slow, relaxed = _slow(facts), _relaxed_runout(facts)
    judged: dict[CaseKind, _Classes] = {
        "stockout_risk": _stockout(facts, relaxed),
        "surge": _surge(facts),
        "slump": _slump(facts),
        "slow_mover": slow,
        "overstock": _overstock(facts, slow),
        "late_inbound": _late(facts, relaxed),
    }
    worst = int(cases.Severity.CRITICAL)
    opens = {kind: np.where(stale, 0, pair[0]) for kind, pair in judged.items()}
    holds = {kind: np.where(stale, worst, np.maximum(*pair)) for kind, pair in judged.items()}
    opens["data_stale"] = holds["data_stale"] = stale * int(cases.Severity.WARNING)
    return opens, holds


def _worst(*conditions: Bools) -> Ints:
    """The highest class whose condition holds; conditions are those of classes 1, 2, 3."""
    severity = np.zeros(conditions[0].shape, dtype=np.int64)
    for level, condition in enumerate(conditions, start=1):
        severity[condition] = level
    return severity


def _stockout(facts: Judged, relaxed: replenishment.Runout) -> _Classes:
    """Stock-out risk: by the position, by the gap, and by how soon the gap begins."""
    rules, supply, end = facts.settings.cases, facts.supply, facts.supply.runout
    kept = supply.reorder_point >= 1  # slower series are not kept in stock for their service level
    gap, soon = kept & (end.gap > 0), end.stockout <= rules.critical_days
    opens = _worst(supply.order_due | gap, gap, gap & soon)
    level = supply.reorder_point * rules.position_release
    gap = (level >= 1) & (relaxed.slack < rules.gap_release_days)
    soon = relaxed.stockout <= rules.critical_days * rules.critical_release
    return opens, _worst((level >= 1) & (supply.counted <= level) | gap, gap, gap & soon)


def _relaxed_runout(facts: Judged) -> replenishment.Runout:
    """The run-out when an arrival is in time only with the days to spare that close a gap."""
    return replenishment.runout(
        facts.positions.available,
        facts.demand.velocity,
        facts.positions.incoming,
        facts.supply.lead_time,
        facts.settings.cases.gap_release_days,
        facts.coming,
    )


def _surge(facts: Judged) -> _Classes:
    """Surge: within the false-alarm budget; it holds while a recent day was unusual by itself."""
    signs, rules = facts.signs, facts.settings.surge
    steep = signs.count >= facts.settings.cases.surge_ladder * signs.rate
    empties = _surge_shortage(facts.supply, signs, facts.positions, rules) > 0
    opens = _worst(facts.surging, facts.surging & steep, facts.surging & steep & empties)
    holding = signs.judged & (signs.hold_p_value <= rules.hold_p_value)
    return opens, np.where(holding, int(cases.Severity.CRITICAL), 0)


def _slump(facts: Judged) -> _Classes:
    """Slump: within its false-alarm budget; it holds while so few are rare, and while nothing is known."""
    signs, rules = facts.slump, facts.settings.slump
    deep = signs.count <= facts.settings.cases.slump_ladder * signs.usual
    opens = _worst(facts.slumping, facts.slumping & deep, facts.slumping & (signs.count == 0))
    holding = (signs.judged & (signs.p_value <= rules.hold_p_value)) | signs.waiting
    return opens, np.where(holding, int(cases.Severity.CRITICAL), 0)


def _slow(facts: Judged) -> _Classes:
    """Slow mover: days in stock without a sale, or cover beyond the line; not while the series is new."""
    rules, cover = facts.settings.ageing, facts.supply.runout.cover
    judged = (facts.positions.on_hand > 0) & (facts.demand.listed_days >= rules.new_days)
    idle = np.searchsorted(np.asarray(rules.slow_idle_days), facts.stock.idle_days, side="right")
    opens, holds = (
        np.where(judged, np.maximum(idle, np.isfinite(cover) & (cover > line)), 0).astype(np.int64)
        for line in (rules.slow_cover_days, rules.slow_cover_days * facts.settings.cases.cover_release)
    )
    return opens, holds


def _overstock(facts: Judged, slow: _Classes) -> _Classes:
    """Overstock: the position by multiples of the excess line, for what sells and is no slow mover already."""
    rules, line = facts.settings.cases, facts.stock.excess_line
    selling = (facts.demand.velocity > 0) & (facts.demand.listed_days >= facts.settings.ageing.new_days)
    measure = np.where(selling & (line > 0), facts.supply.position / np.maximum(line, 1e-9), 0.0)
    opens = cases.rungs(measure, rules.excess_ladder)
    holds = cases.rungs(measure, rules.excess_ladder, rules.excess_release)
    return np.where(slow[1] > 0, 0, opens), np.where(slow[0] > 0, 0, holds)


def _late(facts: Judged, relaxed: replenishment.Runout) -> _Classes:
    """Late inbound: overdue goods; worse when days without stock lie ahead, and when the stock is out."""
    end = facts.supply.runout
    late = facts.positions.overdue > 0
    out = late & (facts.positions.available <= 0) & (facts.demand.velocity > 0)
    narrow = relaxed.slack < facts.settings.cases.gap_release_days
    return _worst(late, late & (end.gap > 0), out), _worst(late, late & narrow, out)


def _surge_shortage(
    supply: Supply, signs: surge.SurgeSigns, positions: Positions, rules: surge.SurgeSettings
) -> Floats:
    """Units short before relief if the surge lasts."""
    held = np.maximum(positions.available, 0) + supply.runout.landing
    return np.maximum(surge.surged_demand(signs, supply.runout.relief, rules) - held, 0.0)


def money_at_risk(facts: Judged) -> dict[CaseKind, Ints]:
    """Money at risk per kind: margin that stock-outs and slumps would lose, capital and storage of slow stock."""
    supply, stock, fallen = facts.supply, facts.stock, facts.slump
    short = _surge_shortage(supply, facts.signs, facts.positions, facts.settings.surge)
    missed = np.maximum(fallen.rate - ratio(fallen.count, fallen.recent, 0.0), 0.0) * facts.settings.slump.lasting_days
    return {
        "stockout_risk": supply.lost_margin_minor,
        "surge": to_minor(short * supply.margin_minor),
        "slump": to_minor(missed * supply.margin_minor),
        "slow_mover": stock.capital_minor,
        "overstock": stock.excess_capital_minor,
        "late_inbound": supply.lost_margin_minor,
        "data_stale": np.zeros_like(supply.lost_margin_minor),
    }
