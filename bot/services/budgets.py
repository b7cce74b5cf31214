"""Which of the orders that are due come first with limited cash, line by line; what waits for a decision counts as due.

A budget is of one currency and pays for the lines that are bought in it. What is not bought now can be bought with next
month's money: a line's goods are to last from their arrival for as long as it is until then, a review at the least.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from bot.domain.arrays import Bools
from bot.domain.budget import Spending, Wanted, spend
from bot.domain.money import Money
from bot.domain.sourcing import SourcingSettings, find_moves
from bot.domain.watch import Assessment
from bot.services.drafting import Drafting, Need
from bot.services.expecting import demand_over, usual_days
from bot.services.snapshot import Snapshot
from bot.storage.requests import Draft, DraftLine, Way
from bot.storage.undecided import Waiting


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One product at one place: `units` of the `wanted` are ordered; what they cost and save, and the others would.

    `request_id` is the request that asks for it already, None where there is none.
    """

    sku: str
    name: str
    location: str
    supplier: str
    units: int
    wanted: int
    cost: Money
    saved: Money
    left_cost: Money
    forgone: Money
    arrives_on: date
    request_id: int | None


@dataclass(frozen=True, slots=True)
class Revision:
    """What a request that waits for a decision must become to be what the budget orders.

    `units` by SKU where it asks for other than that, 0 to take it out; `unweighed` of its products are no lines here.
    """

    request_id: int
    units: tuple[tuple[str, int], ...]
    unweighed: int

    @property
    def none(self) -> bool:
        """Whether it can be approved as it stands."""
        return not self.units and not self.unweighed


@dataclass(frozen=True, slots=True)
class BudgetView:
    """A budget's orders, the best first, and what is left out, the costliest to leave out first.

    `until` is when the next money comes; `at_most` bounds what any other choice could save more; `short` names
    suppliers whose minimum order value is not reached, with what is lacking; `elsewhere` is what is due in other money.
    `revisions` are those of the requests that ask for any of the lines, the oldest first.
    """

    budget: Money
    until: date
    spent: Money
    lines: tuple[BudgetLine, ...]
    left_out: tuple[BudgetLine, ...]
    due: Money
    saved: Money
    forgone: Money
    at_most: Money
    short: tuple[tuple[str, Money], ...]
    elsewhere: tuple[Money, ...]
    revisions: tuple[Revision, ...] = ()


def set_aside(taken: Snapshot, waiting: Sequence[Waiting]) -> Snapshot:
    """The facts as if the purchases that wait for a decision had not been asked for."""
    pending = taken.positions.pending.copy()
    for line in waiting:
        row = taken.find(line.product_id, line.location_id)
        if row is not None:
            pending[row] = max(int(pending[row]) - line.units, 0)
    return dataclasses.replace(taken, positions=dataclasses.replace(taken.positions, pending=pending))


@dataclass(frozen=True, slots=True, eq=False)
class Trade:
    """What waits for a decision, suppliers' minimum order values as (minor units, currency), and their names."""

    waiting: Sequence[Waiting]
    minimums: Mapping[int, tuple[int, str]]
    names: Mapping[int, str]


