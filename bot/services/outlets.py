"""The stores that are connected: which one sells from a place, and what it asks for a product now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from bot.chat.nodes import Bold, Code, Text
from bot.errors import BadArgument, Declined, OutsideError, Refusal
from bot.ports import StoreConnector, StorePrice
from bot.words import _

_log = structlog.get_logger(__name__)

_PATIENCE = 5.0  # seconds that somebody waits for a store


@dataclass(frozen=True, slots=True)
class Outlet:
    """A connected store, and the codes of the locations it sells from; none: all."""

    connector: StoreConnector
    locations: frozenset[str] = frozenset()

    def sells_from(self, location: str) -> bool:
        """Whether goods of the location are sold there."""
        return not self.locations or location in self.locations


class Outlets:
    """The connected stores by name."""

    def __init__(self, outlets: Mapping[str, Outlet]) -> None:
        self._outlets = outlets

    @property
    def connectors(self) -> Mapping[str, StoreConnector]:
        """What calls each of them."""
        return {name: outlet.connector for name, outlet in self._outlets.items()}

    def sellers(self, location: str) -> list[str]:
        """The names of those that sell from a location."""
        return [name for name, outlet in sorted(self._outlets.items()) if outlet.sells_from(location)]

    def choose(self, location: str, wanted: str = "") -> str:
        """The store that sells from a location; Refusal where none does, or several and none is named."""
        sellers = self.sellers(location)
        if wanted:
            if wanted in sellers:
                return wanted
            raise BadArgument(
                _(
                    "{store} does not sell from there; these do: {stores}.",
                    store=Code(wanted),
                    stores=Text(", ".join(sellers) or "–"),
                )
            )
        if not sellers:
            raise Refusal(
                _(
                    "No store is connected that sells from {place}; whoever runs Stocktide can connect one.",
                    place=Bold(Text(location)),
                )
            )
        if len(sellers) > 1:
            raise BadArgument(
                _(
                    "Several stores sell from {place}: {stores}. Name one at the end: {example}.",
                    place=Bold(Text(location)),
                    stores=Text(", ".join(sellers)),
                    example=Code(f"store={sellers[0]}"),
                )
            )
        return sellers[0]

    async def seen(self, store: str, sku: str) -> StorePrice | None:
        """What a store asks now, None where it does not answer in time; Refusal where it does not sell the product."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._outlets[store].connector.price(sku)
        except Declined as error:
            _log.info("a store does not tell a price", store=store, sku=sku, error=str(error))
            raise Refusal(_("{store} does not sell {sku}.", store=Bold(Text(store)), sku=Code(sku))) from error
        except (OutsideError, TimeoutError) as error:
            _log.warning("a store did not answer", store=store, error=str(error))
            return None
