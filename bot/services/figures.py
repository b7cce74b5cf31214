"""One series' figures as they are shown, from the domain's arrays.

Exact definitions, which `/stock` and a case's card share:

- Days are local to the location. A window of W days is the last W whole local days before the day that holds the
  instant; what was sold since that midnight is `sold_today` and in no window.
- `Velocity.units` are the units of uncancelled sales in the window, and `raw` = units / W. `corrected` = units /
  in-stock days, spikes capped, where days without stock are left out and the window reaches further back until it holds
  enough in-stock days; `days_left_out` counts the days it stepped over, and of `part_days` more it left out the hours
  without stock, `part_out` days together. `per_day` blends the corrected ones.
- `on_hand` is the stock at the instant, `available` = on_hand - committed,
  `incoming` all that is ordered and not received, `position` = available + incoming + pending - backorders.
- `days_of_cover` = available / per_day, less what events ahead take off; `stockout_on` is the local day on which cover
  with inbound ends, and inbound counts only if it lands before. `gap_days` compares it with the next arrival, where
  that comes too late.
- Levels in units: the reorder point is rounded down (which decides the same), safety stock and order-up-to up.
- `days_of_inventory` and `inventory_turnover` are over the turnover period (90 days); unknown figures are None.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from bot.domain.arrays import Ints
from bot.domain.evidence import STEPS_OF_KIND, evidence_texts
from bot.domain.money import Money
from bot.domain.sheet import json_text
from bot.domain.turnover import ABC, XYZ
from bot.domain.uplift import AHEAD_DAYS
from bot.domain.views import Arrival, CaseKind, StockLine, Velocity
from bot.domain.watch import Assessment
from bot.services.snapshot import Snapshot
from bot.storage.catalogue import ProductRow

_EXACT = 1e-9
NEAR = ("everything", "category", "place")  # who told a borrowed rate, by `newcomers.Prior.near`
_FAR_DAYS = 36_500  # a stock-out further off than a century is none


def decimal(value: float, places: int = 2) -> Decimal | None:
    """A figure as a Decimal with at most so many decimals; None where it is not finite."""
    if not math.isfinite(value):
        return None
    return round(Decimal(repr(float(value))), places)


def stock_line(taken: Snapshot, assessed: Assessment, row: int, flags: Iterable[CaseKind]) -> StockLine:
    """Everything shown of one series."""
    product, place = taken.product(row), taken.place(row)
    supply, stock, positions, end = assessed.supply, assessed.stock, assessed.positions, assessed.supply.runout
    on_hand = int(positions.on_hand[row])
    known = supply.reorder_point[row] >= 0
    return StockLine(
        sku=product.sku,
        name=product.name,
        location=place.code,
        location_name=place.name,
        as_of=taken.at,
        on_hand=on_hand,
        committed=int(taken.committed[row]),
        available=int(positions.available[row]),
        incoming=int(positions.incoming[row].sum() + positions.overdue[row]),
        pending=int(positions.pending[row]),
        position=int(supply.position[row]),
        sold_today=int(taken.sold_today[row]),
        velocities=velocities(taken, assessed, row),
        per_day=decimal(assessed.demand.velocity[row], 4) or Decimal(0),
        lead_time_days=decimal(supply.lead_time[row], 1),
        safety_stock=math.ceil(supply.safety_stock[row] - _EXACT) if known else None,
        reorder_point=math.floor(supply.reorder_point[row] + _EXACT) if known else None,
        order_up_to=math.ceil(supply.order_up_to[row] - _EXACT) if known else None,
        days_of_cover=decimal(end.cover[row]),
        days_of_cover_with_inbound=decimal(end.stockout[row]),
        stockout_on=stockout_on(taken, assessed, row),
        next_arrival=next_arrival(taken, assessed, row),
        gap_days=gap_days(assessed, row),
        days_of_inventory=decimal(stock.days_of_inventory[row], 1),
        inventory_turnover=decimal(stock.inventory_turnover[row]),
        ageing=_five(_ageing(taken, assessed, row)),
        told_age=taken.told_ages.get(row),
        abc=ABC[stock.abc[row]],
        xyz=XYZ[stock.xyz[row]],
        unit_cost=_money(product.unit_cost_minor, product.currency),
        unit_price=_money(product.unit_price_minor, product.currency)
        or _money(product.store_price_minor, product.store_currency or ""),
        value=_money(None if product.unit_cost_minor is None else product.unit_cost_minor * on_hand, product.currency),
        flags=tuple(flags),
    )


def _ageing(taken: Snapshot, assessed: Assessment, row: int) -> list[int]:
    """Units by age as the place's own store says, where that is fresh; else first in, first out."""
    told = taken.told_ages.get(row)
    buckets = None if told is None else told.buckets(assessed.settings.ageing.bucket_edges)
    return assessed.stock.ageing[row].tolist() if buckets is None else list(buckets)


