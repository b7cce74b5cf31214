"""A backtest of order policies on a file in long form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Floats
from bot.domain.backtesting.policies import policy
from bot.domain.backtesting.running import REFERENCE, Outcome, Tick, nowhere_short, run, shelf, sold_before
from bot.domain.backtesting.setting import Setting
from bot.services.evaluating.longform import LongForm
from bot.services.evaluating.ours import OURS

_STOCK = frozenset({"in_stock", "stockout_hours"})  # the columns by which a file tells of stock


@dataclass(frozen=True, slots=True)
class Packing:
    """How orders are packed where the file does not say; `pack` None: whole units where all sales so far are whole."""

    pack: float | None = None
    minimum: float = 0.0


def with_reference(names: Sequence[str]) -> tuple[str, ...]:
    """The policies asked for, and after them the one that all are compared with."""
    return tuple(dict.fromkeys((*names, REFERENCE)))


def backtest(
    form: LongForm, setting: Setting, names: Sequence[str], targets: Sequence[float], packing: Packing, seed: int,
    tick: Tick,
) -> Outcome:  # fmt: skip
    """Try the policies and the reference on the series that sold before the start.

    `tick` is called for every review of every policy. ValueError where there is nothing to try them on.
    """
    panel = form.panel if _STOCK & form.reading.mapping.keys() else nowhere_short(form.panel)
    rows = sold_before(panel, setting)
    if not rows.any():
        raise ValueError(f"no series sold anything before {panel.starts(setting.start)}, where the first review falls")
    pack, minimum = _packed(form, packing, setting.start)
    panel = panel.chosen(rows)
    tried = shelf(panel, setting, pack[rows], minimum[rows], seed)
    product = np.unique(np.asarray(form.skus, dtype=object)[rows], return_inverse=True)[1]
    chosen = [policy(name, OURS, setting, product) for name in with_reference(names)]
    return run(panel, tried, chosen, setting, targets, seed, tick)


def compared_with_bound(outcome: Outcome) -> str:
    """The policy whose nearness to the clairvoyant is told: ours where it ran, else the first."""
    return OURS.name if any(one.policy == OURS.name for one in outcome.runs) else outcome.runs[0].policy


def _packed(form: LongForm, packing: Packing, start: int) -> tuple[Floats, Floats]:
    """Packs and minimum orders (n,) as they were known when the first review began."""
    sold = form.panel.units[:, :start]
    pack = packing.pack if packing.pack is not None else float((sold == np.rint(sold)).all())
    said, least = form.pack_size.before(start), form.minimum_order.before(start)
    return np.where(np.isnan(said), pack, said), np.where(np.isnan(least), packing.minimum, least)
