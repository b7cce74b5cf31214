"""The steps that tell a velocity: by what was taught, by the blend, or in part by the category."""

from __future__ import annotations

from functools import partial

import numpy as np

from bot.domain.outlook import Outlook, levels_named
from bot.domain.sheet import Given, Sheet, Texts
from bot.domain.watch import Assessment


def velocity(a: Assessment, sheet: Sheet) -> Texts:
    """By what was taught, or the blend of the windows that hold in-stock days."""
    if a.outlook is not None:
        return _levels(a, a.outlook, sheet)
    held = a.demand.in_stock_days > 0
    bits = held @ (1 << np.arange(held.shape[1]))
    patterns = np.unique(bits[sheet.rows]).tolist()
    return sheet.either([(bits == pattern, partial(_blend, a, pattern)) for pattern in patterns])


def _levels(a: Assessment, ahead: Outlook, sheet: Sheet) -> Texts:
    """Levels of several half-lives, weighed; a part of that where few days in stock were seen.

    What is new at its place takes a share from its category.
    """
    beta = ahead.lessons.weights.beta
    names = levels_named(ahead.lessons.half_lives)
    used = [k for k in range(len(names)) if beta[k] > 0]
    values: dict[str, Given] = {"growth": ahead.lessons.weights.growth}
    values |= {f"b{names[k][1:]}": float(beta[k]) for k in used} | {names[k]: ahead.levels[:, k] for k in used}
    own = " + ".join(f"b{names[k][1:]} * {names[k]}" for k in used)
    formula = f"growth * ({own})"
    part: dict[str, Given] = {**values, "known": ahead.known}
    lent = ahead.borrowed
    leaning = f"growth * (share * c + (1 - share) * ({own})) * known"
    both: dict[str, Given] = {**part, "share": lent.share, "c": lent.rate}
    return sheet.either(
        [
            (lent.counts > 0, lambda rows: rows.step("velocity", leaning, a.demand.velocity, **both)),
            (ahead.known <= 0, lambda rows: rows.step("velocity", "0", a.demand.velocity)),
            (ahead.known >= 1, lambda rows: rows.step("velocity", formula, a.demand.velocity, **values)),
            (
                ahead.known < 1,
                lambda rows: rows.step("velocity", f"{formula} * known", a.demand.velocity, **part),
            ),
        ]
    )


def _blend(a: Assessment, pattern: int, sheet: Sheet) -> Texts:
    """The blend of the windows whose bits are set in `pattern`."""
    windows = [(k, window) for k, window in enumerate(a.settings.demand.windows) if pattern >> k & 1]
    weights = {f"w{window}": a.settings.demand.blend[k] for k, window in windows}
    rates = {f"v{window}": a.demand.corrected[:, k] for k, window in windows}
    top, bottom = (" + ".join(form.format(window) for _, window in windows) for form in ("w{0} * v{0}", "w{0}"))
    formula = f"({top}) / ({bottom})" if windows else "0"
    return sheet.step("velocity", formula, a.demand.velocity, **weights, **rates)


def category_share(a: Assessment, sheet: Sheet) -> Texts:
    """How much a new product's rate is that of its category; nothing where it is all its own."""
    if a.outlook is None:
        return [""] * len(sheet)
    lent = a.outlook.borrowed
    values = {"category_days": lent.counts, "own_days": lent.days}
    formula = "category_days / (category_days + own_days)"
    return sheet.where(lent.counts > 0, lambda rows: rows.step("category_share", formula, lent.share, **values))