def velocities(taken: Snapshot, assessed: Assessment, row: int) -> tuple[Velocity, ...]:
    """Each window's figures."""
    demand, units = assessed.demand, taken.history.units[row]
    return tuple(
        Velocity(
            window=window,
            units=int(units[-window:].sum()),
            raw=decimal(demand.raw[row, column], 4) or Decimal(0),
            corrected=decimal(demand.corrected[row, column], 4) or Decimal(0),
            days_left_out=int(demand.left_out_days[row, column]),
            part_days=int(demand.part_days[row, column]),
            part_out=decimal(demand.part_out_days[row, column], 2) or Decimal(0),
        )
        for column, window in enumerate(assessed.settings.demand.windows)
    )


def stockout_on(taken: Snapshot, assessed: Assessment, row: int) -> date | None:
    """The local day on which the stock ends, today where it has; None where nothing sells."""
    days = float(assessed.supply.runout.stockout[row])
    if not days < _FAR_DAYS:
        return None
    return taken.today_of(row) + timedelta(days=math.floor(days + _EXACT))


def next_arrival(taken: Snapshot, assessed: Assessment, row: int) -> Arrival | None:
    """The first goods still to come in time; where none are, those that are overdue."""
    landing = np.flatnonzero(assessed.positions.incoming[row])
    if len(landing):
        on = taken.today_of(row) + timedelta(days=int(landing[0]) - 1)
        return Arrival(int(assessed.positions.incoming[row, landing[0]]), on)
    if assessed.positions.overdue[row] > 0:
        return Arrival(int(assessed.positions.overdue[row]), taken.overdue_since[row], late=True)
    return None


def gap_days(assessed: Assessment, row: int) -> int | None:
    """Days by which the next arrival comes after the stock-out; None where it comes in time or none is due."""
    end = assessed.supply.runout
    if not (end.gap[row] > 0 and end.relief[row] == end.next_arrival[row]):
        return None
    return math.ceil(float(end.gap[row]) - _EXACT)


def headline(taken: Snapshot, assessed: Assessment, row: int) -> dict[str, Any]:
    """The figures on a case's card, as `bot.storage.cases` keeps and reads them."""
    ends, coming = stockout_on(taken, assessed, row), next_arrival(taken, assessed, row)
    late = taken.overdue_orders.get(row)
    cover = decimal(assessed.supply.runout.cover[row])
    return {
        "on_hand": int(assessed.positions.on_hand[row]),
        "per_day": str(decimal(assessed.demand.velocity[row], 4) or Decimal(0)),
        "days_of_cover": None if cover is None else str(cover),
        "stockout_on": ends.isoformat() if ends else None,
        "next_arrival": {"quantity": coming.quantity, "on": coming.on.isoformat(), "late": coming.late}
        if coming
        else None,
        **({"overdue_orders": list(late)} if late else {}),
    }


def evidence_of_kind(taken: Snapshot, assessed: Assessment, rows: Ints, kind: CaseKind) -> list[str]:
    """What the cases of a kind keep for `Why?`, as JSON texts in the order of `rows`.

    That is the domain's evidence with the steps which the kind rests on, the headline, and the money as it was before
    conversion. Text, because thousands of texts weigh less than as many trees, and are written in the scan's thread.
    """
    known: dict[int, str] = {}
    ahead: dict[tuple[int, int, float], dict[str, Any]] = {}  # few spans are told apart among thousands of cases
    leads = (assessed.supply.lead_time + assessed.routes.review_days)[rows]
    groups = taken.groups.rows(rows)
    spans = zip(groups.category.tolist(), groups.region.tolist(), leads.tolist(), strict=True)
    texts = []
    for row, span, proof in zip(rows.tolist(), spans, evidence_texts(assessed, rows, STEPS_OF_KIND[kind]), strict=True):
        if span not in ahead:
            ahead[span] = events_ahead(taken, assessed, row)
        product_id = int(taken.product_ids[row])
        if product_id not in known:
            known[product_id] = json_text(_original(taken, row))
        about = {
            "as_of": (taken.today_of(row) - timedelta(days=1)).isoformat(),
            "at": taken.at.isoformat(),
            "currency": taken.exchange.currency,
            "shown": headline(taken, assessed, row),
            **learned(taken, row),
            **ahead[span],
            **borrowed(taken, assessed, row),
        }
        texts.append(f'{json_text(about)[:-1]},"original":{known[product_id]},{proof[1:]}')
    return texts


