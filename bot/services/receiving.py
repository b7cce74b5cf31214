"""Receiving: goods of an order arrive, wholly or in parts, and lie on the shelf from then on.

Every arrival has a name and counts once. The stock rises by a movement, what is on its way shrinks by as much, and the
order is done when nothing is open. More than was ordered is taken in and said; so is what comes after an order was
closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Asker
from bot.chat.nodes import Code, Day
from bot.domain import approval
from bot.domain.views import RequestView
from bot.errors import BadArgument, Refusal, StaleButton
from bot.ports import Clock
from bot.services import leadtimes
from bot.services.audit import Audit
from bot.services.orderrights import refused, unfit
from bot.services.orders import Orders, Teller
from bot.services.requests import Requests
from bot.storage import marks, orders
from bot.storage import requests as rows
from bot.storage.database import Database
from bot.storage.orders import Arrived, OrderedLine
from bot.storage.requests import RequestRow
from bot.words import _

MOST = 1_000_000  # units of one line; more is a typing error
RECEIVED = "received:"  # begins the key under which an event's arrival is kept: "<when> <request id>"
_REPEAT = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a person says has arrived: units by the SKU as they wrote it; nothing named: all that is open.

    `line3` stands for the third line. `again` says that the same units came a second time.
    """

    units: Mapping[str, int] = field(default_factory=dict)
    on: date | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """An order after an arrival: what was counted in by SKU, and what of it was more than ordered.

    `already`: nothing was counted, for it had been before; `repeated`: because the very same was said a while ago.
    """

    request: RequestView
    units: Mapping[str, int]
    over: Mapping[str, int] = field(default_factory=dict)
    already: bool = False
    repeated: bool = False


