"""Purchases as they may go out: what will be due soon joins them, and what is below their supplier's minimum is filled
up, held until the next scan, or ordered all the same.

An order is filled up with what the supplier ships the same way and what runs out next (`bot.domain.ordering`). Where
that does not do, it is held while every product on it still lasts for a review longer than its goods take; the next
scan looks again. What cannot wait is ordered below the minimum, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bot.domain.arrays import Ints
from bot.domain.combining import MOST_LINES
from bot.domain.money import Money
from bot.domain.ordering import Shelf, fill_up, joining
from bot.domain.sourcing import Offer, SourcingSettings
from bot.domain.watch import Assessment
from bot.services.drafting import Drafting, Need, Proposal
from bot.services.snapshot import Snapshot
from bot.storage.requests import Draft, DraftLine


@dataclass(frozen=True, slots=True)
class Held:
    """An order that waits: what it comes to, and what its supplier, named where it is known, takes at least."""

    supplier_id: int
    total: Money
    least: Money
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
        least = _least(draft)
        if least is None:
            kept.append(draft)
        elif (filled := desk.filled(draft, least)) is not None:
            kept.append(filled)
        elif desk.waits(draft):
            held.append(_held(draft, least))
        else:
            kept.append(draft)
    return kept, held


def as_far_as_seen(drafts: Sequence[Draft]) -> tuple[list[Draft], list[Held]]:
    """The same for a scan of some products alone: what else the supplier ships is not known to it.

    So what is below a minimum is left to the next scan of the whole.
    """
    kept = [draft for draft in drafts if _least(draft) is None]
    return kept, [_held(draft, least) for draft in drafts if (least := _least(draft)) is not None]


def _least(draft: Draft) -> int | None:
    """The supplier's minimum in minor units, where the draft is below it."""
    least: int | None = (draft.detail or {}).get("least_total_minor")
    return None if draft.supplier_id is None or least is None or draft.total_minor >= least else least


def _held(draft: Draft, least: int) -> Held:
    assert draft.supplier_id is not None  # noqa: S101  # only a supplier has a minimum
    total, floor = (Money.of_minor(minor, draft.currency) for minor in (draft.total_minor, least))
    return Held(draft.supplier_id, total, floor, len(draft.lines))


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
        return self._with(draft, found, more) if (found > shelf.quantity).any() else draft

    def filled(self, draft: Draft, least: int) -> Draft | None:
        """The draft with more of its lines and of others, coming to the least; None where that cannot be."""
        more = self._others(draft)
        shelf, _rows = self._shelf(draft, more)
        found = fill_up(shelf, least, self.settings.fill_days)
        return None if found is None else self._with(draft, found, more)

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
            position=self.assessed.supply.position[all_rows],
            order_up_to=self.assessed.supply.order_up_to[all_rows],
        )
        return shelf, all_rows

    def waits(self, draft: Draft) -> bool:
        """Whether all its products last a review longer than their goods take."""
        end = self.assessed.supply.runout.stockout
        return all(
            float(end[self._row(draft, line)])
            >= float((line.detail or {})["lead_time_days"]) + self.settings.review_days
            for line in draft.lines
        )

    def _with(self, draft: Draft, units: Ints, more: Sequence[tuple[int, Offer]]) -> Draft:
        """The draft with those units of its lines, then of the others; `filled` says what was added to a line."""
        lines = [
            line if line.quantity == wanted else _grown(line, wanted)
            for line, wanted in zip(draft.lines, units.tolist(), strict=False)
        ]
        added: list[Proposal] = []
        for (row, offer), wanted in zip(more, units.tolist()[len(draft.lines) :], strict=True):
            line = self.drafting.purchase(Need(None, row, 0), offer, wanted) if wanted else None
            if line is not None:
                added.append(line)
                self.used.add(row)
        every = (*lines, *(replace(each.line, detail=_filled(each.line, each.line.quantity)) for each in added))
        total = sum(line.quantity * line.unit_cost_minor for line in every)
        days = [each.expected_on for each in added] + ([draft.expected_on] if draft.expected_on else [])
        return replace(draft, lines=every, total_minor=total, expected_on=max(days, default=None))

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
        for at in np.flatnonzero(mine).tolist():
            row, route = int(market.row[at]), int(market.route[at])
            offer = Offer(route, float(routes.lead_time[route]), None)
            price, currency = self._price(row, offer)
            if routes.mode[route] == draft.mode and currency == draft.currency and price > 0 and row not in rows:
                found.setdefault(row, offer)
        end = self.assessed.supply.runout.stockout
        soonest = sorted(found.items(), key=lambda item: (float(end[item[0]]), item[0]))
        return soonest[: max(MOST_LINES - len(draft.lines), 0)]

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


def _grown(line: DraftLine, units: int) -> DraftLine:
    return replace(line, quantity=units, detail=_filled(line, units - line.quantity))


def _filled(line: DraftLine, units: int) -> dict[str, object]:
    detail = line.detail or {}
    return {**detail, "filled": units + int(detail.get("filled", 0))}
