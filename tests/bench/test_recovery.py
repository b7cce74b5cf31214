"""The recovery of hidden demand is measured on what was hidden, and on that alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.bench.recovery import NAME, hidden, main, read


def a_file(folder: Path) -> Path:
    """Forty series over sixty days in any order; every other one is out of stock for half of each third day."""
    chance = np.random.default_rng(1)
    series, day = (each.ravel() for each in np.meshgrid(np.arange(40), np.arange(60), indexing="ij"))
    out = np.where((series % 2 == 1) & (day % 3 == 0), 8, 0)
    rows = pa.table(
        {
            "store_id": (series // 4).astype(np.int16),
            "product_id": (series % 4).astype(np.int16),
            "dt": np.datetime64("2024-03-28") + day,
            "sale": chance.poisson(4.0 + series % 2, len(series)).astype(np.float64),
            "stockout_hours_6_22": out.astype(np.int8),
        }
    )
    parquet.write_table(rows.take(chance.permutation(len(series))), folder / NAME)
    return folder / NAME


def test_sales_are_hidden_by_the_hours_of_others_where_there_was_stock_all_day(tmp_path: Path) -> None:
    full = read(a_file(tmp_path))
    assert full.sale.shape == full.in_stock.shape == (40, 60)
    assert (full.in_stock[1] == np.where(np.arange(60) % 3, 1.0, 0.5)).all()
    seen = hidden(full, np.full((1, 60), 0.25), 1)
    whole = full.in_stock == 1.0
    assert (seen.in_stock == np.where(whole, 0.25, full.in_stock)).all()
    assert (seen.sale == np.where(whole, full.sale * 0.25, full.sale)).all()


def test_the_bench_prints_less_error_with_the_days_in_stock_and_names_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"Left out: {NAME}, for it is not in {tmp_path}; name its folder.\n"
    a_file(tmp_path)
    assert main([str(tmp_path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "20 of 40 series had stock all day on more than 75% of days"
    for row in told[3:]:
        uncorrected, corrected = (float(cell.strip(" %")) for cell in row.split("|")[2:4])
        assert corrected < uncorrected / 2
