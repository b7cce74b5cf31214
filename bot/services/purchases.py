"""Orders that a person asks for, and whatever else people do with requests besides deciding them: submit, call off.

Each is one transaction: the request is held and read again, the person authorised, and the request, its cases, every
card and the audit entry are written together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.arguments import Location, Sku
from bot.chat.cards import request_card
from bot.chat.cards.labels import REQUEST_STATES, listing, request_code
from bot.chat.cards.requests import changed_words
from bot.chat.command import Asker
from bot.chat.nodes import Bold, Code
from bot.domain import approval
from bot.domain.sourcing import Offer, SourcingSettings
from bot.domain.views import RequestView
from bot.errors import AlreadyDecided, BadArgument, Refusal, StaleButton
from bot.ports import Clock
from bot.services.audit import Audit, Deed
from bot.services.catalogue import Catalogue
from bot.services.choosing import WrongLot, chosen_offer, named_supplier, series_of, wrong_lot
from bot.services.drafting import Proposal
from bot.services.effects import Effects
from bot.services.outbox import Outbox
from bot.services.planning import Plan, plan
from bot.services.purchaserights import Matter, may_submit, refused
from bot.services.requests import Change, Requests, as_draft
from bot.storage import cases as case_rows
from bot.storage import locks, marks
from bot.storage import requests as rows
from bot.storage import suppliers as supplier_rows
from bot.storage.cases import CaseRow
from bot.storage.database import Database
from bot.storage.requests import DraftLine, RequestRow
from bot.words import Words, _

BOUGHT = "bought:"  # begins the key under which an event's order is kept: "<when> <request id>"
JOINS_FOR = timedelta(hours=1)  # a person's own draft takes further lines for so long


@dataclass(frozen=True, slots=True)
class Bought:
    """What asking for goods led to: the request, and the inventory position with them against its order-up-to level."""

    request: RequestView
    sku: str
    units: int
    position: int
    order_up_to: int


class Purchases:
    """Buys, submits and calls off."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        outbox: Outbox,
        requests: Requests,
        catalogue: Catalogue,
        effects: Effects,
        sourcing: SourcingSettings | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._requests = requests
        self._catalogue = catalogue
        self._effects = effects
        self._sourcing = sourcing or SourcingSettings()

    async def buy(
        self,
        sku: Sku,
        units: int,
        supplier: str,
        location: Location | None,
        asker: Asker,
        platform: str,
        event: str = "",
    ) -> Bought | WrongLot:
        """Ask for goods on the route that a draft would take, or on the named supplier's (code or name).

        A buyer's order is submitted at once, an operator's stays a draft. Where the same person has a draft of the
        last hour that comes the same way, it joins that. Without a location it is for the place that lacks most.
        The same `event` asks once: where a crash makes it come again, it is shown what it led to.
        """
        async with self._database.reading() as connection:
            chosen = await named_supplier(connection, supplier)
            figures = await plan(connection, self._catalogue, self._sourcing, [sku.id], self._clock.now())
            row = series_of(figures, sku, location)
            offer = await chosen_offer(connection, figures, row, chosen, sku)
            cases = await case_rows.of_series(connection, sku.id, int(figures.taken.location_ids[row]))
            sender = (await supplier_rows.all_of(connection, [figures.supplier(offer)]))[0]
        if (wrong := wrong_lot(figures, row, offer, units, sku, sender)) is not None:
            return wrong
        case = next((case for case in cases if case.kind == "stockout_risk"), None)
        async with self._database.transaction() as connection:
            mark = f"{BOUGHT}{platform}:{event}" if event else ""
            known = await marks.get(connection, mark) if mark else None
            outcome: RequestView | Refusal
            if known is not None:
                outcome = await self._requests.view(connection, int(known.split()[-1]))
            else:
                outcome = await self._bought(
                    connection, figures, row, offer, units, case, asker=asker, platform=platform, mark=mark
                )
        if isinstance(outcome, Refusal):  # raised only now: the refusal's audit entry is to be kept
            raise outcome
        supply = figures.assessed.supply
        counted = known is not None and outcome.state != "draft"  # the position holds them already
        return Bought(
            request=outcome,
            sku=sku.code,
            units=units,
            position=int(supply.position[row]) + (0 if counted else units),
            order_up_to=int(-(-supply.order_up_to[row] // 1)),
        )

    async def _bought(
        self,
        connection: AsyncConnection,
        figures: Plan,
        row: int,
        offer: Offer,
        units: int,
        case: CaseRow | None,
        *,
        asker: Asker,
        platform: str,
        mark: str,
    ) -> RequestView | Refusal:
        place = int(figures.taken.location_ids[row])
        matter = Matter("purchase_order", place, figures.supplier(offer))
        if (no := await refused(connection, self._audit, matter, "draft", asker, platform)) is not None:
            return no
        if case is not None:
            await locks.requests_of(connection, [case.id], approval.OPEN_STATES)  # the line may join the one it is in
            await locks.cases(connection, [case.id])
            case = case if case.id in await case_rows.free(connection, [case.id]) else None
        wish = figures.drafting.purchase(figures.need(row, case), offer, units)
        if wish is None:
            return BadArgument(_("No price is known for it there; import a route with its cost."), "buy")
        view, deed = await self.place(connection, figures, wish, asker, platform)
        if mark:
            await marks.put(connection, mark, f"{self._clock.now().isoformat()} {view.id}")
        await self._audit.append_all(connection, [deed])
        return view

    async def place(
        self, connection: AsyncConnection, figures: Plan, wish: Proposal, asker: Asker, platform: str
    ) -> tuple[RequestView, Deed]:
        """Write a line that a person asked for: into their own draft that comes the same way, or into a new order.

        The new order is submitted where the person may. The deed is for the caller to record, as the last thing.
        """
        now = self._clock.now()
        own = await rows.own_draft(connection, wish.way, asker.member_id, now - JOINS_FOR)
        joined = None if own is None else await self._join(connection, own, wish)
        if joined is None:
            draft = figures.drafting.asked(wish, asker.member_id)
            (request_id,) = await self._requests.draft(connection, [draft])
            submits = await may_submit(connection, asker.member_id, wish.way.kind)
            if submits:
                await self._requests.submit(connection, [request_id])
            action = "request.submitted" if submits else "request.drafted"
        else:
            request_id, action = joined, "request.edited"
        view = await self._requests.view(connection, request_id)
        await self._announce(connection, view)
        await self._requests.refresh(connection, [request_id], view.case_ids)
        return view, Deed(action, f"request:{request_id}", recorded(view), asker.member_id, platform)

    async def _join(self, connection: AsyncConnection, own: RequestRow, wish: Proposal) -> int | None:
        """Put a line into a draft, on top of what it has of the product; its id, None where it is gone by now."""
        held = await self._requests.held(connection, own.id)
        if held.state != "draft":
            return None
        before = (await rows.lines(connection, [held.id]))[held.id]
        names = await rows.skus(connection, [wish.line.product_id])
        same = next((line for line in before if line.product_id == wish.line.product_id), None)
        units = wish.line.quantity + (same.quantity if same else 0)
        case_id = wish.line.case_id or (same.case_id if same else None)
        line = DraftLine(wish.line.product_id, units, wish.line.unit_cost_minor, case_id, wish.line.detail)
        kept = [as_draft(other) for other in before if other is not same]
        change = Change(names[line.product_id], str(same.quantity) if same else "0", str(units))
        later = max(held.expected_on or wish.expected_on, wish.expected_on)
        done = await self._requests.change(connection, held, [*kept, line], [change], {"expected_on": later})
        return held.id if done else None

    async def submit(self, request_id: int, version: int | None, asker: Asker, platform: str) -> RequestView:
        """Ask for approval of a draft; a StaleButton where it changed or is no draft any more."""
        async with self._database.transaction() as connection:
            outcome = await self._submitted(connection, request_id, version, asker, platform)
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def _submitted(
        self, connection: AsyncConnection, request_id: int, version: int | None, asker: Asker, platform: str
    ) -> RequestView | Refusal:
        held = await self._requests.held(connection, request_id)
        no = await refused(connection, self._audit, Matter.of(held), "submit", asker, platform)
        if no is not None:
            return no
        if held.state != "draft":
            return _settled(held, await self._requests.view(connection, request_id))
        if held.kind == "promotion":
            again = Code(f"promo {request_code(held.id)}")
            return StaleButton(_("Preview a clearance before submitting it; write {example}.", example=again))
        if version is not None and version != held.version:
            return stale(held)
        await locks.cases(connection, await rows.case_ids(connection, [request_id]))
        await self._requests.submit(connection, [request_id])
        await rows.asked_by(connection, held, asker.member_id)
        view = await self._requests.view(connection, request_id)
        await self._requests.show(connection, [held])
        await self._announce(connection, view)
        await self._audit.append(
            connection, "request.submitted", f"request:{request_id}", recorded(view), asker.member_id, platform
        )
        return view

    async def cancel(self, request_id: int, version: int | None, asker: Asker, platform: str) -> RequestView:
        """Call a request off, while nothing has gone out; its cases are open again. Saying it twice changes nothing."""
        async with self._database.transaction() as connection:
            held = await self._requests.held(connection, request_id)
            outcome = await self._cancelled(connection, held, version, asker, platform)
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def _cancelled(
        self, connection: AsyncConnection, held: RequestRow, version: int | None, asker: Asker, platform: str
    ) -> RequestView | Refusal:
        no = await refused(connection, self._audit, Matter.of(held), "cancel", asker, platform)
        if no is not None:
            return no
        if held.state not in {"draft", "pending", "approved"}:
            view = await self._requests.view(connection, held.id)
            return view if held.state == "cancelled" and held.decided_by == asker.member_id else _settled(held, view)
        if version is not None and version != held.version and held.state != "approved":
            return stale(held)
        if held.state == "approved" and not await self._effects.cancel(connection, held.id):
            # Raised within: what could be called off of it goes on with what cannot.
            raise StaleButton(
                _("{request} is being carried out already; it can no longer be called off here.", request=_code(held))
            )
        now = self._clock.now()
        cases = await rows.case_ids(connection, [held.id])
        await locks.cases(connection, cases)
        values: dict[str, Any] = {
            "state": approval.after(held.state, "cancel"),
            "decided_by": asker.member_id,
            "decided_at": now,
            "decided_platform": platform,
        }
        await rows.settle(connection, held.id, held.version, held.state, values)
        await case_rows.reopen(connection, cases, now)
        await self._requests.show(connection, [held])
        view = await self._requests.view(connection, held.id)
        await self._audit.append(
            connection, "request.cancelled", f"request:{held.id}", recorded(view), asker.member_id, platform
        )
        return view

    async def _announce(self, connection: AsyncConnection, view: RequestView) -> None:
        """Put it before those who hear of requests; once per version."""
        subject = f"request:{view.id}"
        if subject not in await case_rows.shown(connection, [subject]):
            await self._outbox.announce(
                connection, "requests", request_card(view), subject, f"{subject}:{view.version}", location=view.location
            )


def recorded(view: RequestView) -> dict[str, Any]:
    """What the audit log keeps of a request that people changed."""
    return {
        "kind": view.kind,
        "state": view.state,
        "version": view.version,
        "supplier": view.supplier_code,
        "total_minor": view.total.minor,
        "currency": view.total.currency,
        "lines": [
            {"sku": line.sku, "quantity": line.quantity, "unit_cost_minor": line.unit_cost.minor} for line in view.lines
        ],
    }


def stale(held: RequestRow) -> StaleButton:
    """The request changed since it was shown; what changed is named."""
    changes = held.detail.get("difference") or []
    if not changes:
        return StaleButton(_("{request} has changed since it was shown; look at it again.", request=_code(held)))
    told = listing([changed_words(item) for item in changes[:3]], _("; "))
    return StaleButton(
        _("{request} has changed since it was shown ({changes}); look at it again.", request=_code(held), changes=told)
    )


def _settled(held: RequestRow, view: RequestView) -> Refusal:
    words: Words = _(
        "{request} is {state}; there is nothing left to do.", request=_code(held), state=REQUEST_STATES[held.state][0]
    )
    if view.decided_at is not None:
        return AlreadyDecided(words, view.decided_by, view.decided_at)
    return StaleButton(words)


def _code(held: RequestRow) -> Bold:
    return Bold(Code(request_code(held.id)))
