"""Purchases as they may go out: what will be due soon joins them, what is below their supplier's minimum is filled up,
held until the next scan, or ordered all the same, and what goes by containers is made to fill them.

An order is filled up with what the supplier ships the same way and what runs out next (`bot.domain.ordering`). Where
that does not do, it is held while every product on it still lasts for a review longer than its goods take; the next
scan looks again. What cannot wait is ordered below the minimum, and says so.

The last container that an order begins is filled up in the same way (`bot.domain.containers`). One that would go nearly
empty is not begun: what can wait is left to a later order, unless that takes the order below its minimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import numpy as np

from bot.domain.arrays import Ints
from bot.domain.combining import MOST_LINES, MOST_SHIPPED
from bot.domain.containers import Cargo, container_of, cut_back, stowed, topped_up
from bot.domain.money import Money
from bot.domain.ordering import Shelf, fill_up, joining, kept_from
from bot.domain.reviewdates import next_chance
from bot.domain.sourcing import Offer, SourcingSettings
from bot.domain.watch import Assessment
from bot.services.drafting import Drafting, Need, Proposal
from bot.services.snapshot import Snapshot
from bot.storage.requests import Draft, DraftLine

OVERSTOCKED = "overstocked"  # of an order's detail: goods (SKUs) that would be, if more of them filled it up
Why = Literal["filled", "brought"]  # to a supplier's minimum or with what is due soon; to fill a container


@dataclass(frozen=True, slots=True)
class Held:
    """An order that waits: what it comes to, and what its supplier, named where it is known, takes at least.

    `least` None: its container would go nearly empty, or it is to gather.
    """

    supplier_id: int
    total: Money
    least: Money | None
    lines: int
    supplier: str = ""


def as_they_go(
    taken: Snapshot, assessed: Assessment, drafting: Drafting, settings: SourcingSettings, drafts: Sequence[Draft]
) -> tuple[list[Draft], list[Held]]:
    """The drafts as they may go out, in their order, and those that are held."""
    desk = _Desk(taken, assessed, drafting, settings)
    kept: list[Draft] = []
    held: list[Held] = []
    for plain in drafts:
        draft = desk.joined(plain)
        if (least := _least(draft)) is not None:
            filled, reached = desk.filled(draft, least)
            if not reached and desk.waits(draft):
                held.append(_held(draft, least))
                continue
            draft = filled
        stowed = desk.stowed(draft)
        if stowed is None:
            held.append(_held(draft, None))
        else:
            kept.append(stowed)
    return kept, held


def as_far_as_seen(drafts: Sequence[Draft], later: Sequence[Draft] = ()) -> tuple[list[Draft], list[Held]]:
    """The same for a scan of some products alone: what else the supplier ships is not known to it.

    So what is below a minimum is left to the next scan of the whole, and what goes by containers unless it is urgent;
    and so is what is to gather until `later`.
    """
    kept: list[Draft] = []
    held = [_held(draft, None) for draft in later]
    for draft in drafts:
        least = _least(draft)
        if least is None and (draft.urgent or container_of(draft.detail) is None):
            kept.append(draft)
        else:
            held.append(_held(draft, least))
    return kept, held


def _least(draft: Draft) -> int | None:
    """The supplier's minimum in minor units, where the draft is below it."""
    least: int | None = (draft.detail or {}).get("least_total_minor")
    return None if draft.supplier_id is None or least is None or draft.total_minor >= least else least


def _held(draft: Draft, least: int | None) -> Held:
    assert draft.supplier_id is not None  # noqa: S101  # only a supplier has a minimum, or a container
    floor = None if least is None else Money.of_minor(least, draft.currency)
    return Held(draft.supplier_id, Money.of_minor(draft.total_minor, draft.currency), floor, len(draft.lines))


