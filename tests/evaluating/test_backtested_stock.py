"""What a file tells of stock: the past of it is told to policies, and what customers ask for stays what was sold."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from bot.domain.backtesting.running import Run
from bot.domain.backtesting.setting import setting
from bot.services.evaluating.backtests import Packing, backtest
from tests.evaluating.kit import panel, read_text

DAYS, SERIES = 40, 8
SOLD = panel(SERIES, DAYS, 3, rate=2.0).units


def runs(folder: Path, header: str, lines: list[str]) -> dict[str, list[Run]]:
    """What came of ours and of flat30 on a file."""
    form = read_text(folder, "\n".join([header, *lines]) + "\n")
    calendar = setting("day", DAYS, 5.0, 2.0, 4.0)
    found = backtest(form, calendar, ("stocktide", "flat30"), (0.9,), Packing(), 1, lambda: None)
    return {name: [one for one in found.runs if one.policy == name] for name in ("stocktide", "flat30")}


def rows(cell: str, told: str = "{}") -> list[str]:
    """One line per series and day; `told` where the last third of each fourth series was short of stock."""
    short = (np.arange(SERIES) % 4 == 0)[:, None] & (np.arange(DAYS) % 15 >= 10)[None, :]
    sold = np.where(short, 0, SOLD)
    return [
        (told if short[at, day] else cell).format(f"S{at},{date(2024, 1, 1) + timedelta(day)},{sold[at, day]:g}")
        for at in range(SERIES)
        for day in range(DAYS)
    ]


def test_ours_is_told_when_shelves_were_empty_and_flat30_fares_as_without_it(tmp_path: Path) -> None:
    plain = runs(tmp_path, "sku,day,units", rows("{}"))
    told = runs(tmp_path, "sku,day,units,in_stock", rows("{},1", "{},0"))
    assert told["flat30"] == plain["flat30"]
    assert told["stocktide"] != plain["stocktide"]
    assert all(one.fill_rate <= 1.0 for one in told["stocktide"])


def test_days_of_which_nobody_knows_the_units_are_no_empty_shelves_to_a_policy(tmp_path: Path) -> None:
    plain = runs(tmp_path, "sku,day,units", rows("{}"))
    unknown = [line if not line.endswith(",0") or at % 7 else line[:-1] for at, line in enumerate(rows("{}"))]
    assert unknown != rows("{}")
    assert runs(tmp_path, "sku,day,units", unknown) == plain
