"""A backtest of order policies on a file in long form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Floats
from bot.domain.backtesting.policies import policy
from bot.domain.backtesting.running import Outcome, Tick, nowhere_short, run, shelf, sold_before
from bot.domain.backtesting.setting import Setting
from bot.services.evaluating.longform import LongForm
from bot.services.evaluating.ours import OURS

_STOCK = frozenset({"in_stock", "stockout_hours"})  # the columns by which a file tells of stock


@dataclass(frozen=True, slots=True)
class Packing:
    """How orders are packed where the file does not say; `pack` None: whole units where all sales are whole."""

    pack: float | None = None
    minimum: float = 0.0


def backtest(
    form: LongForm, setting: Setting, names: Sequence[str], targets: Sequence[float], packing: Packing, seed: int,
    tick: Tick,
) -> Outcome:  # fmt: skip
    """Try the policies on the series that sold before the start; ValueError where there is nothing to try them on."""
    panel = form.panel if _STOCK & form.reading.mapping.keys() else nowhere_short(form.panel)
    rows = sold_before(panel, setting)
    if not rows.any():
        raise ValueError(f"no series sold anything before {panel.starts(setting.start)}, where the first review falls")
    pack, minimum = _packed(form, packing)
    panel = panel.chosen(rows)
    tried = shelf(panel, setting, pack[rows], minimum[rows], seed)
    product = np.unique(np.asarray(form.skus, dtype=object)[rows], return_inverse=True)[1]
    chosen = [policy(name, OURS, setting, product) for name in names]
    return run(panel, tried, chosen, setting, targets, seed, tick)


def _packed(form: LongForm, packing: Packing) -> tuple[Floats, Floats]:
    whole = bool((form.panel.units == np.rint(form.panel.units)).all())
    pack = packing.pack if packing.pack is not None else float(whole)
    return (
        np.where(np.isnan(form.pack_size), pack, form.pack_size),
        np.where(np.isnan(form.minimum_order), packing.minimum, form.minimum_order),
    )