@dataclass(frozen=True, slots=True, eq=False)
class _Desk:
    taken: Snapshot
    assessed: Assessment
    drafting: Drafting
    settings: SourcingSettings
    used: set[int] = field(default_factory=set)  # rows that joined an order: two may go the same way

    def joined(self, draft: Draft) -> Draft:
        """The draft with what will be due within `join_days`."""
        if draft.kind != "purchase_order" or not self.settings.join_days:
            return draft
        more = self._others(draft)
        shelf, rows = self._shelf(draft, more)
        found = joining(shelf, self.assessed.supply.reorder_point[rows], self.settings.join_days)
        return self._with(draft, found, more, "filled") if (found > shelf.quantity).any() else draft

    def filled(self, draft: Draft, least: int) -> tuple[Draft, bool]:
        """The draft with more of its lines and of others, and whether it comes to the least; as it is where it cannot.

        It names the goods of which no more is taken because they would be overstocked.
        """
        more = self._others(draft)
        shelf, rows = self._shelf(draft, more)
        found = fill_up(shelf, least, self.settings.fill_days)
        kept = rows[kept_from(shelf, found, least, self.settings.fill_days)].tolist()
        filled = draft if found is None else self._with(draft, found, more, "filled")
        if kept:
            named = {OVERSTOCKED: [self.taken.product(row).sku for row in kept]}
            filled = replace(filled, detail={**(filled.detail or {}), **named})
        return filled, found is not None

    def stowed(self, draft: Draft) -> Draft | None:
        """The draft in full containers as far as that is wise; None where it waits for more to go with it.

        As it is where its goods go otherwise, or where the volume of any is unknown.
        """
        container = container_of(draft.detail)
        if container is None or any("volume_cm3" not in (line.detail or {}) for line in draft.lines):
            return draft
        weighed = all("weight_g" in (line.detail or {}) for line in draft.lines)
        limit = container if weighed else replace(container, weight_g=0)
        more = [each for each in self._others(draft) if self._measured(each[0], weighed=bool(limit.weight_g))]
        cargo = self._cargo(draft, more)
        begun = stowed(limit, cargo, cargo.quantity)
        if begun.share < self.settings.container_least:
            less = cut_back(limit, cargo, begun.count - 1)
            if less is not None and not less.any():
                return None
            if less is not None and _least(shorter := self._with(draft, less, more, "brought")) is None:
                return _noting(shorter, int((cargo.quantity - less).sum()))
        return self._with(draft, topped_up(limit, cargo, self.settings.fill_days), more, "brought")

    def _measured(self, row: int, *, weighed: bool) -> bool:
        product = self.taken.product(row)
        return product.volume_cm3 is not None and (product.weight_g is not None or not weighed)

    def _cargo(self, draft: Draft, more: Sequence[tuple[int, Offer]]) -> Cargo:
        shelf, rows = self._shelf(draft, more)
        goods = [self.taken.product(row) for row in rows.tolist()]
        return Cargo(
            quantity=shelf.quantity,
            minimum=shelf.minimum,
            pack=shelf.pack,
            volume_cm3=np.array([product.volume_cm3 or 0 for product in goods], dtype=np.int64),
            weight_g=np.array([product.weight_g or 0 for product in goods], dtype=np.int64),
            velocity=shelf.velocity,
            position=shelf.position,
            order_up_to=shelf.order_up_to,
            overstock=shelf.overstock,
            pressing=np.array([*(self._presses(draft, line) for line in draft.lines), *(False for _each in more)]),
            rank=self.taken.product_ids[rows],
        )

    def _shelf(self, draft: Draft, more: Sequence[tuple[int, Offer]]) -> tuple[Shelf, Ints]:
        """The draft's lines, then the others, and the rows of both."""
        rows = [self._row(draft, line) for line in draft.lines]
        all_rows = np.array([*rows, *(row for row, _offer in more)], dtype=np.int64)
        routes = self.taken.market.routes
        of_more = np.array([offer.route for _row, offer in more], dtype=np.int64)
        detail = [line.detail or {} for line in draft.lines]
        shelf = Shelf(
            quantity=np.array([*(line.quantity for line in draft.lines), *(0 for _each in more)], dtype=np.int64),
            minimum=_joined([each["minimum_order"] for each in detail], routes.minimum_order[of_more]),
            pack=_joined([each["pack_size"] for each in detail], routes.pack_size[of_more]),
            unit_cost_minor=np.array(
                [*(line.unit_cost_minor for line in draft.lines), *(self._price(*each)[0] for each in more)],
                dtype=np.int64,
            ),
            velocity=self.assessed.demand.velocity[all_rows],
            position=self.assessed.supply.counted[all_rows],
            order_up_to=self.assessed.supply.order_up_to[all_rows],
            overstock=self.assessed.stock.excess_line[all_rows],
        )
        return shelf, all_rows

    def waits(self, draft: Draft) -> bool:
        """Whether all its products last a review longer than their goods take."""
        return not any(self._presses(draft, line) for line in draft.lines)

    def _presses(self, draft: Draft, line: DraftLine) -> bool:
        """Whether goods ordered a review later would come too late."""
        row = self._row(draft, line)
        routes = self.assessed.routes
        chance = next_chance(routes.review_days, routes.review_every, routes.review_wait)[row]
        later = float((line.detail or {})["lead_time_days"]) + float(chance)
        return float(self.assessed.supply.runout.stockout[row]) < later

    def _with(self, draft: Draft, units: Ints, more: Sequence[tuple[int, Offer]], why: Why) -> Draft:
        """The draft with those units of its lines, then of the others; `why` counts what was added to a line."""
        lines = [
            line if line.quantity == wanted else _changed(line, wanted, why)
            for line, wanted in zip(draft.lines, units.tolist(), strict=False)
            if wanted
        ]
        added: list[Proposal] = []
        for (row, offer), wanted in zip(more, units.tolist()[len(draft.lines) :], strict=True):
            line = self.drafting.purchase(Need(None, row, 0), offer, wanted) if wanted else None
            if line is not None:
                added.append(line)
                self.used.add(row)
        every = (*lines, *(replace(each.line, detail=_counted(each.line, each.line.quantity, why)) for each in added))
        total = sum(line.quantity * line.unit_cost_minor for line in every)
        here = max(date.fromisoformat((line.detail or {})["arrives_on"]) for line in every)
        return replace(draft, lines=every, total_minor=total, expected_on=here)

    def _others(self, draft: Draft) -> list[tuple[int, Offer]]:
        """What else comes the same way, the soonest to run out first: as much as an order has room for."""
        rows = {self._row(draft, line) for line in draft.lines} | self.used
        market, routes = self.taken.market, self.taken.market.routes
        mine = (
            (routes.supplier[market.route] == draft.supplier_id)
            & (self.taken.location_ids[market.row] == draft.location_id)
            & (self.assessed.positions.pending[market.row] == 0)
            & (self.assessed.supply.order_quantity[market.row] == 0)  # what is due has an answer of its own
            & (self.assessed.demand.velocity[market.row] > 0)
        )
        if (stale := self.taken.positions.stale) is not None:
            mine &= ~stale[market.row]
        found: dict[int, Offer] = {}
        container = container_of(draft.detail)
        for at in np.flatnonzero(mine).tolist():
            row, route = int(market.row[at]), int(market.route[at])
            offer = Offer(route, float(routes.lead_time[route]), None)
            price, currency = self._price(row, offer)
            if routes.container[route] not in {None, container}:
                continue
            if routes.mode[route] == draft.mode and currency == draft.currency and price > 0 and row not in rows:
                found.setdefault(row, offer)
        end = self.assessed.supply.runout.stockout
        soonest = sorted(found.items(), key=lambda item: (float(end[item[0]]), item[0]))
        most = MOST_LINES if container is None else MOST_SHIPPED
        return soonest[: max(most - len(draft.lines), 0)]

    def _price(self, row: int, offer: Offer) -> tuple[int, str]:
        """What a unit costs on an offer, in minor units and their currency: the route's price, or the product's."""
        routes, product = self.taken.market.routes, self.taken.product(row)
        quote = int(routes.cost[offer.route])
        return (quote, routes.currency[offer.route]) if quote >= 0 else (product.unit_cost_minor or 0, product.currency)

    def _row(self, draft: Draft, line: DraftLine) -> int:
        row = self.taken.find(line.product_id, draft.location_id)
        assert row is not None  # noqa: S101  # the draft was made from this row
        return row


def _joined(of_lines: Sequence[int], of_others: Ints) -> Ints:
    return np.concatenate([np.array(of_lines, dtype=np.int64), of_others])


def _changed(line: DraftLine, units: int, why: Why) -> DraftLine:
    if units > line.quantity:
        return replace(line, quantity=units, detail=_counted(line, units - line.quantity, why))
    detail = dict(line.detail or {})
    if "filled" in detail:
        detail["filled"] = min(detail["filled"], units)
    return replace(line, quantity=units, detail=detail)


def _counted(line: DraftLine, units: int, why: Why) -> dict[str, object]:
    detail = line.detail or {}
    return {**detail, why: units + int(detail.get(why, 0))}


def _noting(draft: Draft, left: int) -> Draft:
    """The draft with how many units were left to a later order."""
    detail = dict(draft.detail or {})
    return replace(draft, detail={**detail, "container": {**detail["container"], "left": left}})
