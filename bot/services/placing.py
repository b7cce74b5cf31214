"""Placing approved orders: the document leaves by every way there is, and the goods count as on their way.

Each way is a call of its own (`bot.services.effects`), so that each is tried again by itself. One of them leads: mail
where the supplier has an address and mail is set up, otherwise the folder. The order stands once the leading call is
done, and fails with it. Only then is the copy for the folder planned: an order that was refused leaves no document
that somebody might still pass on. What becomes of the copy is kept with the request.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import approval
from bot.domain.containers import container_of, stowage_of
from bot.domain.money import Money
from bot.domain.views import RequestKind
from bot.errors import Unreached
from bot.ports import Call, Clock, Order, OrderLine, SupplierChannel
from bot.services.audit import Audit
from bot.services.effects import EffectKind, Effects
from bot.services.requests import Requests
from bot.services.settings import ServiceSettings
from bot.storage import cases as case_rows
from bot.storage import locks, orders
from bot.storage import requests as rows
from bot.storage.effects import EffectRow
from bot.storage.orders import OrderFacts
from bot.storage.requests import RequestRow
from bot.storage.variants import variants_by_store
from bot.words import _, told

EFFECT = "order.send"
_MAIL, _FOLDER = "mail", "folder"


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who orders: a name and an address of some lines, as they stand on documents."""

    name: str
    address: str = ""

    @property
    def text(self) -> str:
        """Both, the name first."""
        return "\n".join(part for part in (self.name, self.address) if part)


class OrderSender:
    """Carries out the calls: the Performer of `EFFECT`."""

    def __init__(self, channels: Mapping[str, SupplierChannel]) -> None:
        self._channels = channels

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """Send the order by the call's way."""
        return await self._channel(call).send(order_of(call.payload["order"]), call.key)

    async def look(self, call: Call) -> Mapping[str, Any] | None:
        """Whether it left that way."""
        return await self._channel(call).find(order_of(call.payload["order"]), call.key)

    def _channel(self, call: Call) -> SupplierChannel:
        name = str(call.payload["channel"])
        if name not in self._channels:  # it was set up when the order was approved; it may be again
            raise Unreached(_("{name} is not set up", name=name))
        return self._channels[name]