def orders_within(
    taken: Snapshot,
    assessed: Assessment,
    chosen: Bools,
    sourcing: SourcingSettings,
    trade: Trade,
    budgets: Sequence[Money],
    today: date,
) -> tuple[BudgetView, ...]:
    """Each budget's orders among the chosen series, by the drafts that the watch would make."""
    stale = taken.positions.stale
    judged = np.ones_like(chosen) if stale is None else ~stale
    moves = find_moves(assessed, taken.network, judged, taken.promised)
    drafting = Drafting(taken, assessed, moves, sourcing, trade.minimums)
    money = assessed.money_minor["stockout_risk"]
    due = np.flatnonzero(chosen & judged & (assessed.supply.order_quantity > 0))
    drafts = drafting.restock([Need(None, row, 0, int(money[row])) for row in due.tolist()])
    buys = [draft for draft in drafts if draft.kind == "purchase_order"]
    asked = {(line.product_id, line.location_id): line.request_id for line in trade.waiting}
    work = _Work(taken, assessed, drafting, today, asked, trade)
    return tuple(work.within(budget, buys) for budget in budgets)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    taken: Snapshot
    assessed: Assessment
    drafting: Drafting
    today: date
    asked: Mapping[tuple[int, int], int]
    trade: Trade

    def within(self, budget: Money, drafts: Sequence[Draft]) -> BudgetView:
        code = budget.currency
        mine = [(draft, line) for draft in drafts if draft.currency == code for line in draft.lines]
        until = (self.today.replace(day=1) + timedelta(days=32)).replace(day=1)
        found = spend(self._wanted(mine, code, (until - self.today).days), budget.minor)
        lines = [self._line(draft, line, found, number, code) for number, (draft, line) in enumerate(mine)]
        ranked = sorted(range(len(lines)), key=lambda number: int(found.place[number]))
        others: dict[str, int] = {}
        for draft in drafts:
            if draft.currency != code:
                others[draft.currency] = others.get(draft.currency, 0) + draft.total_minor
        return BudgetView(
            budget=budget,
            until=until,
            spent=Money.of_minor(found.spent_minor, code),
            lines=tuple(lines[number] for number in ranked if found.place[number] >= 0),
            left_out=tuple(
                sorted((line for line in lines if line.units < line.wanted), key=lambda line: -line.forgone.minor)
            ),
            due=Money.of_minor(sum(line.quantity * line.unit_cost_minor for _draft, line in mine), code),
            saved=Money.of_minor(int(found.saved_minor.sum()), code),
            forgone=Money.of_minor(int(found.forgone_minor.sum()), code),
            at_most=Money.of_minor(found.at_most_minor, code),
            short=self._short(mine, found, code),
            elsewhere=tuple(Money.of_minor(minor, other) for other, minor in sorted(others.items())),
            revisions=self._revisions(mine, found),
        )

    def _revisions(self, mine: Sequence[tuple[Draft, DraftLine]], found: Spending) -> tuple[Revision, ...]:
        """A product that several requests ask for is left to the newest of them, as its line says."""
        ordered = {
            (line.product_id, draft.location_id): int(found.quantity[number])
            for number, (draft, line) in enumerate(mine)
        }
        requests: dict[int, dict[tuple[int, int], int]] = {}
        for line in self.trade.waiting:
            units = requests.setdefault(line.request_id, {})
            key = line.product_id, line.location_id
            units[key] = units.get(key, 0) + line.units
        return tuple(
            self._revision(request, units, ordered)
            for request, units in sorted(requests.items())
            if units.keys() & ordered.keys()
        )

    def _revision(
        self, request: int, asked: Mapping[tuple[int, int], int], ordered: Mapping[tuple[int, int], int]
    ) -> Revision:
        wanted = {key: ordered[key] if self.asked[key] == request else 0 for key in asked if key in ordered}
        other = ((self.taken.products[key[0]].sku, units) for key, units in wanted.items() if units != asked[key])
        return Revision(request, tuple(other), len(asked) - len(wanted))

    def _wanted(self, mine: Sequence[tuple[Draft, DraftLine]], currency: str, days: int) -> Wanted:
        """The lines as arrays; demand until the goods are here is that of the route they come by, with its spread."""
        supply = self.assessed.supply
        rows = np.array([self._row(draft, line) for draft, line in mine], dtype=np.int64)
        detail = [line.detail or {} for _draft, line in mine]
        lead = np.array([float(each["lead_time_days"]) for each in detail])
        spread = np.array([float(each["lead_time_sd_days"]) for each in detail])
        factor = self.taken.exchange.factor(currency)
        margin = supply.margin_minor[rows].astype(np.float64) / float(factor) if factor else np.zeros(len(rows))
        last = np.maximum(self.assessed.routes.review_days[rows], float(days))
        here, gone = (usual_days(self.taken, rows, each) for each in (lead, lead + last))
        spans = (here, spread), (gone - here, np.zeros(len(rows)))
        before, after = demand_over(self.taken, self.assessed, rows, spans)
        return Wanted(
            quantity=np.array([line.quantity for _draft, line in mine], dtype=np.int64),
            minimum=np.array([each["minimum_order"] for each in detail], dtype=np.int64),
            pack=np.array([each["pack_size"] for each in detail], dtype=np.int64),
            unit_cost_minor=np.array([line.unit_cost_minor for _draft, line in mine], dtype=np.int64),
            margin_minor=np.rint(margin).astype(np.int64),
            stock=supply.counted[rows],
            before=before,
            after=after,
        )

    def _row(self, draft: Draft, line: DraftLine) -> int:
        row = self.taken.find(line.product_id, draft.location_id)
        assert row is not None  # noqa: S101  # the draft was made from this row
        return row

    def _line(self, draft: Draft, line: DraftLine, found: Spending, number: int, currency: str) -> BudgetLine:
        product, place = self.taken.products[line.product_id], self.taken.places[draft.location_id]
        units = int(found.quantity[number])
        return BudgetLine(
            sku=product.sku,
            name=product.name,
            location=place.code,
            supplier=self.trade.names.get(draft.supplier_id or 0, ""),
            units=units,
            wanted=line.quantity,
            cost=Money.of_minor(units * line.unit_cost_minor, currency),
            saved=Money.of_minor(int(found.saved_minor[number]), currency),
            left_cost=Money.of_minor((line.quantity - units) * line.unit_cost_minor, currency),
            forgone=Money.of_minor(int(found.forgone_minor[number]), currency),
            arrives_on=date.fromisoformat((line.detail or {})["arrives_on"]),
            request_id=self.asked.get((line.product_id, draft.location_id)),
        )

    def _short(
        self, mine: Sequence[tuple[Draft, DraftLine]], found: Spending, currency: str
    ) -> tuple[tuple[str, Money], ...]:
        """Orders that come to less than their supplier's minimum within the budget, and what each lacks."""
        spent: dict[Way, int] = {}
        for number, (draft, line) in enumerate(mine):
            if units := int(found.quantity[number]):
                way = Way(draft.kind, draft.location_id, currency, draft.supplier_id, mode=draft.mode)
                spent[way] = spent.get(way, 0) + units * line.unit_cost_minor
        lacking = ((way, (self.drafting.least_total(way) or 0) - minor) for way, minor in spent.items())
        return tuple(
            (self.trade.names.get(way.supplier_id or 0, ""), Money.of_minor(minor, currency))
            for way, minor in lacking
            if minor > 0
        )