class Receiving:
    """Takes goods in."""

    def __init__(self, *, database: Database, clock: Clock, audit: Audit, requests: Requests, orders: Orders) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._requests = requests
        self._orders = orders

    async def receive(
        self, request_id: int, version: int | None, said: Delivery, asker: Asker, platform: str, event: str = ""
    ) -> Received:
        """Take in what a person says has arrived; `version` is the one that was shown, where a button knows it.

        The same `event` counts once, also where a crash makes it come again. Raises UnknownReference, NotAllowed
        (recorded in the audit log), BadArgument, or StaleButton where the request is no order under way or changed
        since it was shown.
        """
        async with self._database.transaction() as connection:
            held = await self._requests.held(connection, request_id)
            outcome: Received | Refusal | None = await refused(
                connection, self._audit, held, "receive", asker, platform
            )
            if outcome is None:
                mark = f"{RECEIVED}{platform}:{event}" if event else ""
                outcome = await self._once(connection, held, version, said, Teller(asker.member_id, platform), mark)
        if isinstance(outcome, Refusal):  # raised only now: the refusal's audit entry is to be kept
            raise outcome
        return outcome

    async def _once(
        self,
        connection: AsyncConnection,
        held: RequestRow,
        version: int | None,
        said: Delivery,
        by: Teller,
        mark: str,
    ) -> Received | Refusal:
        """As `_heard`, unless what is kept under the mark was heard before; the mark comes before the audit entry."""
        if mark and not await marks.add(connection, mark, f"{self._clock.now().isoformat()} {held.id}"):
            return Received(await self._requests.view(connection, held.id), {}, already=True)
        return await self._heard(connection, held, version, said, by)

    async def take(
        self, connection: AsyncConnection, held: RequestRow, arrived: Sequence[Arrived], by: Teller
    ) -> list[Arrived]:
        """Count arrivals in, in the caller's transaction, which holds the request; those that were new."""
        facts = await orders.facts_of(connection, held.id)
        transfer = held.from_location_id is not None
        if transfer and held.state == "executing" and held.stage in {"ordered", "confirmed"}:
            left = min((one.at for one in arrived), default=self._clock.now())
            await self._orders.depart(connection, held, left, left.astimezone(ZoneInfo(facts.zone)).date())
        kind = "transfer_in" if transfer else "receipt"
        new = await orders.arrive(connection, held.id, held.location_id, kind, arrived)
        if not new:
            return []
        lines = await orders.lines_of(connection, held.id)
        if held.from_location_id is not None:
            await orders.follow(connection, held.id, held.from_location_id, lines, new)
        values: dict[str, Any] = {"stage": "partly_received"}
        if all(not line.open for line in lines):
            values = {"stage": "received"}
        if held.state == "executing" and values["stage"] == "received":
            taken = await leadtimes.took(connection, held, await orders.tallies(connection, held.id))
            values |= {
                "state": approval.after(held.state, "finish"),
                "finished_at": self._clock.now(),
                "detail": {**held.detail, **taken},
            }
        await rows.settle(connection, held.id, held.version, held.state, values)
        await self._requests.show(connection, [held])
        data = {
            "stage": values["stage"],
            "lines": [
                {"sku": one.sku, "quantity": one.quantity, "at": one.at.isoformat(), "name": one.external_id}
                for one in new
            ],
            "over": _over(lines),
        }
        await self._audit.append(connection, "order.received", f"request:{held.id}", data, by.member_id, by.platform)
        return new

    async def _heard(
        self, connection: AsyncConnection, held: RequestRow, version: int | None, said: Delivery, by: Teller
    ) -> Received | Refusal:
        view = await self._requests.view(connection, held.id)
        if (words := unfit(view)) is not None:
            return StaleButton(words)
        lines = await orders.lines_of(connection, held.id)
        if not said.units and (held.state == "done" or not any(line.open for line in lines)):
            return Received(view, {}, already=True)
        if version is not None and version != held.version:
            code = Code(f"R-{held.id}")
            return StaleButton(_("{request} has changed since this was shown; look at it again.", request=code))
        facts = await orders.facts_of(connection, held.id)
        try:
            counted = _chosen(lines, said.units)
            at = self._instant(held, said.on, ZoneInfo(facts.zone))
        except Refusal as refusal:
            return refusal
        by_product = {line.product_id: units for line, units in counted}
        member = by.member_id or 0
        now = self._clock.now()
        if said.units and not said.again:
            since = now - _REPEAT
            if await orders.told_before(connection, held.id, member, by_product, since):
                return Received(view, {}, already=True, repeated=True)
        day = at.astimezone(ZoneInfo(facts.zone)).date()
        name = f"R-{held.id}:v{held.version}:m{member}@{int(now.timestamp())}"
        arrived = [
            Arrived(line.product_id, line.sku, units, at, day, "chat", f"{name}/{line.product_id}", by.member_id)
            for line, units in counted
        ]
        await self.take(connection, held, arrived, by)
        after = await orders.lines_of(connection, held.id)
        over = {sku: more for sku, more in _over(after).items() if sku in {line.sku for line, _units in counted}}
        view = await self._requests.view(connection, held.id)
        return Received(view, {line.sku: units for line, units in counted}, over)

    def _instant(self, held: RequestRow, on: date | None, zone: ZoneInfo) -> datetime:
        """When it arrived: now, or at noon of an earlier local day, but never before it was ordered."""
        now, ordered = self._clock.now(), held.ordered_at or held.created_at
        if on is None:
            return now
        if not ordered.astimezone(zone).date() <= on <= now.astimezone(zone).date():
            raise BadArgument(
                _(
                    "Goods cannot have arrived on {day}: give a day from the order ({ordered}) until today.",
                    day=Day(on),
                    ordered=Day(ordered.astimezone(zone).date()),
                ),
                "receive",
            )
        return min(max(datetime.combine(on, time(12), zone).astimezone(now.tzinfo), ordered), now)


def _chosen(lines: Sequence[OrderedLine], given: Mapping[str, int]) -> list[tuple[OrderedLine, int]]:
    """The lines that arrived and their units; BadArgument for a name that is not on the order, or no units."""
    if not given:
        return [(line, line.open) for line in lines if line.open]
    by_name = {f"line{number}": line for number, line in enumerate(lines, 1)}
    by_name |= {line.sku.casefold(): line for line in lines}
    found: dict[int, tuple[OrderedLine, int]] = {}
    for name, units in given.items():
        line = by_name.get(name.casefold())
        if line is None:
            listed = ", ".join(line.sku for line in lines[:10])
            words = _("{sku} is not on this order, which has {skus}.", sku=Code(name[:80]), skus=Code(listed))
            raise BadArgument(words, "receive")
        if not 0 <= units <= MOST:
            words = _("{units} units cannot have arrived; give a number between 0 and {most}.", units=units, most=MOST)
            raise BadArgument(words, "receive")
        if line.product_id in found:
            raise BadArgument(_("{sku} is named twice.", sku=Code(line.sku)), "receive")
        found[line.product_id] = (line, units)
    arrived = [(line, units) for line, units in found.values() if units]
    if not arrived:
        raise BadArgument(_("Nothing arrived? Give at least one unit, or leave it for later."), "receive")
    return arrived


def _over(lines: Sequence[OrderedLine]) -> dict[str, int]:
    """Units beyond what was ordered, by SKU."""
    return {line.sku: line.received - line.quantity for line in lines if line.received > line.quantity}
