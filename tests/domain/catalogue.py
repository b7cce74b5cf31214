"""A seeded catalogue of every temper: quick, slow, dead, new, out of stock, late, surging and slumping series."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from typing import Any, TypeVar

import numpy as np

from bot.domain.arrays import Ints
from bot.domain.demand import SeriesHistory
from bot.domain.watch import Network, Positions, Routes

LOCATIONS = 4


def catalogue(n: int, days: int, seed: int = 1, horizon: int = 60) -> tuple[SeriesHistory, Routes, Positions, Network]:
    """`n` series over `days` days; the stock is that of a buyer who reorders now and then."""
    rng = np.random.default_rng(seed)
    rate = rng.choice([0.02, 0.2, 1.0, 6.0, 40.0], (n, 1)) * rng.gamma(4.0, 0.25, (n, 1))
    wanted = rng.poisson(np.broadcast_to(rate, (n, days)))
    wanted[rng.random((n, days)) < 0.003] += 200
    wanted[::17, -1] += 60
    wanted[5::23, -7:] //= 10
    wanted[::13] = 0
    got = np.where(rng.random((n, days)) < 1 / 45, np.ceil(rate * 45).astype(np.int64), 0)
    units, on_hand = np.zeros((n, days), dtype=np.int32), np.zeros((n, days), dtype=np.int32)
    stock = np.ceil(rate[:, 0] * 30).astype(np.int64)
    stock[::29] = 0
    for day in range(days):
        stock = stock + got[:, day]
        sold = np.minimum(stock, wanted[:, day])
        stock = stock - sold
        units[:, day], on_hand[:, day] = sold, stock
    on_hand[::31, ::9] = -1
    marked = rng.random((n, days)) < 0.01
    cost = rng.integers(0, 2_000, n)
    routes = Routes(
        lead_time_days=np.where(rng.random(n) < 0.05, np.nan, rng.integers(3, 60, n).astype(np.float64)),
        lead_time_sd=rng.integers(0, 9, n).astype(np.float64),
        review_days=np.full(n, 7.0),
        minimum_order=rng.choice([1, 10, 100], n).astype(np.int64),
        pack_size=rng.choice([1, 6, 24], n).astype(np.int64),
        unit_cost_minor=cost,
        unit_price_minor=cost * 2 + rng.integers(0, 50, n),
        storage_tariff_minor=np.where(rng.random(n) < 0.5, np.nan, 0.4),
    )
    now = stock.astype(np.int64)
    positions = Positions(
        on_hand=now,
        available=now - rng.integers(0, 3, n),
        incoming=np.where(rng.random((n, horizon)) < 0.01, np.ceil(rate * 20).astype(np.int64), 0),
        overdue=np.where(rng.random(n) < 0.05, 12, 0).astype(np.int64),
        pending=np.where(rng.random(n) < 0.1, 24, 0).astype(np.int64),
        backorders=np.zeros(n, dtype=np.int64),
        stale=rng.random(n) < 0.03,
    )
    network = Network(
        sku=np.arange(n, dtype=np.int64) // LOCATIONS,
        location=np.arange(n, dtype=np.int64) % LOCATIONS,
        transfer_days=np.where(np.eye(LOCATIONS, dtype=np.bool_), 0.0, 4.0),
    )
    history = SeriesHistory(date(2011, 1, 1), units, on_hand, marked, got.astype(np.int32))
    return history, routes, positions, network


def chosen(
    history: SeriesHistory, routes: Routes, positions: Positions, rows: Ints
) -> tuple[SeriesHistory, Routes, Positions]:
    """The same inputs for some rows, in the given order."""
    return _taken(history, rows), _taken(routes, rows), _taken(positions, rows)


Inputs = TypeVar("Inputs", SeriesHistory, Routes, Positions)


def _taken(inputs: Inputs, rows: Ints) -> Inputs:
    """A copy with the given rows of every array."""
    taken: dict[str, Any] = {}
    for field in fields(inputs):
        value = getattr(inputs, field.name)
        if isinstance(value, np.ndarray):
            taken[field.name] = value[rows]
    return replace(inputs, **taken)
