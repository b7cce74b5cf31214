"""Files in long form, and panels made up by a seed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bot.domain.forecasting import Freq, Panel
from bot.services.evaluating.longform import LongForm, LongOptions, read
from bot.services.ingest import IngestSettings
from bot.stores.files.columnar import read_columns


def read_text(folder: Path, content: str | bytes, name: str = "long.csv", **options: Any) -> LongForm:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_path(path, **options)


def read_path(path: Path, **options: Any) -> LongForm:
    return read(path, LongOptions(**options), IngestSettings(), read_columns)


def units_of(form: LongForm, sku: str, location: str = "") -> list[float]:
    (row,) = [at for at, names in enumerate(zip(form.skus, form.locations, strict=True)) if names == (sku, location)]
    return [float(one) for one in form.panel.units[row]]


def panel(series: int, periods: int, seed: int, freq: Freq = "day", rate: float = 0.8) -> Panel:
    """Intermittent sales of different rates; the first sale lists a series."""
    chance = np.random.default_rng(seed)
    rates = chance.gamma(1.5, rate / 1.5, size=(series, 1))
    units = chance.poisson(rates, size=(series, periods)) * chance.integers(1, 4, size=(series, periods))
    units[:, 0] = np.maximum(units[:, 0], np.arange(series) % 2)
    return of_units(units, freq)


def of_units(units: Any, freq: Freq = "day", in_stock: Any = None) -> Panel:
    found = np.asarray(units, dtype=np.float32)
    sold = found > 0
    listed = np.where(sold.any(axis=1), sold.argmax(axis=1), found.shape[1])
    same, unknown = np.zeros(len(found), dtype=np.int64), np.full(len(found), np.nan)
    known = None if in_stock is None else np.asarray(in_stock, dtype=np.float32)
    return Panel(date(2024, 1, 1), freq, found, known, listed.astype(np.int64), same, same, unknown, unknown)
