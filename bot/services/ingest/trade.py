"""Files of orders: what became of them, and what arrived. The same rules as in chat, and every line counts once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.services.ingest.contracts import Desk
from bot.services.ingest.rows import FileRow, RowRejected, Rules
from bot.services.orders import Progress, Report, Step, Teller
from bot.storage import locks, orders
from bot.storage import requests as rows
from bot.storage.orders import Arrived, Placed
from bot.storage.requests import RequestRow

_STEPS: dict[str, Step] = {
    **dict.fromkeys(("confirmed", "accepted", "acknowledged", "已确认", "已接单", "确认"), "confirmed"),
    **dict.fromkeys(
        ("shipped", "intransit", "dispatched", "sent", "departed", "已发货", "发货", "运输中", "在途", "已发运"),
        "shipped",
    ),
    **dict.fromkeys(("closed", "close", "cancelled", "canceled", "已关闭", "关闭", "已取消", "结案"), "close"),
    **dict.fromkeys(("", "ordered", "open", "delayed", "已下单", "延期", "延误"), "arrives"),
}
_RECEIVED = ("received", "delivered", "partlyreceived", "已收货", "已到货", "已入库")


class _OfOrders:
    """What rows of both kinds refer to: orders, by number or by the other side's reference."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        """Read the orders."""
        self.rules = rules
        self._by_number: dict[int, Placed] = {}
        self._by_reference: dict[str, list[Placed]] = {}
        for order in await orders.placed(connection):
            self._by_number[order.id] = order
            if order.reference:
                self._by_reference.setdefault(order.reference.casefold(), []).append(order)

    def order(self, row: FileRow) -> Placed:
        """The row's order, which was sent; RowRejected where there is none, or several."""
        text = row.required("order")
        named = self._by_reference.get(text.casefold(), [])
        if len(named) > 1:
            numbers = ", ".join(f"R-{order.id}" for order in named[:5])
            raise RowRejected("order", f"several orders have that reference: {numbers}")
        digits = text.upper().removeprefix("R-").removeprefix("R").strip()
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else 0
        found = named[0] if named else self._by_number.get(number)
        if found is None:
            raise RowRejected("order", "unknown order; write a number such as R-12, or its reference")
        if found.state not in {"executing", "done"}:
            raise RowRejected("order", f"R-{found.id} was not ordered: it is {found.state}")
        return found

    async def hold(self, connection: AsyncConnection, ids: Iterable[int]) -> dict[int, RequestRow]:
        """Hold the requests and all their cases, in the order of locks, before the first of them changes."""
        wanted = sorted(set(ids))
        for request_id in wanted:
            await locks.request(connection, request_id)
        await locks.cases(connection, await rows.case_ids(connection, wanted))
        return await rows.rows_of(connection, wanted)

    @property
    def teller(self) -> Teller:
        """Who says so: the file's source."""
        return Teller(None, f"file:{self.rules.options.source}"[:40])


@dataclass(frozen=True, slots=True)
class _Told:
    request_id: int
    said: Report


class OrderUpdates(_OfOrders):
    """`stocktide import orders`: status, new date and reference of orders."""

    def read(self, row: FileRow) -> _Told:
        """A row's report."""
        order = self.order(row)
        status = "".join(letter for letter in row.text("status").casefold() if letter.isalnum())
        if status in _RECEIVED:
            raise RowRejected("status", "what arrived comes in with its units: import receipts")
        if status not in _STEPS:
            raise RowRejected("status", "not one of confirmed, shipped, closed")
        arrives = row.day("expected_on") if row.has("expected_on") else None
        if arrives is not None and order.state == "executing" and arrives < self._today(order):
            raise RowRejected("expected_on", "a day that has passed")
        return _Told(order.id, Report(_STEPS[status], row.text("reference"), arrives))

    async def store(self, connection: AsyncConnection, told: list[_Told]) -> tuple[int, int]:
        """Take the reports in the file's order; (0, orders that changed)."""
        desk = self.desk.orders
        assert desk is not None  # noqa: S101  # Ingest refuses the kind without
        await self.hold(connection, [one.request_id for one in told])
        changed = 0
        for one in told:
            held = await rows.row(connection, one.request_id)  # an earlier row may have changed it
            if held is not None:
                outcome = await desk.take(connection, held, one.said, self.teller)
                changed += isinstance(outcome, Progress) and not outcome.already
        return 0, changed

    def _today(self, order: Placed) -> date:
        return self.rules.now.astimezone(ZoneInfo(order.zone)).date()


class Receipts(_OfOrders):
    """`stocktide import receipts`: units of an order's lines that arrived."""

    def read(self, row: FileRow) -> tuple[int, Arrived]:
        """A row's arrival; without an id of its own it is named by what it says, so that it counts once."""
        order, sku = self.order(row), row.sku()
        product = order.skus.get(sku)
        if product is None:
            raise RowRejected("sku", f"not on R-{order.id}, which has {', '.join(list(order.skus)[:10])}")
        units, zone = row.whole("quantity", least=1), ZoneInfo(order.zone)
        at = row.instant("received_at", zone)
        if order.ordered_at is not None and at < order.ordered_at:
            if at.astimezone(zone).date() < order.ordered_at.astimezone(zone).date():
                raise RowRejected("received_at", "before it was ordered")
            at = order.ordered_at  # a bare date means its first moment
        if at > self.rules.now:
            raise RowRejected("received_at", "an impossible date: in the future")
        own = row.text("external_id") or f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}/{units}"
        name = f"R-{order.id}/{sku}/{own}"
        day = at.astimezone(zone).date()
        return order.id, Arrived(product, sku, units, at, day, f"file:{self.rules.options.source}", name)

    async def store(self, connection: AsyncConnection, arrived: list[tuple[int, Arrived]]) -> tuple[int, int]:
        """Count them in, order by order; (new arrivals, 0)."""
        desk = self.desk.receiving
        assert desk is not None  # noqa: S101  # Ingest refuses the kind without
        of_order: dict[int, list[Arrived]] = {}
        for request_id, one in arrived:
            of_order.setdefault(request_id, []).append(one)
        held = await self.hold(connection, of_order)
        added = 0
        for request_id in sorted(of_order):
            added += len(await desk.take(connection, held[request_id], of_order[request_id], self.teller))
        return added, 0
