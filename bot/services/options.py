"""What can be done about a stock that runs out, from the figures of this moment, and doing one of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards.labels import case_code, request_code
from bot.chat.command import Asker
from bot.chat.nodes import Bold, Code
from bot.domain import approval
from bot.domain.money import Money
from bot.domain.options import Choice, Comparison, OptionKind, OptionsView, OptionView, Situation, compare
from bot.domain.replenishment import unit_margin
from bot.domain.sourcing import Offer, SourcingSettings, freight_minor
from bot.domain.views import CaseView, RequestView
from bot.errors import BadArgument, Refusal, StaleButton, UnknownReference
from bot.ports import Clock
from bot.services.audit import Audit, Deed
from bot.services.catalogue import Catalogue
from bot.services.drafting import Proposal
from bot.services.figures import decimal
from bot.services.planning import Plan, plan
from bot.services.purchaserights import Doing, Matter, refused
from bot.services.purchases import Purchases, recorded
from bot.services.requests import Change, Requests, as_draft
from bot.services.settings import ServiceSettings
from bot.storage import cases as case_rows
from bot.storage import locks
from bot.storage import requests as rows
from bot.storage import suppliers as supplier_rows
from bot.storage.cases import CaseRow
from bot.storage.database import Database
from bot.storage.requests import RequestRow
from bot.words import _


@dataclass(frozen=True, slots=True, eq=False)
class _Weighed:
    """A case, the request that answers it, its figures without that request, and the lines each option would be."""

    case: CaseRow
    held: RequestRow | None
    figures: Plan
    row: int
    comparison: Comparison
    wishes: Mapping[OptionKind, Proposal]


class Options:
    """Weighs transfer, expedite, buy and wait, and carries one out."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        requests: Requests,
        purchases: Purchases,
        catalogue: Catalogue,
        settings: ServiceSettings,
        sourcing: SourcingSettings | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._requests = requests
        self._purchases = purchases
        self._catalogue = catalogue
        self._settings = settings
        self._sourcing = sourcing or SourcingSettings()

    async def weigh(self, case_id: int) -> OptionsView:
        """The options of an unresolved stock-out case, side by side; a Refusal for any other case."""
        async with self._database.reading() as connection:
            weighed = await self._weighed(connection, case_id)
            return await self._view(connection, weighed)

    async def choose(self, case_id: int, kind: OptionKind, asker: Asker, platform: str) -> RequestView | CaseView:
        """Let an option answer the case in place of what answers it now: the request, or the case where it waits.

        The line leaves the request it stood in, which changes or is cancelled with it, and goes into another order:
        submitted where the person may, a draft otherwise.
        """
        async with self._database.reading() as connection:
            weighed = await self._weighed(connection, case_id)
        wish = weighed.wishes.get(kind)
        if wish is None and kind != "wait":
            raise BadArgument(_("That is not possible for {case} now.", case=Code(case_code(case_id))), "options")
        async with self._database.transaction() as connection:
            outcome = await self._chosen(connection, weighed, kind, wish, asker, platform)
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def _chosen(
        self,
        connection: AsyncConnection,
        weighed: _Weighed,
        kind: OptionKind,
        wish: Proposal | None,
        asker: Asker,
        platform: str,
    ) -> RequestView | CaseView | Refusal:
        case, held = weighed.case, weighed.held
        if held is not None:
            held = await self._requests.held(connection, held.id)
        await locks.cases(connection, [case.id])
        matters: list[tuple[Matter, Doing]] = [] if held is None else [(Matter.of(held), "edit")]
        here = int(weighed.figures.taken.location_ids[weighed.row])
        if wish is not None:
            matters.append((Matter(wish.way.kind, here, wish.way.supplier_id, f"case:{case.id}"), "draft"))
        elif held is None:
            matters.append((Matter("purchase_order", here, subject=f"case:{case.id}"), "draft"))
        for matter, doing in matters:
            if (no := await refused(connection, self._audit, matter, doing, asker, platform)) is not None:
                return no
        if (gone := await self._moved_on(connection, weighed, held)) is not None:
            return gone
        deeds = [] if held is None else [await self._taken_out(connection, held, case.id, asker, platform)]
        now = self._clock.now()
        if wish is None:
            until = now + timedelta(days=self._sourcing.cool_down_days)
            await case_rows.silence(connection, [case.id], until, now)
            await self._requests.refresh(connection, (), [case.id])
            data = {"until": until.isoformat(), "option": kind}
            deeds.append(Deed("case.snoozed", f"case:{case.id}", data, asker.member_id, platform))
            await self._audit.append_all(connection, deeds)
            return (await case_rows.views(connection, [case.id]))[case.id]
        view, deed = await self._purchases.place(connection, weighed.figures, wish, asker, platform)
        await self._audit.append_all(connection, [*deeds, deed])
        return view

    async def _moved_on(
        self, connection: AsyncConnection, weighed: _Weighed, held: RequestRow | None
    ) -> StaleButton | None:
        """Why the case can no longer be answered so."""
        standing = (await case_rows.unresolved_of(connection, [weighed.case.id])).get(weighed.case.id)
        if standing is None:
            return StaleButton(_("{case} is resolved by now.", case=Code(case_code(weighed.case.id))))
        if standing.request_id != (weighed.held.id if weighed.held else weighed.case.request_id):
            return StaleButton(_("Another request answers it by now; look at the options again."))
        if held is not None and held.state not in approval.OPEN_STATES:
            code = Bold(Code(request_code(held.id)))
            return StaleButton(_("{request} was decided meanwhile; look at it first.", request=code))
        return None

    async def _taken_out(
        self, connection: AsyncConnection, held: RequestRow, case_id: int, asker: Asker, platform: str
    ) -> Deed:
        """Take the case's line out of the request that answers it."""
        lines = (await rows.lines(connection, [held.id]))[held.id]
        kept = [as_draft(line) for line in lines if line.case_id != case_id]
        gone = [line for line in lines if line.case_id == case_id]
        if kept:
            names = await rows.skus(connection, [line.product_id for line in gone])
            changes = [Change(names[line.product_id], str(line.quantity), "0") for line in gone]
            await self._requests.change(connection, held, kept, changes, {"edited_by": asker.member_id})
            action = "request.edited"
        else:
            values = {
                "state": approval.after(held.state, "cancel"),
                "decided_by": asker.member_id,
                "decided_at": self._clock.now(),
                "decided_platform": platform,
            }
            await rows.settle(connection, held.id, held.version, held.state, values)
            action = "request.cancelled"
        await rows.answer(connection, {case_id: None})
        await self._requests.refresh(connection, [held.id], [line.case_id for line in kept if line.case_id])
        view = await self._requests.view(connection, held.id)
        return Deed(action, f"request:{held.id}", recorded(view), asker.member_id, platform)

    async def _weighed(self, connection: AsyncConnection, case_id: int) -> _Weighed:
        case = (await case_rows.unresolved_of(connection, [case_id])).get(case_id)
        code = Code(case_code(case_id))
        if case is None:
            raise UnknownReference(_("There is no open case {number}.", number=code))
        if case.kind != "stockout_risk" or case.product_id is None or case.location_id is None:
            raise BadArgument(_("{case} is no stock-out risk; options are for those.", case=code), "options")
        held = None if case.request_id is None else await rows.row(connection, case.request_id)
        if held is not None and held.state in {"approved", "executing"}:
            request = Bold(Code(request_code(held.id)))
            raise StaleButton(_("{request} was decided already; cancel it first.", request=request))
        if held is not None and held.state not in approval.OPEN_STATES:
            held = None
        aside = {}
        if held is not None and held.state == "pending":
            mine = [line for line in (await rows.lines(connection, [held.id]))[held.id] if line.case_id == case_id]
            aside = {(line.product_id, held.location_id): line.quantity for line in mine}
        now = self._clock.now()
        figures = await plan(connection, self._catalogue, self._sourcing, [case.product_id], now, aside)
        row = figures.row(case.product_id, case.location_id)
        if row is None:
            raise UnknownReference(_("There are no figures for {case} now.", case=code))
        return self._compared(case, held, figures, row)

    def _compared(self, case: CaseRow, held: RequestRow | None, figures: Plan, row: int) -> _Weighed:
        wishes: dict[OptionKind, Proposal] = {}
        choices: list[Choice] = []
        for kind, wish, choice in (self._transfer(figures, row, case), *self._purchases_of(figures, row, case)):
            if wish is not None and choice is not None:
                wishes[kind] = wish
                choices.append(choice)
        choices.append(Choice("wait"))
        incoming = figures.assessed.positions.incoming[row]
        arrivals = tuple((float(day), float(incoming[day])) for day in np.flatnonzero(incoming).tolist())
        routes = figures.taken.routes
        situation = Situation(
            stock=float(figures.assessed.positions.available[row]),
            per_day=float(figures.assessed.demand.velocity[row]),
            arrivals=arrivals,
            margin_minor=int(
                unit_margin(routes.unit_price_minor[row : row + 1], routes.unit_cost_minor[row : row + 1])[0]
            ),
            carrying_rate=self._settings.watch.ageing.carrying_rate,
            wait_cap=self._sourcing.longest_wait_days,
        )
        comparison = compare(situation, choices, self._sourcing.review_days)
        return _Weighed(case, held, figures, row, comparison, wishes)

    def _purchases_of(
        self, figures: Plan, row: int, case: CaseRow
    ) -> list[tuple[OptionKind, Proposal | None, Choice | None]]:
        """The cheapest route, and the soonest where it is another one that is sooner."""
        offers = figures.offers(row)
        if not offers:
            return []
        cheapest = min(offers, key=lambda one: (_cost(one), one.lead_time_days, one.route))
        soonest = min(offers, key=lambda one: (one.lead_time_days, _cost(one), one.route))
        found = [self._bought("buy", figures, row, case, cheapest)]
        if soonest.lead_time_days < cheapest.lead_time_days:
            found.insert(0, self._bought("expedite", figures, row, case, soonest))
        return found

    def _bought(
        self, kind: OptionKind, figures: Plan, row: int, case: CaseRow, offer: Offer
    ) -> tuple[OptionKind, Proposal | None, Choice | None]:
        units = figures.drafting.quantities({row: offer}).get(row, 0)
        wish = figures.drafting.purchase(figures.need(row, case), offer, units)
        if wish is None:
            return kind, None, None
        unit = offer.unit_cost_minor or int(figures.taken.routes.unit_cost_minor[row])
        return kind, wish, Choice(kind, offer.lead_time_days, units, unit * units, unit)

    def _transfer(self, figures: Plan, row: int, case: CaseRow) -> tuple[OptionKind, Proposal | None, Choice | None]:
        """What another place has above its own order-up-to level: the soonest, then the most."""
        taken, supply = figures.taken, figures.assessed.supply
        target = np.ceil(supply.order_up_to - 1e-9).astype(np.int64)
        spare = np.maximum(figures.assessed.positions.available - taken.promised - target, 0)
        lacking = max(int(target[row]) - int(supply.counted[row]), 0)
        place = taken.network.location
        donors = [
            (float(taken.network.transfer_days[place[other], place[row]]), -int(spare[other]), other)
            for other in range(figures.assessed.series)
            if other != row and spare[other] > 0 and taken.product_ids[other] == taken.product_ids[row]
        ]
        if not donors or not lacking:
            return "transfer", None, None
        days, _most, donor = min(donors)
        units = min(lacking, int(spare[donor]))
        wish = figures.drafting.transfer(figures.need(row, case), donor, row, units)
        unit = int(taken.routes.unit_cost_minor[row])
        freight = freight_minor(unit, days, self._sourcing) * units
        return "transfer", wish, Choice("transfer", days, units, freight, unit, owned=True)

    async def _view(self, connection: AsyncConnection, weighed: _Weighed) -> OptionsView:
        case = (await case_rows.views(connection, [weighed.case.id]))[weighed.case.id]
        request = None if weighed.held is None else await self._requests.view(connection, weighed.held.id)
        suppliers = {one.id: one.name for one in await supplier_rows.all_of(connection)}
        figures, currency = weighed.figures, self._settings.organisation_currency
        today = figures.taken.today_of(weighed.row)
        options = []
        for place, outcome in enumerate(weighed.comparison.outcomes):
            choice, wish = outcome.choice, weighed.wishes.get(outcome.choice.kind)
            way = None if wish is None else wish.way
            sender = (
                "" if way is None or way.from_location_id is None else figures.taken.places[way.from_location_id].code
            )
            options.append(
                OptionView(
                    kind=choice.kind,
                    units=choice.units,
                    arrives_on=today + timedelta(days=math.ceil(choice.days)) if wish is not None else None,
                    landed=Money.of_minor(choice.landed_minor, currency),
                    avoided_days=decimal(outcome.avoided_days, 1) or Decimal(0),
                    empty_days=decimal(outcome.empty_days, 1) or Decimal(0),
                    lost=Money.of_minor(outcome.lost_minor, currency),
                    carrying=Money.of_minor(outcome.carrying_minor, currency),
                    supplier=suppliers.get(way.supplier_id or 0, "") if way is not None else "",
                    from_location=sender,
                    mode="" if way is None else way.mode,
                    best=place == weighed.comparison.best,
                    current=weighed.held is not None and way is not None and _same(weighed.held, way),
                )
            )
        days = decimal(weighed.comparison.horizon, 0) or Decimal(0)
        return OptionsView(case, request, tuple(options), days, weighed.comparison.why)


def _cost(offer: Offer) -> float:
    return math.inf if offer.unit_cost_minor is None else offer.unit_cost_minor


def _same(held: RequestRow, way: rows.Way) -> bool:
    """Whether a request's goods come this way."""
    theirs = (held.kind, held.supplier_id, held.from_location_id, held.mode)
    return theirs == (way.kind, way.supplier_id, way.from_location_id, way.mode)
