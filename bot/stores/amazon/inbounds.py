"""Shipments to Amazon's warehouses as facts: what is still to come of each, and what came once it is closed.

The plans of 2024-03-20 say when goods are expected and where, the items of v0 how many came. No API says when the last
of them did: that is the reading that first finds a shipment closed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from bot.errors import Declined
from bot.ports import Fact, Fault, InboundFact, Page
from bot.stores.amazon.api import Api, next_token
from bot.stores.amazon.cursor import Mark
from bot.stores.amazon.markets import Account, Market
from bot.stores.amazon.reading import Row, Unreadable, excerpt, instant, need, part, rows, text, whole
from bot.words import _

_LOOK_BACK = timedelta(days=365)  # of plans, the first time; older ones have come
_PLAN_PAGE = "30"
_PLANNED = ("UNCONFIRMED", "WORKING")
_COMING = ("READY_TO_SHIP", "SHIPPED", "IN_TRANSIT", "DELIVERED", "CHECKED_IN", "RECEIVING", "MIXED")
_GONE = ("ABANDONED", "CANCELLED", "DELETED")
_CLOSED = "CLOSED"
_SHOWN = ("SellerSKU", "QuantityShipped", "QuantityReceived")


@dataclass(frozen=True, slots=True)
class Shipment:
    """A shipment of a plan, where it goes, and when it was planned and is expected."""

    number: str
    status: str
    market: Market
    planned_at: datetime
    expected_on: date | None


@dataclass(slots=True)
class _Told:
    """What a plan tells; `open` holds what may still change of it: its shipments as plan/shipment, or the plan."""

    facts: list[Fact] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    open: list[str] = field(default_factory=list)


async def inbounds(api: Api, mark: Mark) -> AsyncIterator[Page]:
    """A whole reading: the plans that are new, and those of which something was still to come. A page for each plan."""
    first = mark.since is None
    mark = mark if mark.begun else await _started(api, mark.begin(api.clock.now()))
    begun = mark.begun
    assert begun is not None  # noqa: S101  # a mark that was begun
    while mark.left:
        plan, *later = mark.left
        known = frozenset(each for each in mark.open if _plan_of(each) == plan)
        told = await _plan(api, plan, begun, known, fresh=not first and not known)
        rest = [each for each in mark.open if each not in known]
        mark = replace(mark, left=tuple(later), open=(*rest, *told.open))
        following, until = (mark, None) if later else (mark.ended(), begun)
        yield Page("inbounds", tuple(told.facts), str(following), tuple(told.faults), until)
        if not later:
            return
    yield Page("inbounds", (), str(mark.ended()), (), begun)


def _plan_of(entry: str) -> str:
    return entry.partition("/")[0]


async def _started(api: Api, mark: Mark) -> Mark:
    """The mark with the plans to read: those not ended last time, and those made since."""
    since = mark.since or api.clock.now() - _LOOK_BACK
    found = [_plan_of(each) for each in mark.open]
    query = {"pageSize": _PLAN_PAGE, "sortBy": "CREATION_TIME", "sortOrder": "DESC"}
    async for answer in api.pages("listInboundPlans", "paginationToken", **query):
        plans = rows(answer.told, "inboundPlans")
        fresh = [plan for plan in plans if instant(plan, "createdAt") >= since]
        found += [need(plan, "inboundPlanId") for plan in fresh if text(plan, "status") != "VOIDED"]
        if len(fresh) < len(plans):
            break
    return replace(mark, left=tuple(dict.fromkeys(found)))


async def _plan(api: Api, ident: str, now: datetime, known: frozenset[str], *, fresh: bool) -> _Told:
    """What a plan tells. `known` is what was open of it last time, `fresh` says that it was made since.

    A shipment that is closed is told once: where it was open last time. One that ended before the first reading came
    at a time that nobody tells any more.
    """
    told = _Told()
    try:
        plan = (await api.read("getInboundPlan", ident)).told
        market, shipments = _destination(api.account, plan), rows(plan, "shipments")
        old = instant(plan, "createdAt") < now - _LOOK_BACK
    except Unreadable as problem:
        return _Told(faults=[Fault(ident, problem.said)], open=[ident])
    except Declined as refused:
        return _Told(faults=[_fault(ident, refused)])
    if market is None:
        return told
    if not shipments and text(plan, "status") == "ACTIVE":
        told.open.append(ident)
    for summary in shipments:
        entry, status = f"{ident}/{text(summary, 'shipmentId')}", text(summary, "status")
        if status == _CLOSED and not (fresh or known & {entry, ident}):
            continue
        if status not in _PLANNED:
            status = await _ships(api, plan, market, summary, now, told)
        if status in _PLANNED or status in _COMING:
            told.open.append(entry)
    if old:  # nothing more comes of a plan that was given up
        told.open.clear()
    return told


async def _ships(api: Api, plan: Row, market: Market, summary: Row, now: datetime, told: _Told) -> str:
    """Add what a shipment of a plan tells; its status."""
    try:
        shipment = await _shipment(api, plan, market, need(summary, "shipmentId"))
        for each in await _items(api, shipment, now):
            if isinstance(each, Fault):
                told.faults.append(each)
            else:
                told.facts.append(each)
    except Declined as refused:
        told.faults.append(_fault(text(summary, "shipmentId") or text(plan, "inboundPlanId"), refused))
        return text(summary, "status")
    return shipment.status


def _fault(where: str, refused: Declined) -> Fault:
    """What is wrong with one record; that nothing may be read at all is no fault of one."""
    if refused.status in (401, 403):
        raise refused
    return Fault(where, refused.said)


async def _shipment(api: Api, plan: Row, market: Market, ident: str) -> Shipment:
    told = (await api.read("getShipment", need(plan, "inboundPlanId"), ident)).told
    planned_at = instant(plan, "createdAt")
    window = part(told, "selectedDeliveryWindow")
    expected = instant(window, "endDate").date() if window.get("endDate") else None
    if expected is None and api.account.transfer_days is not None:
        expected = (planned_at + timedelta(days=api.account.transfer_days)).date()
    return Shipment(need(told, "shipmentConfirmationId"), need(told, "status"), market, planned_at, expected)


def _destination(account: Account, plan: Row) -> Market | None:
    """The marketplace that a plan sends goods to; None where it is none of the settings."""
    named = plan.get("marketplaceIds")
    if not isinstance(named, list):
        raise Unreadable(_("marketplaceIds is no list"))
    return next((market for ident in named if (market := account.named(str(ident))) is not None), None)


async def _items(api: Api, shipment: Shipment, now: datetime) -> list[InboundFact | Fault]:
    """What a shipment holds; further pages are asked for by another operation, for this one takes no token."""
    told: list[InboundFact | Fault] = []
    answer = await api.read("getShipmentItemsByShipmentId", shipment.number)
    while True:
        for row in rows(part(answer.told, "payload"), "ItemData"):
            try:
                told.append(inbound(row, shipment, now))
            except Unreadable as problem:
                where = f"{shipment.number}/{text(row, 'SellerSKU') or '?'}"
                told.append(Fault(where, problem.said, excerpt(row, _SHOWN)))
        token = next_token(answer)
        if not token:
            return told
        further = {"QueryType": "NEXT_TOKEN", "MarketplaceId": shipment.market.id, "NextToken": token}
        answer = await api.read("getShipmentItems", **further)


def inbound(row: Row, shipment: Shipment, now: datetime) -> InboundFact:
    """An item of a shipment: the units still to come, or those that came once it is closed."""
    sku = need(row, "SellerSKU")
    sent, came = whole(row, "QuantityShipped"), whole(row, "QuantityReceived")
    if shipment.status == _CLOSED:
        quantity, received_at = came, now
    elif shipment.status in _GONE:
        quantity, received_at = 0, shipment.planned_at
    elif shipment.status in _COMING:
        # What came lies on the shelf already; more may come than was announced.
        quantity, received_at = max(sent - came, 0), None
    else:
        raise Unreadable(_("its status {status} is not known", status=repr(shipment.status)))
    expected = shipment.expected_on or (received_at.date() if received_at else None)
    if expected is None:
        raise Unreadable(_("no delivery window says when it arrives; choose one, or set options.transfer_days"))
    return InboundFact(
        f"{shipment.number}/{sku}", sku, sku, shipment.market.place, quantity, shipment.planned_at, expected,
        received_at,
    )  # fmt: skip