def learned(taken: Snapshot, row: int) -> dict[str, Any]:
    """How the planned route's lead time was learned: on how many orders it rests, what was stated, and for how many
    days of it the supplier is closed; or nothing.
    """
    routes, index = taken.market.routes, int(taken.market.planned[row])
    if index < 0:
        return {}
    route = int(taken.market.route[index])
    closed, seen = int(routes.closed[route]), int(routes.observations[route])
    if not (closed or seen):
        return {}
    known = {
        "observations": seen,
        "stated_days": str(decimal(routes.stated[route], 1)),
        "learned_days": str(decimal(routes.lead_time[route] - closed, 1)),
    }
    return {"lead_time": {**known, "closed_days": closed} if closed else known}


def events_ahead(taken: Snapshot, assessed: Assessment, row: int) -> dict[str, Any]:
    """The events until goods of the next review come and while the stock lasts, and how many times the usual each is to
    sell; or nothing.
    """
    category, place = int(taken.category[row]), int(taken.location_ids[row])
    end = float(assessed.supply.runout.stockout[row])
    lead = float(assessed.supply.lead_time[row] + assessed.routes.review_days[row])
    lasts = math.ceil(end) if end < AHEAD_DAYS else 0.0  # what lasts beyond every event known names none of them
    coming = taken.lift.within(category, place, taken.today_of(row), max(lead, lasts))
    told = [
        {
            "key": each.event.key,
            "name": each.event.name.msgid,
            "first": each.event.first.isoformat(),
            "last": each.event.last.isoformat(),
            "times": str(decimal(each.size, 2)),
            "source": each.source,
            **({"category": taken.category_of(row)} if each.source == "category" else {}),
        }
        for each in coming
    ]
    return {"events": told} if told else {}


def borrowed(taken: Snapshot, assessed: Assessment, row: int) -> dict[str, Any]:
    """What a product that is new at its place borrows: from which category, by how many products of whom, and how much;
    or nothing.
    """
    if assessed.outlook is None or not assessed.outlook.borrowed.counts[row] > 0:
        return {}
    lent = assessed.outlook.borrowed
    told = {
        "category": taken.category_of(row),
        "series": int(lent.series[row]),
        "near": NEAR[int(lent.near[row])],
        "rate": str(decimal(lent.rate[row], 4)),
        "share": str(decimal(lent.share[row], 4)),
    }
    return {"borrowed": told}


def _original(taken: Snapshot, row: int) -> dict[str, Any]:
    """A product's money in its own currency."""
    product = taken.product(row)
    rate = taken.exchange.rate(product.currency)
    return {
        "currency": product.currency,
        "unit_cost_minor": product.unit_cost_minor,
        "unit_price_minor": product.unit_price_minor,
        "rate": None if rate is None else str(rate),
        **_of_store(taken, product),
    }


def _of_store(taken: Snapshot, product: ProductRow) -> dict[str, Any]:
    """The store's price that stands in for a missing one, and the rate it was converted at."""
    if product.unit_price_minor is not None or product.store_currency is None:
        return {}
    rate = taken.exchange.rate(product.store_currency)
    return {
        "store_price_minor": product.store_price_minor,
        "store_currency": product.store_currency,
        "store_rate": None if rate is None else str(rate),
    }


def opened_flags(opens: Mapping[CaseKind, Any], row: int, kinds: Iterable[CaseKind]) -> tuple[CaseKind, ...]:
    """Kinds of trouble that the figures alone would open."""
    return tuple(kind for kind in kinds if opens[kind][row] > 0)


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money.of_minor(minor, currency)


def _five(buckets: list[int]) -> tuple[int, int, int, int, int]:
    first, second, third, fourth, fifth = buckets
    return first, second, third, fourth, fifth