class Placing:
    """Begins approved purchases and transfers, and writes down that they were placed or could not be.

    `channels` are the names of the ways that are set up.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        audit: Audit,
        requests: Requests,
        effects: Effects,
        settings: ServiceSettings,
        buyer: Buyer,
        channels: Collection[str],
    ) -> None:
        self._clock = clock
        self._audit = audit
        self._requests = requests
        self._effects = effects
        self._settings = settings
        self._buyer = buyer
        self._channels = frozenset(channels)

    def effect(self, channels: Mapping[str, SupplierChannel]) -> EffectKind:
        """What the effects' worker needs to know of `EFFECT`."""
        return EffectKind(OrderSender(channels), self.done, self.failed)

    async def begin(self, connection: AsyncConnection, held: RequestRow) -> None:
        """Plan the leading call of an order whose last approval was just given, in the deciding transaction."""
        facts = await orders.facts_of(connection, held.id)
        order = await self._order(connection, held, facts)
        mailed = held.kind == "purchase_order" and facts.email and _MAIL in self._channels
        payload = {"channel": _MAIL if mailed else _FOLDER, "leads": True, "order": order_json(order)}
        await self._plan(connection, held.id, payload)

    async def done(self, connection: AsyncConnection, effect: EffectRow, result: Mapping[str, Any]) -> None:
        """The document left by one way; by the leading one: the order stands and its goods are on their way, once."""
        held = await self._held(connection, effect)
        if held is None:
            return
        sent = {"sent": {**held.detail.get("sent", {}), effect.payload["channel"]: dict(result)}}
        if not effect.payload["leads"] or held.state != "approved":
            await rows.remember(connection, held, sent)
            await self._requests.show(connection, [held])
            return
        facts, lines = await orders.facts_of(connection, held.id), await orders.lines_of(connection, held.id)
        now = self._clock.now()
        expected = held.expected_on or self._expected(held, now.astimezone(ZoneInfo(facts.zone)).date())
        values = {
            "state": approval.after(held.state, "execute"),
            "stage": "ordered",
            "ordered_at": now,
            "expected_on": expected,
            "detail": {**held.detail, **sent},
        }
        if not await rows.settle(connection, held.id, held.version, held.state, values):
            return
        await orders.expect(connection, held.id, held.location_id, lines, now, expected)
        if effect.payload["channel"] != _FOLDER:
            await self._plan(connection, held.id, {**effect.payload, "channel": _FOLDER, "leads": False})
        await self._requests.show(connection, [held])
        data = {
            "channel": effect.payload["channel"],
            "receipt": dict(result),
            "expected_on": expected.isoformat(),
            "total_minor": held.total.minor,
            "currency": held.total.currency,
            "lines": [{"sku": line.sku, "quantity": line.quantity} for line in lines],
        }
        await self._audit.append(connection, "order.placed", f"request:{held.id}", data)

    async def failed(self, connection: AsyncConnection, effect: EffectRow, error: str) -> None:
        """The document will not leave by one way; by the leading one: nothing is ordered, and its cases are open."""
        held = await self._held(connection, effect)
        if held is None:
            return
        unsent = {"unsent": {**held.detail.get("unsent", {}), effect.payload["channel"]: error}}
        if not effect.payload["leads"] or held.state != "approved":
            await rows.remember(connection, held, unsent)
            await self._requests.show(connection, [held])
            return
        now = self._clock.now()
        case_ids = await rows.case_ids(connection, [held.id])
        await locks.cases(connection, case_ids)
        values = {
            "state": approval.after(approval.after(held.state, "execute"), "fail"),
            "finished_at": now,
            "detail": {**held.detail, **unsent},
        }
        if not await rows.settle(connection, held.id, held.version, held.state, values):
            return
        await case_rows.set_states(connection, case_ids, "open", now)
        await self._effects.cancel(connection, held.id)
        await self._requests.show(connection, [held])
        data = {"channel": effect.payload["channel"], "error": told(error)}
        await self._audit.append(connection, "order.failed", f"request:{held.id}", data)

    async def _plan(self, connection: AsyncConnection, request_id: int, payload: Mapping[str, Any]) -> None:
        """Write down one way's call; an order's version goes out once by each way."""
        order = payload["order"]
        await self._effects.plan(
            connection,
            key=f"order:{order['number']}:v{order['version']}:{payload['channel']}",
            kind=EFFECT,
            topic="purchases",
            request_id=request_id,
            payload=payload,
        )

    async def _held(self, connection: AsyncConnection, effect: EffectRow) -> RequestRow | None:
        """The call's request, which whoever settles the call holds."""
        return None if effect.request_id is None else await rows.row(connection, effect.request_id)

    def _expected(self, held: RequestRow, today: date) -> date:
        """Where nobody gave a date: today and the lead time that is planned with."""
        assumed = Decimal(str(self._settings.watch.replenishment.assumed_lead_time_days))
        return today + timedelta(days=round(Decimal(str(held.detail.get("lead_time_days", assumed)))))

    async def _order(self, connection: AsyncConnection, held: RequestRow, facts: OrderFacts) -> Order:
        lines = await orders.lines_of(connection, held.id)
        codes = await variants_by_store(connection, {line.product_id for line in lines})
        kind: RequestKind = held.kind
        return Order(
            kind="transfer" if kind == "transfer" else "purchase_order",
            number=f"R-{held.id}",
            version=held.version,
            ordered_at=self._clock.now().astimezone(ZoneInfo(self._settings.default_zone)),
            buyer=self._buyer.text,
            supplier=facts.supplier,
            supplier_code=facts.supplier_code,
            email=facts.email,
            language=facts.language or self._settings.default_language,
            deliver_to=f"{facts.place}\n{facts.place_code}",
            mode=held.mode,
            expected_on=held.expected_on,
            lines=tuple(
                OrderLine(
                    line.sku,
                    line.name,
                    line.quantity,
                    Money.of_minor(line.unit_cost_minor, held.total.currency),
                    codes.get(line.product_id, {}),
                )
                for line in lines
            ),
            total=held.total,
            containers=await self._containers(connection, held),
        )

    async def _containers(self, connection: AsyncConnection, held: RequestRow) -> str:
        """How many containers of which name the goods take, as the supplier reads it."""
        lines = [(line.quantity, line.detail) for line in (await rows.lines(connection, [held.id]))[held.id]]
        container, taken = container_of(held.detail), stowage_of(held.detail, lines)
        return f"{taken.count} × {container.name}" if container and container.name and taken else ""


def order_json(order: Order) -> dict[str, Any]:
    """An order as plain JSON; `order_of` is the inverse."""
    plain = {field.name: getattr(order, field.name) for field in dataclasses.fields(order)}
    return {
        **plain,
        "ordered_at": order.ordered_at.isoformat(),
        "expected_on": order.expected_on.isoformat() if order.expected_on else None,
        "total": order.total.minor,
        "currency": order.total.currency,
        "lines": [_line_json(line) for line in order.lines],
    }


def order_of(plain: Mapping[str, Any]) -> Order:
    """The order of a call's payload."""
    given = dict(plain)
    currency = given.pop("currency")
    given["ordered_at"] = datetime.fromisoformat(given["ordered_at"])
    given["expected_on"] = date.fromisoformat(given["expected_on"]) if given["expected_on"] else None
    given["total"] = Money.of_minor(given["total"], currency)
    given["lines"] = tuple(_line_of(line, currency) for line in given["lines"])
    return Order(**given)


def _line_json(line: OrderLine) -> list[Any]:
    codes = {store: list(each) for store, each in line.codes.items()}
    return [line.sku, line.name, line.quantity, line.unit_cost.minor, codes]


def _line_of(told: Sequence[Any], currency: str) -> OrderLine:
    """A line as it was kept; older ones were kept without codes."""
    sku, name, quantity, cost, *more = told
    codes = {store: tuple(each) for store, each in (more[0] if more else {}).items()}
    return OrderLine(sku, name, quantity, Money.of_minor(cost, currency), codes)
