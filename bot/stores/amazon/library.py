"""The operations of the Selling Partner API as the library python-amazon-sp-api knows them: path, method, parameters.

Nothing else of it is used. Its clients look for credentials in the environment, in files and in a cloud's vault, keep
access tokens for the whole process, wait without an end, take an error page for an empty answer, read amounts as
floats and fetch documents from anywhere: calls leave by `bot.stores.amazon.api` instead.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace
from typing import Any

from bot.errors import Declined
from bot.words import _

_ROOM = "sp_api.asyncio.api"


@dataclass(frozen=True, slots=True)
class Operation:
    """Where the library has it, and how often it may be called by default: `rate` a second, `burst` at once."""

    name: str
    where: str
    rate: float
    burst: float


_ORDERS, _REPORTS = "orders.orders_2026_01_01:OrdersV20260101", "reports.reports:Reports"
_PLANS = "fulfillment_inbound.fulfillment_inbound_2024_03_20:FulfillmentInboundV20240320"
_SHIPMENTS = "fulfillment_inbound.fulfillment_inbound_v0:FulfillmentInboundV0"
_LISTINGS = "listings_items.listings_items_2021_08_01:ListingsItemsV20210801"

# By the names of Amazon's own reference, with the usage plans that stand there.
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        each.name: each
        for each in (
            Operation("searchOrders", f"{_ORDERS}.search_orders", 0.0056, 20),
            Operation("createReport", f"{_REPORTS}.create_report", 0.0167, 15),
            Operation("getReport", f"{_REPORTS}.get_report", 2, 15),
            Operation("getReportDocument", f"{_REPORTS}.get_report_document", 0.0167, 15),
            Operation(
                "getInventorySummaries", "inventories.inventories:Inventories.get_inventory_summary_marketplace", 2, 2
            ),
            Operation("listInboundPlans", f"{_PLANS}.list_inbound_plans", 2, 6),
            Operation("getInboundPlan", f"{_PLANS}.get_inbound_plan", 2, 6),
            Operation("getShipment", f"{_PLANS}.get_shipment", 2, 6),
            Operation("getShipmentItemsByShipmentId", f"{_SHIPMENTS}.shipment_items_by_shipment", 2, 30),
            Operation("getShipmentItems", f"{_SHIPMENTS}.shipment_items", 2, 30),
            Operation("getListingsItem", f"{_LISTINGS}.get_listings_item", 5, 10),
            Operation("patchListingsItem", f"{_LISTINGS}.patch_listings_item", 5, 5),
            Operation(
                "getMarketplaceParticipations", "sellers.sellers:Sellers.get_marketplace_participation", 0.016, 15
            ),
        )
    }
)

# method, path with its parts filled in, parameters, body
Send = Callable[[str, str, Mapping[str, Any], Mapping[str, Any] | None], Awaitable[Any]]


class _Door:
    """Stands where the library expects its own client: what it would send goes our way."""

    marketplace_id = ""  # the library looks at it for a default that is always given

    def __init__(self, send: Send) -> None:
        self._send = send
        self.answer: Any = None

    async def _request(
        self, path: str, *, data: dict[str, Any] | None = None, params: dict[str, Any] | None = None, **_options: object
    ) -> SimpleNamespace:
        """Take what an operation made of its arguments; marketplaces are among them where they are wanted."""
        params, body = dict(params or {}), dict(data or {})
        method = params.pop("method", None) or body.pop("method", "GET")
        self.answer = await self._send(method, path, params, body if method in {"POST", "PUT", "PATCH"} else None)
        return SimpleNamespace()  # the library writes remarks on it


async def called(operation: str, send: Send, *arguments: str, **given: Any) -> Any:  # noqa: ANN401  # as JSON
    """Have the library put an operation's call together, and send it."""
    door = _Door(send)
    # Loading takes half a second, and most teams sell elsewhere: it is done when it is first needed, beside the loop.
    method = await asyncio.to_thread(_method, operation)
    await method(door, *arguments, **given)
    return door.answer


@functools.cache
def _method(operation: str) -> Callable[..., Awaitable[Any]]:
    where, _dot, method = OPERATIONS[operation].where.rpartition(".")
    module, _colon, name = where.partition(":")
    try:
        found = getattr(getattr(importlib.import_module(f"{_ROOM}.{module}"), name), method)
    except ValueError as error:  # AWS_ENV is read while it loads
        raise Declined(
            _("python-amazon-sp-api cannot be loaded, look at the variable AWS_ENV: {error}", error=str(error))
        ) from None
    return found  # type: ignore[no-any-return]  # the library has no types
