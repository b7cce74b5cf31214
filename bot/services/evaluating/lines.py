"""Which lines of a sales file are demand, by the rules of import (see `bot.services.ingest.sales`), all at once."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Bools, Floats, Ints
from bot.services.evaluating.cells import Aside, Instants, Texts
from bot.services.ingest.settings import IngestSettings


@dataclass(frozen=True, slots=True)
class Lines:
    """The good rows of a file: who, what, where, when. `units` and `price` are NaN where the cell was empty."""

    sku: Texts
    place: Texts
    at: Instants
    units: Floats
    price: Floats
    order: Texts
    customer: Texts


@dataclass(frozen=True, slots=True)
class NoDemand:
    """How many lines were left out, by what they are."""

    fees: int
    returns: int
    cancellations: int
    unpriced: int

    def told(self) -> str:
        """`2 lines of fees, 1 return`; empty where there is none."""
        kinds = (
            (self.fees, "line of fees", "lines of fees"),
            (self.returns, "return", "returns"),
            (self.cancellations, "cancellation with its sale", "cancellations with their sales"),
            (self.unpriced, "invoice line without a price", "invoice lines without a price"),
        )
        return ", ".join(f"{count:,} {one if count == 1 else many}" for count, one, many in kinds if count)


def demanded(lines: Lines, settings: IngestSettings, aside: Aside) -> tuple[Bools, NoDemand]:
    """Which lines are what customers wanted, or say that nothing was sold; impossible ones are set aside.

    Among invoice lines alone a code of one letter is a charge, for elsewhere products are called A, B and M, and a line
    at no price is no sale, for elsewhere nobody wrote the price down.
    """
    charge = _matcher(settings.fee_codes)
    invoices = any(lines.order.names)
    fee = lines.sku.marked(lambda code: charge(code) and (invoices or len(code) > 1))
    fee |= lines.order.marked(_matcher(settings.fee_orders))
    backwards = lines.order.marked(_matcher(settings.cancelling_orders)) & ~fee
    empty = np.isnan(lines.units) | (lines.units == 0)
    named = lines.customer.marked(bool)
    aside.put(~fee & (lines.price < 0), "price", "negative")
    aside.put(backwards & (lines.units > 0), "units", "positive in a cancellation")
    free = (lines.price == 0) & invoices & ~fee & ~backwards & ~empty
    aside.put(free & (lines.units < 0) & named, "units", "negative, at no price, for a customer")
    good = ~aside.bad
    free &= good
    back = good & ~fee & ~free & ~empty & (backwards | (lines.units < 0))
    sale = good & ~fee & ~free & ~back
    undone = _undone(lines, np.flatnonzero(back), sale & ~empty, settings)
    sale[undone] = False
    count = NoDemand(int((fee & good).sum()), int(back.sum()) - len(undone), len(undone), int(free.sum()))
    return sale, count


def _undone(lines: Lines, returns: Ints, sale: Bools, settings: IngestSettings) -> Ints:
    """The sales that a cancellation takes back.

    A cancellation undoes the latest earlier sale of the same customer, product, place, price and number of units
    within the window; the oldest choose first, and a sale is undone once.
    """
    if not returns.size:
        return returns
    wanted = np.unique(lines.sku.codes[returns])
    among = np.flatnonzero(sale & np.isin(lines.sku.codes, wanted))
    sold: dict[tuple[float, ...], list[tuple[int, int]]] = defaultdict(list)
    micros = lines.at.astype(np.int64)
    for at in among[np.argsort(micros[among], kind="stable")].tolist():
        sold[_key(lines, at, 1.0)].append((int(micros[at]), at))
    window = int(settings.match_window.total_seconds() * 1_000_000)
    found = []
    for at in returns[np.argsort(micros[returns], kind="stable")].tolist():
        candidates = sold.get(_key(lines, at, -1.0), [])
        place = bisect_right(candidates, (int(micros[at]), len(micros))) - 1
        if place >= 0 and candidates[place][0] >= micros[at] - window:
            found.append(candidates.pop(place)[1])
    return np.asarray(found, dtype=np.int64)


def _key(lines: Lines, at: int, sign: float) -> tuple[float, ...]:
    price = lines.price[at]
    return (
        float(lines.sku.codes[at]),
        float(lines.place.codes[at]),
        float(lines.customer.codes[at]),
        -1.0 if np.isnan(price) else float(price),
        sign * float(lines.units[at]),
    )


def _matcher(patterns: Iterable[str]) -> _Whole:
    return _Whole("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)")


class _Whole:
    """Whether a whole text, in capitals, matches a pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)

    def __call__(self, text: str) -> bool:
        return self._pattern.fullmatch(text.upper()) is not None
